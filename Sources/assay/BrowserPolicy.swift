// What a browser may do in somebody's name: scripts of foreign pages reach a server on loopback, and its
// development keys would let them in (DNS rebinding, cross-site WebSockets; RFC 6455 §10.2, RFC 6454).

import Basics
import Signal

/// Which values of the fields Host and Origin `serve` accepts.
struct BrowserPolicy {
  /// With development keys nothing but these fields tells a page of ours from a foreign one.
  let isDevelopment: Bool
  /// As `--allow-origin` names them; `*` is every one. Empty for the server's own, and with real keys,
  /// which each request has to show, for every one.
  let origins: [String]
  /// Names beside IP addresses and `localhost` under which the server is known.
  let hosts: [String]

  /// Why the request is not answered; nil where it is.
  func refusal(of request: StreamRequest) -> StreamResponse? {
    let isOpenToAll = isOpenInDevelopment(request)
    if isDevelopment, isOpenToAll, let host = request.header("host"), !isOwn(host: host) {
      return BrowserPolicy.refusal("unknown host; serve takes --allow-host NAME")
    }
    guard isOpenToAll || request.kind == .webSocket, let origin = request.header("origin"),
      !isAllowed(origin, host: request.header("host") ?? "")
    else { return nil }
    return BrowserPolicy.refusal("foreign origin; serve takes --allow-origin ORIGIN")
  }

  private static func refusal(_ text: String) -> StreamResponse {
    StreamResponse(
      status: 403, headers: [("content-type", "text/plain; charset=utf-8")],
      body: Array(text.utf8))
  }

  /// What needs no token in development. WHIP, WHEP and the API need one always, in a field that only
  /// their own scripts set.
  private func isOpenInDevelopment(_ request: StreamRequest) -> Bool {
    switch RequestTarget(request.target)?.path {
    case "/network", "/api/video/token": true
    default: false
    }
  }

  private func isAllowed(_ origin: String, host: String) -> Bool {
    if origins.contains("*") || origins.contains(origin.lowercased()) { return true }
    guard isDevelopment || !origins.isEmpty else { return true }
    guard let scheme = ["http://", "https://"].first(where: { origin.lowercased().hasPrefix($0) })
    else { return false }
    let authority = origin.dropFirst(scheme.count).lowercased()
    if authority == host.lowercased() { return true }
    return isDevelopment && BrowserPolicy.isLoopback(BrowserPolicy.name(in: authority))
  }

  /// A name without a dot is no name of the public DNS, so that nobody there can point it here.
  private func isOwn(host: String) -> Bool {
    let name = BrowserPolicy.name(in: host.lowercased())
    return IPAddress(name) != nil || !name.contains(".") || BrowserPolicy.isLoopback(name)
      || hosts.contains(name)
  }

  private static func isLoopback(_ name: String) -> Bool {
    name == "localhost" || name.hasSuffix(".localhost") || name == "::1"
      || IPAddress(name).map { $0.family == .v4 && $0.low >> 24 == 127 } == true
  }

  /// The host of `host:port` (RFC 3986 §3.2.2), without the brackets of an IPv6 address.
  private static func name(in authority: String) -> String {
    if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
      return String(authority[authority.index(after: authority.startIndex)..<end])
    }
    return String(authority.prefix { $0 != ":" })
  }
}

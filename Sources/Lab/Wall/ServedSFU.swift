// An SFU on real sockets that a scenario is run against: where it is, and what it takes to be let in.

import Basics
import Foundation
import Signal

public struct ServedSFU: Sendable {
  /// How its clients talk to it.
  public enum Kind: String, Sendable, CaseIterable {
    /// LiveKit's signalling: LiveKit's own server, and `assay serve`.
    case liveKit = "livekit"
    /// Janus's VideoRoom over its WebSocket API.
    case janus
    /// WHIP (RFC 9725) to publish, WHEP to play.
    case whip

    var standardPort: Int {
      switch self {
      case .liveKit: 7_880
      case .janus: 8_188
      case .whip: 80
      }
    }

    /// Whether its clients must present access tokens.
    public var takesTokens: Bool { self == .liveKit }
  }

  public var kind: Kind
  /// As it was given, without a secret.
  public var url: String
  public var host: String
  public var port: UInt16
  /// Path of the URL without a slash at its end; empty for the root.
  public var path: String
  /// Of a WHIP server: path and query of the endpoint that plays; nil where none was given.
  var playTarget: String?
  /// The key that tokens are signed with, one of `keys`.
  public var apiKey = ""
  public var keys = APIKeys([:])
  /// How late the bots may be before the run proves nothing: the 99th percentile by time
  /// (`HarnessLimits`, whose other limits follow from it).
  public var lagLimit = Duration.milliseconds(10)
  /// Its process on this machine; nil to find it by its port.
  public var process: Int?
  /// How long the SFU may take to answer at all.
  public var patience = Duration.seconds(10)

  /// Reads `ws://127.0.0.1:7880`, or with the kind before it `livekit:ws://…`, and
  /// `whip:http://HOST:PORT/PUBLISH,/PLAY`, where `{room}` and `{identity}` stand for the room and the
  /// publisher.
  /// - Throws: `RunError.badTarget`.
  public init(url: String) throws {
    self.url = url
    var rest = Substring(url)
    kind = .liveKit
    if let named = Kind.allCases.first(where: { url.hasPrefix($0.rawValue + ":") }) {
      kind = named
      rest = rest.dropFirst(named.rawValue.count + 1)
    }
    if kind == .whip, let comma = rest.firstIndex(of: ",") {
      playTarget = String(rest[rest.index(after: comma)...])
      rest = rest[..<comma]
    }
    guard let parts = URLComponents(string: String(rest)), let scheme = parts.scheme,
      let host = parts.host, !host.isEmpty
    else { throw RunError.badTarget(url, "not a URL such as ws://127.0.0.1:7880") }
    guard ["ws", "http"].contains(scheme) else {
      let isSecure = ["wss", "https"].contains(scheme)
      throw RunError.badTarget(
        url,
        isSecure
          ? "the bots speak no TLS; give the SFU's plain port, with ws://"
          : "'\(scheme)' is neither ws nor http")
    }
    self.host = host
    guard kind != .whip || scheme == "http" else {
      throw RunError.badTarget(url, "WHIP is spoken over HTTP: whip:http://HOST:PORT/PUBLISH,/PLAY")
    }
    guard kind != .janus || scheme == "ws" else {
      throw RunError.badTarget(
        url, "Janus is spoken to over its WebSocket transport: janus:ws://HOST:8188")
    }
    guard let port = UInt16(exactly: parts.port ?? kind.standardPort), port > 0 else {
      throw RunError.badTarget(url, "a port is between 1 and 65535")
    }
    self.port = port
    guard kind == .whip else {
      path = parts.path.hasSuffix("/") ? String(parts.path.dropLast()) : parts.path
      return
    }
    // As it was written, with its query and braces.
    let authority = rest.firstRange(of: "://")!.upperBound
    path = rest[authority...].firstIndex(of: "/").map { String(rest[$0...]) } ?? ""
    guard !path.isEmpty, playTarget?.hasPrefix("/") ?? true else {
      throw RunError.badTarget(
        url,
        "give both endpoints: whip:http://HOST:PORT/PUBLISH,/PLAY, the second on the same server")
    }
  }

  /// What a request line says where nothing more is asked for.
  var target: String { path.isEmpty ? "/" : path }

  /// Its IPv4 address.
  /// - Throws: `RunError.badTarget` for a name that nobody knows.
  func address() throws -> Address {
    if let ip = IPAddress(host) {
      guard ip.family == .v4 else {
        throw RunError.badTarget(url, "the bots speak IPv4 only; give an IPv4 address")
      }
      return Address(ip, port: port)
    }
    var hints = addrinfo()
    hints.ai_family = AF_INET
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, nil, &hints, &found) == 0, let first = found,
      let socketAddress = first.pointee.ai_addr
    else { throw RunError.badTarget(url, "no IPv4 address is known for '\(host)'") }
    defer { freeaddrinfo(found) }
    let ip = socketAddress.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
      UInt32(bigEndian: $0.pointee.sin_addr.s_addr)
    }
    return Address(IPAddress(v4: ip), port: port)
  }
}

// Sessions with plain HTTP in place of signalling, as WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep)
// have them in common: one transport, candidates and ICE restarts by PATCH, the end by DELETE.
//
//   POST /whip/v1, /whep/v1    the offer -> 201, the answer, Location, ETag, Link
//   PATCH …/<id>               candidates -> 204, or new ICE credentials -> 200
//   DELETE …/<id>              the end -> 200

import Basics
import Signal
import Transport
import Wire

enum HTTPSignalling: String {
  case whip = "/whip/v1"
  case whep = "/whep/v1"

  static let description = "application/sdp"
  static let fragment = "application/trickle-ice-sdpfrag"

  /// The one whose endpoint, or a session of it, this path names.
  init?(path: String) {
    let all = [HTTPSignalling.whip, .whep]
    guard let match = all.first(where: { $0.rest(of: path) != nil }) else { return nil }
    self = match
  }

  /// Behind the endpoint: empty, or a slash and a session's id.
  func rest(of path: String) -> Substring? {
    guard path.hasPrefix(rawValue) else { return nil }
    let rest = path.dropFirst(rawValue.count)
    return rest.isEmpty || rest.first == "/" ? rest : nil
  }

  /// The transport of a participant that it uses.
  var target: SignalTarget { self == .whip ? .publisher : .subscriber }
}

/// What a client over HTTP negotiated.
struct HTTPSession {
  let kind: HTTPSignalling
  /// The last part of its URL, which nobody can guess.
  let id: String
  /// Names the ICE session (RFC 9725 §4.3.1).
  var etag: String
  var remote: RemoteTransportDescription
  let mids: [String]
  /// Where a player takes streams, in the order of its offer; empty for a publisher.
  var sections: [PlayedSection] = []
  /// The identity whose tracks a player wants; nil for everybody's.
  var plays: String?
}

extension SFU {
  /// Answers a request to an endpoint, or to a session below it.
  func answer(
    _ kind: HTTPSignalling, _ request: StreamRequest, _ target: RequestTarget, at now: Instant,
    into outbox: inout Outbox
  ) -> StreamResponse {
    let path = kind.rest(of: target.path) ?? ""
    do throws(Refusal) {
      switch (request.method, path.isEmpty) {
      case ("OPTIONS", _): return .options(links)
      case ("HEAD", _) where kind == .whep:
        return StreamResponse(http: 200, [("content-type", HTTPSignalling.description)])
      case ("GET", _), ("HEAD", _): return StreamResponse(http: 204)
      case ("POST", true):
        return kind == .whip
          ? try openWHIP(request, target, at: now, into: &outbox)
          : try openWHEP(request, target, at: now, into: &outbox)
      case ("PATCH", false):
        let participant = try session(kind, path.dropFirst(), request, target, at: now)
        return try participant.patchSession(request, at: now)
      case ("DELETE", false):
        try session(kind, path.dropFirst(), request, target, at: now)
          .leave(reason: .clientInitiated, at: now, into: &outbox)
        return StreamResponse(http: 200)
      default:
        let allowed = path.isEmpty ? "OPTIONS, GET, POST" : "OPTIONS, GET, PATCH, DELETE"
        return StreamResponse(http: 405, [("allow", allowed)])
      }
    } catch {
      note(error, of: request)
      return StreamResponse(
        http: error.status, error.status == 503 ? [("retry-after", "5")] : [], body: error.text)
    }
  }

  /// The offer of a request whose token is good.
  func offer(
    in request: StreamRequest
  ) throws(Refusal) -> (SessionDescription, RemoteTransportDescription) {
    guard request.mediaType == HTTPSignalling.description else {
      throw Refusal(status: 415, text: "not \(HTTPSignalling.description)")
    }
    let text = String(decoding: request.body, as: UTF8.self)
    guard let offer = try? SessionDescription(parsing: text),
      let remote = RemoteTransportDescription(offer)
    else { throw Refusal(status: 400, text: "not an offer") }
    return (offer, remote)
  }

  /// The participant whose session this is, if the token is its own.
  private func session(
    _ kind: HTTPSignalling, _ id: Substring, _ request: StreamRequest, _ target: RequestTarget,
    at now: Instant
  ) throws(Refusal) -> Participant {
    let admission = try authorise(request, target, at: now).get()
    guard
      let participant = rooms.flatMap(\.participants).first(where: {
        $0.http?.id == String(id) && $0.http?.kind == kind
      }),
      participant.identity == admission.token.identity, participant.room.name == admission.room
    else { throw .unknownPath }
    return participant
  }

  /// ICE servers for the client (RFC 9725 §4.6).
  var links: [(name: String, value: String)] {
    configuration.iceServers.flatMap { server in
      server.urls.map { url in
        var link = "<\(url)>; rel=\"ice-server\""
        if !server.username.isEmpty {
          link += "; username=\"\(server.username)\"; credential=\"\(server.credential)\""
          link += "; credential-type=\"password\""
        }
        return ("link", link)
      }
    }
  }
}

extension Participant {
  /// The session as it begins, and the response that says so.
  func begin(
    _ kind: HTTPSignalling, _ remote: RemoteTransportDescription, mids: [String], answer: String
  ) -> (HTTPSession, StreamResponse) {
    let session = HTTPSession(
      kind: kind, id: random.string(24, from: SID.alphabet), etag: newETag(), remote: remote,
      mids: mids)
    let response = StreamResponse(
      http: 201,
      [
        ("location", "\(kind.rawValue)/\(session.id)"), ("etag", session.etag),
        ("content-type", HTTPSignalling.description),
      ] + sfu.links,
      body: answer)
    return (session, response)
  }

  private func newETag() -> String { "\"\(random.string(12, from: SID.alphabet))\"" }

  /// Candidates for the ICE session that If-Match names; with `*`, a new one (RFC 9725 §4.3).
  fileprivate func patchSession(
    _ request: StreamRequest, at now: Instant
  ) throws(Refusal) -> StreamResponse {
    guard var session = http else { throw .unknownPath }
    guard request.mediaType == HTTPSignalling.fragment else {
      throw Refusal(status: 415, text: "not \(HTTPSignalling.fragment)")
    }
    guard let tag = request.header("if-match") else {
      throw Refusal(status: 428, text: "If-Match is missing")
    }
    guard let fragment = ICEFragment(String(decoding: request.body, as: UTF8.self)) else {
      throw Refusal(status: 400, text: "not a fragment")
    }
    let target = session.kind.target
    guard tag == "*" else {
      guard tag == session.etag else {
        throw Refusal(status: 412, text: "another ICE session")
      }
      for candidate in fragment.candidates { add(candidate, to: target, at: now) }
      return StreamResponse(http: 204)
    }
    guard let credentials = fragment.credentials, credentials != session.remote.credentials else {
      throw Refusal(status: 422, text: "a restart needs new credentials")
    }
    session.remote.credentials = credentials
    session.remote.candidates = fragment.candidates
    session.etag = newETag()
    http = session
    if target == .publisher {
      publisherPeer = credentials
      publisher.restartICE()
      publisher.setRemote(session.remote, dtlsRole: .server, at: now)
    } else {
      subscriber.restartICE()
      subscriber.setRemote(session.remote, dtlsRole: .server, at: now)
    }
    sfu.register(self, target)
    return StreamResponse(
      http: 200, [("etag", session.etag), ("content-type", HTTPSignalling.fragment)],
      body: ICEFragment.text(localTransport(of: target, setup: .passive), mids: session.mids))
  }

  func add(_ candidate: RemoteCandidate, to target: SignalTarget, at now: Instant) {
    if target == .publisher {
      publisher.addRemoteCandidate(candidate, at: now)
    } else {
      subscriber.addRemoteCandidate(candidate, at: now)
    }
  }
}

/// The ICE lines of a part of a description (RFC 8840 §9).
struct ICEFragment {
  /// Nil where the fragment names none.
  var credentials: ICECredentials?
  var candidates: [RemoteCandidate] = []

  /// Nil for what has other lines than a description, or half of the credentials.
  init?(_ text: String) {
    var ufrag: String?
    var password: String?
    for line in text.split(whereSeparator: \.isNewline) {
      guard line.dropFirst().first == "=" else { return nil }
      if line.hasPrefix("a=ice-ufrag:") { ufrag = String(line.dropFirst(12)) }
      if line.hasPrefix("a=ice-pwd:") { password = String(line.dropFirst(10)) }
      guard line.hasPrefix("a=candidate:") else { continue }
      // One that we cannot use is left out (RFC 8839 §5.1).
      if let remote = Candidate(String(line.dropFirst(2))).flatMap({ RemoteCandidate($0) }) {
        candidates.append(remote)
      }
    }
    guard (ufrag == nil) == (password == nil) else { return nil }
    if let ufrag, let password { credentials = ICECredentials(ufrag: ufrag, password: password) }
  }

  static func text(_ transport: LocalTransport, mids: [String]) -> String {
    let group = mids.map { " \($0)" }.joined()
    var text = "a=ice-lite\r\na=group:BUNDLE\(group)\r\n"
    text += "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:\(mids.first ?? "0")\r\n"
    text += "a=ice-ufrag:\(transport.credentials.ufrag)\r\n"
    text += "a=ice-pwd:\(transport.credentials.password)\r\n"
    for candidate in transport.candidates { text += "a=\(candidate)\r\n" }
    return text + "a=end-of-candidates\r\n"
  }
}

extension StreamResponse {
  /// Scripts of every origin may read it.
  fileprivate init(
    http status: Int, _ headers: [(name: String, value: String)] = [], body: String = ""
  ) {
    self.init(
      status: status,
      headers: headers + [
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", "Location, ETag, Link"),
      ],
      body: Array(body.utf8))
  }

  fileprivate static func options(_ links: [(name: String, value: String)]) -> StreamResponse {
    StreamResponse(
      http: 200,
      [
        ("accept-post", HTTPSignalling.description), ("accept-patch", HTTPSignalling.fragment),
        ("access-control-allow-methods", "OPTIONS, GET, HEAD, POST, PATCH, DELETE"),
        ("access-control-allow-headers", "Authorization, Content-Type, If-Match"),
      ] + links)
  }
}

// Sessions with plain HTTP in place of signalling, as WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep)
// have them in common: one transport, candidates and ICE restarts by PATCH, the end by DELETE.
//
//   POST /whip/v1, /whep/v1    the offer -> 201, the answer, Location, ETag, Link
//   PATCH …/<id>               candidates -> 204, or new ICE credentials -> 200
//   DELETE …/<id>              the end -> 200

import Basics
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
  var target: TransportTarget { self == .whip ? .publisher : .subscriber }
}

/// The endpoints: what both have in common, before `open` tells them apart.
extension HTTPSignalling: Signalling {
  func answer(
    _ request: StreamRequest, _ target: RequestTarget, on sfu: SFU, at now: Instant,
    into outbox: inout Outbox
  ) -> StreamResponse? {
    guard let path = rest(of: target.path) else { return nil }
    do throws(Refusal) {
      switch (request.method, path.isEmpty) {
      case ("OPTIONS", _): return .options(sfu.links)
      case ("HEAD", _) where self == .whep:
        return StreamResponse(http: 200, [("content-type", HTTPSignalling.description)])
      case ("GET", _), ("HEAD", _): return StreamResponse(http: 204)
      case ("POST", true):
        return self == .whip
          ? try sfu.openWHIP(request, target, at: now, into: &outbox)
          : try sfu.openWHEP(request, target, at: now, into: &outbox)
      case ("PATCH", false):
        let session = try sfu.session(self, path.dropFirst(), request, target, at: now)
        return try session.channel.patch(request, session.participant, at: now)
      case ("DELETE", false):
        let session = try sfu.session(self, path.dropFirst(), request, target, at: now)
        session.participant.leave(reason: .clientInitiated, at: now, into: &outbox)
        return StreamResponse(http: 200)
      default:
        let allowed = path.isEmpty ? "OPTIONS, GET, POST" : "OPTIONS, GET, PATCH, DELETE"
        return StreamResponse(http: 405, [("allow", allowed)])
      }
    } catch {
      sfu.note(error, of: request)
      return StreamResponse(
        http: error.status, error.status == 503 ? [("retry-after", "5")] : [], body: error.text)
    }
  }
}

extension SFU {
  /// The offer of a request whose token is good.
  func offer(in request: StreamRequest) throws(Refusal) -> SessionDescription {
    guard request.mediaType == HTTPSignalling.description else {
      throw Refusal(status: 415, text: "not \(HTTPSignalling.description)")
    }
    do throws(SDPError) {
      return try SessionDescription(parsing: String(decoding: request.body, as: UTF8.self))
    } catch {
      throw Refusal(.malformed(error))
    }
  }

  /// The client's transport as section `tagged` of its offer has it, and our role in DTLS.
  func transport(
    of offer: SessionDescription, tagged: Int
  ) throws(Refusal) -> (RemoteTransportDescription, DTLSRole) {
    do throws(NegotiationFault) {
      let remote = try RemoteTransportDescription(offer, section: tagged)
      return (remote, try DTLSRole(answeringTo: remote.setup))
    } catch {
      throw Refusal(error, section: tagged, offer.media[tagged])
    }
  }

  /// The participant whose session this is, if the token is its own.
  fileprivate func session(
    _ kind: HTTPSignalling, _ id: Substring, _ request: StreamRequest, _ target: RequestTarget,
    at now: Instant
  ) throws(Refusal) -> (participant: Participant, channel: HTTPChannel) {
    let admission = try admit(request, target, at: now)
    for participant in rooms.flatMap(\.participants) {
      guard let channel = participant.channel as? HTTPChannel, channel.kind == kind,
        channel.id == String(id)
      else { continue }
      guard participant.identity == admission.identity, participant.room.name == admission.room
      else { throw .unknownPath }
      return (participant, channel)
    }
    throw .unknownPath
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
  init(
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

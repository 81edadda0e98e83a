// Publishing with plain HTTP in place of signalling (RFC 9725): a participant with a publisher
// transport only.
//
//   POST /whip/v1          the offer -> 201, the answer, Location, ETag
//   PATCH /whip/v1/<id>    candidates -> 204, or new ICE credentials -> 200
//   DELETE /whip/v1/<id>   the end -> 200

import Basics
import Signal
import Transport
import Wire

enum WHIP {
  static let endpoint = "/whip/v1"
  static let description = "application/sdp"
  static let fragment = "application/trickle-ice-sdpfrag"
}

/// What a publisher over WHIP negotiated.
struct WHIPSession {
  /// The last part of its URL, which nobody can guess.
  let id: String
  /// Names the ICE session (RFC 9725 §4.3.1).
  var etag: String
  var remote: RemoteTransportDescription
  let mids: [String]
}

extension SFU {
  /// Answers a request to the endpoint, or to a session below it.
  func answerWHIP(
    _ request: StreamRequest, _ target: RequestTarget, at now: Instant, into outbox: inout Outbox
  ) -> StreamResponse {
    let path = target.path.dropFirst(WHIP.endpoint.count)
    guard path.isEmpty || path.first == "/" else { return Refusal.unknownPath.response }
    do throws(Refusal) {
      switch (request.method, path.isEmpty) {
      case ("OPTIONS", _): return .whipOptions
      case ("GET", _), ("HEAD", _): return StreamResponse(whip: 204)
      case ("POST", true):
        return try openWHIP(request, target, at: now, into: &outbox)
      case ("PATCH", false):
        let participant = try session(path.dropFirst(), request, target, at: now)
        return try participant.patchWHIP(request, at: now)
      case ("DELETE", false):
        try session(path.dropFirst(), request, target, at: now)
          .leave(reason: .clientInitiated, at: now, into: &outbox)
        return StreamResponse(whip: 200)
      default:
        let allowed = path.isEmpty ? "OPTIONS, GET, POST" : "OPTIONS, GET, PATCH, DELETE"
        return StreamResponse(whip: 405, [("allow", allowed)])
      }
    } catch {
      return error.response
    }
  }

  private func openWHIP(
    _ request: StreamRequest, _ target: RequestTarget, at now: Instant, into outbox: inout Outbox
  ) throws(Refusal) -> StreamResponse {
    var admission = try authorise(request, target, at: now).get()
    guard admission.token.video.mayPublish else {
      throw Refusal(status: 403, text: "no permission to publish")
    }
    guard request.mediaType == WHIP.description else {
      throw Refusal(status: 415, text: "not \(WHIP.description)")
    }
    let text = String(decoding: request.body, as: UTF8.self)
    guard var offer = try? SessionDescription(parsing: text),
      let remote = RemoteTransportDescription(offer)
    else { throw Refusal(status: 400, text: "not an offer") }
    let tracks = offer.nameTracksByMid()
    guard !tracks.isEmpty else { throw Refusal(status: 422, text: "nothing is offered") }
    admission.query.autoSubscribe = false
    let participant = participant(admission, on: nil, at: now, into: &outbox)
    participant.room.join(participant, at: now, into: &outbox)
    return participant.openWHIP(offer, remote, tracks, at: now, into: &outbox)
  }

  /// The publisher whose session this is, if the token is its own.
  private func session(
    _ id: Substring, _ request: StreamRequest, _ target: RequestTarget, at now: Instant
  ) throws(Refusal) -> Participant {
    let admission = try authorise(request, target, at: now).get()
    guard
      let participant = rooms.flatMap(\.participants).first(where: { $0.whip?.id == String(id) }),
      participant.identity == admission.token.identity, participant.room.name == admission.room
    else { throw .unknownPath }
    return participant
  }
}

extension Participant {
  fileprivate func openWHIP(
    _ offer: SessionDescription, _ remote: RemoteTransportDescription,
    _ offered: [AddTrackRequest], at now: Instant, into outbox: inout Outbox
  ) -> StreamResponse {
    for request in offered.prefix(SFULimits.tracksPerParticipant)
    where rights.mayPublish(request.source) {
      let sid = "TR_" + random.string(12, from: SID.alphabet)
      tracks.append(PublishedTrack(request, sid: sid, publisher: self, at: now))
    }
    publisherPeer = remote.credentials
    publisher.setRemote(remote, dtlsRole: .server, at: now)
    let (answer, sections) = PublisherAnswer.make(
      to: offer, transport: localTransport(of: .publisher, setup: .passive)
    ) { section in tracks.contains { $0.cid == section.msid?.track } }
    for section in sections {
      tracks.first { $0.cid == section.trackID }?.bind(section, pool: outbox.pool, at: now)
    }
    tracks.removeAll { $0.section == nil }
    let session = WHIPSession(
      id: random.string(24, from: SID.alphabet), etag: newETag(), remote: remote,
      mids: sections.map(\.mid))
    whip = session
    return StreamResponse(
      whip: 201,
      [
        ("location", "\(WHIP.endpoint)/\(session.id)"), ("etag", session.etag),
        ("content-type", WHIP.description),
      ],
      body: answer.description)
  }

  private func newETag() -> String { "\"\(random.string(12, from: SID.alphabet))\"" }

  /// Candidates for the ICE session that If-Match names; with `*`, a new one (RFC 9725 §4.3).
  fileprivate func patchWHIP(
    _ request: StreamRequest, at now: Instant
  ) throws(Refusal) -> StreamResponse {
    guard var session = whip else { throw .unknownPath }
    guard request.mediaType == WHIP.fragment else {
      throw Refusal(status: 415, text: "not \(WHIP.fragment)")
    }
    guard let tag = request.header("if-match") else {
      throw Refusal(status: 428, text: "If-Match is missing")
    }
    guard let fragment = ICEFragment(String(decoding: request.body, as: UTF8.self)) else {
      throw Refusal(status: 400, text: "not a fragment")
    }
    guard tag == "*" else {
      guard tag == session.etag else {
        throw Refusal(status: 412, text: "another ICE session")
      }
      for candidate in fragment.candidates { publisher.addRemoteCandidate(candidate, at: now) }
      return StreamResponse(whip: 204)
    }
    guard let credentials = fragment.credentials, credentials != session.remote.credentials else {
      throw Refusal(status: 422, text: "a restart needs new credentials")
    }
    session.remote.credentials = credentials
    session.remote.candidates = fragment.candidates
    session.etag = newETag()
    whip = session
    publisherPeer = credentials
    publisher.restartICE()
    sfu.register(self, .publisher)
    publisher.setRemote(session.remote, dtlsRole: .server, at: now)
    return StreamResponse(
      whip: 200, [("etag", session.etag), ("content-type", WHIP.fragment)],
      body: ICEFragment.text(localTransport(of: .publisher, setup: .passive), mids: session.mids))
  }
}

extension SessionDescription {
  /// Gives every section that sends its mid as the name of its track, since WHIP announces none.
  fileprivate mutating func nameTracksByMid() -> [AddTrackRequest] {
    var tracks: [AddTrackRequest] = []
    for index in media.indices {
      guard media[index].isRTP, !media[index].isRejected, direction(of: media[index]).sends,
        let mid = media[index].mid
      else { continue }
      media[index].msids = [MediaStreamID(stream: "whip", track: mid)]
      let isVideo = media[index].kind == .video
      tracks.append(
        AddTrackRequest {
          $0.cid = mid
          $0.type = isVideo ? .video : .audio
          $0.source = isVideo ? .camera : .microphone
          $0.stream = "whip"
        })
    }
    return tracks
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
    whip status: Int, _ headers: [(name: String, value: String)] = [], body: String = ""
  ) {
    self.init(
      status: status,
      headers: headers + [
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", "Location, ETag"),
      ],
      body: Array(body.utf8))
  }

  fileprivate static let whipOptions = StreamResponse(
    whip: 200,
    [
      ("accept-post", WHIP.description), ("accept-patch", WHIP.fragment),
      ("access-control-allow-methods", "OPTIONS, GET, POST, PATCH, DELETE"),
      ("access-control-allow-headers", "Authorization, Content-Type, If-Match"),
    ])
}

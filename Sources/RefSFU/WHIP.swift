// Publishing over WHIP (RFC 9725): a participant with a publisher transport only.

import Basics
import Signal
import Transport
import Wire

extension SFU {
  func openWHIP(
    _ request: StreamRequest, _ target: RequestTarget, at now: Instant, into outbox: inout Outbox
  ) throws(Refusal) -> StreamResponse {
    var admission = try authorise(request, target, at: now).get()
    guard admission.token.video.mayPublish else {
      throw Refusal(status: 403, text: "no permission to publish")
    }
    var (offer, remote) = try offer(in: request)
    let tracks = offer.nameTracksByMid()
    guard !tracks.isEmpty else { throw Refusal(status: 422, text: "nothing is offered") }
    admission.query.autoSubscribe = false
    let participant = participant(admission, on: nil, at: now, into: &outbox)
    participant.room.join(participant, at: now, into: &outbox)
    return participant.openWHIP(offer, remote, tracks, at: now, into: &outbox)
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
    let (session, response) = begin(
      .whip, remote, mids: sections.map(\.mid), answer: answer.description)
    http = session
    return response
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

// Publishing over WHIP (RFC 9725): a participant with a publisher transport only.

import Basics
import Transport
import Wire

extension SFU {
  func openWHIP(
    _ request: StreamRequest, _ target: RequestTarget, at now: Instant, into outbox: inout Outbox
  ) throws(Refusal) -> StreamResponse {
    var admission = try admit(request, target, at: now)
    guard admission.rights.mayPublish else {
      throw Refusal(status: 403, text: "no permission to publish")
    }
    var (offer, remote) = try offer(in: request)
    let tracks = offer.nameTracksByMid()
    guard !tracks.isEmpty else { throw Refusal(status: 422, text: "nothing is offered") }
    admission.subscribesByItself = false
    let channel = HTTPChannel(.whip, remote)
    let participant = join(admission, over: channel, at: now, into: &outbox)
    let (answer, mids) = participant.publish(tracks, offer, remote, at: now, pool: outbox.pool)
    return channel.begin(participant, mids: mids, answer: answer)
  }
}

extension Participant {
  /// Takes the tracks of an offer that it may publish.
  /// - Returns: the answer, and the mids of the sections that are taken.
  fileprivate func publish(
    _ offered: [TrackAnnouncement], _ offer: SessionDescription,
    _ remote: RemoteTransportDescription, at now: Instant, pool: PacketPool
  ) -> (answer: String, mids: [String]) {
    for announcement in offered.prefix(SFULimits.tracksPerParticipant)
    where rights.mayPublish(announcement.source) {
      announce(announcement, at: now)
    }
    publisherPeer = remote.credentials
    publisher.setRemote(remote, dtlsRole: .server, at: now)
    let (answer, sections) = PublisherAnswer.make(
      to: offer, transport: localTransport(of: .publisher, setup: .passive)
    ) { section in tracks.contains { $0.cid == section.msid?.track } }
    for section in sections {
      tracks.first { $0.cid == section.trackID }?.bind(section, pool: pool, at: now)
    }
    tracks.removeAll { $0.section == nil }
    return (answer.description, sections.map(\.mid))
  }
}

extension SessionDescription {
  /// Gives every section that sends its mid as the name of its track, since WHIP announces none.
  fileprivate mutating func nameTracksByMid() -> [TrackAnnouncement] {
    var tracks: [TrackAnnouncement] = []
    for index in media.indices {
      guard media[index].isRTP, !media[index].isRejected, direction(of: media[index]).sends,
        let mid = media[index].mid
      else { continue }
      media[index].msids = [MediaStreamID(stream: "whip", track: mid)]
      let isVideo = media[index].kind == .video
      tracks.append(
        TrackAnnouncement(
          cid: mid, kind: isVideo ? .video : .audio, source: isVideo ? .camera : .microphone,
          stream: "whip"))
    }
    return tracks
  }
}

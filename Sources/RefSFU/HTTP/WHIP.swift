// Publishing over WHIP (RFC 9725): a participant with a publisher transport only.

import Basics
import Transport
import Wire

extension SFU {
  /// A session for an offer that is taken whole; half of one is none (RFC 9725 §4.4).
  func openWHIP(
    _ request: StreamRequest, _ target: RequestTarget, at now: Instant, into outbox: inout Outbox
  ) throws(Refusal) -> StreamResponse {
    var admission = try admit(request, target, at: now)
    let rights = admission.rights
    guard rights.mayPublish else {
      throw Refusal(status: 403, text: "no permission to publish")
    }
    let offer = try offer(in: request)
    let tracks = offer.ingestedTracks
    let answer = PublisherAnswer(
      to: offer, sendsOnly: true,
      trackIDs: tracks.map { track in
        track.flatMap { rights.mayPublish($0.source) ? $0.cid : nil }
      })
    try answer.requireWhole()
    guard let tagged = answer.tagged else { throw Refusal(.nothingToTake) }
    let (remote, role) = try transport(of: offer, tagged: tagged)
    admission.subscribesByItself = false
    let channel = HTTPChannel(.whip, remote)
    let participant = join(admission, over: channel, at: now, into: &outbox)
    let text = participant.publish(
      tracks.compactMap(\.self), answer, remote, role, at: now, pool: outbox.pool)
    return channel.begin(participant, mids: answer.sections.map(\.mid), answer: text)
  }
}

extension Participant {
  /// Publishes what the answer takes.
  /// - Returns: the answer's text.
  fileprivate func publish(
    _ offered: [TrackAnnouncement], _ answer: PublisherAnswer,
    _ remote: RemoteTransportDescription, _ role: DTLSRole, at now: Instant, pool: PacketPool
  ) -> String {
    for section in answer.sections {
      guard let announcement = offered.first(where: { $0.cid == section.trackID }) else { continue }
      announce(announcement, at: now).bind(section, pool: pool, at: now)
    }
    publisherPeer = remote.credentials
    publisher.setRemote(remote, dtlsRole: role, at: now)
    answers += 1
    return answer.description(
      sessionID: sessionID(of: .publisher), version: answers,
      transport: localTransport(of: .publisher, setup: role.setup)
    ).description
  }
}

extension SessionDescription {
  /// For every section that sends media the track that it is: WHIP announces none.
  fileprivate var ingestedTracks: [TrackAnnouncement?] {
    media.enumerated().map { index, section in
      guard section.isRTP, !section.isRejected, direction(of: section).sends else { return nil }
      let isVideo = section.kind == .video
      return TrackAnnouncement(
        cid: section.mid ?? String(index), kind: isVideo ? .video : .audio,
        source: isVideo ? .camera : .microphone, stream: "whip")
    }
  }
}

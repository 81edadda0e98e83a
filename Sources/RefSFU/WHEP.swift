// Playing over WHEP (draft-ietf-wish-whep): a participant with a subscriber transport only, for which
// the client offers. Each section it offers takes one track of its kind, as they come and go.

import Basics
import Signal
import Transport
import Wire

extension SFU {
  /// Everybody's tracks, or those of the participant named in the query as `publisher`.
  func openWHEP(
    _ request: StreamRequest, _ target: RequestTarget, at now: Instant, into outbox: inout Outbox
  ) throws(Refusal) -> StreamResponse {
    var admission = try authorise(request, target, at: now).get()
    guard admission.token.video.maySubscribe else {
      throw Refusal(status: 403, text: "no permission to subscribe")
    }
    let (offer, remote) = try offer(in: request)
    let (answer, sections) = PlayerAnswer.make(to: offer)
    guard !sections.isEmpty else { throw Refusal(status: 422, text: "nothing can be played") }
    admission.query.autoSubscribe = true
    let participant = participant(admission, on: nil, at: now, into: &outbox)
    return participant.openWHEP(
      answer, sections, remote, plays: target["publisher"], at: now, into: &outbox)
  }
}

extension Participant {
  fileprivate func openWHEP(
    _ answer: SessionDescription, _ offered: [PlayedSection], _ remote: RemoteTransportDescription,
    plays: String?, at now: Instant, into outbox: inout Outbox
  ) -> StreamResponse {
    subscriber.setRemote(remote, dtlsRole: .server, at: now)
    var sections = offered
    for index in sections.indices {
      sections[index].ssrc = UInt32(truncatingIfNeeded: random.next()) | 1
      sections[index].rtxSSRC = UInt32(truncatingIfNeeded: random.next()) | 1
    }
    let text = PlayerAnswer.text(
      answer, sections, stream: sid, transport: localTransport(of: .subscriber, setup: .passive))
    var (session, response) = begin(.whep, remote, mids: sections.map(\.mid), answer: text)
    session.sections = sections
    // One transport, so one set of numbers (RFC 8843 §9.2).
    if let section = sections.first(where: { $0.kind == .video }) ?? sections.first {
      downlink.number(section.extensions)
    }
    session.plays = plays
    http = session
    room.join(self, at: now, into: &outbox)
    return response
  }

  /// Takes a track in the first section that is free for it.
  func play(_ track: PublishedTrack, at now: Instant) {
    guard let session = http, session.plays.map({ $0 == track.publisher.identity }) ?? true,
      let codec = track.codec
    else { return }
    for (index, section) in session.sections.enumerated()
    where section.playing == nil && section.kind == codec.kind {
      guard let agreed = section.codecs.first(where: { $0.encoding == codec.encoding }) else {
        continue
      }
      http?.sections[index].playing = track.sid
      let subscription = Subscription(
        to: track, codec: agreed, for: self, ssrc: section.ssrc,
        rtxSSRC: agreed.rtxPayloadType == nil ? nil : section.rtxSSRC, at: now)
      subscription.place(
        mid: ShortName(section.mid) ?? ShortName("0")!, offerID: 0, extensions: section.extensions)
      begin(subscription)
      if state == .active { subscription.activate(at: now) }
      return
    }
  }

  /// The section that played the track may take another one.
  func stopPlaying(_ track: PublishedTrack, at now: Instant) {
    guard let index = http?.sections.firstIndex(where: { $0.playing == track.sid }) else { return }
    http?.sections[index].playing = nil
    for other in room.participants where other !== self && !other.hasLeft {
      for track in other.tracks where track.isLive { subscribeIfWanted(to: track, at: now) }
    }
  }
}

// LiveKit's /rtc/v1: one peer connection carries both directions, and every offer is the client's. Where
// it lacks sections for what it is to get, it is asked to offer more (pkg/rtc/transport.go,
// OnUnmatchedMedia).

import Basics
import Signal
import Wire

final class SinglePeerChannel: LiveKitChannel {
  private var sections = PlayedSections(namesTracks: true)
  /// Tracks that wait for a section.
  private var waiting: [PublishedTrack] = []

  override var endpoint: String { "/rtc/v1" }
  override var primary: TransportTarget { .publisher }
  override var downlink: TransportTarget { .publisher }

  override func subscribe(
    _ participant: Participant, to track: PublishedTrack, as codec: CodecProfile, at now: Instant
  ) {
    if let subscription = sections.subscribe(participant, to: track, as: codec, at: now) {
      participant.begin(subscription)
    } else if sections.mayTake(codec), !waiting.contains(where: { $0 === track }) {
      waiting.append(track)
    }
    participant.negotiation.request(at: now)
  }

  override func unsubscribed(
    _ participant: Participant, from subscription: Subscription, at now: Instant
  ) {
    sections.free(subscription, random: &participant.random)
    participant.egress.forgetStreams([subscription.ssrc, subscription.rtxSSRC], areOurs: true)
    participant.negotiation.request(at: now)
  }

  /// Which tracks still wait: others have ended, or are wanted no more.
  private func review(_ participant: Participant, at now: Instant) {
    let wanted = waiting.filter { track in
      track.isLive && !track.publisher.hasLeft
        && !participant.subscriptions.contains { $0.track === track }
    }
    waiting = []
    for track in wanted { participant.subscribeIfWanted(to: track, at: now) }
  }

  // MARK: - Offers

  override func negotiate(
    _ participant: Participant, at now: Instant, into outbox: inout Outbox
  ) {
    guard !waiting.isEmpty || sections.hasNews else {
      _ = participant.negotiation.answered(id: 0, at: now)
      return
    }
    let video = waiting.count { $0.isVideo }
    send(
      .sectionsRequired(
        audio: max(0, waiting.count - video - sections.freed(.audio)),
        video: max(0, video - sections.freed(.video))), into: &outbox)
  }

  override func offered(
    _ sections: [PlayedSection], by participant: Participant, at now: Instant
  ) {
    // Of a section that is refused, or in which the client sends now, the track waits for another one.
    let mids = Set(sections.map(\.mid))
    for lost in participant.subscriptions where !mids.contains(lost.mid.description) {
      participant.unsubscribe(from: lost.track, at: now)
      waiting.append(lost.track)
    }
    self.sections.offered(sections, random: &participant.random)
    // One transport, so one set of numbers (RFC 8843 §9.2).
    if let section = sections.first(where: { $0.kind == .video }) ?? sections.first {
      participant.downlink.number(section.extensions)
    }
    review(participant, at: now)
  }

  override func announce(in answer: inout SessionDescription) { sections.announce(in: &answer) }

  override func answered(_ participant: Participant, at now: Instant) {
    _ = participant.negotiation.answered(id: 0, at: now)
    if participant.state == .active { connected(participant, at: now) }
    // Sections of which the client now knows that they are free.
    if !waiting.isEmpty {
      review(participant, at: now)
      if !waiting.isEmpty { participant.negotiation.request(at: now) }
    }
  }

  override func connected(_ participant: Participant, at now: Instant) {
    for subscription in participant.subscriptions
    where sections.isAnnounced(subscription) { subscription.activate(at: now) }
  }
}

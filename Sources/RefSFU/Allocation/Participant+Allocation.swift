// What a subscriber's link carries, divided among what its viewer wants, and told where it is not
// enough.

import Basics

extension SFU {
  /// What a viewer's link is taken for, headers included, where any feedback has come.
  public func downlinkEstimate(of identity: String, in room: String) -> Bitrate? {
    rooms.first { $0.name == room }?.participants.first { $0.identity == identity }?
      .downlinkEstimate
  }
}

extension Participant {
  /// What may be sent to it, headers included; nil for no limit. A limit that was told is a fact, an
  /// estimate needs proof where more shall be sent than before.
  private var budget: (bitrate: Bitrate?, isProven: Bool) {
    guard downlink.isMeasured else { return (subscriberLimit, true) }
    let estimate = downlink.target
    // That the least picture may pass is decided, not measured.
    guard !downlink.isContested else { return (estimate, true) }
    guard let limit = subscriberLimit, limit <= estimate else { return (estimate, false) }
    return (limit, true)
  }

  /// What its link is taken for; nil before any feedback.
  var downlinkEstimate: Bitrate? { downlink.isMeasured ? downlink.target : nil }

  /// What the subscribed audio takes, before any video.
  private var audioReserve: Bitrate {
    guard sfu.configuration.mutant != .noAudioReserve else { return .zero }
    var talkers = 0
    for subscription in subscriptions where !subscription.track.isVideo {
      guard subscription.isActive, !subscription.track.isMuted else { continue }
      talkers += 1
      if talkers == SFULimits.audioReserves { break }
    }
    return SFULimits.audioReserve * Double(talkers)
  }

  /// Streams came or went, or are wanted otherwise.
  func wishesChanged() {
    watched = nil
    needsAllocation = true
  }

  /// The video to divide the link among; what is not wanted rests. Found anew only where wishes
  /// change: in a large room nearly all cameras are off the screen.
  private func watchedVideo(at now: Instant) -> [Subscription] {
    if let watched { return watched }
    var found: [Subscription] = []
    for subscription in subscriptions where subscription.track.isVideo && subscription.isActive {
      if subscription.settings.isDisabled {
        subscription.rest(at: now)
      } else {
        found.append(subscription)
      }
    }
    watched = found
    return found
  }

  func allocateIfDue(at now: Instant, into outbox: inout Outbox) {
    for track in tracks { track.updateBound(at: now) }
    if needsAllocation || nextAllocation <= now { allocate(at: now) }
    if hasPauseNews { tellPauses(into: &outbox) }
    if beginsProbe { beginProbe(at: now, into: &outbox) }
  }

  /// A probe waits for a packet larger than those of sound: where no video flows, padding is the
  /// first.
  private func beginProbe(at now: Instant, into outbox: inout Outbox) {
    beginsProbe = false
    let video = lastVideo ?? subscriptions.first { $0.isActive && $0.track.isVideo }
    guard let packet = video?.padding(SFULimits.probeTrigger, at: now, into: &outbox) else {
      return
    }
    let size = DataSize.bytes(packet.count + Downlink.overhead)
    departures.fillers += 1
    downlink.sender.enqueue(packet, size: size, kind: .padding, at: now)
    drain(at: now, into: &outbox)
  }

  /// Gives every stream its rung. Budget: 1 us, and 1 us for each stream that is watched.
  func allocate(at now: Instant) {
    needsAllocation = false
    let (bitrate, isProven) = budget
    nextAllocation =
      now + (bitrate == nil ? SFULimits.layerInterval : SFULimits.allocationInterval)
    let isQueued =
      downlink.isMeasured && !downlink.isContested
      && downlink.standingDelay > SFULimits.standingQueue
    let watched = watchedVideo(at: now)
    let lines = crowdedLines(watched)
    let focus = lines == nil ? nil : focus(watched)
    var streams: [StreamAllocator.Stream] = []
    var takers: [Subscription] = []
    for subscription in watched {
      let limit = subscription === focus || !subscription.isTile ? nil : lines
      guard let stream = subscription.stream(lines: limit, at: now) else {
        subscription.rest(at: now)
        continue
      }
      streams.append(stream)
      takers.append(subscription)
    }
    let allocation = allocator.allocate(
      streams, budget: bitrate.map { max(.zero, $0 - audioReserve) }, isProven: isProven,
      roundTrip: downlink.roundTrip,
      isCalm: !isQueued && (isProven || !downlink.isCongested), at: now)
    downlink.setDesired(allocation.wanted * allocator.limits.upMargin + audioReserve, at: now)
    if let probe = allocation.probe {
      let isOut = downlink.requestProbe(probe + audioReserve, at: now)
      if !isOut { allocator.probeRefused() }
      beginsProbe = isOut && allocation.used == .zero
    }
    if downlink.isMeasured, let least = streams.compactMap(\.rungs.first?.bitrate).min() {
      downlink.noteContest(
        isHeldBack: allocation.used == .zero,
        picture: least * allocator.limits.upMargin + audioReserve, at: now)
    }
    for (index, subscription) in takers.enumerated() {
      let rungs = streams[index].rungs
      let chosen = allocation.rungs[index]
      // Where room is no matter, a layer that is missing shall come back.
      let limit = subscription === focus || !subscription.isTile ? nil : lines
      let isTop = chosen == rungs.count - 1
      let wanted = subscription.track.ladder.wantedLayer(for: subscription.settings, lines: limit)
      let rung = chosen.map { rungs[$0] }
      subscription.isDraining = isQueued
      subscription.assign(rung, taken: isTop ? max(wanted, rung!.layer) : rung?.layer, at: now)
      hasPauseNews = hasPauseNews || subscription.hasPauseNews
    }
  }

  // MARK: - Crowds

  /// The most lines of tiles out of focus: pixels per tile shrink as the grid grows.
  private func crowdedLines(_ watched: [Subscription]) -> Int? {
    let tiles = watched.count { $0.isTile }
    return tiles < SFULimits.crowdedTiles ? nil : SFULimits.crowdedLines
  }

  /// The tile that the viewer made larger, or more important, than all others.
  private func focus(_ watched: [Subscription]) -> Subscription? {
    let tiles = watched.filter(\.isTile)
    guard let first = tiles.max(by: { $0.rank < $1.rank }) else { return nil }
    return tiles.contains { $0 !== first && $0.rank >= first.rank } ? nil : first
  }

  // MARK: - Pauses

  private func tellPauses(into outbox: inout Outbox) {
    hasPauseNews = false
    var changed: [StreamStateChange] = []
    for subscription in subscriptions where subscription.track.isVideo && subscription.isActive {
      guard subscription.notePause() else { continue }
      changed.append(
        StreamStateChange(
          publisherSid: subscription.track.publisher.sid, trackSid: subscription.track.sid,
          isPaused: subscription.isPaused))
    }
    guard !changed.isEmpty else { return }
    notify(.streamStates(changed), into: &outbox)
  }
}

// Layers and quality over time: which layers live, who gets which, and how everybody fares.

import Basics
import Signal
import Transport
import Wire

extension Participant {
  /// Every half second: measures the publisher's layers, divides the subscriber's limit, tells of
  /// pauses.
  func updateLayers(at now: Instant, into outbox: inout Outbox) {
    for track in tracks where track.isVideo {
      if track.tracker.handleTimeout(at: now) { track.updateSubscriptions(at: now) }
      if track.dynacast.handleTimeout(at: now) { track.needsDynacastUpdate = true }
      track.quality.setLayersMuted(track.dynacast.maximum == nil, at: now)
    }
    allocate(at: now)
    var changed: [StreamStateInfo] = []
    for subscription in subscriptions where subscription.track.isVideo && subscription.isActive {
      subscription.updateLayer(at: now)
      guard subscription.notePause() else { continue }
      changed.append(
        StreamStateInfo {
          $0.participantSid = subscription.track.publisher.sid
          $0.trackSid = subscription.track.sid
          $0.state = subscription.isPausedForSubscriber ? .paused : .active
        })
    }
    if !changed.isEmpty {
      send(.streamStateUpdate(StreamStateUpdate { $0.streamStates = changed }), into: &outbox)
    }
  }

  /// Without congestion control the scenario's limit stands in for the estimate. Every stream gets
  /// its lowest layer first, then what is left goes up in the order of priority and size.
  private func allocate(at now: Instant) {
    guard let limit = subscriberLimit else {
      for subscription in subscriptions { subscription.selector.allowance = nil }
      return
    }
    let video = subscriptions.filter {
      $0.track.isVideo && $0.isActive && !$0.selector.settings.isDisabled
    }
    var left = limit - audioReserve
    for subscription in video {
      let lowest = subscription.track.tracker.layers.first(where: \.isLive)?.bitrate ?? .zero
      subscription.selector.allowance = min(max(left, .zero), lowest * 1.2)
      left = left - lowest
    }
    let ordered = video.enumerated().sorted { a, b in
      let (x, y) = (a.element.rank, b.element.rank)
      return (x.priority, x.area, a.offset) < (y.priority, y.area, b.offset)
    }
    for (_, subscription) in ordered where left > .zero {
      let layers = subscription.track.tracker.layers
      let lowest = layers.first(where: \.isLive)?.bitrate ?? .zero
      let wanted = subscription.selector.wanted.map { layers[$0].bitrate * 1.2 } ?? .zero
      let allowance = min(wanted, lowest + left)
      guard allowance > lowest else { continue }
      subscription.selector.allowance = allowance
      left = left - (allowance - lowest)
    }
  }

  /// What the subscribed audio takes, before any video.
  private var audioReserve: Bitrate {
    .kbps(40) * Double(min(3, subscriptions.count { !$0.track.isVideo }))
  }

  // MARK: - Quality

  /// The word for this participant: the worse of how it sends and how it receives.
  func connectionQuality(at now: Instant) -> ConnectionQualityInfo {
    var worst = ConnectionQualityScorer.maximumScore
    for track in tracks where track.isLive {
      let window = track.window.close(at: now)
      track.quality.update(window, at: now)
      worst = min(worst, track.quality.score)
    }
    for subscription in subscriptions where subscription.isActive {
      let window = subscription.window.close(at: now)
      // Where the publisher fell silent nothing was sent, and the subscriber is not to blame.
      guard window.packets > 0 else { continue }
      guard !subscription.track.isMuted,
        subscription.selector.current != nil
          || !subscription.track.isVideo
      else { continue }
      subscription.quality.update(window, at: now)
      worst = min(worst, subscription.quality.score)
    }
    return ConnectionQualityInfo {
      $0.participantSid = sid
      $0.quality = ConnectionQuality(score: worst)
      $0.score = Float(worst)
    }
  }
}

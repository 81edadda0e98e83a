// What follows when a transport that was silent is heard again, or moves to another path: keyframes at
// once, since what was lost meanwhile is too old to be resent (mediasoup `Transport::Connected`).

import Basics
import Transport

/// When media or reports last came over a transport, and on which path.
struct TransportLife {
  private var last: Instant?
  private var path: Path?

  /// Notes a sign of life.
  /// - Returns: whether it ends an interruption of at least `limit`, or comes of a move.
  mutating func heard(
    on path: Path?, carriesMedia: Bool, at now: Instant, limit: Duration
  ) -> Bool {
    defer {
      if carriesMedia { last = now }
      self.path = path
    }
    guard let last, let old = self.path else { return false }
    return path != old || carriesMedia && now - last >= limit
  }
}

extension Participant {
  func noteLife(of target: TransportTarget, carriesMedia: Bool, at now: Instant) {
    notePresence(at: now)
    lastDatagram = now
    if target == channel.downlink, let path = egress.ice.selectedPath {
      downlink.goes(to: path.remote.ip, at: now)
    }
    if target == .publisher {
      guard
        publisherLife.heard(
          on: publisher.ice.selectedPath, carriesMedia: carriesMedia, at: now,
          limit: SFULimits.publisherInterruption)
      else { return }
      for subscription in tracks.flatMap(\.subscriptions) { subscription.refresh(at: now) }
      guard channel.downlink == .publisher else { return }
      for subscription in subscriptions { subscription.refresh(at: now) }
    } else {
      guard
        subscriberLife.heard(
          on: subscriber.ice.selectedPath, carriesMedia: carriesMedia, at: now,
          limit: SFULimits.subscriberInterruption)
      else { return }
      for subscription in subscriptions { subscription.refresh(at: now) }
    }
  }
}

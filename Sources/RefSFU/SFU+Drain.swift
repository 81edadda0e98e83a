// A rolling restart: an SFU that is to go sends its participants to the one that takes its place.

import Basics

extension SFU {
  /// Takes nobody any more, and asks everybody to join anew, one after the other, within `span`.
  public func drain(over span: Duration, at now: Instant, into outbox: inout Outbox) {
    isShuttingDown = true
    let everybody = rooms.flatMap(\.participants)
    departures = everybody.enumerated().reversed().map { index, participant in
      (now + span * index / max(1, everybody.count), participant)
    }
    sendAway(at: now, into: &outbox)
  }

  func sendAway(at now: Instant, into outbox: inout Outbox) {
    while let next = departures.last, next.at <= now {
      departures.removeLast()
      next.participant.leave(
        reason: .serverShutdown, action: .reconnect, at: now, into: &outbox)
    }
  }
}

// Tells a publisher the most that is taken of one of its streams, until it has understood
// (RFC 5104 §4.2.1: TMMBR and TMMBN).

import Basics

struct RateBound {
  /// From one request to the next, until the publisher notifies.
  static let retry = Duration.milliseconds(500)
  static let maximumTries = 10
  /// Stands for no bound.
  static let none = Bitrate.kbps(1_000_000)

  /// What the publisher shall know; nil for no bound.
  private(set) var wanted: Bitrate?
  private var tries = 0
  private var due: Instant?

  mutating func set(_ bound: Bitrate?, at now: Instant) {
    guard bound != wanted else { return }
    wanted = bound
    tries = 0
    due = now
  }

  /// The publisher notified of this bound.
  mutating func notified(_ bitrate: Bitrate) {
    // Written in 17 bits, so that a little is lost.
    let expected = wanted ?? RateBound.none
    if abs(bitrate / expected - 1) < 0.001 { due = nil }
  }

  /// What to send now; nil for nothing.
  mutating func take(at now: Instant) -> Bitrate? {
    guard let due, due <= now else { return nil }
    tries += 1
    self.due = tries < RateBound.maximumTries ? now + RateBound.retry : nil
    return wanted ?? RateBound.none
  }
}

// How many may join at once: after a failure everybody comes back at the same moment, and handshakes cost
// far more than the media of those who are in.

import Basics

/// A token bucket that holds one second's worth.
struct JoinBudget {
  private var tokens: Double?
  private var last = Instant.zero

  /// Whether one more may join.
  mutating func takes(at now: Instant, rate: Double) -> Bool {
    let most = max(1, rate)
    let filled = min(most, (tokens ?? most) + rate * (now - last).seconds)
    last = now
    tokens = filled >= 1 ? filled - 1 : filled
    return filled >= 1
  }
}

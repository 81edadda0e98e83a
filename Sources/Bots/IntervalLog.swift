// Intervals of a state that comes and goes, noted as it changes.

import Basics
import Results

/// The intervals in which a state was on.
struct IntervalLog: Sendable {
  private var over: [Interval] = []
  private var since: Instant?

  mutating func note(_ isOn: Bool, at now: Instant) {
    guard isOn != (since != nil) else { return }
    if let since, now > since { over.append(Interval(start: since, end: now)) }
    since = isOn ? now : nil
  }

  /// In order; one that lasts ends at `end`.
  func all(until end: Instant) -> [Interval] {
    guard let since, since < end else { return over }
    return over + [Interval(start: since, end: end)]
  }
}

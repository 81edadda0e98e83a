// Spans of time in which something was so.

import Basics

/// Half open.
public struct Spell: Sendable, Equatable {
  public var start: Instant
  public var end: Instant

  public init(start: Instant, end: Instant) {
    precondition(start < end)
    self.start = start
    self.end = end
  }
}

/// Those of one state that comes and goes, noted as it changes.
struct Spells: Sendable {
  private var over: [Spell] = []
  private var since: Instant?

  mutating func note(_ isOn: Bool, at now: Instant) {
    guard isOn != (since != nil) else { return }
    if let since, now > since { over.append(Spell(start: since, end: now)) }
    since = isOn ? now : nil
  }

  /// In order; one that lasts ends at `end`.
  func all(until end: Instant) -> [Spell] {
    guard let since, since < end else { return over }
    return over + [Spell(start: since, end: end)]
  }
}

// Spans of time in which something was so.

import Basics

/// A half-open span of time in which something was so.
public struct Interval: Sendable, Equatable, Codable {
  public var start: Instant
  public var end: Instant

  public init(start: Instant, end: Instant) {
    precondition(start < end)
    self.start = start
    self.end = end
  }

  public init?(_ start: Instant, _ end: Instant) {
    guard start < end else { return nil }
    self.start = start
    self.end = end
  }

  public var duration: Duration { end - start }
}

extension [Interval] {
  /// The time that lies in both.
  public func intersection(_ others: [Interval]) -> [Interval] {
    flatMap { first in
      others.compactMap { Interval(Swift.max(first.start, $0.start), Swift.min(first.end, $0.end)) }
    }
  }

  /// The time in these before `start`, and from `end` on.
  public func removing(from start: Instant, to end: Instant) -> [Interval] {
    flatMap { interval in
      [
        Interval(interval.start, Swift.min(interval.end, start)),
        Interval(Swift.max(interval.start, end), interval.end),
      ].compactMap { $0 }
    }
  }

  /// How much of `interval` lies in these, which do not overlap each other.
  public func overlap(with interval: Interval) -> Duration {
    reduce(.zero) { sum, other in
      sum
        + Swift.max(
          .zero, Swift.min(interval.end, other.end) - Swift.max(interval.start, other.start))
    }
  }
}

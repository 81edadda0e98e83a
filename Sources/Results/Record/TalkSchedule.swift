// When a participant talks: the truth that speaking indicators and audio levels are judged against.

import Basics

public enum TalkSchedule: Sendable, Equatable {
  case always
  case never
  /// In order of time and without overlap.
  case intervals([Interval])

  /// Whether there is talk at `moment`.
  public func isTalking(at moment: Instant) -> Bool {
    switch self {
    case .always: return true
    case .never: return false
    case .intervals(let intervals):
      let index = TalkSchedule.firstEnding(after: moment, in: intervals)
      return index < intervals.count && intervals[index].start <= moment
    }
  }

  /// When talk starts or ends next after `moment`; nil for never.
  public func nextChange(after moment: Instant) -> Instant? {
    guard case .intervals(let intervals) = self else { return nil }
    let index = TalkSchedule.firstEnding(after: moment, in: intervals)
    guard index < intervals.count else { return nil }
    return intervals[index].start > moment ? intervals[index].start : intervals[index].end
  }

  private static func firstEnding(after moment: Instant, in intervals: [Interval]) -> Int {
    var low = 0
    var high = intervals.count
    while low < high {
      let middle = (low + high) / 2
      if intervals[middle].end <= moment { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

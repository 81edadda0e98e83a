// The samples of one metric of one track: every one of them, until there are too many.

import Basics

/// Values and when they were taken, in order of time.
public struct SampleLog: Sendable, Equatable {
  /// Somewhat more than an hour of seconds. What is full drops every second sample and keeps one of
  /// twice as many from then on, so that the memory of a long run stays flat.
  static let capacity = 4_096

  /// Nanoseconds since the start of the run.
  public private(set) var times: [Int64] = []
  public private(set) var values: [Double] = []
  /// One of so many samples is kept, the first of each group.
  public private(set) var decimation: Int
  private var offered = 0

  public init(decimation: Int = 1) {
    precondition(decimation > 0)
    self.decimation = decimation
  }

  public var count: Int { values.count }
  public var isEmpty: Bool { values.isEmpty }
  public var last: Double? { values.last }

  /// A time before the last sample's becomes the last sample's.
  public mutating func append(_ value: Double, at time: Instant) {
    defer { offered += 1 }
    guard offered % decimation == 0 else { return }
    if values.count == SampleLog.capacity {
      thin()
      decimation *= 2
      guard offered % decimation == 0 else { return }
    }
    times.append(max(time.nanoseconds, times.last ?? .min))
    values.append(value)
  }

  /// Adds the sample of a running total, unless the total is what it was. The last total is always
  /// kept.
  mutating func appendTotal(_ total: Double, at time: Instant) {
    guard last != total else { return }
    if values.count == SampleLog.capacity { thin() }
    times.append(max(time.nanoseconds, times.last ?? .min))
    values.append(total)
  }

  private mutating func thin() {
    for index in 0..<values.count / 2 {
      times[index] = times[2 * index]
      values[index] = values[2 * index]
    }
    times.removeLast(times.count - values.count / 2)
    values.removeLast(values.count - times.count)
  }
}

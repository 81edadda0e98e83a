// The samples of one metric of one track, compact enough to keep every one of them.

import Basics

/// Values and when they were taken, in order of time.
public struct SampleLog: Sendable, Equatable {
  /// Nanoseconds since the start of the run.
  public private(set) var times: [Int64] = []
  public private(set) var values: [Double] = []
  /// One of so many samples is kept, the first of each group.
  public let decimation: Int
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
    times.append(max(time.nanoseconds, times.last ?? .min))
    values.append(value)
  }

  /// Adds the sample of a running total, unless the total is what it was.
  mutating func appendTotal(_ total: Double, at time: Instant) {
    if last != total { append(total, at: time) }
  }
}

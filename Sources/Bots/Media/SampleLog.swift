// The samples of one metric of one track: every one of them, until there are too many.

import Basics

/// Values and when they were taken, in order of time.
public struct SampleLog: Sendable, Equatable {
  /// Somewhat more than an hour of seconds. What is full drops every second sample and keeps one of
  /// twice as many from then on, so that the memory of a long run stays flat; a
  /// little below 4,096, beyond which arrays take twice the room.
  static let capacity = 4_000
  /// Changes of a running total: as the last ones say what it came to, fewer will do.
  static let totalCapacity = 1_000
  /// A log that fills slowly thins out with the others, which are full by then and whenever the run
  /// has become twice as long, or it would grow for a day; unless it has less than this part of its
  /// capacity.
  private static let firstThinning = Duration.seconds(Double(capacity))
  private static let sparePart = 8

  private var keptTimes: [Int64] = []
  private var keptValues: [Double] = []
  /// The newest sample, where its group has kept another one.
  private var extra: (time: Int64, value: Double)?
  /// One of so many samples is kept, the first of each group; and the newest.
  public private(set) var decimation: Int
  private var offered = 0
  private var nextThinning = Instant.zero + SampleLog.firstThinning

  public init(decimation: Int = 1) {
    precondition(decimation > 0)
    self.decimation = decimation
  }

  public var count: Int { keptValues.count + (extra == nil ? 0 : 1) }
  public var isEmpty: Bool { keptValues.isEmpty }
  public var last: Double? { extra?.value ?? keptValues.last }
  /// Nanoseconds since the start of the run.
  public var times: [Int64] { extra.map { keptTimes + [$0.time] } ?? keptTimes }
  public var values: [Double] { extra.map { keptValues + [$0.value] } ?? keptValues }

  private var lastTime: Int64 { extra?.time ?? keptTimes.last ?? .min }

  /// A time before the last sample's becomes the last sample's.
  public mutating func append(_ value: Double, at time: Instant) {
    append(value, at: time, capacity: SampleLog.capacity)
  }

  private mutating func append(_ value: Double, at time: Instant, capacity: Int) {
    defer { offered += 1 }
    let time = max(time.nanoseconds, lastTime)
    guard offered % decimation == 0 else {
      extra = (time, value)
      return
    }
    if isTooDense(at: time, capacity: capacity) {
      thin()
      decimation *= 2
    }
    extra = nil
    keptTimes.append(time)
    keptValues.append(value)
  }

  /// Adds the sample of a running total, unless the total is what it was.
  mutating func appendTotal(_ total: Double, at time: Instant) {
    guard last != total else { return }
    append(total, at: time, capacity: SampleLog.totalCapacity)
  }

  /// Takes what came after its own samples; a total goes on from where it was.
  mutating func append(_ later: SampleLog, isTotal: Bool) {
    let base = isTotal ? last ?? 0 : 0
    for (time, value) in zip(later.times, later.values) {
      let time = Instant(nanoseconds: time)
      if isTotal { appendTotal(base + value, at: time) } else { append(value, at: time) }
    }
  }

  private mutating func isTooDense(at time: Int64, capacity: Int) -> Bool {
    var isDue = keptValues.count == capacity
    while time >= nextThinning.nanoseconds {
      nextThinning = .zero + (nextThinning - .zero) * 2
      isDue = isDue || keptValues.count >= capacity / SampleLog.sparePart
    }
    return isDue
  }

  private mutating func thin() {
    for index in 0..<keptValues.count / 2 {
      keptTimes[index] = keptTimes[2 * index]
      keptValues[index] = keptValues[2 * index]
    }
    keptTimes.removeLast(keptTimes.count - keptValues.count / 2)
    keptValues.removeLast(keptValues.count - keptTimes.count)
  }

  public static func == (a: SampleLog, b: SampleLog) -> Bool {
    a.decimation == b.decimation && a.times == b.times && a.values == b.values
  }
}

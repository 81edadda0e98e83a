// Freezes of a rendered video track after W3C webrtc-stats (freezeCount, totalFreezesDuration).

import Basics

/// A freeze is an interval between two rendered frames of at least max(3 avg, avg + 150 ms), avg
/// being the mean of the last 30 intervals before it. libwebrtc counts only from the sixth frame on
/// and takes the interval itself into the mean; here the definition is taken at its word, and a
/// freeze counts from the moment it crosses the limit, so that one without an end counts too.
public struct FreezeMeter: Sendable {
  static let window = 30
  static let margin = Duration.milliseconds(150)

  /// Freezes that are over, and their whole intervals.
  private var finishedCount = 0
  private var finishedDuration = Duration.zero
  private var lastRender: Instant?
  /// The last 30 intervals, nanoseconds.
  private var intervals: [Int64] = []
  private var oldest = 0
  private var sum: Int64 = 0

  public init() {}

  /// The interval that makes a freeze now; nil before two frames were rendered.
  public var threshold: Duration? {
    guard !intervals.isEmpty else { return nil }
    let average = Duration(nanoseconds: sum / Int64(intervals.count))
    return max(average * 3, average + FreezeMeter.margin)
  }

  /// Freezes up to `now`, one that goes on included.
  public func count(at now: Instant) -> Int { finishedCount + (running(at: now) == nil ? 0 : 1) }

  /// Time frozen up to `now`.
  public func duration(at now: Instant) -> Duration {
    finishedDuration + (running(at: now) ?? .zero)
  }

  /// How long the picture has stood still, where that is a freeze.
  private func running(at now: Instant) -> Duration? {
    guard let lastRender, let threshold, now - lastRender >= threshold else { return nil }
    return now - lastRender
  }

  public mutating func frameRendered(at time: Instant) {
    guard let last = lastRender else {
      lastRender = time
      return
    }
    close(at: time)
    lastRender = time
    let interval = (time - last).nanoseconds
    sum += interval
    if intervals.count < FreezeMeter.window {
      intervals.append(interval)
    } else {
      sum -= intervals[oldest]
      intervals[oldest] = interval
      oldest = (oldest + 1) % FreezeMeter.window
    }
  }

  /// The picture stands still on purpose from here on; a freeze that goes on ends.
  public mutating func suspended(at now: Instant) {
    close(at: now)
    lastRender = nil
  }

  private mutating func close(at time: Instant) {
    guard let frozen = running(at: time) else { return }
    finishedCount += 1
    finishedDuration += frozen
  }
}

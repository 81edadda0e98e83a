// The audio target delay from a histogram of arrival delays: libwebrtc's NetEq DelayManager and
// UnderrunOptimizer with their default parameters.

import Basics

/// How late packets come, in steps of 20 ms, older ones forgotten little by little.
struct ArrivalHistogram: Sendable {
  static let bucketWidth = Duration.milliseconds(20)
  private static let buckets = 100
  private static let quantile = 0.95
  private static let forgetFactor = 0.983
  private static let startForgetWeight = 2.0
  private static let resampleInterval = Duration.milliseconds(500)
  private static let startTarget = Duration.milliseconds(80)

  /// What 95 % of the intervals of 500 ms need.
  private(set) var target = ArrivalHistogram.startTarget
  /// Whether the target is more than a guess.
  var isMeasured: Bool { updates > 0 }
  private var shares: [Double] = []
  private var updates = 0
  private var worst = Duration.zero
  private var resampleTime: Instant?

  /// A packet came `delay` after it would have on an undisturbed path.
  mutating func record(_ delay: Duration, at now: Instant) {
    worst = max(worst, delay)
    guard let time = resampleTime else {
      resampleTime = now + ArrivalHistogram.resampleInterval
      return
    }
    guard now >= time else { return }
    add(worst)
    worst = .zero
    resampleTime = now + ArrivalHistogram.resampleInterval
  }

  private mutating func add(_ delay: Duration) {
    if shares.isEmpty { shares = Array(repeating: 0, count: ArrivalHistogram.buckets) }
    updates += 1
    let start = 1 - ArrivalHistogram.startForgetWeight / Double(updates + 1)
    let keep = min(ArrivalHistogram.forgetFactor, max(0, start))
    let steps = delay.nanoseconds / ArrivalHistogram.bucketWidth.nanoseconds
    let bucket = min(ArrivalHistogram.buckets - 1, max(0, Int(steps)))
    for index in shares.indices { shares[index] *= keep }
    shares[bucket] += 1 - keep
    var sum = 0.0
    var needed = 0
    while needed < ArrivalHistogram.buckets - 1 {
      sum += shares[needed]
      if sum >= ArrivalHistogram.quantile { break }
      needed += 1
    }
    target = ArrivalHistogram.bucketWidth * (needed + 1)
  }
}

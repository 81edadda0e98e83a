// Whether the one-way delay grows: the slope of a line through it, held against a threshold that
// adapts (libwebrtc modules/congestion_controller/goog_cc/trendline_estimator.cc, revision
// 3710345).

import Basics

public struct TrendlineEstimator: Sendable {
  private struct Sample {
    /// Since the first arrival.
    var arrivalMilliseconds: Double
    var smoothedDelay: Double
  }

  private static let windowSize = 20
  private static let smoothing = 0.9
  private static let thresholdGain = 4.0
  private static let mostDeltasInGain = 60
  private static let mostDeltas = 1_000
  private static let overuseTime = 10.0
  private static let gainUp = 0.0087
  private static let gainDown = 0.039
  private static let thresholdRange = 6.0...600.0
  /// Larger excesses are spikes, to which the threshold does not adapt.
  private static let greatestOffset = 15.0
  private static let longestAdaptation = 100.0

  public private(set) var state = BandwidthUsage.normal
  /// Milliseconds of delay a second, times the gain.
  public private(set) var modifiedTrend = 0.0
  public private(set) var threshold = 12.5
  private var deltas = 0
  private var firstArrival: Instant?
  private var accumulatedDelay = 0.0
  private var smoothedDelay = 0.0
  private var samples: [Sample] = []
  private var previousTrend = 0.0
  /// Milliseconds; nil while the trend is below the threshold.
  private var overusingFor: Double?
  private var overuses = 0
  private var lastAdaptation: Instant?

  public init() {}

  /// Takes the distances of two groups; `arrival` is that of the packet that closed the later one.
  public mutating func update(arrivalDelta: Duration, sendDelta: Duration, arrival: Instant) {
    let delay = arrivalDelta.milliseconds - sendDelta.milliseconds
    deltas = min(deltas + 1, TrendlineEstimator.mostDeltas)
    let first = firstArrival ?? arrival
    firstArrival = first
    accumulatedDelay += delay
    smoothedDelay =
      TrendlineEstimator.smoothing * smoothedDelay
      + (1 - TrendlineEstimator.smoothing) * accumulatedDelay
    if samples.count == TrendlineEstimator.windowSize { samples.removeFirst() }
    samples.append(
      Sample(arrivalMilliseconds: (arrival - first).milliseconds, smoothedDelay: smoothedDelay))
    var trend = previousTrend
    if samples.count == TrendlineEstimator.windowSize { trend = slope ?? trend }
    detect(trend, sendDelta: sendDelta.milliseconds, at: arrival)
  }

  /// Of the least-squares line; nil when all samples have one time.
  private var slope: Double? {
    var sumX = 0.0
    var sumY = 0.0
    for sample in samples {
      sumX += sample.arrivalMilliseconds
      sumY += sample.smoothedDelay
    }
    let meanX = sumX / Double(samples.count)
    let meanY = sumY / Double(samples.count)
    var numerator = 0.0
    var denominator = 0.0
    for sample in samples {
      let x = sample.arrivalMilliseconds - meanX
      numerator += x * (sample.smoothedDelay - meanY)
      denominator += x * x
    }
    return denominator == 0 ? nil : numerator / denominator
  }

  private mutating func detect(_ trend: Double, sendDelta: Double, at now: Instant) {
    guard deltas >= 2 else {
      state = .normal
      return
    }
    modifiedTrend =
      Double(min(deltas, TrendlineEstimator.mostDeltasInGain)) * trend
      * TrendlineEstimator.thresholdGain
    if modifiedTrend > threshold {
      // Of the time since the sample before, half is taken to have been over the threshold.
      let time = overusingFor.map { $0 + sendDelta } ?? sendDelta / 2
      overusingFor = time
      overuses += 1
      if time > TrendlineEstimator.overuseTime, overuses > 1, trend >= previousTrend {
        overusingFor = 0
        overuses = 0
        state = .overusing
      }
    } else {
      overusingFor = nil
      overuses = 0
      state = modifiedTrend < -threshold ? .underusing : .normal
    }
    previousTrend = trend
    adaptThreshold(at: now)
  }

  private mutating func adaptThreshold(at now: Instant) {
    defer { lastAdaptation = now }
    let magnitude = abs(modifiedTrend)
    guard magnitude <= threshold + TrendlineEstimator.greatestOffset else { return }
    let gain =
      magnitude < threshold ? TrendlineEstimator.gainDown : TrendlineEstimator.gainUp
    let elapsed = min(
      (now - (lastAdaptation ?? now)).milliseconds, TrendlineEstimator.longestAdaptation)
    threshold += gain * (magnitude - threshold) * elapsed
    threshold = min(
      max(threshold, TrendlineEstimator.thresholdRange.lowerBound),
      TrendlineEstimator.thresholdRange.upperBound)
  }
}

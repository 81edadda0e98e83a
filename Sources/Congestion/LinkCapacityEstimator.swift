// The path's capacity as over-use shows it, with its spread (libwebrtc
// modules/congestion_controller/goog_cc/link_capacity_estimator.cc, revision 3710345).

import Basics

public struct LinkCapacityEstimator: Sendable {
  private static let overuseWeight = 0.05
  private static let probeWeight = 0.5
  private static let varianceRange = 0.4...2.5

  private var kbps: Double?
  /// The variance over the estimate.
  private var normalizedVariance = 0.4

  public init() {}

  public var estimate: Bitrate? { kbps.map { .bps($0 * 1_000) } }

  /// Three deviations above the estimate; nil for no bound.
  public var upperBound: Bitrate? { kbps.map { .bps(($0 + 3 * deviation($0)) * 1_000) } }

  /// Three deviations below the estimate.
  public var lowerBound: Bitrate {
    kbps.map { .bps(max(0, $0 - 3 * deviation($0)) * 1_000) } ?? .zero
  }

  public mutating func reset() { kbps = nil }

  public mutating func overused(at acknowledged: Bitrate) {
    update(acknowledged, weight: LinkCapacityEstimator.overuseWeight)
  }

  public mutating func probed(_ rate: Bitrate) {
    update(rate, weight: LinkCapacityEstimator.probeWeight)
  }

  private func deviation(_ kbps: Double) -> Double { (normalizedVariance * kbps).squareRoot() }

  private mutating func update(_ sample: Bitrate, weight: Double) {
    let estimate = kbps.map { (1 - weight) * $0 + weight * sample.kbps } ?? sample.kbps
    kbps = estimate
    let error = estimate - sample.kbps
    let variance =
      (1 - weight) * normalizedVariance + weight * error * error / max(estimate, 1)
    normalizedVariance = min(
      max(variance, LinkCapacityEstimator.varianceRange.lowerBound),
      LinkCapacityEstimator.varianceRange.upperBound)
  }
}

// Whether so little is sent that the estimate cannot be seen to hold: the application limited
// region (libwebrtc modules/congestion_controller/goog_cc/alr_detector.cc and
// modules/pacing/interval_budget.cc, revision 3710345).

import Basics

public struct ALRDetector: Sendable {
  /// The share of the estimate that counts as using it.
  private static let usage = 0.65
  private static let startLevel = 0.8
  private static let stopLevel = 0.5
  private static let windowMilliseconds: Int64 = 500

  /// Since when; nil outside.
  public private(set) var start: Instant?
  private var targetKbps: Int64 = 0
  private var budget: Int64 = 0
  private var lastSentMilliseconds: Int64?

  public init() {}

  public mutating func setEstimate(_ estimate: Bitrate) {
    targetKbps = Int64(Double(estimate.bitsPerSecond) * ALRDetector.usage / 1_000)
    budget = min(max(-largestBudget, budget), largestBudget)
  }

  public mutating func sent(_ size: DataSize, at now: Instant) {
    let milliseconds = now.nanoseconds / 1_000_000
    guard let last = lastSentMilliseconds else {
      lastSentMilliseconds = milliseconds
      return
    }
    lastSentMilliseconds = milliseconds
    budget = max(budget - size.bytes, -largestBudget)
    let elapsed = min(milliseconds - last, 2 * ALRDetector.windowMilliseconds)
    budget = min(budget + targetKbps * elapsed / 8, largestBudget)
    let level = largestBudget == 0 ? 0 : Double(budget) / Double(largestBudget)
    if level > ALRDetector.startLevel, start == nil {
      start = now
    } else if level < ALRDetector.stopLevel {
      start = nil
    }
  }

  /// Bytes.
  private var largestBudget: Int64 { ALRDetector.windowMilliseconds * targetKbps / 8 }
}

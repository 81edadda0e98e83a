// Puts the limits together: delay, loss, the receiver's word, and round trips of seconds (libwebrtc
// modules/congestion_controller/goog_cc/send_side_bandwidth_estimation.cc, revision 3710345).

import Basics

public struct SendSideBandwidthEstimation: Sendable {
  private static let increaseInterval = Duration.seconds(1)
  private static let decreaseInterval = Duration.milliseconds(300)
  private static let startPhase = Duration.seconds(2)
  private static let reportTimeout = Duration.seconds(6)
  private static let leastPackets: Int64 = 20
  private static let lowLoss = 0.02
  private static let highLoss = 0.1
  /// Whether feedback that is late, or does not come, means less.
  public var backsOffInSilence = true
  private static let roundTripLimit = Duration.seconds(3)
  private static let roundTripFactor = 0.8
  private static let roundTripInterval = Duration.seconds(1)

  public private(set) var lossBased = LossBasedBandwidthEstimator()
  /// As the last report of at least 20 packets had it, 0...1.
  public private(set) var lossRatio = 0.0
  public private(set) var roundTrip = Duration.zero
  private var current = Bitrate.zero
  private var minimum = CongestionLimits.minimumBitrate
  private var maximum = CongestionLimits.maximumBitrate
  /// Nil for none.
  private var receiverLimit: Bitrate?
  private var delayLimit: Bitrate?
  private var lost: Int64 = 0
  private var expected: Int64 = 0
  private var hasDecreased = false
  private var firstReport: Instant?
  private var lastReport: Instant?
  private var lastDecrease: Instant?
  /// Rates of the last second, ascending.
  private var history: [(at: Instant, rate: Bitrate)] = []
  private var lastPropagation: (at: Instant, roundTrip: Duration)?
  private var lastSent: Instant?

  public init() {}

  public var target: Bitrate {
    max(minimum, min(current, receiverLimit ?? CongestionLimits.maximumBitrate))
  }

  // MARK: - Configuration

  public mutating func setRange(minimum: Bitrate, maximum: Bitrate?) {
    self.minimum = max(minimum, CongestionLimits.minimumBitrate)
    self.maximum = max(self.minimum, maximum ?? CongestionLimits.maximumBitrate)
    lossBased.setRange(minimum: self.minimum, maximum: self.maximum)
  }

  /// Starts from `bitrate`, whatever was thought before.
  public mutating func setSendBitrate(_ bitrate: Bitrate) {
    delayLimit = nil
    set(bitrate)
    history.removeAll(keepingCapacity: true)
  }

  // MARK: - Input

  public mutating func setReceiverLimit(_ limit: Bitrate?) {
    receiverLimit = limit
    set(current)
  }

  public mutating func setDelayLimit(_ limit: Bitrate) {
    delayLimit = limit
    set(current)
  }

  public mutating func setRoundTrip(_ roundTrip: Duration) {
    if roundTrip > .zero { self.roundTrip = roundTrip }
  }

  public mutating func setAcknowledged(_ rate: Bitrate?) {
    if let rate { lossBased.setAcknowledged(rate) }
  }

  public mutating func sent(at now: Instant) {
    // Until feedback comes, its absence counts from the first packet.
    if lastPropagation == nil { lastPropagation = (now, .zero) }
    lastSent = now
  }

  public mutating func setPropagation(_ roundTrip: Duration, at now: Instant) {
    lastPropagation = (now, roundTrip)
  }

  public mutating func update(_ results: [PacketResult], isInALR: Bool, at now: Instant) {
    lossBased.update(results, delayBased: delayLimit, isInALR: isInALR)
    updateEstimate(at: now)
  }

  /// Packets of a receiver report, or of feedback, since the last one.
  public mutating func report(lost: Int64, of packets: Int64, at now: Instant) {
    if firstReport == nil { firstReport = now }
    guard packets > 0 else { return }
    self.lost += lost
    expected += packets
    guard expected >= SendSideBandwidthEstimation.leastPackets else { return }
    hasDecreased = false
    lossRatio = min(max(Double(self.lost) / Double(expected), 0), 1)
    self.lost = 0
    expected = 0
    lastReport = now
    updateEstimate(at: now)
  }

  // MARK: - Estimate

  /// Feedback takes seconds, or does not come at all.
  public var isRoundTripAboveLimit: Bool {
    guard backsOffInSilence, let lastPropagation else { return false }
    let silence = max(.zero, (lastSent ?? lastPropagation.at) - lastPropagation.at)
    return silence + lastPropagation.roundTrip > SendSideBandwidthEstimation.roundTripLimit
  }

  public mutating func updateEstimate(at now: Instant) {
    if isRoundTripAboveLimit {
      backOff(at: now)
      return
    }
    if lossRatio == 0, isInStartPhase(at: now), !lossBased.isReady, takeFirstEstimate(at: now) {
      return
    }
    noteHistory(at: now)
    guard let lastReport else {
      set(current)
      return
    }
    if lossBased.isReady, let estimate = lossBased.estimate {
      set(estimate)
      return
    }
    guard now - lastReport < SendSideBandwidthEstimation.reportTimeout else {
      set(current)
      return
    }
    followLoss(at: now)
  }

  private mutating func backOff(at now: Instant) {
    let floor = CongestionLimits.minimumBitrate
    let isTime =
      lastDecrease.map { now - $0 >= SendSideBandwidthEstimation.roundTripInterval } ?? true
    guard isTime, current > floor else {
      set(current)
      return
    }
    lastDecrease = now
    set(max(current * SendSideBandwidthEstimation.roundTripFactor, floor))
  }

  private func isInStartPhase(at now: Instant) -> Bool {
    firstReport.map { now - $0 < SendSideBandwidthEstimation.startPhase } ?? true
  }

  /// Before any loss the other estimates are believed as they are.
  private mutating func takeFirstEstimate(at now: Instant) -> Bool {
    var estimate = current
    if let receiverLimit { estimate = max(estimate, receiverLimit) }
    if let delayLimit { estimate = max(estimate, delayLimit) }
    guard estimate != current else { return false }
    history = [(now, current)]
    set(estimate)
    return true
  }

  private mutating func noteHistory(at now: Instant) {
    history.removeAll {
      now - $0.at + .milliseconds(1) > SendSideBandwidthEstimation.increaseInterval
    }
    while let last = history.last, current <= last.rate { history.removeLast() }
    history.append((now, current))
  }

  /// The old rule by loss alone, for peers that report nothing else.
  private mutating func followLoss(at now: Instant) {
    if lossRatio <= SendSideBandwidthEstimation.lowLoss {
      let least = history.first?.rate ?? current
      set(least * 1.08 + .kbps(1))
    } else if lossRatio > SendSideBandwidthEstimation.highLoss, !hasDecreased,
      lastDecrease.map({
        now - $0 >= SendSideBandwidthEstimation.decreaseInterval + roundTrip
      }) ?? true
    {
      lastDecrease = now
      hasDecreased = true
      set(current * (1 - 0.5 * lossRatio))
    } else {
      set(current)
    }
  }

  private mutating func set(_ bitrate: Bitrate) {
    current = max(minimum, min(bitrate, maximum, delayLimit ?? maximum))
  }
}

// The estimate from loss: of several candidates, the bandwidth that explains best which packets
// were lost at which rates (libwebrtc modules/congestion_controller/goog_cc/loss_based_bwe_v2.cc,
// revision 3710345).

import Basics

public struct LossBasedBandwidthEstimator: Sendable {
  public enum State: Sendable, Equatable {
    /// Loss does not hold the estimate down.
    case delayBased
    case decreasing
    case increasing
    /// Increasing, with padding to see whether the higher rate passes.
    case increasingWithPadding
  }

  /// A bandwidth and the loss that the path has below it.
  struct Channel: Sendable {
    var inherentLoss: Double
    /// Nil before there is any estimate.
    var bandwidth: Bitrate?
  }

  private struct Hold {
    var until: Instant?
    var duration = LossBasedBandwidthEstimator.initialHold
    var rate: Bitrate?
  }

  private struct Padding {
    var rate: Bitrate = .zero
    var since: Instant?
  }

  private static let candidateFactors = [1.02, 1.0, 0.95]
  private static let rampupFactor = 1.5
  private static let rampupFactorInHold = 1.2
  private static let holdThreshold = 1.3
  private static let initialHold = Duration.milliseconds(300)
  private static let longestHold = Duration.seconds(60)
  private static let paddingDuration = Duration.seconds(2)
  private static let increaseFactor = 1.3
  private static let increaseWindow = Duration.milliseconds(300)
  private static let leastObservations = 3
  private static let upperBoundOffset = 0.05
  private static let upperBoundBalance = Bitrate.kbps(100)

  public private(set) var state = State.delayBased
  public private(set) var lossObservations = LossObservations()
  private var result: Bitrate?
  private var best = Channel(inherentLoss: 0.01, bandwidth: nil)
  private var acknowledged: Bitrate?
  private var delayBased: Bitrate?
  private var minimum = CongestionLimits.minimumBitrate
  private var maximum = CongestionLimits.maximumBitrate
  private var upperBound: Bitrate?
  private var windowLimit: Bitrate?
  private var recoveringSince: Instant?
  private var hold = Hold()
  private var padding = Padding()

  public init() {}

  /// Whether there is enough to say anything.
  public var isReady: Bool {
    best.bandwidth != nil
      && lossObservations.count >= LossBasedBandwidthEstimator.leastObservations
  }

  /// The estimate, which loss may not hold down; nil for no limit at all.
  public var estimate: Bitrate? { isReady ? result : delayBased }

  public mutating func setAcknowledged(_ rate: Bitrate) { acknowledged = rate }

  /// Takes an estimate from elsewhere.
  public mutating func setEstimate(_ bitrate: Bitrate) {
    best.bandwidth = bitrate
    result = bitrate
    state = .delayBased
  }

  public mutating func setRange(minimum: Bitrate, maximum: Bitrate) {
    self.minimum = minimum
    self.maximum = maximum
  }

  /// - Parameters:
  ///   - results: what one feedback message said, lost packets included.
  ///   - delayBased: the delay-based estimate, which bounds this one; nil for none.
  public mutating func update(_ results: [PacketResult], delayBased: Bitrate?, isInALR: Bool) {
    self.delayBased = delayBased
    guard !results.isEmpty, lossObservations.add(results) else { return }
    noteUpperBound()
    if best.bandwidth == nil {
      guard let delayBased else { return }
      best.bandwidth = delayBased
      result = delayBased
      state = .delayBased
    }
    guard let current = best.bandwidth, let now = lossObservations.lastSend else { return }
    var candidate = likeliestCandidate(from: current, isInALR: isInALR, at: now)
    if lossObservations.averageLoss > candidate.inherentLoss, current < candidate.rate {
      candidate.rate = current
    }
    if isLossLimited { limitIncrease(of: &candidate, from: current, at: now) }
    var bounded = min(candidate.rate, upperBound ?? maximum)
    if let delayBased { bounded = min(bounded, delayBased) }
    bounded = max(lowerBound, bounded)
    if bounded < candidate.rate {
      best = Channel(inherentLoss: 0, bandwidth: bounded)
    } else {
      best = Channel(
        inherentLoss: candidate.inherentLoss, bandwidth: max(candidate.rate, lowerBound))
    }
    settle(bounded, at: now)
    openWindow(at: now)
  }

  // MARK: - Candidates

  private struct Candidate {
    var inherentLoss: Double
    var rate: Bitrate
  }

  private func likeliestCandidate(
    from current: Bitrate, isInALR: Bool, at now: Instant
  ) -> Candidate {
    var rates = LossBasedBandwidthEstimator.candidateFactors.map { current * $0 }
    let isPadding = padding.since.map {
      $0 + LossBasedBandwidthEstimator.paddingDuration >= now
    }
    if let acknowledged, !isInALR || isPadding ?? false { rates.append(acknowledged) }
    if let delayBased, delayBased > current { rates.append(delayBased) }
    var most = maximum
    if isLossLimited, let windowLimit { most = windowLimit }
    most = max(current, most)
    var likeliest = Candidate(inherentLoss: best.inherentLoss, rate: current)
    var greatest = -Double.greatestFiniteMagnitude
    for rate in rates {
      let rate = min(rate, most)
      let loss = lossObservations.inherentLoss(at: rate, from: best.inherentLoss)
      let objective = lossObservations.objective(inherentLoss: loss, bandwidth: rate)
      if objective > greatest {
        greatest = objective
        likeliest = Candidate(inherentLoss: loss, rate: rate)
      }
    }
    return likeliest
  }

  private func limitIncrease(
    of candidate: inout Candidate, from current: Bitrate, at now: Instant
  ) {
    if let recoveringSince, let windowLimit,
      recoveringSince + LossBasedBandwidthEstimator.increaseWindow > now
    {
      candidate.rate = min(candidate.rate, windowLimit)
    }
    guard isIncreasing(from: current, to: candidate.rate), let acknowledged else { return }
    var factor = LossBasedBandwidthEstimator.rampupFactor
    if let rate = hold.rate, acknowledged < rate * LossBasedBandwidthEstimator.holdThreshold {
      factor = LossBasedBandwidthEstimator.rampupFactorInHold
    }
    candidate.rate = max(current, min(candidate.rate, acknowledged * factor))
    // One bit more, so that the state changes and padding begins.
    if state == .decreasing, candidate.rate == current {
      candidate.rate = current + Bitrate(bitsPerSecond: 1)
    }
  }

  // MARK: - State

  private var isLossLimited: Bool { state != .delayBased }

  private func isIncreasing(from old: Bitrate, to new: Bitrate) -> Bool {
    guard isLossLimited else { return false }
    return old < new || (old == new && (state == .increasing || state == .increasingWithPadding))
  }

  private func canKeepIncreasing(_ estimate: Bitrate, at now: Instant) -> Bool {
    guard state == .increasingWithPadding else { return true }
    let isPadding = padding.since.map {
      $0 + LossBasedBandwidthEstimator.paddingDuration >= now
    }
    return isPadding ?? false || padding.rate < estimate
  }

  private mutating func settle(_ bounded: Bitrate, at now: Instant) {
    let isBelowDelay = delayBased.map { bounded < $0 } ?? true
    if state == .decreasing, let until = hold.until, until > now, isBelowDelay {
      // What arrives is the least of the rate that is held.
      if let rate = hold.rate { hold.rate = max(lowerBound, rate) }
      result = min(hold.rate ?? bounded, bounded)
      return
    }
    if isIncreasing(from: result ?? bounded, to: bounded), canKeepIncreasing(bounded, at: now),
      isBelowDelay, bounded < maximum
    {
      if bounded > padding.rate { padding = Padding(rate: bounded, since: now) }
      state = .increasingWithPadding
    } else if isBelowDelay, bounded < maximum {
      if state != .decreasing {
        hold = Hold(
          until: now + hold.duration,
          duration: min(LossBasedBandwidthEstimator.longestHold, hold.duration * 2),
          rate: bounded)
      }
      padding = Padding()
      state = .decreasing
    } else {
      hold = Hold()
      padding = Padding()
      state = .delayBased
    }
    result = bounded
  }

  private mutating func openWindow(at now: Instant) {
    guard isLossLimited, let bandwidth = best.bandwidth,
      recoveringSince.map({ $0 + LossBasedBandwidthEstimator.increaseWindow < now }) ?? true
    else { return }
    windowLimit = max(
      CongestionLimits.minimumBitrate,
      bandwidth * LossBasedBandwidthEstimator.increaseFactor)
    recoveringSince = now
  }

  // MARK: - Bounds

  private mutating func noteUpperBound() {
    let excess = lossObservations.averageLoss - LossBasedBandwidthEstimator.upperBoundOffset
    let balance = LossBasedBandwidthEstimator.upperBoundBalance
    upperBound = excess > 0 ? balance * (1 / excess) : maximum
  }

  private var lowerBound: Bitrate { max(acknowledged ?? .zero, minimum) }
}

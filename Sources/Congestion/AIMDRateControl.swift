// Raises the rate while the path is not over-used, near its capacity by little and far from it by
// eight percent a second, and lowers it below what arrives when it is (libwebrtc
// modules/remote_bitrate_estimator/aimd_rate_control.cc, revision 3710345).

import Basics

public struct AIMDRateControl: Sendable {
  private enum State { case hold, increase, decrease }

  private static let backoffFactor = 0.85
  /// The same where a queue is emptied apart from the rate.
  private static let drainedBackoffFactor = 0.88
  /// Where a queue is emptied, the rate grows by a full packet in this time whatever the round
  /// trip, so that flows with different ones come to equal shares.
  private static let growthInterval = Duration.milliseconds(300)
  private static let fullPacket = DataSize.bytes(1_200)
  /// The same of the rate at which a standing queue empties, which is the path's capacity; a forwarder's
  /// layers are far apart, and each one that is lost takes seconds to win back.
  private static let standingBackoffFactor = 0.9
  /// Taken off a decreased rate, so that low ones drain too.
  private static let backoffTerm = Bitrate.kbps(5)
  static let defaultRoundTrip = Duration.milliseconds(200)
  private static let defaultMaximum = Bitrate.kbps(30_000)
  private static let initializationTime = Duration.seconds(5)
  private static let increaseFactor = 1.08
  private static let least = Bitrate.kbps(1)
  private static let reportSize = DataSize.bytes(80)

  public private(set) var estimate = AIMDRateControl.defaultMaximum
  public private(set) var isInitialized = false
  /// How much the last decrease took away.
  public private(set) var lastDecrease: Bitrate?
  public var roundTrip = AIMDRateControl.defaultRoundTrip
  /// Whether the sender empties the queue that over-use built, so that the rate need not.
  public var drains = false
  /// Whether what arrives now leaves a queue that stands.
  public var isStanding = false
  private var minimum = CongestionLimits.minimumBitrate
  private var throughput = AIMDRateControl.defaultMaximum
  private var capacity = LinkCapacityEstimator()
  private var state = State.hold
  private var lastChange: Instant?
  private var firstThroughput: Instant?

  public init() {}

  /// Where over-use was met before; nil for unknown.
  public var knownCapacity: Bitrate? { capacity.estimate }

  private var backoffFactor: Double {
    if isStanding { return AIMDRateControl.standingBackoffFactor }
    return drains ? AIMDRateControl.drainedBackoffFactor : AIMDRateControl.backoffFactor
  }

  public mutating func setStart(_ bitrate: Bitrate) {
    estimate = bitrate
    throughput = bitrate
    isInitialized = true
  }

  public mutating func setMinimum(_ bitrate: Bitrate) {
    minimum = bitrate
    estimate = max(bitrate, estimate)
  }

  /// Takes a rate from elsewhere, as from a probe.
  public mutating func setEstimate(_ bitrate: Bitrate, at now: Instant) {
    isInitialized = true
    estimate = max(bitrate, minimum)
    lastChange = now
  }

  /// How often a receiver may send REMB: 5 % of the estimate, 80 bytes each.
  public var feedbackInterval: Duration {
    min(
      max(AIMDRateControl.reportSize / (estimate * 0.05), .milliseconds(200)), .milliseconds(1_000))
  }

  /// Whether another decrease is due while the path stays over-used.
  public func isTimeToReduce(at now: Instant, throughput: Bitrate) -> Bool {
    let interval = min(max(roundTrip, .milliseconds(10)), .milliseconds(200))
    guard let lastChange, now - lastChange < interval else { return true }
    return isInitialized && throughput < estimate * 0.5
  }

  /// The same before any throughput is known.
  public func isTimeToReduceInitially(at now: Instant) -> Bool {
    isInitialized
      && isTimeToReduce(
        at: now, throughput: Bitrate(bitsPerSecond: estimate.bitsPerSecond / 2 - 1))
  }

  public mutating func update(
    _ usage: BandwidthUsage, throughput measured: Bitrate?, at now: Instant
  ) -> Bitrate {
    if !isInitialized, let measured {
      if let first = firstThroughput {
        if now - first > AIMDRateControl.initializationTime {
          estimate = measured
          isInitialized = true
        }
      } else {
        firstThroughput = now
      }
    }
    change(usage, measured, at: now)
    return estimate
  }

  private mutating func change(
    _ usage: BandwidthUsage, _ measured: Bitrate?, at now: Instant
  ) {
    if let measured { throughput = measured }
    // Over-use lowers the rate before there is an estimate, and makes one.
    guard isInitialized || usage == .overusing else { return }
    switch usage {
    case .normal:
      if state == .hold {
        lastChange = now
        state = .increase
      }
    case .overusing: state = .decrease
    case .underusing: state = .hold
    }
    switch state {
    case .hold: break
    case .increase: increase(at: now)
    case .decrease: decrease(at: now)
    }
    estimate = max(estimate, minimum)
  }

  private mutating func increase(at now: Instant) {
    if let bound = capacity.upperBound, throughput > bound { capacity.reset() }
    let limit = throughput * 1.5 + .kbps(10)
    if estimate < limit {
      let span = lastChange.map { now - $0 }
      let step =
        capacity.estimate != nil ? additiveStep(over: span ?? .zero) : multiplicativeStep(span)
      estimate = min(estimate + step, limit)
    }
    lastChange = now
  }

  private mutating func decrease(at now: Instant) {
    var decreased = throughput * backoffFactor
    if decreased > AIMDRateControl.backoffTerm {
      decreased = decreased - AIMDRateControl.backoffTerm
    }
    if decreased > estimate, let known = capacity.estimate {
      decreased = known * backoffFactor
    }
    if isInitialized, throughput < estimate {
      lastDecrease = decreased < estimate ? estimate - decreased : .zero
    }
    // Over-use never raises the rate.
    estimate = min(estimate, decreased)
    if throughput < capacity.lowerBound { capacity.reset() }
    isInitialized = true
    capacity.overused(at: throughput)
    // On hold until the queues have emptied.
    state = .hold
    lastChange = now
  }

  private func multiplicativeStep(_ span: Duration?) -> Bitrate {
    let factor = RealMath.pow(AIMDRateControl.increaseFactor, min(span?.seconds ?? 1, 1))
    return max(estimate * (factor - 1), AIMDRateControl.least)
  }

  private func additiveStep(over span: Duration) -> Bitrate {
    .bps(nearMaximumIncrease * span.seconds)
  }

  /// Bits per second by which the rate grows in a second near the capacity: about a packet for each
  /// two response times.
  public var nearMaximumIncrease: Double {
    if drains {
      return Double((AIMDRateControl.fullPacket / AIMDRateControl.growthInterval).bitsPerSecond)
    }
    let frameSize = Double(estimate.bitsPerSecond) / 8 / 30
    let packets = (frameSize / 1_200).rounded(.up)
    let packetBits = 8 * frameSize / max(packets, 1)
    let response = (roundTrip + .milliseconds(100)) * 2
    return max(4_000, packetBits / response.seconds)
  }

  /// How long it takes to win back the last decrease: 2 to 50 s, 3 s before there was one.
  public var expectedPeriod: Duration {
    guard let lastDecrease else { return .seconds(3) }
    let seconds = Double(lastDecrease.bitsPerSecond) / nearMaximumIncrease
    return min(max(.seconds(seconds), .seconds(2)), .seconds(50))
  }
}

// The estimate from growing delay: groups, trend and rate control put together (libwebrtc
// modules/congestion_controller/goog_cc/delay_based_bwe.cc, revision 3710345).

import Basics

public struct DelayBasedBandwidthEstimator: Sendable {
  public struct Outcome: Sendable, Equatable {
    /// The new estimate; nil when nothing changed it.
    public var estimate: Bitrate?
    /// The estimate is a probe's result.
    public var isProbe = false
    /// The queues have emptied after over-use.
    public var hasRecovered = false
  }

  /// Without feedback for so long, everything learnt of the delay is void.
  private static let trialShadow = Duration.milliseconds(100)
  private static let streamTimeout = Duration.seconds(2)

  public private(set) var rateControl = AIMDRateControl()
  private var interArrival = InterArrivalDelta()
  private var trendline = TrendlineEstimator()
  private var standing: StandingQueue
  private var isStanding = false
  private var trialUntil = Instant(nanoseconds: .min)
  private var lastFeedback: Instant?
  private let detects: Bool
  private let drains: Bool
  /// A queue that is empty again within one feedback message is a burst, not too much: over-use counts
  /// only where the quickest packet of a message waited longer than this.
  public var burstTolerance = Duration.zero
  /// A longer wait of the quickest packet is over-use, whether or not it still grows.
  public var standingLimit = Duration.max
  /// What the quickest packet of the last message waited, one way.
  public var standingDelay = Duration.zero

  /// - Parameters:
  ///   - detects: false for an estimator that never sees over-use (a mutant's).
  ///   - drains: whether the sender follows `drain`.
  public init(detects: Bool = true, drains: Bool = false) {
    self.detects = detects
    self.drains = drains
    rateControl.drains = drains
    standing = StandingQueue(drains: drains)
  }

  /// The share of the estimate that empties the queue over-use built; 1 where there is none.
  public var drain: Double { standing.drain }
  /// The queue that stands.
  public var queue: Duration { standing.queue }

  public var state: BandwidthUsage {
    if standingDelay > standingLimit, trendline.state != .underusing { return .overusing }
    let usage = isStanding && trendline.state == .normal ? .overusing : trendline.state
    return usage == .overusing && standingDelay < burstTolerance ? .normal : usage
  }
  public var estimate: Bitrate { rateControl.estimate }

  public mutating func setStart(_ bitrate: Bitrate) { rateControl.setStart(bitrate) }
  public mutating func setMinimum(_ bitrate: Bitrate) { rateControl.setMinimum(bitrate) }
  public mutating func setRoundTrip(_ roundTrip: Duration) { rateControl.roundTrip = roundTrip }

  /// - Parameters:
  ///   - received: in the order of their arrival.
  ///   - acknowledged: the rate at which packets arrive.
  ///   - latest: the same of the last moments; nil to go without.
  ///   - probe: the result of a probe that this feedback completed.
  public mutating func update(
    _ received: [PacketResult], acknowledged: Bitrate?, latest: Bitrate? = nil,
    probe: Bitrate?, at now: Instant
  ) -> Outcome {
    guard !received.isEmpty else { return Outcome() }
    var hasRecovered = false
    for result in received {
      let before = trendline.state
      add(result, at: now)
      if before == .underusing, trendline.state == .normal { hasRecovered = true }
    }
    if detects { isStanding = standing.update(received, usage: trendline.state, at: now) }
    rateControl.isStanding = standingDelay > standingLimit
    return change(
      acknowledged: passing(acknowledged, latest), probe: probe, hasRecovered: hasRecovered,
      at: now)
  }

  /// What leaves a full queue is what the path carries, now; while one begins to grow, it is at least
  /// that.
  private func passing(_ acknowledged: Bitrate?, _ latest: Bitrate?) -> Bitrate? {
    guard state == .overusing, let acknowledged, let latest else { return acknowledged }
    return drains || standingDelay > standingLimit ? latest : max(acknowledged, latest)
  }

  private mutating func add(_ result: PacketResult, at now: Instant) {
    guard detects, let arrival = result.arrival, !isTrial(result.sent) else { return }
    if lastFeedback.map({ now - $0 > DelayBasedBandwidthEstimator.streamTimeout }) ?? true {
      interArrival = InterArrivalDelta()
      trendline = TrendlineEstimator()
      standing = StandingQueue(drains: drains)
    }
    lastFeedback = now
    if let deltas = interArrival.add(
      sent: result.sent.sentAt, arrival: arrival, system: now, size: result.sent.size)
    {
      trendline.update(
        arrivalDelta: deltas.arrival, sendDelta: deltas.send, arrival: arrival)
    }
  }

  /// Packets that try a higher rate say nothing of the one in use, nor do those behind them.
  private mutating func isTrial(_ packet: SentPacket) -> Bool {
    if let probe = packet.probe, probe.mustPass || probe.isTrial {
      trialUntil = packet.sentAt + DelayBasedBandwidthEstimator.trialShadow
    }
    return packet.sentAt <= trialUntil
  }

  private mutating func change(
    acknowledged: Bitrate?, probe: Bitrate?, hasRecovered: Bool, at now: Instant
  ) -> Outcome {
    var outcome = Outcome()
    if state == .overusing {
      if let acknowledged {
        if rateControl.isTimeToReduce(at: now, throughput: acknowledged) {
          outcome.estimate = updated(acknowledged, at: now)
        }
      } else if rateControl.isTimeToReduceInitially(at: now) {
        // Nothing is known of what arrives: halve, again and again.
        rateControl.setEstimate(rateControl.estimate * 0.5, at: now)
        outcome.estimate = rateControl.estimate
      }
    } else if let probe {
      rateControl.setEstimate(probe, at: now)
      outcome.estimate = rateControl.estimate
      outcome.isProbe = true
    } else {
      outcome.estimate = updated(acknowledged, at: now)
      outcome.hasRecovered = hasRecovered
    }
    return outcome
  }

  private mutating func updated(_ acknowledged: Bitrate?, at now: Instant) -> Bitrate? {
    // While the queue empties, nothing is known of what the path could carry beyond it.
    let usage = state == .normal && drain < 1 ? .underusing : state
    let estimate = rateControl.update(usage, throughput: acknowledged, at: now)
    return rateControl.isInitialized ? estimate : nil
  }
}

// How much may be sent over a path, learnt from when its packets arrive: Google Congestion Control
// (libwebrtc modules/congestion_controller/goog_cc/goog_cc_network_control.cc, revision 3710345).

import Basics

public struct CongestionConfiguration: Sendable, Equatable {
  public var startBitrate = Bitrate.kbps(300)
  public var minimumBitrate = CongestionLimits.minimumBitrate
  /// Nil for no bound on the estimate, and 5 Mbps on probes.
  public var maximumBitrate: Bitrate?
  /// What leaves at once is spread at this many times the target.
  public var pacingFactor = 1.1
  /// The same before the first feedback, and while the first probes are out: what they have shown to
  /// pass is about to be doubled, and the first pictures shall not wait for it.
  public var initialPacingFactor = 2.5
  /// Padding goes up to this rate, where media does not.
  public var paddingRate = Bitrate.zero
  /// Whether to probe every five seconds while the application limits what is sent.
  public var probesInALR = true
  /// Whether feedback that takes three seconds, or does not come, brings the target down. It tells of
  /// the way back, where a receiver has an uplink that is worse than its downlink.
  public var backsOffInSilence = true
  /// The wait of a message's quickest packet below which growing delay is a burst of the sender's own.
  public var burstTolerance = Duration.milliseconds(8)
  /// Whether less than the target is sent while a queue stands after over-use, for encoders that
  /// can make less at once.
  public var drainsQueues = true
  /// Whether over-use lowers the target to what passed in the last moments, where that is more than
  /// what passed in the last second: a forwarder's rate jumps with its layers, and while a queue
  /// grows what arrives is what the path carries.
  public var followsLatestRate = false
  /// A queue of so much is over-use, whether or not it still grows.
  public var standingLimit = Duration.max
  public var mutant: Mutant?

  /// Deliberate faults, each of which a verdict must catch.
  public enum Mutant: String, Sendable, CaseIterable {
    case trendlineOff
    case probeOff
    case endlessPadding

    /// What it does wrong.
    public var meaning: String {
      switch self {
      case .trendlineOff: "never sees that the delay grows"
      case .probeOff: "never probes"
      case .endlessPadding: "pads up to the target without end"
      }
    }
  }

  public init() {}
}

/// One path's estimate. Pure in events and time; call `handleTimeout` every 25 ms at least.
public struct CongestionController: Sendable {
  private static let throughputShare = 0.85
  /// Below this many times what arrives no trial lowers the estimate.
  private static let trialRoom = 1.2
  private static let lossInterval = Duration.seconds(1)

  public private(set) var configuration: CongestionConfiguration
  public private(set) var nextTimeout: Instant?
  /// The rate at which packets arrive; nil before ten have.
  public private(set) var acknowledged: Bitrate?
  /// Counts changes of `pacingRate` and `paddingRate`.
  public private(set) var revision = 0
  private var probeClusters: [ProbeCluster] = []
  private var history = SentPacketHistory()
  private var delayBased: DelayBasedBandwidthEstimator
  private var estimation = SendSideBandwidthEstimation()
  private var throughput = RobustThroughputEstimator()
  private var probes: ProbeController
  private var probeEstimator = ProbeBitrateEstimator()
  private var alr = ALRDetector()
  private var wasInALR = false
  private var hasFeedback = false
  private var hasStarted = false
  private var lost: Int64 = 0
  private var expected: Int64 = 0
  private var nextLossUpdate: Instant?
  private var announced: Announced?
  /// The most that the streams together could use; nil before it was said.
  private var allocated: Bitrate?
  private var results: [PacketResult] = []
  /// Of the quickest packet so far, on two clocks.
  private var leastTransit: Duration?
  private var lastDrain = 1.0
  private var received: [PacketResult] = []

  /// What the probe controller was told last.
  private struct Announced: Equatable {
    var target: Bitrate
    var state: LossBasedBandwidthEstimator.State
    var roundTrip: Duration
    var lossRatio: Double
  }

  public init(_ configuration: CongestionConfiguration, at now: Instant) {
    estimation.backsOffInSilence = configuration.backsOffInSilence
    self.configuration = configuration
    delayBased = DelayBasedBandwidthEstimator(
      detects: configuration.mutant != .trendlineOff, drains: configuration.drainsQueues)
    probes = ProbeController(at: now)
    probes.probesPeriodicallyInALR = configuration.probesInALR
    delayBased.burstTolerance = configuration.burstTolerance
    delayBased.standingLimit = configuration.standingLimit
    delayBased.setMinimum(configuration.minimumBitrate)
    delayBased.setStart(configuration.startBitrate)
    estimation.setRange(
      minimum: configuration.minimumBitrate, maximum: configuration.maximumBitrate)
    estimation.setSendBitrate(configuration.startBitrate)
    alr.setEstimate(configuration.startBitrate)
    add(
      probes.setBitrates(
        start: configuration.startBitrate, maximum: configuration.maximumBitrate, at: now))
    nextTimeout = now + CongestionLimits.processInterval
  }

  // MARK: - Output

  /// What may be sent, headers of every layer included.
  public var target: Bitrate { estimation.target }

  /// The target, or less while a queue that over-use built is emptied.
  public var sendTarget: Bitrate {
    let drain = delayBased.drain
    return drain < 1 ? max(configuration.minimumBitrate, target * drain) : target
  }

  public var pacingRate: Bitrate {
    sendTarget * (hasStarted ? configuration.pacingFactor : configuration.initialPacingFactor)
  }

  /// Up to here the pacer fills with padding.
  public var paddingRate: Bitrate {
    if configuration.mutant == .endlessPadding { return target }
    let wanted =
      estimation.lossBased.state == .increasingWithPadding
      ? max(configuration.paddingRate, target) : configuration.paddingRate
    return min(wanted, target)
  }

  /// How much longer the quickest packet of the last feedback took than the quickest of all, one way:
  /// a queue that stands.
  public private(set) var standingDelay = Duration.zero
  /// The least of the feedback's round trips, without the wait at the receiver.
  public var roundTrip: Duration { estimation.roundTrip }
  /// Of the last second, 0...1.
  public var lossRatio: Double { estimation.lossRatio }
  public var isInALR: Bool { alr.start != nil }
  public var delayState: BandwidthUsage { delayBased.state }
  public var lossState: LossBasedBandwidthEstimator.State { estimation.lossBased.state }
  /// Whether a queue grows, or has yet to empty.
  public var isCongested: Bool {
    switch delayBased.state {
    case .normal: false
    case .overusing: true
    case .underusing: standingDelay > configuration.burstTolerance
    }
  }
  /// Whether any feedback has come.
  public var isMeasured: Bool { hasFeedback }

  /// What holds the target down.
  public var limitedBy: BandwidthLimit {
    if delayBased.state != .normal { return .delayIncreased }
    if estimation.isRoundTripAboveLimit { return .roundTrip }
    switch estimation.lossBased.state {
    case .decreasing, .increasingWithPadding: return .loss
    case .increasing: return .lossIncreasing
    case .delayBased: return .delay
    }
  }

  /// Probes to be sent, once.
  public mutating func takeProbes() -> [ProbeCluster] {
    guard !probeClusters.isEmpty else { return [] }
    defer { probeClusters = [] }
    return probeClusters
  }

  // MARK: - Wishes

  /// The streams together could use so much: bounds probes, and probes for it in an application
  /// limited region.
  /// - Parameter padding: the rate up to which padding fills, as before a layer that waits for
  ///   room.
  public mutating func setAllocated(
    maximum: Bitrate, padding: Bitrate = .zero, at now: Instant
  ) {
    if padding != configuration.paddingRate {
      configuration.paddingRate = padding
      revision += 1
    }
    allocated = maximum
    probes.alrStart = alr.start
    add(probes.setAllocated(maximum, at: now))
  }

  /// Bounds the estimate anew, and starts over from `start` where given.
  public mutating func setBounds(
    minimum: Bitrate, maximum: Bitrate?, start: Bitrate? = nil, at now: Instant
  ) {
    configuration.minimumBitrate = minimum
    configuration.maximumBitrate = maximum
    delayBased.setMinimum(minimum)
    estimation.setRange(minimum: minimum, maximum: maximum)
    if let start {
      delayBased.setStart(start)
      estimation.setSendBitrate(start)
    }
    add(probes.setBitrates(start: start, maximum: maximum, at: now))
    announce(at: now)
  }

  /// Asks whether `rate` would pass.
  /// - Returns: false where a probe would do harm now; true too where the target is as high.
  public mutating func requestProbe(_ rate: Bitrate, at now: Instant) -> Bool {
    let clusters = probes.request(rate, isCongested: isCongested, at: now)
    add(clusters)
    return !clusters.isEmpty || rate <= target
  }

  // MARK: - Events

  /// Media is about to flow: the first probes are due.
  public mutating func begin(at now: Instant) {
    add(probes.setNetworkAvailable(true, at: now))
  }

  /// Packets take another network from now on: what was learnt of the last one is forgotten, feedback on
  /// what went over it means nothing, and probing begins anew (GoogCcNetworkController
  /// ::OnNetworkRouteChange).
  public mutating func networkRouteChanged(at now: Instant) {
    var fresh = CongestionController(configuration, at: now)
    fresh.revision = revision + 1
    // Where there was an estimate, the start is one to go by, not a guess.
    fresh.hasFeedback = hasFeedback
    if let allocated {
      fresh.setAllocated(maximum: allocated, padding: configuration.paddingRate, at: now)
    }
    fresh.begin(at: now)
    self = fresh
  }

  /// A packet leaves under its number. Budget: 30 ns.
  public mutating func sent(_ packet: SentPacket) {
    history.add(packet)
    alr.sent(packet.size, at: packet.sentAt)
    estimation.sent(at: packet.sentAt)
  }

  /// Feedback came. Budget: 60 ns a packet.
  public mutating func received(_ feedback: ArrivalFeedback, at now: Instant) {
    results.removeAll(keepingCapacity: true)
    history.take(feedback, into: &results)
    forgetOutages()
    guard !results.isEmpty else { return }
    sortReceived()
    hasFeedback = true
    noteRoundTrip(at: now)
    noteTransit()
    noteLoss(at: now)
    noteALR(at: now)
    throughput.add(received)
    acknowledged = throughput.bitrate
    estimation.setAcknowledged(acknowledged)
    let probe = takeProbeResult()
    delayBased.standingDelay = standingDelay
    let outcome = delayBased.update(
      received, acknowledged: acknowledged, latest: latest, probe: probe, at: now)
    noteQueue()
    if let estimate = outcome.estimate {
      if outcome.isProbe { estimation.setSendBitrate(estimate) }
      estimation.setDelayLimit(estimate)
    }
    estimation.update(results, isInALR: isInALR, at: now)
    if outcome.estimate != nil { announce(at: now) }
    if outcome.hasRecovered {
      probes.alrStart = alr.start
      add(probes.recovered(at: now))
    }
  }

  /// The other end limits what it wants (REMB); nil for no limit.
  public mutating func received(receiverLimit: Bitrate?, at now: Instant) {
    estimation.setReceiverLimit(receiverLimit)
    estimation.updateEstimate(at: now)
    announce(at: now)
  }

  /// A receiver report, from a peer without transport-wide feedback.
  public mutating func received(
    lost: Int64, of packets: Int64, roundTrip: Duration?, at now: Instant
  ) {
    if let roundTrip {
      delayBased.setRoundTrip(roundTrip)
      estimation.setRoundTrip(roundTrip)
      estimation.setPropagation(roundTrip, at: now)
    }
    estimation.report(lost: lost, of: packets, at: now)
    announce(at: now)
  }

  public mutating func handleTimeout(at now: Instant) {
    guard let due = nextTimeout, due <= now else { return }
    nextTimeout = now + CongestionLimits.processInterval
    estimation.updateEstimate(at: now)
    probes.alrStart = alr.start
    add(probes.process(at: now))
    announce(at: now)
  }

  // MARK: - Steps

  /// Packets lost in a row for a second and more met an outage, and say nothing of what the path
  /// carries while there is one.
  private mutating func forgetOutages() {
    var start = 0
    while start < results.count {
      guard results[start].arrival == nil else {
        start += 1
        continue
      }
      var end = start
      while end < results.count, results[end].arrival == nil { end += 1 }
      if results[end - 1].sent.sentAt - results[start].sent.sentAt >= CongestionLimits.outage {
        results.removeSubrange(start..<end)
      } else {
        start = end
      }
    }
  }

  /// One way, so that a queue before the feedback is none of the media's.
  private mutating func noteTransit() {
    var least: Duration?
    for result in received {
      guard let arrival = result.arrival else { continue }
      least = min(least ?? .seconds(3_600), arrival - result.sent.sentAt)
    }
    guard let least else { return }
    let base = min(least, leastTransit.map { $0 + CongestionLimits.transitDrift } ?? least)
    leastTransit = base
    standingDelay = least - base
  }

  private mutating func sortReceived() {
    received.removeAll(keepingCapacity: true)
    for result in results where result.arrival != nil {
      received.append(result)
      var index = received.count - 1
      while index > 0, received[index].arrival! < received[index - 1].arrival! {
        received.swapAt(index, index - 1)
        index -= 1
      }
    }
  }

  private mutating func noteRoundTrip(at now: Instant) {
    guard let newest = received.last?.arrival else { return }
    var shortest = Duration.max
    for result in received {
      // Without the time that the arrival waited for the feedback.
      shortest = min(shortest, now - result.sent.sentAt - (newest - result.arrival!))
    }
    estimation.setPropagation(shortest, at: now)
    estimation.setRoundTrip(shortest)
    delayBased.setRoundTrip(shortest)
  }

  private mutating func noteLoss(at now: Instant) {
    expected += Int64(results.count)
    lost += Int64(results.count - received.count)
    if let nextLossUpdate, now <= nextLossUpdate { return }
    nextLossUpdate = now + CongestionController.lossInterval
    estimation.report(lost: lost, of: expected, at: now)
    expected = 0
    lost = 0
  }

  private mutating func noteQueue() {
    probes.standingQueue = delayBased.queue
    if configuration.drainsQueues { probes.knownCapacity = delayBased.rateControl.knownCapacity }
    guard delayBased.drain != lastDrain else { return }
    lastDrain = delayBased.drain
    alr.setEstimate(sendTarget)
    revision += 1
  }

  private mutating func noteALR(at now: Instant) {
    if wasInALR, !isInALR { probes.alrEnd = now }
    wasInALR = isInALR
  }

  /// What passed in the last moments, for those who go by it.
  private var latest: Bitrate? {
    if configuration.followsLatestRate {
      return throughput.latest(within: CongestionLimits.forwardedSpan)
    }
    guard configuration.drainsQueues else { return nil }
    // What a lossy path drops on the way uses none of its capacity.
    let arriving = 1 - min(lossRatio, CongestionLimits.randomLoss)
    return throughput.latest(over: CongestionLimits.encodedSpan).map { $0 * (1 / arriving) }
  }

  private mutating func takeProbeResult() -> Bitrate? {
    var isTrial = false
    for result in received {
      guard let mark = result.sent.probe else { continue }
      isTrial = mark.isTrial
      _ = probeEstimator.add(result)
    }
    guard let result = probeEstimator.take() else { return nil }
    if isTrial { return trialResult(result) }
    // What arrives as fast as it left is no reason to send less: there was not more to be sent.
    // libwebrtc's pacer always has padding; a forwarder has none before its first packets.
    if !probeEstimator.isSaturated, result < delayBased.estimate { return nil }
    guard let acknowledged else { return result }
    // A probe may tell of less than there is, as behind a burst of others.
    return max(
      result,
      min(delayBased.estimate, acknowledged * CongestionController.throughputShare))
  }

  /// A trial lowers the estimate only where it met the capacity for certain, as where the estimate grew
  /// beyond it with little to send; what is sent at present keeps its room.
  private func trialResult(_ result: Bitrate) -> Bitrate? {
    if result > delayBased.estimate { return result }
    guard probeEstimator.isBlocked, let acknowledged else { return nil }
    let found = max(result, acknowledged * CongestionController.trialRoom)
    return found < delayBased.estimate ? found : nil
  }

  private mutating func announce(at now: Instant) {
    if !hasStarted, hasFeedback, !probes.isProbingInitially {
      hasStarted = true
      revision += 1
    }
    let state = Announced(
      target: target, state: lossState, roundTrip: roundTrip, lossRatio: lossRatio)
    guard state != announced else { return }
    announced = state
    revision += 1
    alr.setEstimate(sendTarget)
    add(probes.setEstimate(state.target, limitedBy: limitedBy, at: now))
  }

  private mutating func add(_ clusters: [ProbeCluster]) {
    guard configuration.mutant != .probeOff else { return }
    probeClusters.append(contentsOf: clusters)
  }
}

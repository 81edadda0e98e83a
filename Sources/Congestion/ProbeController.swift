// When to probe, and how high: at the start, after drops, in application limited regions, and when
// more could be sent than before (libwebrtc
// modules/congestion_controller/goog_cc/probe_controller.cc, revision 3710345).

import Basics

/// What holds the estimate down.
public enum BandwidthLimit: Sendable, Equatable {
  case delay
  /// The delay grows, or has just stopped to.
  case delayIncreased
  case loss
  /// By loss, but the estimate grows.
  case lossIncreasing
  /// By a round trip of seconds.
  case roundTrip

  /// Probes would only add to the trouble.
  var forbidsProbes: Bool { self == .delayIncreased || self == .loss || self == .roundTrip }
}

public struct ProbeController: Sendable {
  private enum State { case initial, waiting, complete }

  private static let firstScale = 3.0
  private static let secondScale = 6.0
  private static let furtherScale = 2.0
  private static let furtherThreshold = 0.7
  private static let alrScale = 2.0
  private static let alrInterval = Duration.seconds(5)
  private static let allocationScales = [1.0, 2.0]
  /// Allocation probes stay below this many estimates.
  private static let allocationLimit = 2.0
  private static let lossLimitedScale = 1.5
  private static let resultTimeout = Duration.seconds(1)
  private static let repeatedProbing = Duration.seconds(5)
  private static let dropThreshold = 0.66
  private static let dropTimeout = Duration.seconds(5)
  private static let afterDropScale = 0.85
  private static let dropProbeInterval = Duration.seconds(5)
  private static let alrEndedTimeout = Duration.seconds(3)
  private static let uncertainty = 0.05
  private static let stagnantScale = 1.5
  private static let stagnantInterval = Duration.seconds(2)
  private static let stagnantDuration = Duration.milliseconds(80)
  /// The most that a trial may queue on a path which carries no more than the estimate, and how long it
  /// lasts where that allows it: in 15 ms of packets the jitter of the path is larger than what it shall
  /// tell apart (LiveKit's probes last 200 ms and more).
  private static let trialQueue = Duration.milliseconds(50)
  private static let longestTrial = Duration.milliseconds(200)
  /// A queue that stands says that there is no more to find; less is jitter.
  private static let stagnantQueue = Duration.milliseconds(10)
  /// So near to where over-use was met before, the path has become wider, if nothing is met now.
  private static let knownShare = 0.98

  /// The estimate the controller knows of.
  public private(set) var estimate = Bitrate.zero
  public var probesPeriodicallyInALR = true
  /// Probes every two seconds while the estimate is all used and nothing limits it but itself.
  public var probesStagnation = true
  /// Probes again each second for 5 s, until it is known what could be sent.
  public var repeatsInitialProbing = false
  /// Since when the application limits what is sent.
  public var alrStart: Instant?
  public var alrEnd: Instant?
  /// The queue that stands on the path.
  public var standingQueue = Duration.zero
  /// Where over-use was met before; nil where that is unknown, or shall not count.
  public var knownCapacity: Bitrate?
  private var state = State.initial
  private var isNetworkAvailable = false
  private var limit = BandwidthLimit.delay
  private var start = Bitrate.zero
  private var maximum = CongestionLimits.maximumProbe
  /// The most that all streams together could use; zero for unknown.
  private var allocated = Bitrate.zero
  private var probesFurtherAbove: Bitrate?
  private var lastInitiated: Instant
  private var lastLimited: Instant
  private var repeatsUntil: Instant?
  private var lastLargeDrop: Instant
  private var beforeLargeDrop = Bitrate.zero
  private var lastDropProbe: Instant
  /// The probe that is waited for must pass, and so must those that follow it.
  private var isCautious = false
  private var hasCompleted = false
  private var nextID = 1

  public init(at now: Instant) {
    lastInitiated = Instant(nanoseconds: 0)
    lastLimited = now
    lastLargeDrop = now
    lastDropProbe = now
  }

  /// The exponential probes of the start are not over.
  public var isProbingInitially: Bool { !hasCompleted }

  public mutating func setBitrates(
    start newStart: Bitrate?, maximum newMaximum: Bitrate?, at now: Instant
  ) -> [ProbeCluster] {
    if let newStart, newStart > .zero {
      start = newStart
      estimate = newStart
    }
    let before = maximum
    maximum = newMaximum ?? CongestionLimits.maximumProbe
    switch state {
    case .initial:
      return isNetworkAvailable && start > .zero ? probeExponentially(at: now) : []
    case .waiting: return []
    case .complete:
      guard estimate > .zero, before < maximum, estimate < maximum else { return [] }
      return probe([maximum], further: false, at: now)
    }
  }

  public mutating func setNetworkAvailable(_ available: Bool, at now: Instant) -> [ProbeCluster] {
    isNetworkAvailable = available
    if !available, state == .waiting { complete() }
    return available && state == .initial && start > .zero ? probeExponentially(at: now) : []
  }

  /// The streams together could use so much.
  public mutating func setAllocated(_ total: Bitrate, at now: Instant) -> [ProbeCluster] {
    let changes = state == .complete && total != allocated
    if changes, estimate < maximum, estimate < total, alrStart != nil {
      allocated = total
      return probeAllocation(at: now)
    }
    if total > .zero { repeatsUntil = now }
    allocated = total
    return []
  }

  private mutating func probeAllocation(at now: Instant) -> [ProbeCluster] {
    let bound = estimate * ProbeController.allocationLimit
    let first = allocated * ProbeController.allocationScales[0]
    guard bound >= first else { return probe([bound], further: true, at: now) }
    let second = allocated * ProbeController.allocationScales[1]
    let rates = min(second, bound) > first ? [first, min(second, bound)] : [first]
    return probe(rates, further: bound < second, at: now)
  }

  private mutating func probeExponentially(at now: Instant) -> [ProbeCluster] {
    if repeatsInitialProbing, allocated == .zero {
      repeatsUntil = now + ProbeController.repeatedProbing
    }
    return probe(
      [start * ProbeController.firstScale, start * ProbeController.secondScale], further: true,
      at: now)
  }

  public mutating func setEstimate(
    _ bitrate: Bitrate, limitedBy limit: BandwidthLimit, at now: Instant
  ) -> [ProbeCluster] {
    self.limit = limit
    if limit != .delay { lastLimited = now }
    if bitrate < estimate * ProbeController.dropThreshold {
      lastLargeDrop = now
      beforeLargeDrop = estimate
    }
    estimate = bitrate
    guard state == .waiting, let bound = probesFurtherAbove, bitrate > bound else { return [] }
    return isCautious
      ? probeStagnant(at: now)
      : probe([bitrate * ProbeController.furtherScale], further: true, at: now)
  }

  /// The path recovered after over-use: look whether what was there before is there again.
  public mutating func recovered(at now: Instant) -> [ProbeCluster] {
    let endedLately = alrEnd.map { now - $0 < ProbeController.alrEndedTimeout } ?? false
    guard alrStart != nil || endedLately else { return [] }
    return probeAfterDrop(at: now)
  }

  private mutating func probeAfterDrop(at now: Instant) -> [ProbeCluster] {
    let rate = beforeLargeDrop * ProbeController.afterDropScale
    guard state == .complete,
      rate * (1 - ProbeController.uncertainty) > estimate,
      now - lastLargeDrop < ProbeController.dropTimeout,
      now - lastDropProbe > ProbeController.dropProbeInterval
    else { return [] }
    lastDropProbe = now
    return probe([rate], further: false, at: now)
  }

  /// Somebody wants to know whether `rate` would pass, as before a step up to a higher layer. What
  /// was waited for until now is not.
  ///
  /// - Parameter isCongested: whether a queue stands. That one has just emptied, or that loss held
  ///   the estimate down and does no more, is no reason to ask for less.
  public mutating func request(
    _ rate: Bitrate, isCongested: Bool, at now: Instant
  ) -> [ProbeCluster] {
    guard state != .initial, rate > estimate, !isCongested else { return [] }
    let before = limit
    defer { limit = before }
    if limit == .delayIncreased || limit == .lossIncreasing { limit = .delay }
    var clusters = probe([rate], further: false, at: now)
    for index in clusters.indices {
      clusters[index].isTrial = true
      clusters[index].duration = max(
        clusters[index].duration, trialDuration(of: clusters[index].rate))
    }
    return clusters
  }

  private func trialDuration(of rate: Bitrate) -> Duration {
    guard rate > estimate else { return ProbeController.longestTrial }
    let harmless = ProbeController.trialQueue * (estimate / (rate - estimate))
    return min(harmless, ProbeController.longestTrial)
  }

  public mutating func process(at now: Instant) -> [ProbeCluster] {
    if state == .waiting, now - lastInitiated > ProbeController.resultTimeout { complete() }
    guard estimate > .zero, state == .complete else { return [] }
    if let repeatsUntil, repeatsUntil > now, now >= lastInitiated + ProbeController.resultTimeout {
      return probe([estimate * ProbeController.firstScale], further: true, at: now)
    }
    if let alrStart, probesPeriodicallyInALR,
      now >= max(alrStart, lastInitiated) + ProbeController.alrInterval
    {
      return probe([estimate * ProbeController.alrScale], further: true, at: now)
    }
    return isStagnant(at: now) ? probeStagnant(at: now) : []
  }

  /// The estimate is used, nothing is wrong, and it grows by a packet a round trip. Not in
  /// libwebrtc, which takes ten seconds and more to find that a path has become wider.
  private func isStagnant(at now: Instant) -> Bool {
    probesStagnation && alrStart == nil && limit == .delay
      && (allocated == .zero || estimate < allocated)
      && standingQueue < ProbeController.stagnantQueue
      && estimate >= (knownCapacity ?? .zero) * ProbeController.knownShare
      && now >= lastInitiated + ProbeController.stagnantInterval
      && now >= lastLimited + ProbeController.stagnantInterval
  }

  private mutating func probeStagnant(at now: Instant) -> [ProbeCluster] {
    var clusters = probe([estimate * ProbeController.stagnantScale], further: true, at: now)
    for index in clusters.indices {
      clusters[index].mustPass = true
      clusters[index].duration = ProbeController.stagnantDuration
    }
    isCautious = state == .waiting
    return clusters
  }

  private mutating func complete() {
    state = .complete
    hasCompleted = true
    probesFurtherAbove = nil
  }

  private mutating func probe(
    _ rates: [Bitrate], further: Bool, at now: Instant
  ) -> [ProbeCluster] {
    guard !limit.forbidsProbes else { return [] }
    isCautious = false
    var bound = maximum
    // Twice what could be sent: streams burst, and probes arrive a little lower than they were
    // sent.
    if allocated > .zero { bound = min(bound, allocated * 2) }
    if limit == .lossIncreasing {
      bound = min(bound, estimate * ProbeController.lossLimitedScale)
    }
    var further = further
    var clusters: [ProbeCluster] = []
    for rate in rates {
      if rate >= bound { further = false }
      clusters.append(cluster(min(rate, bound), at: now))
    }
    lastInitiated = now
    if further, let last = clusters.last {
      state = .waiting
      probesFurtherAbove = last.rate * ProbeController.furtherThreshold
    } else {
      complete()
    }
    return clusters
  }

  private mutating func cluster(_ rate: Bitrate, at now: Instant) -> ProbeCluster {
    defer { nextID += 1 }
    var cluster = ProbeCluster(id: nextID, rate: rate, requestedAt: now)
    if let repeatsUntil, now < repeatsUntil {
      cluster.duration = .milliseconds(100)
      cluster.minimumDelta = .milliseconds(20)
    }
    return cluster
  }
}

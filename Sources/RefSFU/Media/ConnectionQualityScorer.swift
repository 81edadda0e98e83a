// How good a connection is, as a score and as LiveKit's word for it (LiveKit
// connectionquality/scorer.go, a simplified E-model after ITU-T G.107).

import Basics

extension ConnectionQuality {
  /// LiveKit's word for a score of 0...100.
  public init(score: Double) {
    self = score > 80 ? .excellent : score > 40 ? .good : score > 20 ? .poor : .lost
  }
}

/// How much one percent of loss costs, in points of the score.
public enum PacketLossWeight {
  public static let video = 10.0
  /// Forward error correction in the codec hides some.
  public static func opus(hasFEC: Bool) -> Double { hasFEC ? 8 / 1.5 : 8 }
  /// RFC 2198 redundancy hides more.
  public static func red(hasFEC: Bool) -> Double { hasFEC ? 4 / 1.5 : 4 }
}

/// The score of one stream, window by window.
public struct ConnectionQualityScorer: Sendable {
  /// What was measured in a window.
  public struct Window: Equatable, Sendable {
    public var duration: Duration
    /// Media packets.
    public var packets: Int
    /// Padding-only packets.
    public var padding: Int
    public var lost: Int
    /// Of the lost, those that never reached this end, so that it could not send them.
    public var missing: Int
    public var outOfOrder: Int
    public var bytes: Int
    /// Highest, in milliseconds.
    public var rttMilliseconds: Double
    /// Highest, in microseconds.
    public var jitterMicroseconds: Double
    /// When RTCP was last heard; nil for never.
    public var lastRTCP: Instant?

    public init(
      duration: Duration = ConnectionQualityScorer.window, packets: Int = 0, padding: Int = 0,
      lost: Int = 0, missing: Int = 0, outOfOrder: Int = 0, bytes: Int = 0,
      rttMilliseconds: Double = 0, jitterMicroseconds: Double = 0, lastRTCP: Instant? = nil
    ) {
      self.duration = duration
      self.packets = packets
      self.padding = padding
      self.lost = lost
      self.missing = missing
      self.outOfOrder = outOfOrder
      self.bytes = bytes
      self.rttMilliseconds = rttMilliseconds
      self.jitterMicroseconds = jitterMicroseconds
      self.lastRTCP = lastRTCP
    }
  }

  public static let window = Duration.seconds(5)
  public static let maximumScore = 100.0
  public static let minimumScore = 30.0
  /// Shares of the new score when it rises and when it falls.
  public static let riseFactor = 0.4
  public static let fallFactor = 0.8
  /// Points for each layer that is missed.
  public static let layerWeight = 35.0
  /// Share of a window that must be unmuted for it to count.
  public static let unmutedShare = 0.5
  private static let dryScore = 40.0
  static let lostScore = 20.0

  public var lossWeight: Double
  public let includesRTT: Bool
  public let includesJitter: Bool
  public let scoresBitrate: Bool
  public private(set) var score = ConnectionQualityScorer.maximumScore
  private var lastUpdate: Instant
  private var mute = Toggle()
  private var layerMute = Toggle()
  private var pause = Toggle()
  private var rate = PacketRateMode()
  private var expectedBits = TimeIntegral()
  private var missedLayers = TimeIntegral()

  public init(
    lossWeight: Double, includesRTT: Bool = true, includesJitter: Bool = true,
    scoresBitrate: Bool = true, at now: Instant
  ) {
    self.lossWeight = lossWeight
    self.includesRTT = includesRTT
    self.includesJitter = includesJitter
    self.scoresBitrate = scoresBitrate
    lastUpdate = now
  }

  public var quality: ConnectionQuality { ConnectionQuality(score: score) }

  /// Mean opinion score, 1...4.5.
  public var meanOpinionScore: Double {
    if score <= 0 { return 1 }
    if score >= 100 { return 4.5 }
    return 1 + 0.035 * score + 7e-6 * score * (score - 60) * (100 - score)
  }

  /// The publisher muted or unmuted the track.
  public mutating func setMuted(_ isMuted: Bool, at now: Instant) {
    mute.set(isMuted, at: now)
    // Muting does not find a lost connection again.
    if isMuted, score != ConnectionQualityScorer.lostScore {
      score = ConnectionQualityScorer.maximumScore
    }
  }

  /// Nobody wants any layer of the track, or somebody does again.
  public mutating func setLayersMuted(_ isMuted: Bool, at now: Instant) {
    guard isMuted != layerMute.isOn else { return }
    layerMute.set(isMuted, at: now)
    if isMuted { forgetExpectations(score: ConnectionQualityScorer.maximumScore) }
  }

  /// The stream was paused for lack of bandwidth, or resumed.
  public mutating func setPaused(_ isPaused: Bool, at now: Instant) {
    guard isPaused != pause.isOn else { return }
    pause.set(isPaused, at: now)
    if isPaused { forgetExpectations(score: ConnectionQualityScorer.minimumScore) }
  }

  /// From now on this rate is expected.
  public mutating func expect(_ bitrate: Bitrate, at now: Instant) {
    expectedBits.set(Double(max(0, bitrate.bitsPerSecond)), at: now)
  }

  /// From now on so many layers fewer than wanted are sent.
  public mutating func miss(layers: Double, at now: Instant) {
    missedLayers.set(max(0, layers), at: now)
  }

  /// Ends a window.
  public mutating func update(_ window: Window, at now: Instant) {
    let expectedBits = expectedBits.restart(at: now).sum
    let missedLayers = missedLayers.restart(at: now).mean
    defer { lastUpdate = now }
    guard !mute.isOn, !layerMute.isOn, !pause.isOn, wasUnmutedEnough(at: now) else { return }
    let weight = rate.weight(of: window, at: now) * lossWeight
    guard window.packets + window.padding > 0 else {
      let isLost = window.lastRTCP.map { now - $0 > window.duration } ?? false
      score = isLost ? ConnectionQualityScorer.lostScore : ConnectionQualityScorer.dryScore
      return
    }
    let layerScore = max(
      0, ConnectionQualityScorer.maximumScore - ConnectionQualityScorer.layerWeight * missedLayers)
    let new = min(
      packetScore(window, weight: weight), bitrateScore(window, expectedBits: expectedBits),
      layerScore)
    let factor =
      new < score ? ConnectionQualityScorer.fallFactor : ConnectionQualityScorer.riseFactor
    score = max(ConnectionQualityScorer.minimumScore, factor * new + (1 - factor) * score)
  }

  private func packetScore(_ window: Window, weight: Double) -> Double {
    var delay = 0.0
    if includesRTT { delay += window.rttMilliseconds / 2 }
    if includesJitter { delay += window.jitterMicroseconds * 2 / 1_000 }
    let delayEffect = delay > 160 ? (delay - 120) / 10 : delay / 40
    // What came late at the other end was lost only on the way to here.
    let lost = max(0, window.lost - window.missing - window.outOfOrder)
    let lossEffect = Double(lost) * 100 / Double(window.packets + window.padding) * weight
    return max(0, ConnectionQualityScorer.maximumScore - delayEffect - lossEffect)
  }

  private func bitrateScore(_ window: Window, expectedBits: Double) -> Double {
    guard scoresBitrate, expectedBits >= 1 else { return ConnectionQualityScorer.maximumScore }
    guard window.bytes > 0 else { return 0 }
    let score = 100 - 20 * RealMath.log(expectedBits / (Double(window.bytes) * 8))
    return min(max(score, 0), ConnectionQualityScorer.maximumScore)
  }

  private func wasUnmutedEnough(at now: Instant) -> Bool {
    let span = now - lastUpdate
    guard span > .zero else { return false }
    let unmuted = min(now - (mute.offAt ?? lastUpdate), now - (layerMute.offAt ?? lastUpdate))
    return unmuted / span > ConnectionQualityScorer.unmutedShare
  }

  private mutating func forgetExpectations(score: Double) {
    expectedBits = TimeIntegral()
    missedLayers = TimeIntegral()
    self.score = score
  }
}

/// A state and when it last ended.
private struct Toggle: Sendable {
  private(set) var isOn = false
  private(set) var offAt: Instant?

  mutating func set(_ isOn: Bool, at now: Instant) {
    if !isOn { offAt = now }
    self.isOn = isOn
  }
}

/// The integral over time of a value that changes in steps.
private struct TimeIntegral: Sendable {
  private var value = 0.0
  private var since: Instant?
  private var sum = 0.0
  private var span = 0.0

  mutating func set(_ value: Double, at now: Instant) {
    if let since, now >= since {
      sum += (now - since).seconds * self.value
      span += (now - since).seconds
    }
    self.value = value
    since = now
  }

  mutating func restart(at now: Instant) -> (sum: Double, mean: Double) {
    if since != nil { set(value, at: now) }
    defer {
      sum = 0
      span = 0
    }
    return (sum, span > 0 ? sum / span : 0)
  }
}

/// The packet rate that a stream usually has. Loss counts for less where it has fewer: silence with
/// DTX, a still screen.
private struct PacketRateMode: Sendable {
  private static let quantum = 2.0
  private static let bins = 250
  private static let minimumReadings = 10
  private static let interval = Duration.seconds(120)

  private var histogram = [UInt16](repeating: 0, count: bins)
  private var readings = 0
  private var mode = 0
  private var modeAt: Instant?

  /// Takes a window's rate; returns 0...1.
  mutating func weight(of window: ConnectionQualityScorer.Window, at now: Instant) -> Double {
    guard window.duration > .zero else { return 1 }
    let rate = Double(window.packets) / window.duration.seconds
    let bin = Int(min(rate / PacketRateMode.quantum + 0.5, Double(PacketRateMode.bins - 1)))
    if histogram[bin] < .max { histogram[bin] += 1 }
    readings += 1
    let isStale = modeAt.map { now - $0 > PacketRateMode.interval } ?? true
    if readings >= PacketRateMode.minimumReadings, isStale {
      mode = histogram.indices.reduce(0) { histogram[$1] > histogram[$0] ? $1 : $0 }
      modeAt = now
    }
    guard mode > 0, mode < PacketRateMode.bins - 1 else { return 1 }
    return min(1, rate / (Double(mode) * PacketRateMode.quantum)).squareRoot()
  }
}

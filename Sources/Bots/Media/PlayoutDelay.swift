// How long a video receiver holds frames back: a simplification of libwebrtc's jitter estimator,
// timestamp extrapolator and VCMTiming.
//
// A frame's offset is the moment it was complete minus its RTP time. The least offset of the last
// five to ten seconds stands for an undisturbed path (libwebrtc extrapolates with a Kalman filter);
// the 95th percentile of the last 128 offsets over it is the jitter (libwebrtc: 2.33 standard
// deviations of a Kalman filter's residual). As there, frames with retransmitted packets are no
// samples; after three of them the round trip is added instead. The delay in effect moves towards
// its target by 100 ms a second, and jumps up to it when a frame is late.

import Basics

public struct PlayoutDelay: Sendable {
  public struct Configuration: Sendable {
    /// Least jitter assumed: libwebrtc's allowance for the operating system.
    public var minimumJitter = Duration.milliseconds(10)
    public var maximumDelay = Duration.seconds(10)
    public var quantile = 0.95
    public var decodeDuration = Duration.milliseconds(5)
    /// From decoded to shown, as libwebrtc assumes.
    public var renderDuration = Duration.milliseconds(10)
    /// Milliseconds by which the delay changes in a second.
    public var changeRate = 100.0
    /// Retransmitted frames that make the round trip part of the delay, and how long they count.
    public var retransmissionLimit = 3
    public var retransmissionMemory = Duration.seconds(60)
    public var maximumRoundTripAddition = Duration.milliseconds(200)
    /// An offset this far from the rest is a new timeline.
    public var discontinuity = Duration.seconds(10)

    public init() {}
  }

  private static let windowSize = 128
  private static let samplesBetweenUpdates = 8

  public let configuration: Configuration
  /// Delay in effect, over the undisturbed path: jitter, decoding and rendering.
  public private(set) var current: Duration?
  public private(set) var jitter: Duration
  public var roundTripTime = Duration.zero

  private var offsets: [Int64] = []
  private var oldest = 0
  private var samplesSinceUpdate = 0
  private var base = LeastOffset(window: .seconds(5))
  private var lastChange = Instant.zero
  private var retransmittedFrames = 0
  private var lastRetransmission = Instant.zero

  public init(_ configuration: Configuration = Configuration()) {
    self.configuration = configuration
    jitter = configuration.minimumJitter
  }

  /// RTP time of an extended 90 kHz timestamp.
  static func mediaTime(_ timestamp: Int64) -> Int64 {
    timestamp / 9 * 100_000 + timestamp % 9 * 100_000 / 9
  }

  public var target: Duration {
    var delay = jitter + configuration.decodeDuration + configuration.renderDuration
    if retransmittedFrames >= configuration.retransmissionLimit {
      delay += min(roundTripTime, configuration.maximumRoundTripAddition)
    }
    return min(delay, configuration.maximumDelay)
  }

  /// A frame with this timestamp became complete.
  public mutating func frameCompleted(
    timestamp: Int64, isRetransmitted: Bool, at now: Instant
  ) {
    let offset = now.nanoseconds - PlayoutDelay.mediaTime(timestamp)
    if let least = base.value, abs(offset - least) > configuration.discontinuity.nanoseconds {
      restart()
    }
    if now - lastRetransmission > configuration.retransmissionMemory { retransmittedFrames = 0 }
    if isRetransmitted {
      retransmittedFrames += 1
      lastRetransmission = now
    }
    if base.value == nil || !isRetransmitted { record(offset, at: now) }
    moveTowardsTarget(at: now)
  }

  private mutating func restart() {
    base.reset()
    offsets.removeAll(keepingCapacity: true)
    oldest = 0
    samplesSinceUpdate = 0
  }

  private mutating func record(_ offset: Int64, at now: Instant) {
    let before = base.value
    base.record(offset, at: now)
    if let delay = current, let before, let after = base.value {
      // A better notion of the path must not shift the picture: only the steady drift does.
      current = max(.zero, delay - Duration(nanoseconds: after - before))
    }
    if offsets.count < PlayoutDelay.windowSize {
      offsets.append(offset)
    } else {
      offsets[oldest] = offset
      oldest = (oldest + 1) % PlayoutDelay.windowSize
    }
    samplesSinceUpdate += 1
    let isLate = offset - (base.value ?? offset) > jitter.nanoseconds
    guard samplesSinceUpdate >= PlayoutDelay.samplesBetweenUpdates || isLate else { return }
    samplesSinceUpdate = 0
    updateJitter()
  }

  private mutating func updateJitter() {
    let sorted = offsets.sorted()
    let rank = Int((configuration.quantile * Double(sorted.count)).rounded(.up))
    let high = sorted[max(0, rank - 1)]
    let spread = Duration(nanoseconds: high - (base.value ?? high))
    jitter = max(spread, configuration.minimumJitter)
  }

  private mutating func moveTowardsTarget(at now: Instant) {
    defer { lastChange = now }
    guard let delay = current else {
      current = target
      return
    }
    let step = Duration.seconds(
      (now - lastChange).seconds * configuration.changeRate / 1_000)
    let distance = target - delay
    current = delay + min(max(distance, -step), step)
  }

  /// When a frame with this timestamp is to be shown; nil before the first complete frame.
  public func renderTime(timestamp: Int64) -> Instant? {
    guard let current, let least = base.value else { return nil }
    return Instant(nanoseconds: PlayoutDelay.mediaTime(timestamp) &+ least) + current
  }

  /// The frame could only be shown `lateness` after its render time: the delay grows at once, but
  /// not beyond its target.
  public mutating func frameWasLate(by lateness: Duration) {
    guard let delay = current, lateness > .zero, target > delay else { return }
    current = min(target, delay + lateness)
  }
}

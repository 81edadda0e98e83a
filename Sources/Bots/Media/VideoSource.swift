// A camera and its simulcast encoders: one capture clock, one encoder a layer (RFC 8593).

import Basics

/// A frame as it leaves an encoder.
public struct EncodedFrame: Sendable, Equatable {
  /// Index into the source's layers, 0 the smallest.
  public var layer: Int
  public var width: Int
  public var height: Int
  public var isKeyframe: Bool
  /// TID of RFC 7741, 0...2.
  public var temporalLayer: UInt8
  /// Y of RFC 7741: this frame above the base needs nothing but the base.
  public var isLayerSync: Bool
  /// N of RFC 7741: no later frame needs this one.
  public var isDiscardable: Bool
  /// How many frames of this layer back the frame lies that this one needs; 0 for a keyframe.
  public var referenceDistance: UInt8
  /// Bytes, codec header included.
  public var size: Int
  public var captureTime: Instant
  /// Counts the frames of this layer, from 0.
  public var frameNumber: UInt32
  /// Counts the keyframes of this layer, from 0: the one this frame builds on, or is.
  public var keyframeNumber: UInt32
  public var rtpTimestamp: UInt32
}

/// A camera whose frames become ready `encodeDuration` after their capture.
public struct VideoSource: Sendable {
  public struct Configuration: Sendable {
    /// Smallest layer first.
    public var layers: [EncoderModel]
    /// Captured frames per second.
    public var captureRate = 30
    /// SCALE_t of RFC 8593 §5.3; 0 for a perfect clock.
    public var intervalScale = 0.15
    /// Relative deviations of the interval are clipped to plus and minus this.
    public var intervalDeviationLimit = 0.5
    public var encodeDuration = Duration.milliseconds(5)
    /// Keyframe requests for a layer within this span of the last accepted one are ignored, as in
    /// libwebrtc (300 ms).
    public var minimumKeyframeInterval = Duration.milliseconds(300)
    /// Whether a keyframe of one layer makes all layers send one, as libwebrtc's VP8 encoder does.
    public var alignsKeyframes = true

    public init(layers: [EncoderModel]) {
      precondition(!layers.isEmpty)
      self.layers = layers
      // Only the statistical part varies intervals (RFC 8593 §5.3, §7).
      if layers.allSatisfy({ $0.sizes == .trace }) { intervalScale = 0 }
    }
  }

  /// RTP clock rate of video, Hz.
  public static let clockRate: Int64 = 90_000

  public private(set) var configuration: Configuration
  private var layers: [LayerEncoder]
  private var timestampOffsets: [UInt32]
  private var lastKeyframeRequests: [Instant?]
  /// The capture moment of the frame that is in the encoders; nil while the camera is off.
  private var capture: Instant?
  private var captureNumber = 0
  /// The next layer to look at for the frame in the encoders.
  private var cursor = 0
  private var clock: RandomStream

  /// A camera that is off. Timestamp offsets are drawn from `random` (RFC 3550 §5.1).
  public init(
    _ configuration: Configuration, starts: StartValues = .random, random: RandomStream
  ) {
    self.configuration = configuration
    clock = random.child("clock")
    var offsets = random.child("timestamp")
    timestampOffsets = configuration.layers.map { _ in
      starts.first(
        UInt32(truncatingIfNeeded: offsets.next()), period: 1 << 32,
        margin: UInt64(StartValues.time.seconds * 90_000))
    }
    layers = configuration.layers.enumerated().map { index, model in
      LayerEncoder(
        model, captureRate: configuration.captureRate, random: random.child("layer/\(index)"))
    }
    lastKeyframeRequests = Array(repeating: nil, count: layers.count)
  }

  public var layerCount: Int { layers.count }
  public var isOn: Bool { capture != nil }
  public func isActive(layer: Int) -> Bool { layers[layer].isActive }
  /// The rate that `layer` encodes at now.
  public func bitrate(layer: Int) -> Bitrate { layers[layer].bitrate }

  /// The RTP timestamp of `layer` at a moment, also for sender reports.
  public func rtpTimestamp(at moment: Instant, layer: Int) -> UInt32 {
    let ticks = moment.nanoseconds / 100_000 * 9 + moment.nanoseconds % 100_000 * 9 / 100_000
    return timestampOffsets[layer] &+ UInt32(truncatingIfNeeded: ticks)
  }

  /// When the frame in the encoders becomes ready; nil with nothing to encode.
  public var nextTimeout: Instant? {
    guard let capture, layers.contains(where: \.isActive) else { return nil }
    return capture + configuration.encodeDuration
  }

  /// Camera on: the first frame is captured at once, and is a keyframe.
  public mutating func start(at now: Instant) {
    guard capture == nil else { return }
    capture = now
    cursor = 0
    // Every layer has a frame at the start, whatever its rate.
    captureNumber = 0
    for index in layers.indices { layers[index].requestKeyframe() }
  }

  /// Camera off; a frame in the encoders is lost.
  public mutating func stop() { capture = nil }

  /// Starts or stops a layer (dynacast); its first frame is a keyframe.
  public mutating func setActive(_ active: Bool, layer: Int, at now: Instant) {
    guard layers[layer].isActive != active else { return }
    skipCaptures(until: now)
    layers[layer].setActive(active)
    if active && configuration.alignsKeyframes { requestAllKeyframes() }
  }

  /// A new target rate from congestion control, in effect with the next frame after tau_v.
  public mutating func setTargetBitrate(_ target: Bitrate, layer: Int) {
    layers[layer].request(target)
  }

  /// The receiver takes no more than `bound` of `layer` (TMMBR); nil lifts it. Each layer has its own
  /// encoder: where this one changes its size, the others go on as they were.
  public mutating func setBound(_ bound: Bitrate?, layer: Int) { layers[layer].setBound(bound) }

  /// A PLI or FIR for `layer`.
  /// - Returns: whether it will be answered; false within the minimum interval.
  @discardableResult
  public mutating func requestKeyframe(layer: Int, at now: Instant) -> Bool {
    if let last = lastKeyframeRequests[layer],
      now - last < configuration.minimumKeyframeInterval
    {
      return false
    }
    lastKeyframeRequests[layer] = now
    if configuration.alignsKeyframes {
      requestAllKeyframes()
    } else {
      layers[layer].requestKeyframe()
    }
    return true
  }

  private mutating func requestAllKeyframes() {
    for index in layers.indices { layers[index].requestKeyframe() }
  }

  /// Another camera, or another size: as many layers as before, each goes on with a keyframe.
  public mutating func switchCamera(to models: [EncoderModel]) {
    precondition(models.count == layers.count)
    configuration.layers = models
    for index in layers.indices {
      layers[index].change(to: models[index], captureRate: configuration.captureRate)
    }
  }

  /// The next frame that is ready at `now`, in order of capture and then of layer.
  public mutating func poll(at now: Instant) -> EncodedFrame? {
    if let capture, now - capture > MediaLimits.captureGap {
      while let missed = self.capture, missed < now { advanceClock(from: missed) }
    }
    while let capture, capture + configuration.encodeDuration <= now {
      while cursor < layers.count {
        let layer = cursor
        cursor += 1
        guard layers[layer].encodes(captureNumber: captureNumber) else { continue }
        return encode(layer, at: capture)
      }
      advanceClock(from: capture)
    }
    return nil
  }

  private mutating func encode(_ layer: Int, at capture: Instant) -> EncodedFrame {
    let frame = layers[layer].encode(at: capture, captureRate: configuration.captureRate)
    let model = layers[layer].model
    return EncodedFrame(
      layer: layer, width: model.width, height: model.height, isKeyframe: frame.isKeyframe,
      temporalLayer: frame.position.layer,
      isLayerSync: frame.position.isLayerSync,
      isDiscardable: frame.position.isDiscardable && !frame.isKeyframe,
      referenceDistance: frame.isKeyframe ? 0 : frame.position.referenceDistance,
      size: max(frame.size, VideoPacketizer.minimumFrameSize(isKeyframe: frame.isKeyframe)),
      captureTime: capture, frameNumber: frame.number,
      keyframeNumber: layers[layer].keyframeNumber,
      rtpTimestamp: rtpTimestamp(at: capture, layer: layer))
  }

  private mutating func advanceClock(from capture: Instant) {
    let limit = configuration.intervalDeviationLimit
    let deviation = clock.laplacian(scale: configuration.intervalScale)
    let interval = Duration.seconds(
      (1 + min(max(deviation, -limit), limit)) / Double(configuration.captureRate))
    self.capture = capture + interval
    captureNumber += 1
    cursor = 0
  }

  /// Frames captured while no layer was active are gone.
  private mutating func skipCaptures(until now: Instant) {
    guard !layers.contains(where: \.isActive) else { return }
    while let capture, capture < now { advanceClock(from: capture) }
  }
}

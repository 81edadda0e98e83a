// The models of a live video encoder (RFC 8593 §5 to §7): how large each frame becomes.

import Basics

/// Which of RFC 8593's models says how large frames become.
public enum FrameSizeModel: String, Sendable, CaseIterable {
  /// §5: sizes and intervals are random, and an abrupt change of the target makes a burst.
  case statistical
  /// §6: sizes are those of a recorded encoder, intervals are even, a new target holds at once.
  case trace
  /// §7: a burst of the statistical model at abrupt changes, sizes of the trace between them.
  case hybrid
}

/// What one simulcast layer's encoder is set to.
public struct EncoderModel: Sendable, Equatable {
  /// Pixels, 1...16,383.
  public var width: Int
  public var height: Int
  /// Frames per second, at most the camera's; the camera's rate over this is rounded to a whole
  /// number, and each so many-th captured frame is encoded.
  public var framesPerSecond: Int
  /// R_v of RFC 8593 at the start.
  public var targetBitrate: Bitrate
  /// R_min and R_max of RFC 8593 §5.4.
  public var minimumBitrate: Bitrate
  public var maximumBitrate: Bitrate
  /// 1...3, in the dyadic patterns 0, 0-1 and 0-2-1-2.
  public var temporalLayers: Int
  /// Lines to which the picture is scaled down while the receiver bounds the rate so low that these
  /// suit it better (docs/ladder.md); nil for an encoder that keeps its size.
  public var reducedHeight: Int?
  public var statistics: FrameStatistics
  public var sizes = FrameSizeModel.statistical

  public init(
    width: Int, height: Int, framesPerSecond: Int, targetBitrate: Bitrate,
    minimumBitrate: Bitrate, maximumBitrate: Bitrate, temporalLayers: Int = 3,
    statistics: FrameStatistics = FrameStatistics()
  ) {
    precondition((1...16_383).contains(width) && (1...16_383).contains(height))
    precondition(framesPerSecond > 0 && (1...3).contains(temporalLayers))
    precondition(minimumBitrate <= maximumBitrate)
    self.width = width
    self.height = height
    self.framesPerSecond = framesPerSecond
    self.targetBitrate = targetBitrate
    self.minimumBitrate = minimumBitrate
    self.maximumBitrate = maximumBitrate
    self.temporalLayers = temporalLayers
    self.statistics = statistics
  }
}

extension EncoderModel {
  /// The share of the target rate below which the reduced size is nearer: the geometric mean of
  /// one and the ratio of the pixels.
  private var reductionLimit: Double { Double(reducedHeight ?? 0) / Double(height) }

  /// The same encoder as a bound makes it.
  func bounded(by bound: Bitrate?) -> EncoderModel {
    guard let bound, let reducedHeight, bound < targetBitrate * reductionLimit else { return self }
    var model = self
    model.width = max(2, width * reducedHeight / height)
    model.height = reducedHeight
    return model
  }
}

/// The tunable parameters of RFC 8593 figure 2, with its example values.
public struct FrameStatistics: Sendable, Equatable {
  /// tau_v: after a reaction to a new target rate, the next one comes no sooner.
  public var reactionLatency = Duration.milliseconds(200)
  /// K_d: frames of a burst, the large one included.
  public var burstFrames = 8
  /// K_B of a rate change over the mean frame size: 13.5 KB over 4.17 KB.
  public var burstRatio = 3.24
  /// The change of the target, relative to the last, that causes a burst (§7 gives 10 %).
  public var abruptChange = 0.1
  /// SCALE_B.
  public var sizeScale = 0.15
  /// Relative deviations of size are clipped to plus and minus this, which keeps the mean.
  public var sizeDeviationLimit = 0.75

  public init() {}

  /// K_B of a keyframe. RFC 8593 gives 13.5 KB for 720p at 1 Mbps and no rule; here it grows with
  /// the root of pixels and of rate, and stays within 3 and 9 mean frames, libvpx's own limits for
  /// intra frames at a buffer of 600 ms.
  func keyframeSize(of model: EncoderModel, at rate: Bitrate, meanFrame: Double) -> Double {
    let pixels = Double(model.width * model.height) / (1_280 * 720)
    let scaled = 13_500 * (pixels * Double(rate.bitsPerSecond) / 1e6).squareRoot()
    return min(max(scaled, 3 * meanFrame), 9 * meanFrame)
  }
}

/// One layer's encoder: rate reaction, frame sizes, temporal pattern and frame numbers.
struct LayerEncoder: Sendable {
  /// At the size that is encoded now.
  private(set) var model: EncoderModel
  /// As configured.
  private var full: EncoderModel
  /// The most that a receiver takes.
  private var bound: Bitrate?
  /// The target in effect, inside the model's range.
  private(set) var bitrate: Bitrate
  private(set) var isActive = true
  private(set) var keyframeNumber: UInt32 = 0
  /// Every so many-th captured frame is encoded.
  private var divisor: Int
  private var requestedBitrate: Bitrate?
  /// The last target that congestion control gave.
  private var wish: Bitrate?
  private var lastReaction: Instant?
  private var wantsKeyframe = true
  private var wantsBurst = false
  private var frameNumber: UInt32 = 0
  private var patternIndex = 0
  /// Bytes that a burst took in advance, and how many of them each following frame saves.
  private var debt = 0.0
  private var repayment = 0.0
  /// What the recorded encoder makes; nil for the statistical model.
  private var player: FrameTracePlayer?
  /// Frames of the burst that are still to come (hybrid).
  private var burstFrames = 0
  private var random: RandomStream

  init(_ model: EncoderModel, captureRate: Int, random: RandomStream) {
    self.model = model
    full = model
    self.random = random
    player = LayerEncoder.player(model)
    divisor = LayerEncoder.divisor(model, captureRate)
    bitrate = min(max(model.targetBitrate, model.minimumBitrate), model.maximumBitrate)
  }

  private static func divisor(_ model: EncoderModel, _ captureRate: Int) -> Int {
    max(1, (captureRate + model.framesPerSecond / 2) / model.framesPerSecond)
  }

  private static func player(_ model: EncoderModel) -> FrameTracePlayer? {
    model.sizes == .statistical
      ? nil : FrameTracePlayer(FrameTrace.recorded(height: model.height))
  }

  /// Another camera or size: the counters go on, the next frame is a keyframe.
  mutating func change(to model: EncoderModel, captureRate: Int) {
    full = model
    self.model = full.bounded(by: bound)
    player = LayerEncoder.player(self.model)
    divisor = LayerEncoder.divisor(model, captureRate)
    bitrate = clamped(model.targetBitrate)
    wantsKeyframe = true
  }

  /// The receiver takes no more than `bound`; nil lifts it. A new size begins with a keyframe, at
  /// the new rate.
  mutating func setBound(_ bound: Bitrate?) {
    guard bound != self.bound else { return }
    self.bound = bound
    let sized = full.bounded(by: bound)
    guard sized != model else {
      request(wish ?? full.targetBitrate)
      return
    }
    model = sized
    player = LayerEncoder.player(model)
    requestedBitrate = nil
    bitrate = clamped(wish ?? full.targetBitrate)
    debt = min(debt, debtLimit)
    wantsKeyframe = true
  }

  private func clamped(_ target: Bitrate) -> Bitrate {
    let inRange = min(max(target, full.minimumBitrate), full.maximumBitrate)
    return bound.map { min(inRange, $0) } ?? inRange
  }

  mutating func setActive(_ active: Bool) {
    if active && !isActive { wantsKeyframe = true }
    isActive = active
  }

  mutating func requestKeyframe() { wantsKeyframe = true }

  /// §5.1 has requests between two reactions ignored; the last of them is kept and takes effect
  /// after tau_v, since nobody repeats it here.
  mutating func request(_ target: Bitrate) {
    wish = target
    requestedBitrate = clamped(target)
  }

  func encodes(captureNumber: Int) -> Bool { isActive && captureNumber % divisor == 0 }

  /// Encodes the frame captured at `capture`.
  mutating func encode(at capture: Instant, captureRate: Int) -> LayerFrame {
    react(at: capture)
    let isKeyframe = wantsKeyframe
    if isKeyframe {
      wantsKeyframe = false
      patternIndex = 0
      if frameNumber > 0 { keyframeNumber &+= 1 }
    }
    let position = TemporalPosition(layers: model.temporalLayers, index: patternIndex)
    let framesPerSecond = Double(captureRate) / Double(divisor)
    let size = frameSize(isKeyframe, position, framesPerSecond)
    defer {
      frameNumber &+= 1
      patternIndex += 1
    }
    return LayerFrame(
      number: frameNumber, isKeyframe: isKeyframe, position: position, size: size)
  }

  private mutating func react(at now: Instant) {
    guard let requested = requestedBitrate else { return }
    let isDamped = model.sizes != .trace
    if isDamped, let lastReaction, now - lastReaction < model.statistics.reactionLatency { return }
    requestedBitrate = nil
    guard requested != bitrate else { return }
    lastReaction = now
    let change = Double(abs(requested.bitsPerSecond - bitrate.bitsPerSecond))
    wantsBurst = change > model.statistics.abruptChange * Double(bitrate.bitsPerSecond)
    bitrate = requested
    debt = min(debt, debtLimit)
  }

  /// More than a second in advance is never made up for, as in libvpx's buffer model.
  private var debtLimit: Double { Double(bitrate.bitsPerSecond) / 8 }

  private mutating func frameSize(
    _ isKeyframe: Bool, _ position: TemporalPosition, _ framesPerSecond: Double
  ) -> Int {
    if isKeyframe {
      burstFrames = 0
    } else if wantsBurst, model.sizes == .hybrid {
      burstFrames = model.statistics.burstFrames
    }
    guard player != nil, burstFrames == 0 else {
      burstFrames = max(0, burstFrames - 1)
      return statisticalSize(isKeyframe, position, framesPerSecond)
    }
    wantsBurst = false
    debt = 0
    return tracedSize(isKeyframe, position, framesPerSecond)
  }

  /// A trace of other frames a second holds as many bits.
  private mutating func tracedSize(
    _ isKeyframe: Bool, _ position: TemporalPosition, _ framesPerSecond: Double
  ) -> Int {
    guard var player else { return 1 }
    if isKeyframe { player.restart() }
    let size = player.next(at: bitrate) * Double(player.trace.framesPerSecond) / framesPerSecond
    self.player = player
    return Int((isKeyframe ? size : size * position.weight).rounded())
  }

  private mutating func statisticalSize(
    _ isKeyframe: Bool, _ position: TemporalPosition, _ framesPerSecond: Double
  ) -> Int {
    let statistics = model.statistics
    let mean = Double(bitrate.bitsPerSecond) / 8 / framesPerSecond
    // Drawn for every frame, so that a keyframe shifts no later draw.
    let draw = random.laplacian(scale: statistics.sizeScale)
    let limit = statistics.sizeDeviationLimit
    if isKeyframe || wantsBurst {
      wantsBurst = false
      let burst =
        isKeyframe
        ? statistics.keyframeSize(of: model, at: bitrate, meanFrame: mean)
        : statistics.burstRatio * mean
      debt = min(debt + max(0, burst - mean), debtLimit)
      repayment = debt / Double(max(1, statistics.burstFrames - 1))
      return Int(burst.rounded())
    }
    let steady = mean * position.weight * (1 + min(max(draw, -limit), limit))
    let saved = min(debt, repayment, 0.75 * steady)
    debt -= saved
    return max(1, Int((steady - saved).rounded()))
  }
}

/// A frame as its layer's encoder knows it.
struct LayerFrame {
  var number: UInt32
  var isKeyframe: Bool
  var position: TemporalPosition
  var size: Int
}

/// A frame's place in the temporal pattern.
struct TemporalPosition: Equatable, Sendable {
  /// TID of RFC 7741.
  var layer: UInt8
  /// Y of RFC 7741: a frame above the base that needs nothing but the base.
  var isLayerSync: Bool
  /// How many frames back the frame lies that this one is predicted from.
  var referenceDistance: UInt8
  /// No later frame needs this one.
  var isDiscardable: Bool
  /// Its share of the mean frame size: libwebrtc gives the base 60 % of the rate with two layers,
  /// and the three layers 40 %, 20 % and 40 %.
  var weight: Double

  init(layers: Int, index: Int) {
    switch (layers, index % (layers == 3 ? 4 : 2)) {
    case (1, _):
      self.init(0, sync: false, reference: 1, discardable: false, weight: 1)
    case (2, 0):
      self.init(0, sync: false, reference: 2, discardable: false, weight: 1.2)
    case (2, _):
      self.init(1, sync: true, reference: 1, discardable: true, weight: 0.8)
    case (_, 0):
      self.init(0, sync: false, reference: 4, discardable: false, weight: 1.6)
    case (_, 1):
      self.init(2, sync: true, reference: 1, discardable: true, weight: 0.8)
    case (_, 2):
      self.init(1, sync: true, reference: 2, discardable: false, weight: 0.8)
    default:
      self.init(2, sync: false, reference: 1, discardable: true, weight: 0.8)
    }
  }

  private init(
    _ layer: UInt8, sync: Bool, reference: UInt8, discardable: Bool, weight: Double
  ) {
    self.layer = layer
    isLayerSync = sync
    referenceDistance = reference
    isDiscardable = discardable
    self.weight = weight
  }
}

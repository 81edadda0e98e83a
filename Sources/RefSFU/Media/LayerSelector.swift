// Which layer of a track one subscriber gets, and when it may change (RFC 7667 §3.7, RFC 8853;
// LiveKit forwarder.go and videolayerselector).

import Basics

/// What a subscriber asked of a video track.
public struct VideoSettings: Equatable, Sendable {
  public var isDisabled = false
  /// Highest layer wanted: 0 low, 1 medium, 2 high. Nil leaves it to the size.
  public var quality: Int?
  /// Pixels of the viewer's tile; zero leaves it to the quality.
  public var width = 0
  public var height = 0
  /// Zero for all there are.
  public var framesPerSecond = 0.0

  public init(
    isDisabled: Bool = false, quality: Int? = nil, width: Int = 0, height: Int = 0,
    framesPerSecond: Double = 0
  ) {
    self.isDisabled = isDisabled
    self.quality = quality
    self.width = width
    self.height = height
    self.framesPerSecond = framesPerSecond
  }
}

/// The choice of layer for one subscriber and track.
public struct LayerSelector: Sendable {
  /// What to do with a packet of the track.
  public enum Decision: Equatable, Sendable {
    /// The stream continues with this packet's layer from here: `StreamRewriter.begin`, then
    /// forward.
    case begin
    case forward
    /// Of the current layer, but a temporal layer that is not wanted.
    case unwanted
    case otherLayer
  }

  /// Share of the wanted size or frame rate that is good enough, as in LiveKit.
  public static let tolerance = 0.9
  /// A higher rung must fit this many times into the allowance, so that the choice does not flap.
  public static let upMargin = 1.1
  /// A layer thinned below this many frame/s is worse than the next lower layer in full.
  public static let minimumFramesPerSecond = 12.0
  /// How long only the target's keyframe will do for a start, as in LiveKit.
  public static let initialGrace = Duration.seconds(1)

  public var settings = VideoSettings()
  /// What the stream may take; nil for no limit.
  public var allowance: Bitrate?
  /// Whether a stream pauses when not even the lowest rung fits, rather than exceed the allowance.
  public var mayPause = true

  /// The highest layer the subscriber's settings ask for.
  public private(set) var wanted: Int?
  /// The layer to get to; nil when nothing shall or can be sent.
  public private(set) var target: Int?
  public private(set) var targetTemporal = LayerState.temporalLayers - 1
  /// The layer being forwarded.
  public private(set) var current: Int?
  public private(set) var currentTemporal = LayerState.temporalLayers - 1
  /// Whether the allowance alone keeps the stream from being sent.
  public private(set) var isPaused = false
  private var waitingSince: Instant?

  public init() {}

  /// The layer whose keyframe the stream waits for.
  public var keyframeNeeded: Int? { target == current ? nil : target }

  /// Layers below the wanted one that the subscriber has to do with.
  public var missedLayers: Int {
    guard let wanted, let current else { return 0 }
    return max(0, wanted - current)
  }

  /// Chooses the target anew: after a change of settings, allowance or layers.
  /// - Returns: whether the target changed. `current` may have ended: then stop the stream.
  public mutating func update(_ layers: [LayerState], at now: Instant) -> Bool {
    let before = (target, targetTemporal)
    wanted = settings.isDisabled ? nil : wantedLayer(layers)
    isPaused = false
    if let wanted, let floor = layers.firstIndex(where: \.isLive) {
      // The floor may be above the wanted layer: too large is better than nothing.
      choose(layers, from: wanted, to: floor)
    } else if wanted == nil || current == nil {
      stop()
    }
    // Else the publisher fell silent; the stream goes on when it comes back.
    if current != nil || target == nil {
      waitingSince = nil
    } else if waitingSince == nil {
      waitingSince = now
    }
    return before != (target, targetTemporal)
  }

  /// Decides on one packet. Only a keyframe's first packet changes the layer, and only a frame's
  /// first packet the temporal layer.
  /// - Parameters:
  ///   - isLayerSync: the frame needs only the base layer (VP8's Y bit, VP9's U bit).
  ///   - isKeyframe: of the frame that the packet starts; false for packets that come late.
  public mutating func decide(
    layer: Int, temporal: Int, startsFrame: Bool, isKeyframe: Bool, isLayerSync: Bool,
    at now: Instant
  ) -> Decision {
    if startsFrame, isKeyframe, layer != current, mayBegin(layer, at: now) {
      current = layer
      currentTemporal = targetTemporal
      waitingSince = nil
      return .begin
    }
    guard layer == current else { return .otherLayer }
    if startsFrame { adjustTemporal(temporal, isKeyframe: isKeyframe, isLayerSync: isLayerSync) }
    return temporal <= currentTemporal ? .forward : .unwanted
  }

  /// Takes `layer` for the current one whatever was decided: for a mutant.
  mutating func force(layer: Int) { current = layer }

  private func mayBegin(_ layer: Int, at now: Instant) -> Bool {
    guard let target else { return false }
    if layer == target { return true }
    guard current == nil, layer < target, let waitingSince else { return false }
    return now - waitingSince >= LayerSelector.initialGrace
  }

  private mutating func adjustTemporal(_ temporal: Int, isKeyframe: Bool, isLayerSync: Bool) {
    if targetTemporal < currentTemporal || isKeyframe {
      currentTemporal = targetTemporal
    } else if isLayerSync, temporal == currentTemporal + 1, temporal <= targetTemporal {
      // One step at a time: the layers between must be there too.
      currentTemporal = temporal
    }
  }

  /// The smallest layer that covers the viewer's tile, below the wanted quality.
  private func wantedLayer(_ layers: [LayerState]) -> Int {
    let highest = min(settings.quality ?? layers.count - 1, layers.count - 1)
    guard settings.width > 0, settings.height > 0 else { return max(0, highest) }
    // Portrait or landscape, as the video is.
    let isPortrait = layers.contains { $0.width > 0 && $0.width < $0.height }
    let side = Double(isPortrait ? settings.width : settings.height) * LayerSelector.tolerance
    for layer in layers.indices where layer < highest && layers[layer].shortSide > 0 {
      if Double(layers[layer].shortSide) >= side { return layer }
    }
    return max(0, highest)
  }

  /// Sets the target to the best affordable live layer.
  private mutating func choose(_ layers: [LayerState], from wanted: Int, to floor: Int) {
    for layer in stride(from: max(wanted, floor), through: floor, by: -1)
    where layers[layer].isLive && (layer <= wanted || layer == floor) {
      if let temporal = affordableTemporal(layers[layer], layer, isFloor: layer == floor) {
        target = layer
        targetTemporal = temporal
        return
      }
    }
    if mayPause {
      stop()
      isPaused = true
    } else {
      target = floor
      targetTemporal = 0
    }
  }

  private mutating func stop() {
    target = nil
    current = nil
  }

  /// The highest temporal layer of `state` that is wanted and fits; nil when none is worth it.
  private func affordableTemporal(_ state: LayerState, _ layer: Int, isFloor: Bool) -> Int? {
    var temporal = wantedTemporal(state)
    guard let allowance else { return temporal }
    let full = state.framesPerSecond[temporal]
    while temporal >= 0 {
      let isUp = layer > target ?? -1 || (layer == target && temporal > targetTemporal)
      let needed = Bitrate(bitsPerSecond: state.bitrates[temporal])
      let isSmooth =
        state.framesPerSecond[temporal] >= min(full, LayerSelector.minimumFramesPerSecond)
      if needed * (isUp ? LayerSelector.upMargin : 1) <= allowance {
        return isSmooth || isFloor ? temporal : nil
      }
      temporal -= 1
    }
    return nil
  }

  /// The lowest temporal layer that shows as many frames as wanted.
  private func wantedTemporal(_ state: LayerState) -> Int {
    let highest = LayerState.temporalLayers - 1
    guard settings.framesPerSecond > 0 else { return highest }
    let enough = settings.framesPerSecond * LayerSelector.tolerance
    return (0..<highest).first { state.framesPerSecond[$0] >= enough } ?? highest
  }
}

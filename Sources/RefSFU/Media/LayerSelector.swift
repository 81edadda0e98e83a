// Which layer of a track one subscriber is being sent, and when it may change (RFC 7667 §3.7,
// RFC 8853; LiveKit forwarder.go and videolayerselector).

import Basics

/// The way from the layer that is forwarded to the one that shall be.
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

  /// How long only the target's keyframe will do for a start, as in LiveKit.
  public static let initialGrace = Duration.seconds(1)

  /// The layer to get to; nil when nothing shall or can be sent.
  public private(set) var target: Int?
  public private(set) var targetTemporal = LayerState.temporalLayers - 1
  /// The layer being forwarded.
  public private(set) var current: Int?
  public private(set) var currentTemporal = LayerState.temporalLayers - 1
  private var waitingSince: Instant?
  /// Where temporal layers were added to the current layer, and up to which one there had been.
  private var raises: [(number: UInt16, before: Int)] = []
  /// More than come within the time for which packets are asked for again.
  private static let raisesKept = 8

  public init() {}

  /// The layer whose keyframe the stream waits for.
  public var keyframeNeeded: Int? { target == current ? nil : target }

  /// Aims at a layer and its temporal layers up to one; nil stops the stream.
  /// - Returns: whether the target changed. `current` may have ended: then stop the stream.
  public mutating func aim(at layer: Int?, temporal: Int, now: Instant) -> Bool {
    let before = (target, targetTemporal)
    target = layer
    targetTemporal = temporal
    if layer == nil { current = nil }
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
  ///   - isKeyframe: of the frame that the packet starts.
  ///   - number: its RTP sequence number.
  ///   - isLate: newer packets of its layer came before it, so that it changes nothing.
  public mutating func decide(
    layer: Int, temporal: Int, startsFrame: Bool, isKeyframe: Bool, isLayerSync: Bool,
    number: UInt16, isLate: Bool, at now: Instant
  ) -> Decision {
    guard !isLate else {
      guard layer == current else { return .otherLayer }
      return temporal <= temporalThen(number) ? .forward : .unwanted
    }
    if startsFrame, isKeyframe, layer != current, mayBegin(layer, at: now) {
      current = layer
      currentTemporal = goal
      raises = []
      waitingSince = nil
      return .begin
    }
    guard layer == current else { return .otherLayer }
    if startsFrame {
      let before = currentTemporal
      adjustTemporal(temporal, isKeyframe: isKeyframe, isLayerSync: isLayerSync)
      if currentTemporal > before { noteRaise(number, before: before) }
    }
    return temporal <= currentTemporal ? .forward : .unwanted
  }

  private mutating func noteRaise(_ number: UInt16, before: Int) {
    if raises.count == LayerSelector.raisesKept { raises.removeFirst() }
    raises.append((number, before))
  }

  /// Up to which temporal layer frames went when this number was due: what lies above needs frames that
  /// were never sent, however much is wanted by now.
  private func temporalThen(_ number: UInt16) -> Int {
    raises.reduce(currentTemporal) { least, raise in
      Int16(bitPattern: number &- raise.number) < 0 ? min(least, raise.before) : least
    }
  }

  /// Takes `layer` for the current one whatever was decided: for a mutant.
  mutating func force(layer: Int) { current = layer }

  private func mayBegin(_ layer: Int, at now: Instant) -> Bool {
    guard let target else { return false }
    if layer == target { return true }
    guard current == nil, layer < target, let waitingSince else { return false }
    return now - waitingSince >= LayerSelector.initialGrace
  }

  /// The temporal layer that fits the target, on the layer that is forwarded. On the way down the base
  /// has to do: the room for more is gone already.
  private var goal: Int {
    guard let target, let current, target != current else { return targetTemporal }
    return target < current ? 0 : LayerState.temporalLayers - 1
  }

  private mutating func adjustTemporal(_ temporal: Int, isKeyframe: Bool, isLayerSync: Bool) {
    let goal = goal
    if goal < currentTemporal || isKeyframe {
      currentTemporal = goal
    } else if isLayerSync, temporal == currentTemporal + 1, temporal <= goal {
      // One step at a time: the layers between must be there too.
      currentTemporal = temporal
    }
  }
}

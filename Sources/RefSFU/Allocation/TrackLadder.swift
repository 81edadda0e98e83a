// The rungs on which a published video track can be sent: its layers with their temporal layers, and
// the middle layer once more where its publisher makes it smaller on request (docs/ladder.md).

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
  /// LiveKit: 1 is the highest, 0 is none given.
  public var priority: UInt32 = 0

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

/// What is known of the layers of one track, and of what they cost.
public struct TrackLadder: Sendable {
  /// A layer as it is encoded at one size.
  public struct Form: Equatable, Sendable {
    /// Pixels of the shorter side; zero for unknown.
    public var lines = 0
    public var isPortrait = false
    /// In bit/s, of each temporal layer together with those below it.
    public var bitrates = SIMD4<Int64>.zero
    /// In frame/s, likewise; zero until measured.
    public var framesPerSecond = SIMD4<Double>.zero
    fileprivate var isMeasured = false
  }

  private struct Layer {
    var full = Form()
    /// At the size that the publisher chooses below a bound on its rate.
    var reduced = Form()
    var isReduced = false
    var isLive = false
    /// Whether the publisher is told to send it.
    var isOn = true
    /// Switched on then, and not seen since.
    var awaitedSince: Instant?
  }

  /// Share of the wanted size or frame rate that is good enough, as in LiveKit.
  public static let tolerance = 0.9
  /// How long a layer that was switched on counts as there before it is seen.
  public static let patience = Duration.seconds(3)
  /// What one cycle's measurement weighs against those before: a keyframe is no change of rate.
  private static let weight = 0.25
  /// The bound is of what is encoded; what it costs has headers on top.
  private static let boundShare = 0.9

  private var layers: [Layer]
  /// What viewers call each layer: 0 low, 1 medium, 2 high.
  public var qualities: [Int]
  /// The layer that becomes smaller on request; nil for none.
  public private(set) var reducible: Int?
  /// The bound below which it does; nil where none is in force.
  public private(set) var bound: Bitrate?

  public init(layers count: Int) {
    layers = Array(repeating: Layer(), count: count)
    qualities = layers.indices.map { min($0, 2) }
  }

  // MARK: - What is known

  /// - Parameter order: for each layer from the lowest on, its place so far.
  mutating func reorder(_ order: [Int]) { layers = order.map { layers[$0] } }

  /// What signalling said of a layer.
  public mutating func announce(layer: Int, width: Int, height: Int, bitrate: Bitrate) {
    setSize(layer: layer, width: width, height: height)
    if bitrate > .zero, !layers[layer].full.isMeasured {
      layers[layer].full.bitrates = SIMD4(repeating: bitrate.bitsPerSecond)
    }
  }

  /// The publisher makes the middle one of three layers smaller on request.
  public mutating func allowReduction() {
    if layers.count == 3 { reducible = 1 }
  }

  /// The publisher does not do it after all.
  public mutating func refuseReduction() {
    reducible = nil
    bound = nil
  }

  /// A keyframe's size, or what signalling said.
  /// - Returns: whether the layer took on the other one of its forms.
  @discardableResult
  public mutating func setSize(layer: Int, width: Int, height: Int) -> Bool {
    let lines = min(width, height)
    let before = layers[layer].isReduced
    let isReduced = layer == reducible && bound != nil && lines < layers[layer].full.lines
    layers[layer].isReduced = isReduced
    if isReduced {
      layers[layer].reduced.lines = lines
      layers[layer].reduced.isPortrait = width < height
    } else {
      layers[layer].full.lines = lines
      layers[layer].full.isPortrait = width < height
    }
    return before != isReduced
  }

  /// The publisher is told to send layers up to `maximum`; nil for none.
  public mutating func setMaximum(_ maximum: Int?, at now: Instant) {
    for index in layers.indices {
      let isOn = index <= maximum ?? -1
      if isOn, !layers[index].isOn, !layers[index].isLive { layers[index].awaitedSince = now }
      layers[index].isOn = isOn
    }
  }

  /// Takes which layers live, and what was measured in a cycle.
  public mutating func update(_ states: [LayerState]) {
    for (index, state) in states.enumerated() where index < layers.count {
      if state.isLive || layers[index].isLive { layers[index].awaitedSince = nil }
      layers[index].isLive = state.isLive
      guard state.isLive, state.isMeasured else { continue }
      if layers[index].isReduced {
        layers[index].reduced.measured(state, weight: TrackLadder.weight)
      } else {
        layers[index].full.measured(state, weight: TrackLadder.weight)
      }
    }
  }

  /// Whether the layer is at present encoded at its smaller size.
  public func isReduced(_ layer: Int) -> Bool { layers[layer].isReduced }

  /// Bounds the middle layer half way, as ratios go, between it and the layer below.
  public mutating func reduce() {
    guard let reducible, bound == nil else { return }
    let below = layers[reducible - 1].full.bitrates[3]
    let own = layers[reducible].full.bitrates[3]
    guard below > 0, own > below else { return }
    bound = .bps((Double(below) * Double(own)).squareRoot() * TrackLadder.boundShare)
  }

  public mutating func liftBound() { bound = nil }

  // MARK: - Rungs

  /// The rungs up to what `settings` ask for, lowest first; empty while the publisher is silent.
  ///
  /// - Parameters:
  ///   - lines: the most lines that a tile gets in a crowded view; nil for no limit.
  ///   - mayReduce: whether the middle layer is nobody else's in full.
  ///   - isScreen: lines count for more than frames.
  public func rungs(
    for settings: VideoSettings, lines: Int?, mayReduce: Bool, isScreen: Bool, at now: Instant
  ) -> [Rung] {
    guard !settings.isDisabled else { return [] }
    var offers: [Offer] = []
    for index in layers.indices where isAvailable(index, at: now) {
      if mayReduce, index == reducible, let form = reducedForm {
        offers.append(Offer(layer: index, isReduced: true, form: form))
      }
      offers.append(Offer(layer: index, isReduced: false, form: layers[index].full))
    }
    guard let floor = offers.first else { return [] }
    let highest = highest(settings)
    offers.removeAll { $0.layer > max(highest, floor.layer) }
    if let lines { offers.removeAll { $0.form.lines > lines && $0.layer > floor.layer } }
    offers.removeLast(offers.count - 1 - covering(settings, offers))
    var rungs: [Rung] = []
    for (index, offer) in offers.enumerated() {
      offer.append(
        to: &rungs, framesPerSecond: settings.framesPerSecond,
        hasStopgaps: index > 0 && !isScreen)
    }
    return rungs
  }

  /// The layer to be sent where nothing but the wishes counts: neither what lives nor what fits.
  public func wantedLayer(for settings: VideoSettings, lines: Int?) -> Int {
    let highest = highest(settings)
    var offers = layers.indices.filter { $0 <= highest || $0 == 0 }
      .map { Offer(layer: $0, isReduced: false, form: layers[$0].full) }
    if let lines { offers.removeAll { $0.form.lines > lines && $0.layer > 0 } }
    return offers[covering(settings, offers)].layer
  }

  /// The highest layer of the wished quality, or below it.
  private func highest(_ settings: VideoSettings) -> Int {
    guard let quality = settings.quality else { return layers.count - 1 }
    return qualities.lastIndex { $0 <= quality } ?? 0
  }

  /// The place of the smallest offer that covers the viewer's tile.
  private func covering(_ settings: VideoSettings, _ offers: [Offer]) -> Int {
    let top = offers.count - 1
    guard settings.width > 0, settings.height > 0 else { return top }
    // Portrait or landscape, as the video is.
    let isPortrait = layers.contains { $0.full.isPortrait }
    let side = Double(isPortrait ? settings.width : settings.height) * TrackLadder.tolerance
    return offers.firstIndex { $0.form.lines > 0 && Double($0.form.lines) >= side } ?? top
  }

  private func isAvailable(_ index: Int, at now: Instant) -> Bool {
    let layer = layers[index]
    if layer.isLive || !layer.isOn && !isSilent(at: now) { return true }
    return isAwaited(layer, at: now)
  }

  private func isAwaited(_ layer: Layer, at now: Instant) -> Bool {
    layer.awaitedSince.map { now - $0 < TrackLadder.patience } ?? false
  }

  /// Whether nothing comes although something is asked for.
  private func isSilent(at now: Instant) -> Bool {
    layers.contains(where: \.isOn)
      && !layers.contains { $0.isLive || isAwaited($0, at: now) }
  }

  /// The smaller form, as it was measured, or as it would be.
  private var reducedForm: Form? {
    guard let reducible, reducible > 0 else { return nil }
    let layer = layers[reducible]
    if layer.reduced.isMeasured { return layer.reduced }
    var ladder = self
    ladder.reduce()
    guard let bound = ladder.bound else { return nil }
    var form = layer.full
    let share = bound / Bitrate(bitsPerSecond: form.bitrates[3])
    for temporal in 0..<4 {
      form.bitrates[temporal] = Int64(Double(form.bitrates[temporal]) * share)
    }
    form.lines = Int(Double(form.lines) * share.squareRoot())
    return form
  }
}

extension TrackLadder.Form {
  fileprivate mutating func measured(_ state: LayerState, weight: Double) {
    framesPerSecond = state.framesPerSecond
    guard isMeasured else {
      isMeasured = true
      bitrates = state.bitrates
      return
    }
    for temporal in 0..<4 {
      let change = Double(state.bitrates[temporal] - bitrates[temporal])
      bitrates[temporal] += Int64(change * weight)
    }
  }
}

/// A layer in one of its forms.
private struct Offer {
  var layer: Int
  var isReduced: Bool
  var form: TrackLadder.Form

  /// Appends a rung for each temporal layer that adds frames, up to the frame rate wished for.
  func append(to rungs: inout [Rung], framesPerSecond wished: Double, hasStopgaps: Bool) {
    let highest = LayerState.temporalLayers - 1
    let enough = wished * TrackLadder.tolerance
    let top =
      wished > 0 ? (0..<highest).first { form.framesPerSecond[$0] >= enough } ?? highest : highest
    for temporal in 0...top {
      let below = temporal == 0 ? 0 : form.framesPerSecond[temporal - 1]
      // Where nothing was measured, all temporal layers are one.
      guard temporal == top || form.framesPerSecond[temporal] > below else { continue }
      let isAll = temporal == top || form.framesPerSecond[temporal] >= form.framesPerSecond[top]
      var rung = Rung(
        layer: layer, temporal: isAll ? top : temporal,
        bitrate: Bitrate(bitsPerSecond: form.bitrates[temporal]))
      rung.isReduced = isReduced
      rung.isStopgap = !isAll && hasStopgaps
      rungs.append(rung)
      if isAll { return }
    }
  }
}

// Which layers a publisher really sends, how large and how fast (LiveKit streamtracker and its
// packet-based rule).

import Basics

/// What is known of one simulcast layer.
public struct LayerState: Equatable, Sendable {
  /// Temporal layers told apart (RFC 7741 §4.2: TID has two bits).
  public static let temporalLayers = 4

  public var isLive = false
  /// Whether the rates are those of a whole cycle at least.
  public var isMeasured = false
  /// In bit/s, of each temporal layer together with those below it.
  public var bitrates = SIMD4<Int64>.zero
  /// In frame/s, likewise.
  public var framesPerSecond = SIMD4<Double>.zero

  public init() {}

  /// The rate of all temporal layers.
  public var bitrate: Bitrate { Bitrate(bitsPerSecond: bitrates[3]) }
}

/// Measures the layers of one track in cycles.
public struct LayerTracker: Sendable {
  /// When a layer counts as live.
  public struct Rule: Equatable, Sendable {
    /// Packets that a good cycle has.
    public var samples: Int
    /// Good cycles in a row that bring a dead layer back.
    public var cycles: Int
  }

  public struct Limits: Equatable, Sendable {
    public var cycle: Duration
    /// The last one holds for all layers above.
    public var rules: [Rule]

    /// Revives upper layers within a second.
    public static let camera = Limits(
      cycle: .milliseconds(500),
      rules: [Rule(samples: 1, cycles: 1), Rule(samples: 5, cycles: 2)])
    /// LiveKit's, slower to believe in a layer's return.
    public static let liveKit = Limits(
      cycle: .milliseconds(500),
      rules: [Rule(samples: 1, cycles: 4), Rule(samples: 5, cycles: 20)])
    /// A still screen sends few frames.
    public static let screen = Limits(
      cycle: .seconds(2), rules: [Rule(samples: 1, cycles: 1)])
  }

  private struct Counts {
    var bytes = SIMD4<Int64>.zero
    var frames = SIMD4<Int64>.zero
    var packets = 0

    static func + (a: Counts, b: Counts) -> Counts {
      Counts(
        bytes: a.bytes &+ b.bytes, frames: a.frames &+ b.frames, packets: a.packets + b.packets)
    }
  }

  private struct Meter {
    var current = Counts()
    var previous: Counts?
    var goodCycles = 0
    var isKnown = false
    /// The running cycle began before the layer did.
    var isPartial = false
  }

  public let limits: Limits
  public private(set) var layers: [LayerState]
  /// When to call `handleTimeout`; nil while nothing arrives.
  public private(set) var nextTimeout: Instant?
  private var meters: [Meter]

  public init(layers count: Int, limits: Limits = .camera) {
    precondition(count > 0)
    self.limits = limits
    layers = Array(repeating: LayerState(), count: count)
    meters = Array(repeating: Meter(), count: count)
  }

  /// The layer is encoded at another size from here on: what was measured says nothing any more.
  public mutating func restart(layer: Int) {
    meters[layer].current = Counts()
    meters[layer].previous = nil
    meters[layer].isPartial = true
    layers[layer].isMeasured = false
  }

  /// - Parameter order: for each layer from the lowest on, its place so far.
  mutating func reorder(_ order: [Int]) {
    layers = order.map { layers[$0] }
    meters = order.map { meters[$0] }
  }

  /// Counts a packet of `size` bytes.
  /// - Returns: whether it showed that the layer is live.
  public mutating func received(
    layer: Int, temporal: Int, size: Int, startsFrame: Bool, at now: Instant
  ) -> Bool {
    let temporal = min(max(temporal, 0), LayerState.temporalLayers - 1)
    if meters[layer].current.packets == 0, meters[layer].goodCycles == 0, nextTimeout != nil {
      meters[layer].isPartial = true
    }
    meters[layer].current.bytes[temporal] &+= Int64(size)
    if startsFrame { meters[layer].current.frames[temporal] &+= 1 }
    meters[layer].current.packets += 1
    if nextTimeout == nil { nextTimeout = now + limits.cycle }
    guard !meters[layer].isKnown else { return false }
    // The first packets ever are believed at once: waiting would delay the first picture.
    meters[layer].isKnown = true
    layers[layer].isLive = true
    return true
  }

  /// Ends a cycle when it is due.
  /// - Returns: whether a layer came or went.
  public mutating func handleTimeout(at now: Instant) -> Bool {
    guard let due = nextTimeout, due <= now else { return false }
    var changed = false
    var isActive = false
    for layer in layers.indices {
      changed = endCycle(layer) || changed
      isActive = isActive || layers[layer].isLive || meters[layer].goodCycles > 0
    }
    nextTimeout = isActive ? max(due + limits.cycle, now) : nil
    return changed
  }

  private mutating func endCycle(_ layer: Int) -> Bool {
    var meter = meters[layer]
    let rule = limits.rules[min(layer, limits.rules.count - 1)]
    let wasLive = layers[layer].isLive
    // A layer that began anew in the middle of the cycle has had no time for more packets.
    let isGood = meter.current.packets >= rule.samples || (meter.isPartial && wasLive)
    meter.goodCycles = isGood ? meter.goodCycles + 1 : 0
    if meter.goodCycles == 0 {
      layers[layer].isLive = false
    } else if meter.goodCycles >= rule.cycles {
      layers[layer].isLive = true
    }
    let total = meter.previous.map { $0 + meter.current } ?? meter.current
    let isMeasurable = meter.goodCycles > 0
    measure(
      layer, isMeasurable ? total : Counts(),
      over: meter.previous == nil ? limits.cycle : limits.cycle * 2)
    layers[layer].isMeasured = isMeasurable && !meter.isPartial
    meter.previous = isMeasurable && !meter.isPartial ? meter.current : nil
    meter.isPartial = false
    meter.current = Counts()
    meters[layer] = meter
    return wasLive != layers[layer].isLive
  }

  private mutating func measure(_ layer: Int, _ total: Counts, over span: Duration) {
    var bytes: Int64 = 0
    var frames: Int64 = 0
    for temporal in 0..<LayerState.temporalLayers {
      bytes += total.bytes[temporal]
      frames += total.frames[temporal]
      layers[layer].bitrates[temporal] = (DataSize(bytes: bytes) / span).bitsPerSecond
      layers[layer].framesPerSecond[temporal] = Double(frames) / span.seconds
    }
  }
}

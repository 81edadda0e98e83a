// Divides what a subscriber's link carries among the video that its viewer wants (LiveKit
// streamallocator, mediasoup TransportCongestionControlServer): everybody's lowest rung first, then
// step by step; down at once, up only where a probe has shown room.

import Basics

/// One way to send a video stream: a layer, and its temporal layers up to one.
public struct Rung: Equatable, Sendable {
  public var layer: Int
  public var temporal: Int
  /// The publisher encodes the layer smaller than usual, as it was asked to.
  public var isReduced = false
  /// Of fewer frames than wanted where the next lower layer would show them all: good for a moment,
  /// since it needs no keyframe.
  public var isStopgap = false
  public var bitrate: Bitrate

  public init(layer: Int, temporal: Int, bitrate: Bitrate) {
    self.layer = layer
    self.temporal = temporal
    self.bitrate = bitrate
  }

  /// By which rungs are ordered: layer, then form, then temporal layer.
  var place: SIMD4<Int32> {
    SIMD4(Int32(layer), isReduced ? 0 : 1, Int32(temporal), 0)
  }

  fileprivate func isForm(of other: Rung?) -> Bool {
    layer == other?.layer && isReduced == other?.isReduced
  }

  static func isLower(_ a: SIMD4<Int32>, _ b: SIMD4<Int32>) -> Bool {
    (a.x, a.y, a.z) < (b.x, b.y, b.z)
  }
}

/// The allocator of one subscriber.
public struct StreamAllocator: Sendable {
  /// A video stream that the viewer wants.
  public struct Stream: Sendable {
    /// What it gets at present.
    public enum Held: Equatable, Sendable {
      /// Nothing yet: its lowest rung needs no proof.
      case new
      case paused
      case rung(Rung)
    }

    /// Lowest first, the last one as good as is wanted; not empty.
    public var rungs: [Rung]
    public var held = Held.new
    public var isScreen = false
    /// More goes first.
    public var priority: UInt32 = 0
    /// Pixels of its tile; among equals the larger one goes first.
    public var area = 0
    /// Since when it holds a stopgap.
    public var thinnedSince: Instant?

    public init(_ rungs: [Rung]) { self.rungs = rungs }

    /// The highest rung that is not above what it holds; nil for none.
    var heldIndex: Int? {
      guard case .rung(let held) = held else { return nil }
      return rungs.lastIndex { !Rung.isLower(held.place, $0.place) }
    }
  }

  /// What every stream gets, in the order given.
  public struct Allocation: Equatable, Sendable {
    /// Indices into the streams' rungs; nil for a pause.
    public internal(set) var rungs: [Int?]
    /// Their sum.
    public internal(set) var used: Bitrate
    /// What all would take as wanted.
    public internal(set) var wanted: Bitrate
    /// The rate to probe for now.
    public internal(set) var probe: Bitrate?
  }

  public struct Limits: Equatable, Sendable {
    /// A higher rung must fit this many times, so that the choice does not flap.
    public var upMargin = 1.1
    /// A probe aims this many times above what it is to prove.
    public var probeMargin = 1.05
    /// What a probe has shown is known this long after it was asked for, and no longer than that.
    public var probeResult = Duration.milliseconds(200)
    public var probeTimeout = Duration.seconds(1)
    /// From one probe to the next, where the last one found no room; half as long again each time.
    public var probeInterval = Duration.seconds(2)
    public var longestProbeInterval = Duration.seconds(5)
    /// After a step the estimate is left to settle.
    public var settling = Duration.seconds(1)
    /// A step up whose layer is taken back within this time has failed; each failure in a row doubles the
    /// wait for the next attempt.
    public var trial = Duration.seconds(6)
    public var firstBackOff = Duration.seconds(2)
    public var longestBackOff = Duration.seconds(8)
    /// How long a layer may be thinned before the next lower one takes its place.
    public var stopgap = Duration.milliseconds(500)

    /// How long what a link carried is proof that it can.
    public var memory = Duration.seconds(30)

    public static let reference = Limits()
  }

  public let limits: Limits
  /// Faults made on purpose.
  var neverRises = false
  var flaps = false
  private var lastRise: Instant?
  private var failures = 0
  private var nextAttempt = Instant.zero
  private var probedAt: Instant?
  private var carried: (bitrate: Bitrate, at: Instant)?
  private var roundTrip = Duration.zero
  private var probeInterval: Duration

  public init(limits: Limits = .reference) {
    self.limits = limits
    probeInterval = limits.probeInterval
  }

  // MARK: - Over time

  /// Divides `budget`, nil for no limit, among `streams`.
  ///
  /// - Parameters:
  ///   - budget: for video alone: audio has had its share.
  ///   - isProven: whether the budget is a fact, not an estimate that needs a probe to be trusted.
  ///   - roundTrip: what a probe's result takes to come back.
  ///   - isCalm: whether no queue stands on the link: into one nothing rises, and no probe is sent.
  public mutating func allocate(
    _ streams: [Stream], budget: Bitrate?, isProven: Bool, roundTrip: Duration = .zero,
    isCalm: Bool = true, at now: Instant
  ) -> Allocation {
    self.roundTrip = roundTrip
    guard let budget else { return StreamAllocator.unlimited(streams) }
    var held = distribute(streams, budget, mayRise: false, at: now)
    if isLower(held, streams) {
      noteFall(hasLostLayer: hasLostLayer(held, streams), at: now)
      return held
    }
    noteCarried(held.used, at: now)
    if !isCalm { nextAttempt = max(nextAttempt, now + limits.settling) }
    // A layer that was thinned is about to be given up: whether there is room must show at once.
    let isThinned = isCalm && streams.contains { $0.thinnedSince != nil }
    let mayAttempt = isThinned || now >= nextAttempt
    guard held.used < held.wanted, !neverRises else { return mutated(held, at: now) }
    let risen = distribute(streams, budget, mayRise: true, at: now)
    let isKnown = isProven || hasProof(at: now) || hasCarried(risen.used, at: now)
    // Nobody rises to a stopgap: where one is held, what could be risen to may be less.
    let isHigher = isThinned ? risen.used > held.used : risen.rungs != held.rungs
    if isKnown, mayAttempt, isHigher {
      probedAt = nil
      probeInterval = limits.probeInterval
      lastRise = now
      if !isProven { nextAttempt = now + limits.settling }
      return risen
    }
    if let probedAt, now - probedAt >= limits.probeTimeout + roundTrip {
      self.probedAt = nil
      nextAttempt = max(nextAttempt, probedAt + probeInterval)
      probeInterval = min(probeInterval * 1.5, limits.longestProbeInterval)
    }
    if !isProven, probedAt == nil, mayAttempt {
      probedAt = now
      held.probe = goal(streams, held)
    }
    forgive(at: now)
    return mutated(held, at: now)
  }

  /// The probe that was asked for cannot be sent now.
  mutating func probeRefused() { probedAt = nil }

  private func hasProof(at now: Instant) -> Bool {
    probedAt.map { now - $0 >= limits.probeResult + roundTrip } ?? false
  }

  /// What the link has carried for a while it will carry again, as far as the estimate agrees.
  private mutating func noteCarried(_ used: Bitrate, at now: Instant) {
    guard lastRise.map({ now - $0 >= limits.trial }) ?? true else { return }
    if let carried, used < carried.bitrate, now - carried.at < limits.memory { return }
    carried = (used, now)
  }

  private func hasCarried(_ used: Bitrate, at now: Instant) -> Bool {
    carried.map { used <= $0.bitrate && now - $0.at < limits.memory } ?? false
  }

  private mutating func noteFall(hasLostLayer: Bool, at now: Instant) {
    probedAt = nil
    if hasLostLayer { nextAttempt = max(nextAttempt, now + limits.settling) }
    guard hasLostLayer, let lastRise, now - lastRise < limits.trial else { return }
    self.lastRise = nil
    carried = nil
    let backOff = limits.firstBackOff * Double(1 << min(failures, 10))
    failures += 1
    nextAttempt = max(nextAttempt, now + min(backOff, limits.longestBackOff))
  }

  /// A step that outlasts its trial wipes the failures before it out.
  private mutating func forgive(at now: Instant) {
    guard let lastRise, now - lastRise >= limits.trial else { return }
    self.lastRise = nil
    failures = 0
  }

  /// What to prove: that a stream without a picture gets one, else the next step, or twice of what is
  /// used where many steps are to be made.
  private func goal(_ streams: [Stream], _ held: Allocation) -> Bitrate {
    let next =
      StreamAllocator.firstPicture(streams, held.rungs)
      ?? max(StreamAllocator.nextStep(streams, held.rungs), held.used * 2)
    return min(next, held.wanted) * limits.upMargin * limits.probeMargin
  }

  private func hasLostLayer(_ allocation: Allocation, _ streams: [Stream]) -> Bool {
    zip(allocation.rungs, streams).contains { index, stream in
      guard case .rung(let held) = stream.held else { return false }
      return index.map { !stream.rungs[$0].isForm(of: held) } ?? true
    }
  }

  /// Whether a stream gets less than it holds.
  private func isLower(_ allocation: Allocation, _ streams: [Stream]) -> Bool {
    zip(allocation.rungs, streams).contains { ($0 ?? -1) < ($1.heldIndex ?? -1) }
  }

  private func mutated(_ allocation: Allocation, at now: Instant) -> Allocation {
    guard flaps, now.nanoseconds / 1_000_000_000 % 2 == 1 else { return allocation }
    var allocation = allocation
    for index in allocation.rungs.indices {
      allocation.rungs[index] = allocation.rungs[index].map { _ in 0 }
    }
    return allocation
  }

  // MARK: - At one moment

  /// Everything as wanted.
  static func unlimited(_ streams: [Stream]) -> Allocation {
    let wanted = wanted(streams)
    return Allocation(rungs: streams.map { $0.rungs.count - 1 }, used: wanted, wanted: wanted)
  }

  private static func wanted(_ streams: [Stream]) -> Bitrate {
    streams.reduce(.zero) { $0 + $1.rungs[$1.rungs.count - 1].bitrate }
  }

  /// The lowest rung for everybody by rank, then steps up: one priority after the other, in turns
  /// among equals, until the next step does not fit.
  ///
  /// The sum never exceeds `budget`. More budget never takes from a stream but for one that goes
  /// before it. Rungs above the held one must fit `upMargin` times.
  func distribute(
    _ streams: [Stream], _ budget: Bitrate, mayRise: Bool, at now: Instant
  ) -> Allocation {
    let order = StreamAllocator.order(streams)
    var state = Distribution(
      streams: streams, left: budget, margin: limits.upMargin, mayRise: mayRise)
    for index in streams.indices {
      let stream = streams[index]
      let isFresh = !mayRise && stream.thinnedSince.map { now - $0 < limits.stopgap } ?? true
      state.stopgapLayer[index] = isFresh ? stream.heldIndex.map { stream.rungs[$0].layer } : nil
    }
    for index in order { _ = state.step(index) }
    var first = order.startIndex
    while first < order.endIndex {
      let last = order[first...].firstIndex { !streams[$0].isPeer(of: streams[order[first]]) }
      state.raise(order[first..<(last ?? order.endIndex)])
      first = last ?? order.endIndex
    }
    return Allocation(
      rungs: state.rungs, used: state.used, wanted: StreamAllocator.wanted(streams))
  }

  /// The least sum that gives the first of those without a picture its lowest rung: those who go before it
  /// keep theirs, whatever more anybody holds gives way. Nil where all have one.
  private static func firstPicture(_ streams: [Stream], _ rungs: [Int?]) -> Bitrate? {
    var sum = Bitrate.zero
    for index in order(streams) {
      sum = sum + streams[index].rungs[0].bitrate
      if rungs[index] == nil { return sum }
    }
    return nil
  }

  /// Screens before cameras, then by priority, then by size, then as they came.
  private static func order(_ streams: [Stream]) -> [Int] {
    streams.indices.sorted { a, b in
      let (x, y) = (streams[a], streams[b])
      if x.isScreen != y.isScreen { return x.isScreen }
      if x.priority != y.priority { return x.priority > y.priority }
      return x.area != y.area ? x.area > y.area : a < b
    }
  }

  /// The least sum that lifts one stream to a rung that lasts.
  private static func nextStep(_ streams: [Stream], _ rungs: [Int?]) -> Bitrate {
    var used = Bitrate.zero
    var least: Bitrate?
    for (index, stream) in zip(rungs, streams) {
      let present = index.map { stream.rungs[$0].bitrate } ?? .zero
      used = used + present
      let above = stream.rungs[(index.map { $0 + 1 } ?? 0)...]
      guard let next = above.last(where: { !$0.isStopgap && $0.isForm(of: above.first) })
      else { continue }
      let step = max(.zero, next.bitrate - present)
      least = least.map { min($0, step) } ?? step
    }
    return used + (least ?? .zero)
  }
}

extension StreamAllocator.Stream {
  fileprivate func isPeer(of other: Self) -> Bool {
    isScreen == other.isScreen && priority == other.priority
  }
}

/// A division in progress.
private struct Distribution {
  let streams: [StreamAllocator.Stream]
  /// What is left, margins of risen rungs taken off.
  var left: Bitrate
  let margin: Double
  let mayRise: Bool
  var rungs: [Int?]
  /// The layer of which each stream may show stopgaps.
  var stopgapLayer: [Int?]
  private let heldIndices: [Int?]

  init(
    streams: [StreamAllocator.Stream], left: Bitrate, margin: Double, mayRise: Bool
  ) {
    self.streams = streams
    self.left = left
    self.margin = margin
    self.mayRise = mayRise
    rungs = Array(repeating: nil, count: streams.count)
    stopgapLayer = rungs
    heldIndices = streams.map(\.heldIndex)
  }

  var used: Bitrate {
    zip(rungs, streams).reduce(.zero) { sum, each in
      sum + (each.0.map { each.1.rungs[$0].bitrate } ?? .zero)
    }
  }

  /// In turns, one step each, until one does not fit; those at their top wait.
  mutating func raise(_ order: ArraySlice<Int>) {
    var isRising = true
    while isRising {
      isRising = false
      for index in order where rungs[index] != nil {
        switch step(index) {
        case .taken: isRising = true
        case .atTop: continue
        case .tooLarge: return
        }
      }
    }
  }

  enum Step { case taken, atTop, tooLarge }

  /// Takes the next rung for a stream, or its first.
  mutating func step(_ index: Int) -> Step {
    let present = rungs[index]
    guard let next = nextRung(after: present, index) else { return .atTop }
    let more = cost(index, next) - (present.map { cost(index, $0) } ?? .zero)
    guard more <= left else { return .tooLarge }
    left = left - more
    rungs[index] = next
    return .taken
  }

  private func nextRung(after present: Int?, _ index: Int) -> Int? {
    let stream = streams[index]
    var next = present.map { $0 + 1 } ?? 0
    while next < stream.rungs.count {
      let rung = stream.rungs[next]
      // Nobody rises to a stopgap.
      if rung.isStopgap, rung.layer != stopgapLayer[index] || next > heldIndices[index] ?? -1 {
        next += 1
        continue
      }
      return isAllowed(next, index) ? next : nil
    }
    return nil
  }

  /// Rungs above the held one are for those who may rise.
  private func isAllowed(_ rung: Int, _ index: Int) -> Bool {
    if mayRise { return true }
    switch streams[index].held {
    case .new: return rung == 0
    case .paused: return false
    // A stream whose layers all changed starts anew at the lowest.
    case .rung: return rung <= heldIndices[index] ?? 0
    }
  }

  private func cost(_ index: Int, _ rung: Int) -> Bitrate {
    let stream = streams[index]
    let bitrate = stream.rungs[rung].bitrate
    switch stream.held {
    case .new: return rung == 0 ? bitrate : bitrate * margin
    case .paused: return bitrate * margin
    // More frames of the layer that is sent need no keyframe: they may come and go.
    case .rung(let held):
      let isKept = rung <= heldIndices[index] ?? 0 || stream.rungs[rung].isForm(of: held)
      return isKept ? bitrate : bitrate * margin
    }
  }
}

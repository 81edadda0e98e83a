import Basics
import Testing

@testable import RefSFU

private typealias Stream = StreamAllocator.Stream

private func rung(_ layer: Int, _ kbps: Int64, temporal: Int = 2) -> Rung {
  Rung(layer: layer, temporal: temporal, bitrate: .kbps(kbps))
}

/// 360p, 480p, 720p and 1080p, all in three layers.
private let ladder: [Rung] = {
  var small = rung(1, 700)
  small.isReduced = true
  return [rung(0, 350), small, rung(1, 1_400), rung(2, 3_000)]
}()

extension StreamAllocator.Allocation {
  fileprivate func held(_ streams: [Stream]) -> [Stream] {
    zip(rungs, streams).map { index, stream in
      var stream = stream
      stream.held = index.map { .rung(stream.rungs[$0]) } ?? .paused
      return stream
    }
  }
}

@Suite struct StreamAllocatorTests {
  private static let base = Instant.seconds(100.0)

  /// One viewer of one camera, called every 100 ms while the budget is what `budget` says.
  private func play(
    seconds: Int, from held: Stream.Held = .new, allocator: StreamAllocator = StreamAllocator(),
    isProven: Bool = false, _ budget: (Double, Bitrate?) -> Bitrate
  ) -> [(time: Double, rung: Int?)] {
    var allocator = allocator
    var stream = Stream(ladder)
    stream.held = held
    var probe: Bitrate?
    var changes: [(Double, Int?)] = []
    for tick in 0..<(seconds * 10) {
      let time = Double(tick) / 10
      let allocation = allocator.allocate(
        [stream], budget: budget(time, probe), isProven: isProven,
        at: StreamAllocatorTests.base + .milliseconds(100 * tick))
      if let asked = allocation.probe { probe = asked }
      if changes.isEmpty || changes.last!.1 != allocation.rungs[0] {
        changes.append((time, allocation.rungs[0]))
      }
      stream = allocation.held([stream])[0]
    }
    return changes.map { (time: $0.0, rung: $0.1) }
  }

  @Test func withoutALimitEverythingIsAsWanted() {
    var allocator = StreamAllocator()
    let streams = [Stream(ladder), Stream(ladder)]
    let allocation = allocator.allocate(streams, budget: nil, isProven: false, at: .zero)
    #expect(allocation.rungs == [3, 3])
    #expect(allocation.used == .kbps(6_000) && allocation.probe == nil)
  }

  /// The steps of the issue, as an estimator that believes every probe would have them.
  @Test func climbsRungByRungEachBehindAProbe() {
    let capacity = Bitrate.kbps(20_000)
    var proven = Bitrate.kbps(400)
    let changes = play(seconds: 10) { _, probe in
      if let probe { proven = max(proven, min(probe, capacity)) }
      return proven
    }
    #expect(changes.map(\.rung) == [0, 1, 2, 3])
    #expect(changes.last!.time < 3)
  }

  /// A screen that began behind a camera: what it takes alone is tried, not what both would.
  @Test func whatAScreenTakesIsTriedThoughTheCameraMustGiveWay() {
    var camera = StreamAllocator.Stream([
      Rung(layer: 0, temporal: 0, bitrate: .kbps(150)),
      Rung(layer: 1, temporal: 0, bitrate: .kbps(400)),
    ])
    camera.held = .rung(camera.rungs[1])
    var screen = StreamAllocator.Stream([Rung(layer: 0, temporal: 0, bitrate: .kbps(800))])
    screen.isScreen = true
    screen.held = .paused
    var allocator = StreamAllocator()
    let before = allocator.allocate(
      [camera, screen], budget: .kbps(600), isProven: false, at: .zero)
    #expect(before.rungs == [1, nil])
    #expect(before.probe == .kbps(800) * allocator.limits.upMargin * allocator.limits.probeMargin)
    let after = allocator.allocate(
      [camera, screen], budget: .kbps(950), isProven: false, at: .zero + .milliseconds(300))
    #expect(after.rungs == [nil, 0])
  }

  @Test func withoutProofNothingRises() {
    // The estimate never shows what the probe was for.
    #expect(play(seconds: 60) { _, _ in .kbps(500) }.map(\.rung) == [0])
    var broken = StreamAllocator()
    broken.neverRises = true
    #expect(
      play(seconds: 60, allocator: broken, isProven: true) { _, _ in .kbps(9_000) }.map(\.rung)
        == [0])
  }

  @Test func fallsAtOnceAndPausesWhereNothingFits() {
    let changes = play(seconds: 10, from: .rung(ladder[3]), isProven: true) { time, _ in
      time < 1 ? .kbps(5_000) : time < 2 ? .kbps(1_500) : time < 3 ? .kbps(360) : .kbps(60)
    }
    #expect(changes.map(\.rung) == [3, 2, 0, nil])
    #expect(changes.map(\.time) == [0, 1, 2, 3])
  }

  /// Room for the next rung that turns out to be none: the attempts become rare.
  @Test func failedAttemptsBecomeRare() {
    var isUp = false
    var lowAt = -10.0
    var limits = StreamAllocator.Limits.reference
    limits.longestBackOff = .seconds(64)
    let allocator = StreamAllocator(limits: limits)
    let changes = play(
      seconds: 120, from: .rung(ladder[1]), allocator: allocator, isProven: true
    ) { time, _ in
      // The rung above fits for half a second, and then never.
      if isUp && time - lowAt > 0.5 { lowAt = time }
      isUp = time - lowAt > 1
      return isUp ? .kbps(1_600) : .kbps(800)
    }
    let attempts = changes.filter { $0.rung == 2 }.map(\.time)
    #expect(attempts.count >= 3 && attempts.count <= 7)
    let gaps = zip(attempts, attempts.dropFirst()).map { $1 - $0 }
    #expect(zip(gaps, gaps.dropFirst()).allSatisfy { $1 > $0 * 1.5 })
  }

  @Test func anEstimateThatWavesChangesNothing() {
    let changes = play(seconds: 60, from: .rung(ladder[2]), isProven: true) { time, _ in
      .kbps(2_300 + Int64(time * 10) % 7 * 140)
    }
    #expect(changes.map(\.rung) == [2])
  }

  @Test func aLayerIsThinnedForAMomentOnly() {
    var full = rung(1, 1_400)
    var half = rung(1, 840, temporal: 1)
    half.isStopgap = true
    full.temporal = 2
    var stream = Stream([rung(0, 350), half, full])
    stream.held = .rung(full)
    var allocator = StreamAllocator()
    let now = StreamAllocatorTests.base
    var allocation = allocator.allocate([stream], budget: .kbps(900), isProven: true, at: now)
    #expect(allocation.rungs == [1])
    stream.held = .rung(half)
    stream.thinnedSince = now
    allocation = allocator.allocate(
      [stream], budget: .kbps(900), isProven: true, at: now + .milliseconds(400))
    #expect(allocation.rungs == [1])
    allocation = allocator.allocate(
      [stream], budget: .kbps(900), isProven: true, at: now + .milliseconds(500))
    #expect(allocation.rungs == [0])
    // Nobody rises to a stopgap.
    stream.held = .rung(rung(0, 350))
    stream.thinnedSince = nil
    allocation = allocator.allocate(
      [stream], budget: .kbps(1_400), isProven: true, at: now + .seconds(5))
    #expect(allocation.rungs == [0])
  }

  /// What over-use took may be there again: a probe tells before the layer is lost.
  @Test func aThinnedLayerIsProbedForBeforeItIsGivenUp() {
    let full = rung(1, 1_400)
    var half = rung(1, 840, temporal: 1)
    half.isStopgap = true
    var stream = Stream([rung(0, 350), half, full])
    stream.held = .rung(full)
    var allocator = StreamAllocator()
    let now = StreamAllocatorTests.base
    var allocation = allocator.allocate([stream], budget: .kbps(1_300), isProven: false, at: now)
    #expect(allocation.rungs == [1])
    stream.held = .rung(half)
    stream.thinnedSince = now
    func at(_ milliseconds: Int, _ budget: Bitrate, isCalm: Bool) -> StreamAllocator.Allocation {
      allocator.allocate(
        [stream], budget: budget, isProven: false, isCalm: isCalm,
        at: now + .milliseconds(milliseconds))
    }
    allocation = at(50, .kbps(1_300), isCalm: false)
    #expect(allocation.probe == nil)
    allocation = at(100, .kbps(1_300), isCalm: true)
    #expect(allocation.probe != nil)
    allocator.probeRefused()
    allocation = at(200, .kbps(1_300), isCalm: true)
    #expect(allocation.probe != nil)
    // The same layer once more needs no margin.
    allocation = at(400, .kbps(1_400), isCalm: true)
    #expect(allocation.rungs == [2])
  }

  @Test func screensGoFirstThenPrioritiesThenTurns() {
    let allocator = StreamAllocator()
    var screen = Stream([rung(0, 200, temporal: 0), rung(0, 1_000)])
    screen.isScreen = true
    var teacher = Stream(ladder)
    teacher.priority = 1
    let pupil = Stream(ladder)
    let streams = [pupil, teacher, pupil, screen]
    func rungs(_ kbps: Int64) -> [Int?] {
      let proven = streams.map {
        var stream = $0
        stream.held = .rung(stream.rungs.last!)
        return stream
      }
      return allocator.distribute(proven, .kbps(kbps), mayRise: true, at: .zero).rungs
    }
    #expect(rungs(100) == [nil, nil, nil, nil])
    #expect(rungs(200) == [nil, nil, nil, 0])
    #expect(rungs(1_250) == [0, 0, 0, 0])
    #expect(rungs(2_050) == [0, 0, 0, 1])
    #expect(rungs(3_100) == [0, 2, 0, 1])
    #expect(rungs(4_700) == [0, 3, 0, 1])
    #expect(rungs(5_400) == [1, 3, 1, 1])
    #expect(rungs(9_999) == [3, 3, 2, 1])
    #expect(rungs(10_000) == [3, 3, 3, 1])
  }
}

/// Streams as a random room has them.
@Suite struct StreamAllocatorPropertyTests {
  private func room(_ random: inout RandomStream) -> [Stream] {
    (0..<(1 + Int(random.below(6)))).map { _ in
      var total: Int64 = 0
      var rungs: [Rung] = []
      for layer in 0..<(1 + Int(random.below(3))) {
        for temporal in 0..<(1 + Int(random.below(3))) {
          total += 50 + Int64(random.below(900))
          rungs.append(rung(layer, total, temporal: temporal))
          rungs[rungs.count - 1].isStopgap = layer > 0 && random.chance(0.3)
        }
        rungs[rungs.count - 1].isStopgap = false
      }
      var stream = Stream(rungs)
      stream.isScreen = random.chance(0.2)
      stream.priority = UInt32(random.below(3))
      stream.area = Int(random.below(3)) * 1_000
      let held = Int(random.below(UInt64(rungs.count + 2)))
      stream.held =
        held == 0 ? .new : held == 1 ? .paused : .rung(rungs[held - 2])
      return stream
    }
  }

  @Test func theSumNeverExceedsTheBudget() {
    var random = RandomStream(seed: 4, name: "rooms")
    var allocator = StreamAllocator()
    for round in 0..<4_000 {
      let streams = room(&random)
      let budget = Bitrate.kbps(Int64(random.below(9_000)))
      let allocation = allocator.allocate(
        streams, budget: budget, isProven: random.chance(0.5), at: .milliseconds(round * 37))
      let sum = zip(allocation.rungs, streams).reduce(Bitrate.zero) {
        $0 + ($1.0.map { [stream = $1.1] in stream.rungs[$0].bitrate } ?? .zero)
      }
      #expect(allocation.used == sum && sum <= budget)
    }
  }

  /// More budget gives every stream as much or more, but for those that one before it now outbids.
  @Test func moreBudgetIsNeverWorse() {
    var random = RandomStream(seed: 5, name: "rooms")
    let allocator = StreamAllocator()
    for _ in 0..<2_000 {
      // Equals, so that nobody goes before anybody.
      let streams = room(&random).map {
        var stream = $0
        stream.isScreen = false
        stream.priority = 0
        stream.held = .rung(stream.rungs.last!)
        return stream
      }
      let less = Bitrate.kbps(Int64(random.below(9_000)))
      let more = less + .kbps(Int64(random.below(2_000)))
      let a = allocator.distribute(streams, less, mayRise: true, at: .zero)
      let b = allocator.distribute(streams, more, mayRise: true, at: .zero)
      if a.rungs.allSatisfy({ $0 != nil }) {
        #expect(zip(a.rungs, b.rungs).allSatisfy { $0! <= $1 ?? -1 })
      }
    }
  }

  @Test func aConstantBudgetEndsAllMovement() {
    var random = RandomStream(seed: 6, name: "rooms")
    for round in 0..<100 {
      var streams = room(&random)
      let budget = Bitrate.kbps(Int64(random.below(9_000)))
      var allocator = StreamAllocator()
      var last: [Int?] = []
      var lastChange = 0
      for tick in 0..<300 {
        let now = Instant.seconds(Double(round)) + .milliseconds(tick * 100)
        let allocation = allocator.allocate(
          streams, budget: budget, isProven: round % 2 == 0, at: now)
        if allocation.rungs != last { lastChange = tick }
        last = allocation.rungs
        streams = zip(streams, allocation.held(streams)).map { before, after in
          var after = after
          if case .rung(let rung) = after.held, rung.isStopgap {
            after.thinnedSince = before.thinnedSince ?? now
          } else {
            after.thinnedSince = nil
          }
          return after
        }
      }
      #expect(lastChange < 150)
    }
  }

  @Test func theFlappingMutantMoves() {
    var allocator = StreamAllocator()
    allocator.flaps = true
    var seen = Set<Int?>()
    for tick in 0..<40 {
      var stream = Stream(ladder)
      stream.held = .rung(ladder[3])
      seen.insert(
        allocator.allocate(
          [stream], budget: .kbps(9_000), isProven: true, at: .milliseconds(tick * 100)
        ).rungs[0])
    }
    #expect(seen == [0, 3])
  }
}

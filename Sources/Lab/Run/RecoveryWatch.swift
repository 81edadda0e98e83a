// Follows every fault while the run goes on: when whoever was seen before it is seen again, frame by frame.

import Basics
import Bots

struct RecoveryWatch {
  /// What became of one publisher's picture, or sound, at one viewer's in one fault.
  struct Recovery {
    let kind: Scenario.MediaKind
    /// Of the fault.
    let begin: Instant
    let heal: Instant
    /// When the first frame was shown that was captured after the healing; nil before.
    fileprivate(set) var back: Instant?
    /// The longest time without a frame, from the fault's beginning on.
    fileprivate var gap = Duration.zero
    /// The last frame, or the fault's beginning where none was shown after it.
    fileprivate var last: Instant

    fileprivate mutating func note(_ frame: ShownFrame) {
      guard back == nil else { return }
      if frame.at > begin { gap = max(gap, frame.at - last) }
      last = frame.at
      if frame.at >= heal, frame.captured >= heal { back = frame.at }
    }

    /// The longest time without a frame until it was back, or the run over.
    func longestGap(until end: Instant) -> Duration {
      back == nil ? max(gap, end - last) : gap
    }
  }

  private struct Pair {
    let viewer: Int
    let publisher: Int
    let faults: [FaultWindow]
    var next = 0
    var recoveries: [Recovery] = []
    /// Places of those that are not back yet.
    var open: [Int] = []
  }

  /// Whoever was shown within this time was seen before a fault.
  private static let memory = Duration.seconds(5)

  private var pairs: [Pair] = []
  private var lastLook = Instant.zero

  init(_ world: World) {
    let faults = FaultWindow.all(of: world.scenario)
    guard !faults.isEmpty else { return }
    for (viewer, seat) in world.seats.enumerated() {
      for (publisher, other) in world.seats.enumerated()
      where publisher != viewer && other.member.room == seat.member.room {
        let own = FaultWindow.merged(
          faults, striking: seat.member.identity, or: other.member.identity)
        if !own.isEmpty { pairs.append(Pair(viewer: viewer, publisher: publisher, faults: own)) }
      }
    }
  }

  /// Called every second, and at the end: bots remember no more than a few seconds of frames.
  mutating func look(at world: World) {
    let now = world.simulator.now
    for index in pairs.indices {
      if !pairs[index].open.isEmpty { follow(index, in: world, upTo: now) }
      while pairs[index].next < pairs[index].faults.count,
        pairs[index].faults[pairs[index].next].begin <= now
      {
        open(pairs[index].faults[pairs[index].next], of: index, in: world, upTo: now)
        pairs[index].next += 1
      }
    }
    lastLook = now
  }

  private mutating func open(
    _ fault: FaultWindow, of index: Int, in world: World, upTo now: Instant
  ) {
    for kind in [Scenario.MediaKind.video, .audio] {
      let frames = shown(pairs[index], kind, after: fault.begin - RecoveryWatch.memory, now, world)
      guard let last = frames.last(where: { $0.at <= fault.begin }) else { continue }
      var recovery = Recovery(kind: kind, begin: fault.begin, heal: fault.heal, last: last.at)
      for frame in frames where frame.at > fault.begin { recovery.note(frame) }
      if recovery.back == nil { pairs[index].open.append(pairs[index].recoveries.count) }
      pairs[index].recoveries.append(recovery)
      // Where there are pictures nobody asks for talk.
      return
    }
  }

  private mutating func follow(_ index: Int, in world: World, upTo now: Instant) {
    for kind in [Scenario.MediaKind.video, .audio] {
      let places = pairs[index].open.filter { pairs[index].recoveries[$0].kind == kind }
      guard !places.isEmpty else { continue }
      let frames = shown(pairs[index], kind, after: lastLook, now, world)
      for place in places {
        for frame in frames { pairs[index].recoveries[place].note(frame) }
      }
    }
    let recoveries = pairs[index].recoveries
    pairs[index].open.removeAll { recoveries[$0].back != nil }
  }

  private func shown(
    _ pair: Pair, _ kind: Scenario.MediaKind, after from: Instant, _ now: Instant, _ world: World
  ) -> [ShownFrame] {
    world.seats[pair.viewer].bot.shown(
      of: world.seats[pair.publisher].member.identity, kind == .video ? .video : .audio,
      after: from, upTo: now)
  }

  /// Of one viewer, by publisher and in order of the faults.
  func recoveries(of viewer: String, in world: World) -> [(publisher: World.Seat, [Recovery])] {
    pairs.filter { world.seats[$0.viewer].member.identity == viewer }
      .map { (world.seats[$0.publisher], $0.recoveries) }
  }
}

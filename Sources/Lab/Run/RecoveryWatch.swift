// Follows every fault while the run goes on: when whoever was seen before it is seen again, frame by frame.

import Basics
import Bots
import Results
import Scenario

struct RecoveryWatch {
  /// One whose picture, or sound, is not back yet.
  private struct Wait {
    let kind: Scenario.MediaKind
    /// Its place among the faults that strike the pair.
    let place: Int
    let begin: Instant
    let heal: Instant
    var back: Instant?
    var gap = Duration.zero
    /// The last frame, or the fault's beginning where none was shown after it.
    var last: Instant

    mutating func note(_ frame: ShownFrame) {
      guard back == nil else { return }
      if frame.at > begin { gap = max(gap, frame.at - last) }
      last = frame.at
      if frame.at >= heal, frame.captured >= heal { back = frame.at }
    }
  }

  /// One that is back: a day has many, so no more than is needed.
  private struct Return {
    let back: Instant
    let gap: Duration
    let place: Int32
    let kind: Scenario.MediaKind
  }

  private struct Pair {
    let viewer: Int
    let publisher: Int
    let faults: [FaultWindow]
    var next = 0
    var returns: [Return] = []
    var waits: [Wait] = []

    /// Those that are back wait no longer.
    mutating func settle() {
      for wait in waits {
        guard let back = wait.back else { continue }
        returns.append(
          Return(
            back: back, gap: wait.gap, place: Int32(truncatingIfNeeded: wait.place),
            kind: wait.kind))
      }
      waits.removeAll { $0.back != nil }
    }

    /// In order of the faults.
    func recoveries(of publisher: String, until end: Instant) -> [MediaRecoveryRecord] {
      let over = returns.map { found in
        let fault = faults[Int(found.place)]
        return MediaRecoveryRecord(
          publisher: publisher, kind: found.kind, begin: fault.begin, heal: fault.heal,
          back: found.back, gap: found.gap)
      }
      let open = waits.map { wait in
        MediaRecoveryRecord(
          publisher: publisher, kind: wait.kind, begin: wait.begin, heal: wait.heal,
          back: wait.back,
          gap: wait.back == nil ? max(wait.gap, end - wait.last) : wait.gap)
      }
      return (over + open).sorted { $0.begin < $1.begin }
    }
  }

  /// Whoever was shown within this time was seen before a fault.
  static let memory = Duration.seconds(5)

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
        guard !own.isEmpty else { continue }
        var pair = Pair(viewer: viewer, publisher: publisher, faults: own)
        pair.returns.reserveCapacity(own.count)
        pairs.append(pair)
      }
    }
  }

  /// Called every second, and at the end: bots remember no more than a few seconds of frames.
  mutating func look(at world: World) {
    let now = world.simulator.now
    for index in pairs.indices {
      if !pairs[index].waits.isEmpty { follow(index, in: world, upTo: now) }
      while pairs[index].next < pairs[index].faults.count,
        pairs[index].faults[pairs[index].next].begin <= now
      {
        wait(for: pairs[index].next, of: index, in: world, upTo: now)
        pairs[index].next += 1
      }
      pairs[index].settle()
    }
    lastLook = now
  }

  /// - Parameter place: of the fault that has begun.
  private mutating func wait(
    for place: Int, of index: Int, in world: World, upTo now: Instant
  ) {
    let fault = pairs[index].faults[place]
    for kind in [Scenario.MediaKind.video, .audio] {
      let frames = shown(pairs[index], kind, after: fault.begin - RecoveryWatch.memory, now, world)
      guard let last = frames.last(where: { $0.at <= fault.begin }) else { continue }
      var wait = Wait(
        kind: kind, place: place, begin: fault.begin, heal: fault.heal, last: last.at)
      for frame in frames where frame.at > fault.begin { wait.note(frame) }
      pairs[index].waits.append(wait)
      // Where there are pictures nobody asks for talk.
      return
    }
  }

  private mutating func follow(_ index: Int, in world: World, upTo now: Instant) {
    for kind in [Scenario.MediaKind.video, .audio]
    where pairs[index].waits.contains(where: { $0.kind == kind }) {
      let frames = shown(pairs[index], kind, after: lastLook, now, world)
      for place in pairs[index].waits.indices where pairs[index].waits[place].kind == kind {
        for frame in frames { pairs[index].waits[place].note(frame) }
      }
    }
  }

  private func shown(
    _ pair: Pair, _ kind: Scenario.MediaKind, after from: Instant, _ now: Instant, _ world: World
  ) -> [ShownFrame] {
    world.seats[pair.viewer].bot.shown(
      of: world.seats[pair.publisher].member.identity, kind == .video ? .video : .audio,
      after: from, upTo: now)
  }

  /// Of one viewer, by publisher and in order of the faults.
  func recoveries(of viewer: String, in world: World) -> [MediaRecoveryRecord] {
    pairs.filter { world.seats[$0.viewer].member.identity == viewer }.flatMap { pair in
      pair.recoveries(
        of: world.seats[pair.publisher].member.identity, until: world.simulator.now)
    }
  }
}

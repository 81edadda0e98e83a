// Compares, every second, what people believe of each other with what is: who is muted, who is sent what,
// who is still there. Words take time, so only what stays wrong counts.

import Basics
import Bots
import Scenario

struct StateAudit {
  private struct Error: Hashable {
    enum Kind: CaseIterable { case mute, unwanted, lacking, layer }

    var viewer: String
    var publisher: String
    var kind: Kind
  }

  /// Seconds for which something must be wrong on end before it counts; where a link loses packets,
  /// three words in a row that TCP has to say again (RFC 6298 §2: after 1 s, 2 s and 4 s) are no error.
  private static let patience = 3
  private static let lossyPatience = patience + 7

  private let isNeeded: Bool
  private let faults: [FaultWindow]
  /// Who switches cameras.
  private let switching: Set<String>
  private var streaks: [Error: Int] = [:]
  /// Seconds for which each has been seen though it is gone, by viewer and by who is gone.
  private var ghosts: [String: [String: Int]] = [:]
  /// Seconds of a wrong state, by viewer.
  private(set) var wrongSeconds: [String: Int] = [:]
  /// The longest that anybody's ghost was seen, in seconds, by viewer.
  private(set) var longestGhost: [String: Int] = [:]

  init(_ world: World) {
    isNeeded = world.scenario.events.contains(where: \.action.isFault)
    faults = FaultWindow.impairments(of: world.scenario)
    switching = Set(
      world.scenario.events.flatMap { event -> [String] in
        if case .switchCamera = event.action { event.target.identities ?? [] } else { [] }
      })
  }

  /// Called once a second.
  mutating func look(at world: World) {
    guard isNeeded else { return }
    for viewer in world.seats {
      guard viewer.bot.state == .connected else {
        ghosts[viewer.member.identity] = nil
        continue
      }
      for publisher in world.seats
      where publisher.member.room == viewer.member.room
        && publisher.member.identity != viewer.member.identity
      {
        compare(viewer, publisher, in: world)
        lookForGhost(viewer, publisher, in: world)
      }
    }
  }

  /// Whether words between these two may be under way still: TCP waits twice as long after each loss,
  /// so that its next try may come as long after the healing as the fault lasted (RFC 6298 §5.5).
  private func mayBeUnderWay(_ viewer: String, _ publisher: String, at now: Instant) -> Bool {
    faults.contains { fault in
      fault.begin <= now && now < fault.heal + (fault.heal - fault.begin)
        && (fault.strikes(viewer) || fault.strikes(publisher))
    }
  }

  private mutating func compare(
    _ viewer: World.Seat, _ publisher: World.Seat, in world: World
  ) {
    let now = world.simulator.now
    let name = publisher.member.identity
    if mayBeUnderWay(viewer.member.identity, name, at: now) {
      for kind in Error.Kind.allCases { note(viewer, name, kind, isWrong: false, patience: 0) }
      return
    }
    let isLossy = world.losesPackets(of: viewer) || world.losesPackets(of: publisher)
    let patience = isLossy ? StateAudit.lossyPatience : StateAudit.patience
    let isThere = publisher.bot.state == .connected
    let tracks = isThere ? publisher.bot.publications : []
    let beliefs = viewer.bot.beliefs(about: name)
    let isMuteWrong = tracks.contains { track in
      beliefs.contains { $0.sid == track.sid && $0.isMuted != track.isMuted }
    }
    note(viewer, name, .mute, isWrong: isMuteWrong, patience: patience)
    note(
      viewer, name, .unwanted, isWrong: isThere && viewer.bot.receivesUnwanted(from: name),
      patience: patience)
    note(
      viewer, name, .lacking, isWrong: isThere && viewer.bot.lacksWanted(from: name),
      patience: patience)
    note(
      viewer, name, .layer, isWrong: isThere && isOversized(viewer, publisher),
      patience: patience)
  }

  /// Whether a layer is shown that is larger than the least that fills the tile.
  private func isOversized(_ viewer: World.Seat, _ publisher: World.Seat) -> Bool {
    // Another camera has other layers.
    guard !switching.contains(publisher.member.identity) else { return false }
    let heights = publisher.group.camera.layers.map(\.height)
    guard let tile = viewer.bot.wishedHeight(of: publisher.member.identity), tile > 0,
      let shown = viewer.bot.shownHeight(of: publisher.member.identity),
      let enough = heights.first(where: { $0 >= tile }) ?? heights.last
    else { return false }
    return heights.contains(shown) && shown > enough
  }

  private mutating func note(
    _ viewer: World.Seat, _ publisher: String, _ kind: Error.Kind, isWrong: Bool, patience: Int
  ) {
    let error = Error(viewer: viewer.member.identity, publisher: publisher, kind: kind)
    guard isWrong else {
      streaks[error] = nil
      return
    }
    streaks[error, default: 0] += 1
    if streaks[error]! >= patience {
      wrongSeconds[error.viewer, default: 0] += 1
    }
  }

  private mutating func lookForGhost(
    _ viewer: World.Seat, _ publisher: World.Seat, in world: World
  ) {
    // Who sleeps still believes to be connected.
    let isGone =
      publisher.bot.state != .connected || world.simulator.isSuspended(publisher.host)
    let (name, ghost) = (viewer.member.identity, publisher.member.identity)
    guard isGone, viewer.bot.believesInPresence(of: ghost)
    else {
      ghosts[name]?[ghost] = nil
      return
    }
    ghosts[name, default: [:]][ghost, default: 0] += 1
    longestGhost[name] = max(longestGhost[name] ?? 0, ghosts[name]![ghost]!)
  }
}

extension World {
  /// Whether a link of this participant has lost any packet.
  fileprivate func losesPackets(of seat: Seat) -> Bool {
    [seat.up, seat.down].contains { link in
      guard let link else { return false }
      let statistics = simulator.statistics(of: link)
      return statistics.dropped.total + statistics.corrupted > 0
    }
  }
}

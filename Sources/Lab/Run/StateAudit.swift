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
    faults = FaultWindow.impairments(of: world.scenario)
    switching = Set(
      world.scenario.events.flatMap { event -> [String] in
        if case .switchCamera = event.action { event.target.identities ?? [] } else { [] }
      })
  }

  /// What one participant knows of itself.
  private struct Truth {
    var isConnected: Bool
    /// Who sleeps still believes to be connected.
    var isGone: Bool
    var tracks: [BotTrackState]
    var losesPackets: Bool
  }

  /// Called once a second; takes time for each pair of a room.
  mutating func look(at world: World) {
    let truths = world.seats.map { seat in
      let isConnected = seat.bot.state == .connected
      return Truth(
        isConnected: isConnected,
        isGone: !isConnected || world.simulator.isSuspended(seat.host),
        tracks: isConnected ? seat.bot.publications : [], losesPackets: world.losesPackets(of: seat)
      )
    }
    var wrong: [Error: Int] = [:]
    for (index, viewer) in world.seats.enumerated() {
      guard truths[index].isConnected else {
        ghosts[viewer.member.identity] = nil
        continue
      }
      let beliefs = viewer.bot.beliefs
      for (place, publisher) in world.seats.enumerated()
      where place != index && publisher.member.room == viewer.member.room {
        let belief = beliefs[publisher.member.identity]
        let isPresent = belief?.isPresent ?? false
        noteGhost(viewer, publisher, isGhost: truths[place].isGone && isPresent)
        guard let belief else { continue }
        let isLossy = truths[index].losesPackets || truths[place].losesPackets
        for kind in errors(of: viewer, about: publisher, truths[place], belief, in: world) {
          let error = Error(
            viewer: viewer.member.identity, publisher: publisher.member.identity, kind: kind)
          let streak = (streaks[error] ?? 0) + 1
          wrong[error] = streak
          if streak >= (isLossy ? StateAudit.lossyPatience : StateAudit.patience) {
            wrongSeconds[error.viewer, default: 0] += 1
          }
        }
      }
    }
    // What is right for once begins anew.
    streaks = wrong
  }

  /// Whether words between these two may be under way still: TCP waits twice as long after each loss,
  /// so that its next try may come as long after the healing as the fault lasted (RFC 6298 §5.5).
  private func mayBeUnderWay(_ viewer: String, _ publisher: String, at now: Instant) -> Bool {
    faults.contains { fault in
      fault.begin <= now && now < fault.heal + (fault.heal - fault.begin)
        && (fault.strikes(viewer) || fault.strikes(publisher))
    }
  }

  private func errors(
    of viewer: World.Seat, about publisher: World.Seat, _ truth: Truth, _ belief: BotBeliefs,
    in world: World
  ) -> [Error.Kind] {
    guard truth.isConnected else { return [] }
    var found: [Error.Kind] = []
    let isMuteWrong = truth.tracks.contains { track in
      belief.tracks.contains { $0.sid == track.sid && $0.isMuted != track.isMuted }
    }
    if isMuteWrong { found.append(.mute) }
    if belief.receivesUnwanted { found.append(.unwanted) }
    if belief.lacksWanted { found.append(.lacking) }
    if isOversized(belief, publisher) { found.append(.layer) }
    guard !found.isEmpty else { return [] }
    let isUnderWay = mayBeUnderWay(
      viewer.member.identity, publisher.member.identity, at: world.simulator.now)
    return isUnderWay ? [] : found
  }

  /// Whether a layer is shown that is larger than the least that fills the tile.
  private func isOversized(_ belief: BotBeliefs, _ publisher: World.Seat) -> Bool {
    // Another camera has other layers.
    guard let tile = belief.wishedHeight, tile > 0, let shown = belief.shownHeight,
      !switching.contains(publisher.member.identity)
    else { return false }
    let heights = publisher.group.camera.layers.map(\.height)
    guard let enough = heights.first(where: { $0 >= tile }) ?? heights.last else { return false }
    return heights.contains(shown) && shown > enough
  }

  private mutating func noteGhost(
    _ viewer: World.Seat, _ publisher: World.Seat, isGhost: Bool
  ) {
    let (name, ghost) = (viewer.member.identity, publisher.member.identity)
    guard isGhost else {
      if ghosts[name] != nil { ghosts[name]?[ghost] = nil }
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

// When each fault of a scenario strikes whom, and when it heals.

import Basics

public struct FaultWindow: Sendable {
  public var begin: Instant
  /// When the network, the device or the SFU is usable again.
  public var heal: Instant
  /// Identities; nil for everybody.
  public var whom: Set<String>?
  /// Whether those struck sleep: their timers wait as well.
  public var isSleep: Bool

  public func strikes(_ identity: String) -> Bool { whom?.contains(identity) ?? true }

  /// In order of their beginning.
  public static func all(of scenario: Scenario) -> [FaultWindow] {
    windows(of: scenario, where: \.isFault)
  }

  /// Those in which a link is but worse than before, too.
  public static func impairments(of scenario: Scenario) -> [FaultWindow] {
    windows(of: scenario, where: \.isImpairment)
  }

  private static func windows(
    of scenario: Scenario, where isMeant: (Scenario.Event.Action) -> Bool
  ) -> [FaultWindow] {
    scenario.events.filter { isMeant($0.action) }.map { event in
      FaultWindow(
        begin: event.at, heal: heal(of: event), whom: victims(of: event.target, scenario),
        isSleep: event.action == .suspend)
    }
  }

  private static func heal(of event: Scenario.Event) -> Instant {
    if case .drain(let span) = event.action { return event.at + span }
    return event.at + (event.duration ?? .zero)
  }

  private static func victims(
    of target: Scenario.Event.Target, _ scenario: Scenario
  ) -> Set<String>? {
    switch target {
    case .participants(_, let identities): return Set(identities)
    case .link(let name, _):
      let groups = scenario.participants.filter { $0.link == name || $0.via.contains(name) }
      return scenario.sfu.link == name ? nil : Set(groups.flatMap { $0.members.map(\.identity) })
    case .room(let name):
      return Set(scenario.members.filter { $0.room == name }.map(\.identity))
    case .sfu: return nil
    case .flows: return []
    }
  }

  /// Those that strike either of two, where they overlap taken as one.
  public static func merged(_ windows: [FaultWindow], striking a: String, or b: String)
    -> [FaultWindow]
  {
    var result: [FaultWindow] = []
    for window in windows where window.strikes(a) || window.strikes(b) {
      if let last = result.indices.last, window.begin <= result[last].heal {
        result[last].heal = max(result[last].heal, window.heal)
      } else {
        result.append(window)
      }
    }
    return result
  }
}

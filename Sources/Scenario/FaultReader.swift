// Faults as written: what is taken away, where a handover leads, and whether there is a link to suffer.

import Basics

extension ScenarioReader {
  func blackout(_ node: YAMLNode) throws -> Scenario.Event.Blackout {
    var blackout = Scenario.Event.Blackout()
    if let only = node["only"] {
      blackout.only = Scenario.Event.Blackout.Kind(rawValue: try only.text())!
    }
    if let direction = node["direction"] {
      guard node["link"]?.scalar?.contains(".") != true else {
        throw direction.error("the link says which direction; take 'direction' out")
      }
      blackout.direction = Scenario.Event.Direction(rawValue: try direction.text())!
    }
    return blackout
  }

  func handover(_ node: YAMLNode, at: Instant) throws -> Scenario.Event.Handover {
    var handover = Scenario.Event.Handover(to: try linkName(node["to"]!))
    for (key, field) in [("overlap", \Scenario.Event.Handover.overlap), ("gap", \.gap)] {
      guard let written = node[key] else { continue }
      handover[keyPath: field] = try span(written, from: at, of: "the handover")
    }
    if let gap = node.entry("gap"), node["overlap"] != nil {
      throw ScenarioError(
        gap.mark, "both networks are up for 'overlap', or none for 'gap'; keep one")
    }
    return handover
  }

  /// A fault of a participant's link needs one.
  func checkLinks(
    of target: Scenario.Event.Target, for verb: String, _ node: YAMLNode
  ) throws {
    guard ["blackout", "pause", "handover", "rebindNAT"].contains(verb),
      case .participants(let label, let identities) = target
    else { return }
    let groups = scenario.participants.filter { group in
      group.members.contains { identities.contains($0.identity) }
    }
    if groups.contains(where: { $0.link == nil }) {
      throw node.error("'\(label)' has no link of its own that could fail; write link: NAME there")
    }
    if verb == "rebindNAT", groups.contains(where: { $0.nat == nil }) {
      throw node.error("'\(label)' is behind no NAT; write nat: { … } there")
    }
  }
}

extension Scenario.Event.Action {
  /// How long an action lasts that says so itself; nil for others.
  public var ownDuration: Duration? {
    switch self {
    case .handover(let handover):
      let duration = max(handover.overlap, handover.gap)
      return duration > .zero ? duration : nil
    case .drain(let span): return span + .seconds(1)
    default: return nil
    }
  }
}

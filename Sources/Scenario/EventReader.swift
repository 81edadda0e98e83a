// Events as written: target and verb fit together, and everything happens inside the run.

import Basics

extension ScenarioReader {
  mutating func readEvents() throws {
    for node in root["events"]?.items ?? [] { scenario.events += try repeated(node) }
    // A stable sort: two at the same moment keep the order they were written in.
    scenario.events = scenario.events.enumerated()
      .sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
  }

  /// The event as often as it comes.
  private func repeated(_ node: YAMLNode) throws -> [Scenario.Event] {
    let first = try readEvent(node)
    guard let every = node["every"] else { return first }
    let step = try every.duration()
    let last = first.map { $0.at + ($0.duration ?? .zero) }.max() ?? .zero
    guard step > .zero, scenario.duration / step <= 100_000 else {
      throw every.error("that often it would never end; write 1min")
    }
    let times = max(0, Int((.zero + scenario.duration - last).nanoseconds / step.nanoseconds))
    return (0...times).flatMap { time in
      first.map { event in
        var event = event
        event.at += step * time
        return event
      }
    }.filter { $0.at < .zero + scenario.duration }
  }

  private func readEvent(_ node: YAMLNode) throws -> [Scenario.Event] {
    let at = try moment(node["at"]!, of: "the event")
    let duration = try node["for"].map { try span($0, from: at, of: "the event") }
    let target = try readTarget(node)
    guard let verbNode = node["do"] else {
      if let stray = firstStray(node, allowed: []) {
        throw ScenarioError(
          stray.mark, "'\(stray.key)' goes with 'do', not with 'set'; take it out")
      }
      let action = try readSettings(node["set"]!, for: target)
      return [Scenario.Event(at: at, duration: duration, target: target, action: action)]
    }
    let verb = EventVerb.named(try verbNode.text())!
    try check(node, fits: verb, verbNode)
    try checkLinks(of: target, for: verb.name, verbNode)
    let action = try self.action(verb.name, node)
    guard let undo = verb.undoneBy, let duration else {
      let duration = duration ?? action.ownDuration
      return [Scenario.Event(at: at, duration: duration, target: target, action: action)]
    }
    var events = [Scenario.Event(at: at, duration: nil, target: target, action: action)]
    if at + duration < .zero + scenario.duration {
      events.append(
        Scenario.Event(
          at: at + duration, duration: nil, target: target, action: try self.action(undo, node)))
    }
    return events
  }

  private func firstStray(_ node: YAMLNode, allowed: [String]) -> YAMLNode.Entry? {
    let arguments = Grammar.verbArguments.map(\.name)
    return node.entries?.first { arguments.contains($0.key) && !allowed.contains($0.key) }
  }

  private func check(_ node: YAMLNode, fits verb: EventVerb, _ verbNode: YAMLNode) throws {
    let target = node.entries!.first { Grammar.targets.contains($0.key) }!
    guard verb.targets.contains(target.key) else {
      throw ScenarioError(
        target.mark,
        "'\(verb.name)' is not for a \(target.key); write \(verb.targets.joined(separator: " or "))"
      )
    }
    if let stray = firstStray(node, allowed: verb.required + verb.optional) {
      let keys = verb.required + verb.optional
      throw ScenarioError(
        stray.mark,
        "'\(verb.name)' has no '\(stray.key)'"
          + (keys.isEmpty ? "; take it out" : "; it takes \(keys.joined(separator: ", "))"))
    }
    if let missing = verb.required.first(where: { node[$0] == nil }) {
      let about = Grammar.verbArguments.first { $0.name == missing }!.about
      throw verbNode.error("'\(verb.name)' needs '\(missing)': \(about)")
    }
    switch (verb.span, node.entry("for")) {
    case (.required, nil):
      throw verbNode.error("'\(verb.name)' needs 'for': how long, such as for: 3s")
    case (.never, let span?):
      throw ScenarioError(span.mark, "'\(verb.name)' does not last; take 'for' out")
    default: break
    }
  }

  // MARK: - Targets

  private func readTarget(_ node: YAMLNode) throws -> Scenario.Event.Target {
    if let link = node["link"] { return try linkTarget(link) }
    if let room = node["room"] { return .room(try roomName(room)) }
    if let flow = node["flow"] { return try flowTarget(flow) }
    if let group = node["group"] {
      let name = try group.text()
      guard let found = scenario.participants.first(where: { $0.name == name }) else {
        throw group.error(
          "no group is called '\(name)'"
            + Suggestion.clause(
              for: name, among: scenario.participants.map(\.name), called: "groups"))
      }
      return .participants(label: name, identities: found.members.map(\.identity))
    }
    guard let participant = node["participant"] else { return .sfu }
    let members = try members(participant)
    let name = try participant.text()
    guard members.count == 1 else {
      throw participant.error(
        "'\(name)' is \(members.count) participants; write group: \(name), or one of them such as "
          + "'\(members[0].identity)'")
    }
    return .participants(label: name, identities: [members[0].identity])
  }

  func linkTarget(_ node: YAMLNode) throws -> Scenario.Event.Target {
    let text = try node.text()
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    let name = YAMLNode(mark: node.mark, content: .scalar(String(parts[0]), plain: true))
    let link = try linkName(name)
    guard parts.count == 2 else { return .link(link, nil) }
    guard let direction = Scenario.Event.Direction(rawValue: String(parts[1])) else {
      throw node.error("'\(text)' is no direction of a link; write \(link).up or \(link).down")
    }
    return .link(link, direction)
  }

  private func flowTarget(_ node: YAMLNode) throws -> Scenario.Event.Target {
    let name = try node.text()
    let names = flowNames(name)
    guard !names.isEmpty else {
      throw node.error(
        "no flow is called '\(name)'"
          + Suggestion.clause(for: name, among: scenario.flows.map(\.name), called: "flows"))
    }
    return .flows(label: name, names: names)
  }

  /// The flows that a group's or a flow's name stands for.
  func flowNames(_ name: String) -> [String] {
    if let group = scenario.flows.first(where: { $0.name == name }) { return group.names }
    return scenario.flows.contains { $0.names.contains(name) } ? [name] : []
  }

  private func readSettings(
    _ node: YAMLNode, for target: Scenario.Event.Target
  ) throws -> Scenario.Event.Action {
    let entries = node.entries!
    guard !entries.isEmpty else { throw node.error("nothing is set; write set: { rate: 250kbps }") }
    switch target {
    case .link:
      if let entry = node.entry("subscriberLimit") {
        throw ScenarioError(
          entry.mark, "'subscriberLimit' is set on a participant, group or sfu: all")
      }
      return .setLink(try linkFields(node))
    case .participants, .sfu:
      if let entry = entries.first(where: { $0.key != "subscriberLimit" }) {
        throw ScenarioError(entry.mark, "'\(entry.key)' is set on a link; write link: NAME")
      }
      return .limitSubscriber(try node["subscriberLimit"]!.bitrate())
    case .flows(let label, let names):
      if let entry = entries.first(where: { $0.key != "rate" }) {
        throw ScenarioError(entry.mark, "'\(entry.key)' is set on a link; write link: NAME")
      }
      let isUDP = { (group: Scenario.FlowGroup) in if case .udp = group.kind { true } else { false }
      }
      guard scenario.flows.allSatisfy({ !$0.names.contains(names[0]) || isUDP($0) }) else {
        throw node.error("'\(label)' finds its own rate; only a udp flow is given one")
      }
      guard node["rate"]!.scalar != "unlimited" else {
        throw node["rate"]!.error("a flow has a rate; write 1Mbps")
      }
      return .setFlowRate(try node["rate"]!.bitrate())
    case .room:
      throw node.error("a room has nothing to set; write link, participant, group or sfu: all")
    }
  }

  // MARK: - Verbs

  private func action(_ verb: String, _ node: YAMLNode) throws -> Scenario.Event.Action {
    switch verb {
    case "join": return .join
    case "leave": return .leave
    case "mute": return .mute
    case "unmute": return .unmute
    case "cameraOff": return .cameraOff
    case "cameraOn": return .cameraOn
    case "switchCamera":
      return .switchCamera(height: try node["size"].map { try cameraHeight($0) })
    case "startScreenShare": return .startScreenShare
    case "stopScreenShare": return .stopScreenShare
    case "subscribe": return .subscribe(try selection(node))
    case "unsubscribe": return .unsubscribe(try selection(node))
    case "view": return try viewAction(node)
    case "promote": return .promote(who: try who(node), try grantFields(node["grants"]!))
    case "demote": return .demote(who: try who(node), try grantFields(node["grants"]!))
    case "removeParticipant": return .removeParticipant(who: try who(node))
    case "muteParticipant":
      let source = try node["source"].map { Scenario.Source(rawValue: try $0.text())! }
      return .muteParticipant(who: try who(node), source: source ?? .microphone)
    case "blackout": return .blackout(try blackout(node))
    case "pause": return .pause
    case "loseSignalling": return .loseSignalling
    case "slowSignalling": return .slowSignalling(by: try node["by"]!.duration())
    case "suspend": return .suspend
    case "handover":
      return .handover(try handover(node, at: try moment(node["at"]!, of: "the event")))
    case "rebindNAT": return .rebindNAT
    case "crash": return .crash(keepsState: try node["keepsState"]?.boolean() ?? false)
    case "overload": return .overload(perPacket: try node["perPacket"]!.duration())
    case "drain":
      let at = try moment(node["at"]!, of: "the event")
      return .drain(over: try node["over"].map { try span($0, from: at, of: "the drain") } ?? .zero)
    default: preconditionFailure("the verb \(verb) stands in the table and has no action")
    }
  }

  private func who(_ node: YAMLNode) throws -> [String] { try identities(ofAll: node["who"]!) }

  private func cameraHeight(_ node: YAMLNode) throws -> Int {
    guard case .height(let height) = try tileSize(node), height > 0 else {
      throw node.error("a camera has a height; write 720p")
    }
    return height
  }

  private func viewAction(_ node: YAMLNode) throws -> Scenario.Event.Action {
    .view(
      of: try node["of"].map { try identities(ofAll: $0) } ?? scenario.members.map(\.identity),
      size: try tileSize(node["size"]!),
      framesPerSecond: try node["fps"].map { try framesPerSecond($0) },
      priority: try node["priority"]?.integer(in: 0...100))
  }
}

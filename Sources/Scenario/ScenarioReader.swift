// From a checked YAML tree to the typed scenario: names resolved, moments inside the run.

import Basics
import Results

/// Reads one variant. Shapes are checked first (`Grammar.scenario`); what is left is what they
/// cannot say.
struct ScenarioReader {
  let root: YAMLNode
  let files: FileFinder
  var scenario: Scenario
  /// Everyone by identity, once the groups are read.
  var people: [String: Scenario.Member] = [:]

  static func read(_ root: YAMLNode, file: String, files: FileFinder) throws -> Scenario {
    try Grammar.scenario.check(root)
    let duration = try root["duration"]!.duration()
    guard duration > .zero else {
      throw root["duration"]!.error("the run has no length; write 30s")
    }
    guard duration <= .seconds(24 * 3600) else {
      throw root["duration"]!.error("the run is longer than 24h; write 24h at most")
    }
    var reader = ScenarioReader(
      root: root, files: files,
      scenario: Scenario(file: file, name: FileFinder.stem(of: file), duration: duration))
    try reader.readHead()
    try reader.readLinks()
    try reader.readSFU()
    try reader.readGroups()
    try reader.readFlows()
    try reader.readEvents()
    try reader.readSwarm()
    try reader.readExpectations()
    return reader.scenario
  }

  private mutating func readHead() throws {
    if let name = root["name"] { scenario.name = try name.text() }
    if let about = root["about"] { scenario.about = try about.text() }
    if let seed = root["seed"] { scenario.seed = UInt64(try seed.integer(in: 0...Int.max)) }
    if let tier = root["tier"] { scenario.tier = Scenario.Tier(rawValue: try tier.text())! }
    if let across = root["acrossSeeds"] {
      scenario.acrossSeeds = Scenario.AcrossSeeds(rawValue: try across.text())!
    }
    for entry in root["rules"]?.entries ?? [] {
      guard let rule = Rule.named("rule/\(entry.key)") else {
        throw ScenarioError(
          entry.mark,
          "no rule is called '\(entry.key)'"
            + Suggestion.clause(for: entry.key, among: Rule.all.map(\.name), called: "rules"))
      }
      let reason = entry.value["off"]!
      guard !(try reason.text()).isEmpty else {
        throw reason.error("say why the rule does not apply")
      }
      scenario.waivedRules.append(.init(rule: rule, reason: try reason.text()))
    }
    if let answer = root["unsupported"] {
      scenario.allowsUnsupported = try answer.text() == "allowed"
    }
    if let crypto = root["crypto"] {
      scenario.crypto = Scenario.Crypto(rawValue: try crypto.text())!
    }
    if let values = root["startValues"] {
      scenario.startValues = StartValues(rawValue: try values.text())!
    }
    for file in root["requires"]?.items ?? []
    where files.find(try file.text(), near: file.mark) == nil {
      scenario.missing.append(try file.text())
    }
    if let media = root["media"] {
      if let encode = media["encode"] { scenario.media.encode = try encode.duration() }
      if let decode = media["decode"] { scenario.media.decode = try decode.duration() }
      if let render = media["render"] { scenario.media.render = try render.duration() }
    }
    if let rooms = root["rooms"] { scenario.rooms = try readRooms(rooms) }
  }

  private func readRooms(_ node: YAMLNode) throws -> [String] {
    guard let items = node.items else {
      return (1...(try node.integer(in: 1...1_000))).map { "room-\($0)" }
    }
    guard !items.isEmpty else { throw node.error("no rooms; leave the key out for one room, main") }
    var rooms: [String] = []
    for item in items {
      let name = try item.text()
      guard !rooms.contains(name) else { throw item.error("the room '\(name)' stands here twice") }
      rooms.append(name)
    }
    return rooms
  }

  private mutating func readSFU() throws {
    guard let node = root["sfu"] else { return }
    if let value = node["maxParticipants"] {
      scenario.sfu.maxParticipants = try value.integer(in: 1...10_000)
    }
    if let value = node["subscriberLimit"] { scenario.sfu.subscriberLimit = try value.bitrate() }
    if let value = node["dynacast"] { scenario.sfu.dynacast = try value.boolean() }
    if let value = node["joinRate"] {
      scenario.sfu.joinRate = try Quantity.read(value, [.perSecond]).value
    }
    if let value = node["mutant"] { scenario.sfu.mutant = try value.text() }
    if let value = node["token"]?["ttl"] {
      scenario.sfu.tokenTTL = try value.duration()
      guard scenario.sfu.tokenTTL > .zero else {
        throw value.error("a token that lives 0s opens nothing")
      }
    }
    if let value = node["link"] { scenario.sfu.link = try linkName(value) }
    if let value = node["remoteUnmute"] {
      scenario.sfu.remoteUnmute = Scenario.RemoteUnmute(rawValue: try value.text())!
    }
  }

  // MARK: - Names

  func linkName(_ node: YAMLNode) throws -> String {
    let name = try node.text()
    guard scenario.link(named: name) != nil else {
      throw node.error(
        "no link is called '\(name)'"
          + Suggestion.clause(for: name, among: scenario.links.map(\.name), called: "links"))
    }
    return name
  }

  func roomName(_ node: YAMLNode) throws -> String {
    let name = try node.text()
    guard scenario.rooms.contains(name) else {
      throw node.error(
        "no room is called '\(name)'"
          + Suggestion.clause(for: name, among: scenario.rooms, called: "rooms"))
    }
    return name
  }

  /// The participants that a group's name, an identity, or `all` stands for.
  func members(_ node: YAMLNode) throws -> [Scenario.Member] {
    let name = try node.text()
    if name == "all" { return scenario.members }
    if let group = scenario.participants.first(where: { $0.name == name }) { return group.members }
    if let member = people[name] { return [member] }
    let groups = scenario.participants.map(\.name)
    let identities = scenario.members.map(\.identity)
    let near = Suggestion.nearest(to: name, among: groups + identities).map {
      "; did you mean '\($0)'?"
    }
    throw node.error(
      "no participant or group is called '\(name)'"
        + (near ?? Suggestion.clause(for: name, among: groups, called: "groups")))
  }

  /// As `members`, for a name or a list of names; each participant once.
  func members(ofAll node: YAMLNode) throws -> [Scenario.Member] {
    var seen: Set<String> = []
    return try (node.items ?? [node]).flatMap { try members($0) }
      .filter { seen.insert($0.identity).inserted }
  }

  func identities(ofAll node: YAMLNode) throws -> [String] {
    try members(ofAll: node).map(\.identity)
  }

  // MARK: - Moments

  /// A moment before the end of the run.
  func moment(_ node: YAMLNode, of what: String) throws -> Instant {
    let at = try node.duration()
    guard at < scenario.duration else {
      throw node.error(
        "\(what) at \(try node.text()) is not before the end of the run "
          + "(duration \(try root["duration"]!.text()))")
    }
    return .zero + at
  }

  /// A span that begins at `start` and ends within the run.
  func span(_ node: YAMLNode, from start: Instant, of what: String) throws -> Duration {
    let span = try node.duration()
    guard span > .zero else { throw node.error("\(what) lasts no time; write for: 5s") }
    guard start + span <= .zero + scenario.duration else {
      throw node.error(
        "\(what) ends after the end of the run (duration \(try root["duration"]!.text())); "
          + "shorten it")
    }
    return span
  }
}

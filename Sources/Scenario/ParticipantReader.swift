// Participants as written, and the identities that come of them.

import Basics

extension ScenarioReader {
  mutating func readGroups() throws {
    guard let node = root["participants"], let entries = node.entries else { return }
    guard !entries.isEmpty else {
      throw node.error("'participants' is empty; write at least one")
    }
    for entry in entries {
      guard entry.key != "all" else {
        throw ScenarioError(
          entry.mark, "'all' stands for everyone; call these participants otherwise")
      }
      guard entry.key != Scenario.Expectation.talkers else {
        throw ScenarioError(
          entry.mark, "'talkers' stands for whoever talks; call these participants otherwise")
      }
      scenario.participants.append(try readGroup(entry))
    }
    var owners: [String: String] = [:]
    for (group, entry) in zip(scenario.participants, entries) {
      for name in [group.name] + group.members.map(\.identity) {
        if let other = owners[name], other != group.name {
          throw ScenarioError(
            entry.mark,
            "'\(group.name)' and '\(other)' both stand for '\(name)'; rename one")
        }
        owners[name] = group.name
      }
    }
    guard scenario.members.count <= 10_000 else {
      throw node.error(
        "\(scenario.members.count) participants; a scenario has at most 10000")
    }
    for member in scenario.members { people[member.identity] = member }
    // Groups may name each other, so this follows when all are known.
    for (index, entry) in entries.enumerated() {
      let others = try readAttention(entry.value)
      scenario.participants[index].subscribe = others.subscribe
      scenario.participants[index].view = others.view
    }
  }

  private func readGroup(_ entry: YAMLNode.Entry) throws -> Scenario.Group {
    let node = entry.value
    var group = Scenario.Group(name: entry.key, rooms: scenario.rooms)
    if let count = node["count"] { group.count = try count.integer(in: 1...10_000) }
    if let rooms = node["rooms"]?.items { group.rooms = try rooms.map { try roomName($0) } }
    if let link = node["link"] { group.link = try linkName(link) }
    if let via = node["via"]?.items { group.via = try via.map { try linkName($0) } }
    if let nat = node["nat"] { group.nat = try readNAT(nat) }
    if let ipv6 = node["ipv6"] { group.hasIPv6 = try ipv6.boolean() }
    try readStay(node, into: &group)
    if let role = node["role"] { group.role = Scenario.Role(rawValue: try role.text())! }
    group.grants = group.role.grants
    if let grants = node["grants"] {
      group.grants = group.grants.overridden(by: try grantFields(grants))
    }
    try readMedia(node, into: &group)
    if let devices = node["devices"] { group.hasDevices = try devices.text() == "all" }
    if !group.hasDevices, let publish = node["publish"], publish.items?.isEmpty == false {
      throw publish.error("without devices there is nothing to publish; leave 'publish' out")
    }
    if let talk = node["talk"] { group.talk = try readTalk(talk) }
    if let reconnect = node["reconnect"] {
      group.reconnect = reconnect.scalar
      if group.reconnect == nil { group.reconnectPolicy = try readPolicy(reconnect) }
    }
    if let data = node["data"] { group.data = try readData(data) }
    if let mutant = node["mutant"] { group.mutant = try mutant.text() }
    if let tags = node["tags"]?.items { group.tags = try tags.map { try $0.text() } }
    group.members = members(of: group)
    return group
  }

  private func readNAT(_ node: YAMLNode) throws -> Scenario.NAT {
    var nat = Scenario.NAT()
    if let mapping = node["mapping"] {
      nat.mapping = Scenario.NATDependence(rawValue: try mapping.text())!
    }
    if let filtering = node["filtering"] {
      nat.filtering = Scenario.NATDependence(rawValue: try filtering.text())!
    }
    if let lifetime = node["lifetime"] {
      nat.lifetime = try lifetime.duration()
      guard nat.lifetime > .zero else { throw lifetime.error("no mapping would last; write 30s") }
    }
    return nat
  }

  /// `rider` or `student-1` …, with `@room` where the scenario has several rooms.
  private func members(of group: Scenario.Group) -> [Scenario.Member] {
    let count = group.count ?? 1
    let total = count * group.rooms.count
    var members: [Scenario.Member] = []
    for room in group.rooms {
      for number in 1...count {
        let name = group.count == nil ? group.name : "\(group.name)-\(number)"
        let index = members.count
        // Across every room, so that rooms fill side by side.
        let order = (number - 1) * group.rooms.count + index / count
        members.append(
          Scenario.Member(
            identity: scenario.rooms.count == 1 ? name : "\(name)@\(room)", group: group.name,
            room: room, joins: group.joinAt + group.joinOver * order / total, index: index))
      }
    }
    return members
  }

  private func readStay(_ node: YAMLNode, into group: inout Scenario.Group) throws {
    if let at = node["join"]?["at"] { group.joinAt = try moment(at, of: "the join") }
    if let over = node["join"]?["over"] {
      group.joinOver = try over.duration()
      guard group.joinAt + group.joinOver < .zero + scenario.duration else {
        throw over.error(
          "the last join is not before the end of the run "
            + "(duration \(try root["duration"]!.text()))"
        )
      }
    }
    if let at = node["leave"]?["at"] {
      let leave = try moment(at, of: "the leave")
      guard leave > group.joinAt + group.joinOver else {
        throw at.error("they leave before the last of them has joined; write a later moment")
      }
      group.leaveAt = leave
    }
  }

  func grantFields(_ node: YAMLNode) throws -> Scenario.GrantFields {
    var fields = Scenario.GrantFields()
    fields.canPublish = try node["canPublish"]?.boolean()
    fields.canSubscribe = try node["canSubscribe"]?.boolean()
    fields.canPublishData = try node["canPublishData"]?.boolean()
    fields.canPublishSources = try node["canPublishSources"].map { try sources($0) }
    fields.roomAdmin = try node["roomAdmin"]?.boolean()
    fields.hidden = try node["hidden"]?.boolean()
    return fields
  }

  func sources(_ node: YAMLNode) throws -> [Scenario.Source] {
    var sources: [Scenario.Source] = []
    for item in node.items ?? [node] {
      let source = Scenario.Source(rawValue: try item.text())!
      guard !sources.contains(source) else { throw item.error("'\(source)' stands here twice") }
      sources.append(source)
    }
    return sources
  }

  // MARK: - Media

  private func readMedia(_ node: YAMLNode, into group: inout Scenario.Group) throws {
    if let publish = node["publish"] { group.publish = try sources(publish) }
    if let camera = node["camera"] { try readVideo(camera, into: &group.camera) }
    if let screen = node["screenShare"] { try readVideo(screen, into: &group.screenShare) }
    if let microphone = node["microphone"] {
      if let bitrate = microphone["bitrate"] {
        group.microphone.bitrate = try bitrate.bitrate()
        guard (6_000...510_000).contains(group.microphone.bitrate.bitsPerSecond) else {
          throw bitrate.error("Opus has 6kbps to 510kbps (RFC 6716 §2.1.1)")
        }
      }
      if let dtx = microphone["dtx"] { group.microphone.dtx = try dtx.boolean() }
      if let encoder = microphone["encoder"] {
        group.microphone.encoder = Scenario.AudioEncoder(rawValue: try encoder.text())!
      }
      if let captured = microphone["captured"] {
        group.microphone.captured = try readCaptured(captured, .audio)
      }
      if let fec = microphone["fec"] {
        group.microphone.fec = try fec.boolean()
        guard group.microphone.encoder == .libopus else {
          throw fec.error("the model repeats nothing; add encoder: libopus")
        }
      }
    }
  }

  /// The file of a captured stream, found and read.
  private func readCaptured(
    _ node: YAMLNode, _ kind: CapturedMedia.Kind
  ) throws -> Scenario.CapturedTrack {
    guard let file = node["file"] else { throw node.error("name the file of the stream") }
    let name = try file.text()
    guard let path = files.find(name, near: file.mark) else {
      throw file.error(
        "no file '\(name)', neither beside the scenario nor from the repository's root")
    }
    let media = try CapturedMedia(file: path, at: file)
    guard media.kind == kind else {
      throw file.error("'\(name)' holds \(media.kind.rawValue); \(kind.rawValue) is due here")
    }
    var track = Scenario.CapturedTrack(file: name, media: media)
    if let at = node["at"] { track.start = try moment(at, of: "the capture's start") }
    return track
  }

  private func readVideo(_ node: YAMLNode, into source: inout Scenario.VideoSource) throws {
    if let captured = node["captured"] {
      let track = try readCaptured(captured, .video)
      source.captured = track
      source.layers = [Scenario.VideoLayer(track.media)]
    }
    if let codec = node["codec"] { source.codec = Scenario.VideoCodec(rawValue: try codec.text())! }
    if let encoder = node["encoder"] {
      source.encoder = Scenario.VideoEncoder(rawValue: try encoder.text())!
    }
    if source.codec == .vp9, source.encoder != .libvpx {
      throw (node["codec"] ?? node).error("the models are of VP8; write encoder: libvpx")
    }
    if let layers = node["temporalLayers"] { source.temporalLayers = try layers.integer(in: 1...3) }
    if source.codec == .vp9, source.temporalLayers > 1 {
      throw node["temporalLayers"]!.error("VP9 is sent with one temporal layer; write 1")
    }
    guard let layers = node["layers"] else { return }
    source.layers = []
    for item in layers.items ?? [] {
      var layer = Scenario.VideoLayer(
        height: try item["height"]!.height(),
        framesPerSecond: try item["fps"].map { try framesPerSecond($0) } ?? 30,
        bitrate: try item["bitrate"]!.bitrate())
      guard layer.height > 0, layer.bitrate > .zero else {
        throw item.error("a layer of no height or no bitrate is none; leave it out")
      }
      if let reduced = item["reduced"] {
        layer.reducedHeight = try reduced.height()
        guard (1..<layer.height).contains(layer.reducedHeight!) else {
          throw reduced.error("reduced is below the layer's own height, \(layer.height)p")
        }
      }
      if let lower = source.layers.last,
        layer.height < lower.height || layer.bitrate < lower.bitrate
      {
        throw item.error("layers go from low to high; put this one before the larger ones")
      }
      source.layers.append(layer)
    }
    guard source.captured == nil || source.layers.count == 1 else {
      throw layers.error("a captured stream is one layer; write one")
    }
    guard (1...3).contains(source.layers.count) else {
      throw layers.error("\(source.layers.count) layers; write one, two or three")
    }
  }

  /// `30fps`, or a plain number.
  func framesPerSecond(_ node: YAMLNode) throws -> Double {
    let value =
      Quantity.decimal(node.scalar ?? "") != nil
      ? try node.number() : try Quantity.read(node, [.frequency]).value
    guard value > 0, value <= 240 else { throw node.error("write a frame rate up to 240fps") }
    return value
  }

  // MARK: - Attention and talk

  private func readAttention(
    _ node: YAMLNode
  ) throws -> (subscribe: Scenario.Subscription, view: Scenario.View) {
    var subscribe = Scenario.Subscription.all
    if let written = node["subscribe"] {
      if written.entries != nil {
        subscribe = .only(try selection(written))
      } else if written.scalar == "none" {
        subscribe = .none
      }
    }
    return (subscribe, try node["view"].map { try readView($0) } ?? Scenario.View())
  }

  func selection(_ node: YAMLNode) throws -> Scenario.Selection {
    Scenario.Selection(
      from: try node["from"].map { try identities(ofAll: $0) } ?? scenario.members.map(\.identity),
      sources: try node["sources"].map { try sources($0) } ?? Scenario.Source.allCases)
  }

  private func readView(_ node: YAMLNode) throws -> Scenario.View {
    var view = Scenario.View()
    if node.scalar != nil {
      view.speaker = try tileSize(node)
      view.others = view.speaker
      return view
    }
    view.speaker = try node["speaker"].map { try tileSize($0) }
    view.others = try node["others"].map { try tileSize($0) }
    view.screenShare = try node["screenShare"].map { try tileSize($0) }
    view.tiles = try node["tiles"]?.integer(in: 0...10_000)
    for entry in node["of"]?.entries ?? [] {
      let size = try tileSize(entry.value)
      let who = YAMLNode(mark: entry.mark, content: .scalar(entry.key, plain: true))
      for identity in try identities(ofAll: who) {
        view.of.append(Scenario.Tile(identity: identity, size: size))
      }
    }
    return view
  }

  func tileSize(_ node: YAMLNode) throws -> Scenario.TileSize {
    node.scalar == "hidden" ? .hidden : .height(try node.height())
  }

  private func readTalk(_ node: YAMLNode) throws -> Scenario.Talk {
    if let turns = node["turns"] {
      let each = try turns["each"]!.duration()
      guard each > .zero else { throw turns["each"]!.error("a turn of no length; write 5s") }
      return .turns(
        each: each, gap: try turns["gap"]?.duration() ?? .zero,
        from: try turns["from"].map { try moment($0, of: "the first turn") } ?? .zero)
    }
    guard let items = node.items else { return node.scalar == "never" ? .never : .always }
    return .spells(
      try items.map {
        let at = try moment($0["at"]!, of: "the talk")
        return Scenario.Talk.Spell(at: at, duration: try span($0["for"]!, from: at, of: "the talk"))
      })
  }
}

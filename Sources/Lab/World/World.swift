// A scenario made real: the simulator with its links, the SFU or the way to one that is served, and a bot
// for every participant.

import Basics
import Bots
import Codecs
import NetSim
import RefSFU
import Results
import Scenario
import Signal
import Transport
import Wire

/// Everything that runs, by the names of the scenario.
final class World {
  /// A participant with its bot and its links.
  struct Seat {
    let member: Scenario.Member
    let group: Scenario.Group
    let bot: Bot
    let host: HostID
    /// Its own links, those it uses now.
    var up: LinkID?
    var down: LinkID?
    var nat: NATID?
    /// Every address that its packets have come from or gone to, its NAT's among them.
    var addresses: [IPAddress]
    /// Networks it has been on, for the names of interfaces.
    var networks = 1
  }

  /// A link of the simulator and the scenario's link it is an instance of.
  struct Instance {
    let link: LinkID
    let name: String
    let scenarioLink: String
    let direction: Scenario.Event.Direction
    /// The participant's identity, or `network` for a shared one and `SFU` for the SFU's.
    let owner: String
    var setting: Scenario.LinkDirection
    /// Faults in force, of which there may be several.
    var faults: [LinkFault] = []
  }

  let scenario: Scenario
  let simulator: Simulator
  /// The reference SFU; nil where a served one is in its place.
  var sfu: SFU?
  let realTime: RealTime?
  var sfuHost: HostID
  /// Where the SFU's clients look for it.
  var sfuAddress: IPAddress
  let sfuUplink: LinkID
  let sfuDownlink: LinkID
  let sfuRandom: RandomStream
  /// SFUs there have been.
  var generations = 1
  /// Hosts that SFUs have run on.
  var sfuHosts: [HostID] = []
  /// What is missing in the sums of SFUs that are no more, and what they were handed and sent.
  var buriedAccounts: [SFUAccount] = []
  var seats: [Seat] = []
  private(set) var flows: [FlowSeat] = []
  var instances: [Instance] = []
  private var seatIndex: [String: Int] = [:]
  /// What flows could send at most, by name, from when on: zero while they stand still.
  var demands: [String: [(from: Instant, rate: Bitrate)]] = [:]
  /// Capacities that links had, by name, from when on.
  private var capacities: [String: [(from: Instant, rate: Bitrate?)]] = [:]
  /// What the cameras have encoded; those that film the same share it.
  private let clips = EncodedClips()
  let access: Access
  /// Before the paths of a served SFU.
  let servedPath: String?
  /// Rights as administrators have left them, by identity.
  var permissions: [String: ParticipantPermission] = [:]

  /// - Parameter served: the SFU to run against; the reference SFU, inside the world, unless given.
  init(_ scenario: Scenario, seed: UInt64, served: ServedSFU? = nil) throws {
    self.scenario = scenario
    let root = RandomStream(seed: seed, name: "world")
    sfuRandom = root.child("sfu")
    servedPath = served?.path
    if let served {
      let realTime = try RealTime(to: served.address(), process: served.process)
      self.realTime = realTime
      simulator = Simulator(seed: seed, pool: realTime.loop.pool)
      access = Access(to: served)
      sfu = nil
    } else {
      realTime = nil
      simulator = Simulator(seed: seed)
      access = Access(random: root.child("secret"))
      sfu = SFU(World.configuration(scenario, access), random: sfuRandom)
    }
    let interfaces = World.sfuInterfaces(1, scenario)
    sfuAddress = interfaces[0].ip
    sfuHost = simulator.addHost(name: "sfu", interfaces: interfaces)
    sfuHosts = [sfuHost]
    let own = scenario.sfu.link.flatMap(scenario.link(named:))
    sfuUplink = simulator.addLink(
      name: "sfu.up", try own?.up.configuration() ?? LinkConfiguration())
    let down = simulator.addLink(
      name: "sfu.down", try own?.down.configuration() ?? LinkConfiguration())
    sfuDownlink = down
    connectSFU()
    if let own {
      instances.append(
        Instance(
          link: sfuUplink, name: "sfu.up", scenarioLink: own.name, direction: .up, owner: "SFU",
          setting: own.up))
      instances.append(
        Instance(
          link: down, name: "sfu.down", scenarioLink: own.name, direction: .down, owner: "SFU",
          setting: own.down))
    }
    try seatEverybody(random: root.child("bots"))
    if let sfu { simulator.attach(sfu, to: sfuHost) }
    for seat in seats {
      if let served { seat.bot.setSession(session(of: seat, at: served)) }
      simulator.attach(seat.bot, to: seat.host)
    }
    flows = try makeFlows(random: root.child("flows"))
    attachFlows()
    for instance in instances where instance.owner == "network" {
      simulator.logWaits(of: instance.link)
      simulator.sample(instance.link, every: ByteLog.interval)
    }
    if let realTime {
      let gateway = Gateway()
      simulator.setGateway(sfuHost, interface: "eth0")
      simulator.attach(gateway, to: sfuHost)
      try realTime.start(simulator, gateway: gateway, on: sfuHost)
      for seat in seats { advertiseSockets(of: seat) }
    }
  }

  // MARK: - Participants

  private func seatEverybody(random: RandomStream) throws {
    var number: UInt32 = 0
    for group in scenario.participants {
      for member in group.members {
        number += 1
        let cost = group.link.flatMap(scenario.link(named:))?.networkCost ?? 0
        let interfaces = World.interfaces(of: group, number: number, network: 1, cost: cost)
        let host = simulator.addHost(name: member.identity, interfaces: interfaces)
        let bot = Bot(
          botConfiguration(member, group), random: random.child(member.identity), clips: clips)
        bot.setView(group.view)
        seatIndex[member.identity] = seats.count
        var seat = Seat(
          member: member, group: group, bot: bot, host: host, addresses: interfaces.map(\.ip))
        let (up, down) = try route(of: &seat, over: group.link)
        for interface in interfaces {
          simulator.setUplinks(of: host, interface: interface.name, up)
          simulator.setDownlinks(of: host, interface: interface.name, down)
        }
        placeBehindNAT(&seat, number: number)
        seats.append(seat)
      }
    }
  }

  /// A participant's own links, made where it has none of that name yet, and the shared ones behind
  /// them.
  func route(
    of seat: inout Seat, over link: String?
  ) throws -> (up: [LinkID], down: [LinkID]) {
    var up: [LinkID] = []
    var down: [LinkID] = []
    if let link = link.flatMap(scenario.link(named:)) {
      let owner = seat.member.identity
      let ownUp = try instance(of: link, .up, name: "\(link.name).up@\(owner)", owner: owner)
      let ownDown = try instance(of: link, .down, name: "\(link.name).down@\(owner)", owner: owner)
      seat.up = ownUp
      seat.down = ownDown
      up.append(ownUp)
      down.append(ownDown)
    }
    for name in seat.group.via {
      guard let link = scenario.link(named: name) else { continue }
      up.append(try instance(of: link, .up, name: "\(name).up", owner: "network"))
      down.insert(try instance(of: link, .down, name: "\(name).down", owner: "network"), at: 0)
    }
    return (up, down)
  }

  /// The instance of this name, made if there is none.
  func instance(
    of link: Scenario.Link, _ direction: Scenario.Event.Direction, name: String, owner: String
  ) throws -> LinkID {
    if let known = simulator.link(named: name) { return known }
    let setting = direction == .up ? link.up : link.down
    let id = simulator.addLink(name: name, try setting.configuration())
    let instance = Instance(
      link: id, name: name, scenarioLink: link.name, direction: direction, owner: owner,
      setting: setting)
    instances.append(instance)
    noteCapacity(of: instance)
    return id
  }

  func seat(_ identity: String) -> Seat? { seatIndex[identity].map { seats[$0] } }

  /// The place of a participant among the seats.
  func position(of identity: String) -> Int? { seatIndex[identity] }

  func update(_ seat: Seat) {
    if let index = seatIndex[seat.member.identity] { seats[index] = seat }
  }

  // MARK: - Links

  /// Changes every instance that `select` names, and remembers how it is set.
  func configure(
    where select: (Instance) -> Bool, _ change: (inout Scenario.LinkDirection) -> Void
  ) throws {
    for index in instances.indices where select(instances[index]) {
      change(&instances[index].setting)
      noteCapacity(of: instances[index])
      try applyState(of: instances[index])
    }
  }

  private func noteCapacity(of instance: Instance) {
    var rate: Bitrate?
    switch instance.setting.capacity {
    case .rate(let value): rate = value
    case .unlimited, .trace: break
    }
    capacities[instance.name, default: []].append((simulator.now, rate))
  }

  /// Every setting of a link that the scenario made, and from when on it held.
  func capacityChanges(of name: String) -> [(from: Instant, rate: Bitrate?)] {
    capacities[name] ?? []
  }

  // MARK: - Time

  /// Lets everything happen until `end`, at once or as the wall clock lets it.
  func run(until end: Instant) {
    realTime?.run(until: end)
    if simulator.now < end { simulator.run(until: end) }
  }

  /// Lets everybody say goodbye to a served SFU, which would keep them otherwise.
  func close() {
    guard let realTime else { return }
    for seat in seats {
      command(seat.member.identity) { bot, now, outbox in bot.leave(at: now, into: &outbox) }
    }
    realTime.finish()
  }

  // MARK: - Bots

  /// Lets a bot act, and carries out what it leaves.
  func command(_ identity: String, _ body: (Bot, Instant, inout Outbox) -> Void) {
    guard let seat = seat(identity) else { return }
    _ = simulator.withNode(on: seat.host) { _, now, outbox in body(seat.bot, now, &outbox) }
  }

  /// Joins with a token issued for it now, as a product's backend does.
  func join(_ identity: String) {
    guard let seat = seat(identity) else { return }
    let token = access.token(
      of: seat.member, seat.group, at: simulator.now, lifetime: scenario.sfu.tokenTTL)
    permissions[identity] = nil
    command(identity) { bot, now, outbox in bot.join(with: token, at: now, into: &outbox) }
  }

  func isAsleep(_ identity: String) -> Bool {
    seat(identity).map { simulator.isSuspended($0.host) } ?? false
  }

  /// The signalling that a served SFU speaks.
  private func session(of seat: Seat, at served: ServedSFU) -> any ClientSession {
    switch served.kind {
    case .janus: JanusSession(room: seat.member.room, target: served.target)
    case .whip: WHIPClientSession(at: endpoints(of: seat, at: served))
    case .liveKit: LiveKitSession()
    }
  }

  /// Lets the SFU's operator act.
  func administer(_ body: (SFU, Instant, inout Outbox) -> Void) {
    _ = simulator.withNode(on: sfuHost) { node, now, outbox in
      if let sfu = node as? SFU { body(sfu, now, &outbox) }
    }
  }

  private func botConfiguration(
    _ member: Scenario.Member, _ group: Scenario.Group
  ) -> BotConfiguration {
    var configuration = BotConfiguration(
      identity: member.identity, room: member.room,
      token: access.token(of: member, group, lifetime: scenario.sfu.tokenTTL),
      signalAddress: Address(sfuAddress, port: 7_880))
    configuration.epoch = .seconds(Double(access.epochSeconds))
    configuration.protection = scenario.crypto == .real || sfu == nil ? .srtp : .cleartext
    configuration.subscribesByItself = group.subscribe == .all
    if case .only(let selection) = group.subscribe {
      configuration.selection = TrackSelection(
        publishers: selection.from, sources: selection.sources.map(\.trackSource))
    }
    configuration.startValues = scenario.startValues
    configuration.playout.decodeDuration = scenario.media.decode
    configuration.playout.renderDuration = scenario.media.render
    configuration.decodesMedia = sendsCodedMedia
    configuration.maySubscribe = group.grants.canSubscribe
    configuration.reconnectPolicy = group.policy
    configuration.mutant = group.mutant.flatMap(ClientMutant.init)
    configuration.usesData = scenario.usesData
    configuration.mayPublish = group.grants.publishableSources
    guard group.hasDevices else { return configuration }
    for source in Scenario.Source.allCases {
      let isPublished = group.publish.contains(source)
      guard isPublished || source == .screenShare else { continue }
      var track = LocalTrackConfiguration(
        source: source.trackSource, media: media(source, member, group),
        isPublishedAtOnce: isPublished)
      track.coding = group.coding(of: source)
      configuration.tracks.append(track)
    }
    return configuration
  }

  /// Whether anybody sends what has to be decoded to be judged.
  private var sendsCodedMedia: Bool {
    scenario.participants.contains { group in
      Scenario.Source.allCases.contains { group.coding(of: $0).isDecoded }
    }
  }

  private func media(
    _ source: Scenario.Source, _ member: Scenario.Member, _ group: Scenario.Group
  ) -> LocalTrackConfiguration.Media {
    switch source {
    case .microphone:
      var audio = AudioSource.Configuration()
      audio.bitrate = group.microphone.bitrate
      audio.usesDTX = group.microphone.dtx
      audio.schedule = group.talkSchedule(of: member, until: scenario.duration)
      return .audio(audio)
    case .camera: return .video(video(group.camera))
    case .screenShare: return .video(video(group.screenShare))
    }
  }

  private func video(_ source: Scenario.VideoSource) -> VideoSource.Configuration {
    var configuration = VideoSource.Configuration(
      layers: source.layers.map { layer in
        var model = EncoderModel(
          width: max(2, layer.height * 16 / 9), height: layer.height,
          framesPerSecond: max(1, Int(layer.framesPerSecond.rounded())),
          targetBitrate: layer.bitrate, minimumBitrate: layer.bitrate * 0.2,
          maximumBitrate: layer.bitrate, temporalLayers: source.temporalLayers)
        model.reducedHeight = layer.reducedHeight
        model.sizes = FrameSizeModel(rawValue: source.encoder.rawValue) ?? .statistical
        return model
      })
    configuration.captureRate =
      configuration.layers.map(\.framesPerSecond).max() ?? configuration.captureRate
    configuration.encodeDuration = scenario.media.encode
    return configuration
  }
}

extension Scenario.Grants {
  /// The grant of an access token.
  func video(in room: String) -> VideoGrant {
    VideoGrant {
      $0.roomJoin = true
      $0.room = room
      $0.roomAdmin = roomAdmin
      $0.hidden = hidden
      $0.canPublish = canPublish
      $0.canSubscribe = canSubscribe
      $0.canPublishData = canPublishData
      $0.canPublishSources = canPublishSources?.map(\.trackSource.grantName) ?? []
    }
  }

  /// The sources that the SFU must accept.
  var publishableSources: [TrackSource] {
    guard canPublish else { return [] }
    guard let canPublishSources else { return TrackSource.all }
    return canPublishSources.map(\.trackSource)
  }
}

extension Scenario.Group {
  func coding(of source: Scenario.Source) -> LocalTrackConfiguration.Coding {
    func coding(_ video: Scenario.VideoSource) -> LocalTrackConfiguration.Coding {
      if let track = video.captured { return .captured(track.media, from: track.start) }
      guard video.encoder == .libvpx else { return .model }
      return .libvpx(video.codec == .vp9 ? .vp9 : .vp8)
    }
    switch source {
    case .microphone:
      if let track = microphone.captured { return .captured(track.media, from: track.start) }
      return microphone.encoder == .libopus ? .libopus(usesFEC: microphone.fec) : .model
    case .camera: return coding(camera)
    case .screenShare: return coding(screenShare)
    }
  }
}

extension Bot {
  /// The view that a group starts with.
  func setView(_ view: Scenario.View) {
    var result = BotView()
    result.speaker = view.speaker?.tile
    result.others = view.others?.tile
    result.screenShare = view.screenShare?.tile
    result.tiles = view.tiles
    result.wishes = view.of.map {
      BotView.Wish(publisher: $0.identity, tile: $0.size.tile)
    }
    setInitialView(result)
  }
}

extension Scenario.TileSize {
  var tile: BotView.Tile {
    switch self {
    case .hidden: .hidden
    case .height(let lines): .height(lines)
    }
  }
}

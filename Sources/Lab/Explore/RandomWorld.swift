// Random worlds: people, links, faults and churn drawn from a seed, as plain scenarios (the swarm of
// FoundationDB's and TigerBeetle's simulators, for calls).

import Basics
import Scenario

/// Draws one scenario. What is drawn for one thing has a stream of its own, so that a new kind of
/// event leaves the people and links of a seed as they were.
public struct RandomWorld {
  private let seed: UInt64
  private let root: RandomStream
  private var scenario: Scenario
  /// The last fault is healed by then, so that everybody can be back at the end.
  private let calm: Instant
  private let sendsData: Bool

  /// People, and simulated seconds.
  static let maximumPeople = 8
  static let duration = 16...30
  /// From the last healing to the end: the longest wait between two attempts to reconnect (7 s),
  /// a join, and a keyframe.
  static let recovery = Duration.seconds(11)

  /// The world of a seed.
  /// - Parameter mutant: a deliberately broken SFU by its name.
  public static func scenario(seed: UInt64, mutant: String? = nil) -> Scenario {
    var world = RandomWorld(seed: seed)
    world.drawSFU(mutant: mutant)
    world.drawPeople()
    world.drawEvents()
    return world.scenario
  }

  private init(seed: UInt64) {
    self.seed = seed
    root = RandomStream(seed: seed, name: "explore")
    var random = root.child("duration")
    let duration = Duration.seconds(random.integer(in: RandomWorld.duration))
    scenario = Scenario(file: "explore-\(seed).yaml", name: "explore-\(seed)", duration: duration)
    scenario.seed = seed
    calm = .zero + duration - RandomWorld.recovery
    var data = root.child("data")
    sendsData = data.chance(0.25)
  }

  private mutating func drawSFU(mutant: String?) {
    var random = root.child("sfu")
    scenario.sfu.mutant = mutant
    scenario.sfu.dynacast = !random.chance(0.1)
    if random.chance(0.2) { scenario.startValues = .beforeWrap }
    if random.chance(0.1) {
      scenario.sfu.subscriberLimit = .kbps(Int64(random.integer(in: 6...20)) * 100)
    }
    if random.chance(0.1) { scenario.rooms = ["red", "blue"] }
    if random.chance(0.1) {
      var link = Scenario.Link(name: "backbone")
      link.up.delay = .milliseconds(random.integer(in: 1...30))
      link.down.delay = link.up.delay
      scenario.links.append(link)
      scenario.sfu.link = link.name
    }
  }

  // MARK: - People

  private static let names = ["ada", "bob", "cy", "dee", "eve", "flo", "gus", "hal"]
  /// How likely each number of people is, from two on: most faults need few.
  private static let crowds = [25, 24, 18, 12, 9, 6, 6]

  private mutating func drawPeople() {
    var random = root.child("people")
    let count = 2 + random.index(weights: RandomWorld.crowds)
    // Somebody talks, the others take turns or are silent.
    for index in 0..<count { drawPerson(RandomWorld.names[index], index, of: count) }
    if !scenario.participants.contains(where: { $0.mayEverPublish }) {
      scenario.participants[0].publish = [.microphone, .camera]
      scenario.participants[0].hasDevices = true
      scenario.participants[0].role = .participant
      scenario.participants[0].grants = Scenario.Grants()
    }
    var shared = root.child("shared")
    if count > 2, shared.chance(0.15) {
      let link = sharedLink(&shared)
      scenario.links.append(link)
      let riders = shared.integer(in: 2...count)
      for index in 0..<riders { scenario.participants[index].via = [link.name] }
    }
  }

  private mutating func drawPerson(_ name: String, _ index: Int, of count: Int) {
    var random = root.child("person/\(name)")
    let room = scenario.rooms[random.index(below: scenario.rooms.count)]
    var group = Scenario.Group(name: name, rooms: [room])
    group.role = random.pick([
      .participant, .participant, .participant, .teacher, .student, .viewer,
    ])
    group.grants = group.role.grants
    drawRights(&random, into: &group)
    drawMedia(&random, into: &group)
    drawAttention(&random, into: &group)
    if index > 0, random.chance(0.3) {
      group.joinAt = .zero + .milliseconds(random.integer(in: 1...60) * 50)
    }
    if random.chance(0.25) {
      group.reconnect = random.pick([
        "livekit-js", "livekit-flutter", "livekit-rust", "five-attempts",
      ])
    }
    let identity = scenario.rooms.count == 1 ? name : "\(name)@\(room)"
    group.members = [
      Scenario.Member(
        identity: identity, group: name, room: room, joins: group.joinAt, index: 0)
    ]
    if random.chance(0.85) {
      let link = ownLink("\(name)-link", of: group, &random, people: count)
      group.link = link.name
      scenario.links.append(link)
      if random.chance(0.25) {
        var nat = Scenario.NAT()
        nat.mapping = random.pick(Scenario.NATDependence.allCases)
        nat.filtering = random.pick(Scenario.NATDependence.allCases)
        group.nat = nat
      }
    }
    group.hasIPv6 = random.chance(0.1)
    var talk = root.child("data/\(name)")
    var right = root.child("data-right/\(name)")
    if sendsData, right.chance(0.2) { group.grants.canPublishData = false }
    if sendsData, talk.chance(0.6) {
      // Little enough that what all of them send passes over the worst links that are drawn.
      let (every, size) = talk.pick([(200, 40), (500, 200), (1_000, 1_200), (5_000, 12_000)])
      var data = Scenario.DataSource(
        every: .milliseconds(every), until: .zero + scenario.duration)
      data.size = size
      data.isReliable = talk.chance(0.8)
      group.data = data
    }
    scenario.participants.append(group)
  }

  private func drawRights(_ random: inout RandomStream, into group: inout Scenario.Group) {
    if random.chance(0.06) { group.grants.canSubscribe = false }
    if random.chance(0.08) { group.grants.canPublish = false }
    if random.chance(0.06) { group.grants.canPublishSources = [.microphone] }
    if random.chance(0.05) { group.grants.hidden = true }
    // Who asks for more than the rights allow is what the rules about rights are for.
    if group.role == .viewer, random.chance(0.5) { group.publish = [.microphone] }
  }

  private func drawMedia(_ random: inout RandomStream, into group: inout Scenario.Group) {
    if group.role != .viewer {
      group.publish = random.pick([
        [.camera, .microphone], [.camera, .microphone], [.camera], [.microphone],
        [.microphone, .screenShare], [.camera, .microphone, .screenShare], [],
      ])
    }
    group.camera = RandomWorld.camera(&random)
    group.screenShare.layers = [
      Scenario.VideoLayer(height: 720, framesPerSecond: 5, bitrate: .kbps(400))
    ]
    group.microphone.dtx = random.chance(0.6)
    group.hasDevices = group.publish.isEmpty ? random.chance(0.5) : true
    switch random.index(weights: [5, 2, 3]) {
    case 0: break
    case 1: group.talk = .never
    default:
      var at = Duration.milliseconds(random.integer(in: 0...50) * 100)
      var spells: [Scenario.Talk.Spell] = []
      while at < scenario.duration - .seconds(2), spells.count < 4 {
        let length = Duration.milliseconds(random.integer(in: 8...40) * 100)
        spells.append(
          .init(at: .zero + at, duration: min(length, scenario.duration - at)))
        at += length + .milliseconds(random.integer(in: 20...60) * 100)
      }
      group.talk = .spells(spells)
    }
  }

  /// One to three small layers, so that a world costs little.
  private static func camera(_ random: inout RandomStream) -> Scenario.VideoSource {
    let ladder = [
      Scenario.VideoLayer(height: 90, framesPerSecond: 10, bitrate: .kbps(60)),
      Scenario.VideoLayer(height: 180, framesPerSecond: 15, bitrate: .kbps(150)),
      Scenario.VideoLayer(height: 360, framesPerSecond: 20, bitrate: .kbps(400)),
    ]
    let count = 1 + random.index(weights: [3, 4, 3])
    let layers = random.chance(0.5) ? ladder.prefix(count) : ladder.suffix(count)
    return Scenario.VideoSource(
      layers: Array(layers), temporalLayers: random.pick([1, 1, 2, 3]))
  }

  private func drawAttention(_ random: inout RandomStream, into group: inout Scenario.Group) {
    switch random.index(weights: [7, 2, 1]) {
    case 0: break
    case 1:
      group.view.speaker = .height(random.pick([180, 360, 720]))
      group.view.others = random.pick([.height(90), .height(180), .hidden])
    default: group.view.tiles = random.integer(in: 1...3)
    }
    if random.chance(0.08) { group.subscribe = .none }
  }

  // MARK: - Links

  /// Rates that leave room for what the people send: too little is a fault, and drawn as one.
  private func ownLink(
    _ name: String, of group: Scenario.Group, _ random: inout RandomStream, people: Int
  ) -> Scenario.Link {
    var link = Scenario.Link(name: name)
    let delay = Duration.milliseconds(random.pick([1, 5, 10, 20, 40, 75, 150]))
    link.up.delay = delay
    link.down.delay = delay
    if random.chance(0.7) {
      link.up.capacity = .rate(.kbps(Int64(random.pick([3_000, 5_000, 20_000]))))
      link.down.capacity = .rate(.kbps(Int64(people * random.pick([2_000, 4_000]))))
    }
    link.up.queue = .time(.milliseconds(random.pick([100, 300, 1_000])))
    link.down.queue = link.up.queue
    for direction in [\Scenario.Link.up, \Scenario.Link.down] {
      RandomWorld.impair(&link[keyPath: direction], &random)
    }
    return link
  }

  private static func impair(
    _ direction: inout Scenario.LinkDirection, _ random: inout RandomStream
  ) {
    if random.chance(0.45) { direction.loss = loss(&random) }
    if random.chance(0.4) {
      let std = Duration.milliseconds(random.pick([1, 2, 5, 10]))
      direction.jitter = random.pick([
        .nrBPDV(std: std, max: std * 3), .nrBPDV(std: std, max: std * 3),
        .normal(std: std, reorders: true),
        .uniform(std * 2, reorders: true),
      ])
    }
    if random.chance(0.1) {
      direction.reorder = Scenario.Reorder(
        probability: permille(random.integer(in: 1...30)),
        delay: .milliseconds(random.integer(in: 1...40)))
    }
    if random.chance(0.1) { direction.duplicate = permille(random.integer(in: 1...30)) }
    if random.chance(0.08) { direction.corrupt = permille(random.integer(in: 1...10)) }
    if random.chance(0.12), direction.capacity != .unlimited { direction.aqm = .codel }
  }

  private static func loss(_ random: inout RandomStream) -> Scenario.Loss {
    switch random.index(weights: [5, 3, 1, 1]) {
    case 0: .random(permille(random.integer(in: 2...80)))
    case 1:
      .gilbertElliott(
        p: permille(random.integer(in: 1...15)), r: permille(random.integer(in: 200...600)),
        lossInBad: 1, lossInGood: 0)
    case 2:
      .markov4(
        p13: permille(random.integer(in: 1...15)), p31: permille(random.integer(in: 200...600)),
        p32: 0.1, p23: 0.5, p14: permille(random.integer(in: 0...10)))
    default:
      .packets((0..<random.integer(in: 1...20)).map { _ in random.integer(in: 0...400) }.sorted())
    }
  }

  /// As the language reads it: a number of tenths of a percent.
  static func permille(_ count: Int) -> Double { Double(count) / 10 * 0.01 }

  private func sharedLink(_ random: inout RandomStream) -> Scenario.Link {
    var link = Scenario.Link(name: "shared")
    link.up.delay = .milliseconds(random.integer(in: 1...20))
    link.down.delay = link.up.delay
    link.up.capacity = .rate(.kbps(30_000))
    link.down.capacity = .rate(.kbps(60_000))
    return link
  }

  // MARK: - Events

  private mutating func drawEvents() {
    var random = root.child("events")
    let faults = random.index(weights: [2, 4, 3, 2, 1])
    for _ in 0..<faults { drawFault(&random) }
    for _ in 0..<random.index(weights: [2, 3, 3, 2, 1, 1]) { drawAct(&random) }
    // A stream that wraps while nothing of it arrives is lost for good (RFC 3711 §3.3.1).
    if scenario.events.contains(where: \.action.isFault) { scenario.startValues = .random }
    scenario.events = scenario.events.enumerated()
      .sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
  }

  /// A fault that has healed when calm begins.
  private mutating func drawFault(_ random: inout RandomStream) {
    let length = Duration.milliseconds(random.integer(in: 1...60) * 100)
    let at = moment(&random, until: max(.zero + .milliseconds(100), calm - length))
    guard at + length <= calm else { return }
    let person = scenario.participants[random.index(below: scenario.participants.count)]
    let target = Scenario.Event.Target.participants(
      label: person.name, identities: person.members.map(\.identity))
    var event = Scenario.Event(at: at, duration: length, target: target, action: .suspend)
    switch random.index(weights: person.link == nil ? [0, 0, 0, 3, 2] : [4, 4, 2, 4, 2]) {
    case 0:
      let target = random.pick([Scenario.Event.Direction.up, .down, nil])
      event.target = .link(person.link!, target)
      event.action = .setLink(linkFault(&random))
    case 1: event.action = .blackout(blackout(&random, of: person))
    case 2: drawMove(&random, of: person, into: &event)
    case 3:
      event.action = random.pick([
        .loseSignalling, .suspend,
        .slowSignalling(by: .milliseconds(random.integer(in: 1...20) * 50)),
      ])
    default:
      event.target = .sfu
      event.action = random.pick([
        .crash(keepsState: false), .crash(keepsState: true),
        .overload(perPacket: .microseconds(random.integer(in: 10...150))),
        .drain(over: length),
      ])
    }
    if let own = event.action.ownDuration {
      event.duration = own
      guard at + own <= calm else { return }
    }
    if event.action == .rebindNAT { event.duration = nil }
    scenario.events.append(event)
  }

  private func blackout(
    _ random: inout RandomStream, of person: Scenario.Group
  ) -> Scenario.Event.Blackout {
    var blackout = Scenario.Event.Blackout()
    if random.chance(0.5) { blackout.only = random.pick([.media, .ice, .datagrams, .signalling]) }
    if person.hasIPv6, random.chance(0.5) { blackout.only = .ipv6 }
    if random.chance(0.4) { blackout.direction = random.pick([.up, .down]) }
    return blackout
  }

  /// The address changes, or nothing moves for a while.
  private mutating func drawMove(
    _ random: inout RandomStream, of person: Scenario.Group, into event: inout Scenario.Event
  ) {
    switch random.index(weights: [2, 4, person.nat == nil ? 0 : 3]) {
    case 0: event.action = .pause
    case 1:
      var handover = Scenario.Event.Handover(to: "\(person.name)-other")
      if scenario.link(named: handover.to) == nil {
        var link = ownLink(
          handover.to, of: person, &random, people: scenario.participants.count)
        link.networkCost = 0
        scenario.links.append(link)
      }
      switch random.index(below: 3) {
      case 0: handover.overlap = event.duration ?? .zero
      case 1: handover.gap = event.duration ?? .zero
      default: event.duration = nil
      }
      event.action = .handover(handover)
    default: event.action = .rebindNAT
    }
  }

  private func linkFault(_ random: inout RandomStream) -> Scenario.LinkFields {
    var fields = Scenario.LinkFields()
    switch random.index(weights: [3, 3, 2, 1, 1]) {
    case 0:
      fields.capacity = .rate(.kbps(Int64(random.pick([100, 250, 500, 1_000]))))
    case 1: fields.loss = .random(RandomWorld.permille(random.integer(in: 50...400)))
    case 2: fields.delay = .milliseconds(random.integer(in: 50...400))
    case 3:
      fields.jitter = .uniform(
        .milliseconds(random.integer(in: 10...200)), reorders: true)
    default: fields.mtu = random.integer(in: 6...12) * 100
    }
    return fields
  }

  private func moment(_ random: inout RandomStream, until end: Instant) -> Instant {
    let steps = max(1, Int((end - .zero) / .milliseconds(50)))
    return .zero + .milliseconds(50 * (1 + random.index(below: steps)))
  }

  /// Something that people do.
  private mutating func drawAct(_ random: inout RandomStream) {
    let people = scenario.participants
    let person = people[random.index(below: people.count)]
    let other = people[random.index(below: people.count)].members[0].identity
    let at = moment(&random, until: calm)
    let span = Duration.milliseconds(random.integer(in: 5...50) * 100)
    var acts: [(Scenario.Event.Action, undo: Scenario.Event.Action?)] = [(.leave, .join)]
    if person.publish.contains(.microphone) { acts += [(.mute, .unmute), (.mute, nil)] }
    if person.publish.contains(.camera) {
      acts += [
        (.cameraOff, .cameraOn), (.cameraOff, nil),
        (.switchCamera(height: random.pick([nil, 180, 360])), nil),
      ]
    }
    if person.hasDevices, !person.publish.contains(.screenShare) {
      acts.append((.startScreenShare, .stopScreenShare))
    }
    let selection = Scenario.Selection(from: [other], sources: Scenario.Source.allCases)
    acts += [
      (.unsubscribe(selection), .subscribe(selection)), (.unsubscribe(selection), nil),
      (
        .view(
          of: [other], size: random.pick([.hidden, .height(90), .height(180), .height(720)]),
          framesPerSecond: nil, priority: nil), nil
      ),
      (
        .view(of: [other], size: .height(90), framesPerSecond: nil, priority: nil),
        .view(
          of: [other], size: .height(720), framesPerSecond: nil, priority: nil)
      ),
      (.limitSubscriber(.kbps(Int64(random.integer(in: 3...20)) * 100)), nil),
    ]
    if person.grants.roomAdmin {
      var fields = Scenario.GrantFields()
      fields.canPublish = random.chance(0.5)
      acts += [
        (.muteParticipant(who: [other], source: .microphone), nil),
        (.muteParticipant(who: [other], source: .camera), nil),
        (
          fields.canPublish == true
            ? .promote(who: [other], fields) : .demote(who: [other], fields), nil
        ),
        (.removeParticipant(who: [other]), nil),
      ]
    }
    let (action, undo) = acts[random.index(below: acts.count)]
    let target = Scenario.Event.Target.participants(
      label: person.name, identities: person.members.map(\.identity))
    add(action, undo: undo, to: target, at: at, span)
  }

  private mutating func add(
    _ action: Scenario.Event.Action, undo: Scenario.Event.Action?,
    to target: Scenario.Event.Target, at: Instant, _ span: Duration
  ) {
    if case .limitSubscriber = action {
      scenario.events.append(.init(at: at, duration: span, target: target, action: action))
      return
    }
    scenario.events.append(.init(at: at, duration: nil, target: target, action: action))
    if let undo {
      scenario.events.append(
        .init(at: min(calm, at + span), duration: nil, target: target, action: undo))
    }
  }
}

extension RandomStream {
  mutating func index(below count: Int) -> Int { Int(below(UInt64(count))) }

  mutating func integer(in range: ClosedRange<Int>) -> Int {
    range.lowerBound + index(below: range.count)
  }

  mutating func pick<T>(_ values: [T]) -> T { values[index(below: values.count)] }

  /// The place of one of `weights`, as likely as it is heavy.
  mutating func index(weights: [Int]) -> Int {
    var rest = index(below: weights.reduce(0, +))
    for (place, weight) in weights.enumerated() {
      if rest < weight { return place }
      rest -= weight
    }
    return weights.count - 1
  }
}

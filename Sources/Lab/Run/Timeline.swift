// The scenario's course as a list of moments: joins, leaves, events and their ends.

import Basics
import Bots
import NetSim
import RefSFU
import Results
import Scenario
import Signal
import Wire

/// Something to do at a moment.
struct TimelineStep {
  enum Action {
    case join(String)
    case leave(String)
    case sendData(String, number: UInt32)
    case startFlow(String)
    case stopFlow(String)
    case begin(Scenario.Event)
    case end(Scenario.Event, saved: Int)
  }

  var at: Instant
  var action: Action
}

struct Timeline {
  private(set) var steps: [TimelineStep] = []

  /// Joins before leaves before events at the same moment; else in the order written.
  init(_ scenario: Scenario) {
    for group in scenario.participants {
      for member in group.members {
        steps.append(TimelineStep(at: member.joins, action: .join(member.identity)))
      }
    }
    for group in scenario.participants {
      guard let leaveAt = group.leaveAt else { continue }
      for member in group.members {
        steps.append(TimelineStep(at: leaveAt, action: .leave(member.identity)))
      }
    }
    addData(scenario)
    for group in scenario.flows {
      for name in group.names {
        steps.append(TimelineStep(at: group.start, action: .startFlow(name)))
        if let stop = group.stop { steps.append(TimelineStep(at: stop, action: .stopFlow(name))) }
      }
    }
    for (index, event) in scenario.events.enumerated() {
      steps.append(TimelineStep(at: event.at, action: .begin(event)))
      if let duration = event.duration {
        steps.append(
          TimelineStep(at: event.at + duration, action: .end(event, saved: index)))
      }
    }
    steps = steps.enumerated()
      .sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
  }

  private mutating func addData(_ scenario: Scenario) {
    for group in scenario.participants {
      guard let data = group.data else { continue }
      for member in group.members {
        var at = max(data.from, member.joins)
        var number: UInt32 = 0
        while at < min(data.until, group.leaveAt ?? data.until) {
          steps.append(TimelineStep(at: at, action: .sendData(member.identity, number: number)))
          number += 1
          at += data.every
        }
      }
    }
  }
}

/// Carries the steps out on a world.
struct Director {
  let world: World
  /// Requests to mute or unmute and their moment, for the delay until others see it.
  private(set) var muteRequests: [MuteChange] = []
  /// Changes of rights that the SFU carried out.
  private(set) var rightsChanges: [RightsChange] = []
  private var faults = FaultState()
  /// What is to be done by those who sleep.
  private var asleep: [(identity: String, event: Scenario.Event)] = []
  private(set) var messages = MessageLog()
  private(set) var audit: StateAudit
  var recoveries: RecoveryWatch
  var downlinks = DownlinkWatch()
  /// What links were before an event changed them, by the event's identity in the timeline.
  private var saved: [SavedLink] = []

  private struct SavedLink {
    var event: Scenario.Event
    var name: String
    var setting: Scenario.LinkDirection
  }

  init(world: World) {
    self.world = world
    audit = StateAudit(world)
    recoveries = RecoveryWatch(world)
  }

  /// Called once a second.
  mutating func look() {
    audit.look(at: world)
    recoveries.look(at: world)
  }

  mutating func perform(_ step: TimelineStep) throws {
    switch step.action {
    case .join(let identity): act(identity, .join)
    case .leave(let identity): act(identity, .leave)
    case .sendData(let identity, let number):
      // A sleeping device has nothing to say.
      guard !world.isAsleep(identity) else { return }
      messages.send(number, from: identity, in: world)
    case .startFlow(let name): world.startFlow(name)
    case .stopFlow(let name): world.stopFlow(name)
    case .begin(let event): try begin(event)
    case .end(let event, _): try end(event)
    }
  }

  // MARK: - Events

  private mutating func begin(_ event: Scenario.Event) throws {
    if event.action.isAdministration, let actor = event.target.identities?.first,
      world.isAsleep(actor)
    {
      asleep.append((actor, event))
      return
    }
    try carryOut(event)
  }

  private mutating func carryOut(_ event: Scenario.Event) throws {
    if event.action.isFault { return try faults.begin(event, in: world) }
    switch event.action {
    case .setLink(let fields):
      for instance in world.instances where event.target.covers(instance) {
        saved.append(SavedLink(event: event, name: instance.name, setting: instance.setting))
      }
      try world.configure(where: event.target.covers) { $0 = $0.overridden(by: fields) }
    case .setFlowRate(let rate):
      for name in event.target.flows { world.setFlowRate(name, rate) }
    case .limitSubscriber(let limit):
      let identities = event.target.identities
      world.administer { sfu, _, _ in sfu.setSubscriberLimit(limit, of: identities) }
    case .promote(let who, let fields), .demote(let who, let fields):
      changeRights(of: who, fields, by: event.target)
    case .removeParticipant(let who):
      administer(who, by: event.target, .remove)
    case .muteParticipant(let who, let source):
      for identity in administer(who, by: event.target, .mute(source.trackSource)) {
        noteMute(identity, source.trackSource, true)
      }
    default:
      for identity in event.target.identities ?? [] { act(identity, event.action) }
    }
  }

  private mutating func end(_ event: Scenario.Event) throws {
    if event.action.isFault {
      try faults.end(event, in: world)
      try awaken()
      return
    }
    switch event.action {
    case .setLink:
      for old in saved where old.event == event {
        let isOld = { (instance: World.Instance) in instance.name == old.name }
        try world.configure(where: isOld) { $0 = old.setting }
      }
      saved.removeAll { $0.event == event }
    case .setFlowRate:
      for name in event.target.flows {
        guard case .udp(let usual) = world.flow(name)?.group.kind else { continue }
        world.setFlowRate(name, usual.rate)
      }
    case .limitSubscriber:
      let identities = event.target.identities
      let usual = world.scenario.sfu.subscriberLimit
      world.administer { sfu, _, _ in sfu.setSubscriberLimit(usual, of: identities) }
    default: break
    }
  }

  /// What was to be done by those who slept, and no longer do, is done now.
  private mutating func awaken() throws {
    let due = asleep.filter { !world.isAsleep($0.identity) }
    guard !due.isEmpty else { return }
    asleep.removeAll { !world.isAsleep($0.identity) }
    for (identity, event) in due {
      if event.action.isAdministration {
        try carryOut(event)
      } else {
        act(identity, event.action)
      }
    }
  }

  /// What a bot does by itself, or once it wakes.
  private mutating func act(_ identity: String, _ action: Scenario.Event.Action) {
    guard !world.isAsleep(identity) else {
      let target = Scenario.Event.Target.participants(label: identity, identities: [identity])
      asleep.append(
        (identity, Scenario.Event(at: world.simulator.now, target: target, action: action)))
      return
    }
    let sources = { (selection: Scenario.Selection) in selection.sources.map(\.trackSource) }
    switch action {
    case .mute: setMuted(identity, .microphone, true)
    case .unmute: setMuted(identity, .microphone, false)
    case .cameraOff: setMuted(identity, .camera, true)
    case .cameraOn: setMuted(identity, .camera, false)
    case .join: world.join(identity)
    case .leave: world.command(identity) { bot, now, outbox in bot.leave(at: now, into: &outbox) }
    case .switchCamera(let height):
      world.command(identity) { bot, now, _ in bot.switchCamera(height: height, at: now) }
    case .startScreenShare:
      world.command(identity) { bot, now, outbox in bot.startScreenShare(at: now, into: &outbox) }
    case .stopScreenShare:
      world.command(identity) { bot, now, outbox in bot.stopScreenShare(at: now, into: &outbox) }
    case .subscribe(let selection), .unsubscribe(let selection):
      let isSubscribe = if case .subscribe = action { true } else { false }
      world.command(identity) { bot, now, outbox in
        bot.updateSubscription(
          publishers: selection.from, sources: sources(selection), subscribe: isSubscribe,
          at: now, into: &outbox)
      }
    case .view(let publishers, let size, let framesPerSecond, let priority):
      world.command(identity) { bot, now, outbox in
        for publisher in publishers {
          bot.wish(
            BotView.Wish(
              publisher: publisher, tile: size.tile, framesPerSecond: framesPerSecond ?? 0,
              priority: priority ?? 0), at: now, into: &outbox)
        }
      }
    default: break
    }
  }

  private mutating func setMuted(_ identity: String, _ source: TrackSource, _ muted: Bool) {
    noteMute(identity, source, muted)
    world.command(identity) { bot, now, outbox in
      bot.setMuted(source, muted, at: now, into: &outbox)
    }
  }

  private mutating func noteMute(_ identity: String, _ source: TrackSource, _ muted: Bool) {
    muteRequests.append(
      MuteChange(
        at: world.simulator.now, identity: identity, source: MediaSource(source), isMuted: muted))
  }

  // MARK: - Administration

  private mutating func changeRights(
    of who: [String], _ fields: Scenario.GrantFields, by target: Scenario.Event.Target
  ) {
    for identity in administer(who, by: target, .changeRights(fields)) {
      rightsChanges.append(
        RightsChange(
          at: world.simulator.now, identity: identity, canPublish: fields.canPublish,
          canPublishData: fields.canPublishData, canPublishSources: fields.canPublishSources))
      world.command(identity) { bot, now, _ in
        bot.rightsChanged(
          canPublish: fields.canPublish, canSubscribe: fields.canSubscribe, at: now)
      }
    }
  }

  /// Does it to each of `who`, with the rights of the one who acts: a participant's own, or the
  /// server's where the event's target is the room.
  /// - Returns: to whom it was done.
  @discardableResult
  private func administer(
    _ who: [String], by target: Scenario.Event.Target, _ action: Administration
  ) -> [String] {
    who.filter { identity in
      guard let seat = world.seat(identity) else { return false }
      var grant = VideoGrant {
        $0.roomAdmin = true
        $0.room = seat.member.room
      }
      if let actor = target.identities?.first, let actorSeat = world.seat(actor) {
        grant = actorSeat.group.grants.video(in: actorSeat.member.room)
      }
      return world.administer(action, to: seat, by: grant)
    }
  }
}

extension Scenario.Event.Target {
  /// Whether a link instance is meant.
  func covers(_ instance: World.Instance) -> Bool {
    switch self {
    case .link(let name, let direction):
      instance.scenarioLink == name && (direction == nil || instance.direction == direction)
    case .participants(_, let identities): identities.contains(instance.owner)
    case .sfu: instance.owner == "SFU"
    case .room, .flows: false
    }
  }
}

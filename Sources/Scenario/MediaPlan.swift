// Who is meant to be in the room, to send and to receive, by the scenario alone: what data is due,
// whatever the SFU made of it.

import Basics
import Results

/// The planned presence and media of every participant.
public struct MediaPlan: Sendable {
  /// When a state is on, from its changes in order of time.
  struct Switch: Sendable {
    private var over: [Interval] = []
    private var since: Instant?

    init(_ isOn: Bool = false) { since = isOn ? .zero : nil }

    var isOn: Bool { since != nil }

    mutating func set(_ isOn: Bool, at moment: Instant) {
      guard isOn != self.isOn else { return }
      if let since, let interval = Interval(since, moment) { over.append(interval) }
      since = isOn ? moment : nil
    }

    func intervals(until end: Instant) -> [Interval] {
      over + [since.flatMap { Interval($0, end) }].compactMap { $0 }
    }
  }

  /// Tracks that a participant takes again, or no longer, from a moment on.
  private struct Choice: Sendable {
    var at: Instant
    var selection: Scenario.Selection
    var isTaken: Bool
  }

  private struct Wish: Sendable {
    var at: Instant
    var publishers: [String]
    var isHidden: Bool
  }

  private struct Person: Sendable {
    let member: Scenario.Member
    let group: Int
    var grants: Scenario.Grants
    var isRefused = false
    var presence = Switch()
    var receives = Switch()
    var sends: [Switch]
    /// Muted, or not shared, by source.
    var isOff: [Bool]
    var choices: [Choice] = []
    var wishes: [Wish] = []

    /// - Parameter group: of the member, `place` in the scenario.
    init(_ member: Scenario.Member, _ group: Scenario.Group, at place: Int) {
      self.member = member
      self.group = place
      grants = group.grants
      sends = Scenario.Source.allCases.map { _ in Switch() }
      isOff = Scenario.Source.allCases.map { !group.publish.contains($0) }
    }

    mutating func update(_ hasDevices: Bool, at moment: Instant) {
      receives.set(presence.isOn && grants.canSubscribe, at: moment)
      for (index, source) in Scenario.Source.allCases.enumerated() {
        let may =
          grants.canPublish && !grants.hidden && hasDevices
          && grants.canPublishSources?.contains(source) ?? true
        sends[index].set(presence.isOn && may && !isOff[index], at: moment)
      }
    }
  }

  private let groups: [Scenario.Group]
  private let end: Instant
  private let duration: Duration
  private var people: [Person] = []
  private var places: [String: Int] = [:]
  /// People in each room, by the plan.
  private var occupancy: [String: Int] = [:]
  private let capacity: Int
  private let sleeps: [FaultWindow]

  public init(_ scenario: Scenario) {
    groups = scenario.participants
    duration = scenario.duration
    end = .zero + scenario.duration
    capacity = scenario.sfu.maxParticipants
    sleeps = FaultWindow.all(of: scenario).filter(\.isSleep)
    for (place, group) in groups.enumerated() {
      people += group.members.map { Person($0, group, at: place) }
    }
    places = Dictionary(
      people.enumerated().map { ($1.member.identity, $0) }, uniquingKeysWith: { first, _ in first })
    for step in MediaPlan.steps(of: scenario, people.map(\.member)) { perform(step) }
  }

  // MARK: - The course of the scenario

  private struct Step {
    var at: Instant
    var action: Scenario.Event.Action
    var actors: [String]
    /// Whether the room's server does it.
    var isServer = false
  }

  /// Joins before leaves before events at the same moment, as they are carried out.
  private static func steps(of scenario: Scenario, _ members: [Scenario.Member]) -> [Step] {
    var steps = members.map { Step(at: $0.joins, action: .join, actors: [$0.identity]) }
    for group in scenario.participants {
      guard let leaveAt = group.leaveAt else { continue }
      steps.append(
        Step(at: leaveAt, action: .leave, actors: group.members.map(\.identity)))
    }
    for event in scenario.events {
      let isServer = if case .room = event.target { true } else { false }
      steps.append(
        Step(
          at: event.at, action: event.action, actors: event.target.identities ?? [],
          isServer: isServer))
    }
    return steps.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
      .map(\.element)
  }

  private mutating func perform(_ step: Step) {
    switch step.action {
    case .join, .leave, .mute, .unmute, .cameraOff, .cameraOn, .startScreenShare, .stopScreenShare,
      .switchCamera, .subscribe, .unsubscribe, .view:
      break
    case .promote(let who, _), .demote(let who, _), .removeParticipant(let who),
      .muteParticipant(let who, _):
      guard isAllowed(step) else { return }
      return administer(who, step)
    default: return
    }
    for identity in step.actors {
      guard let place = places[identity] else { continue }
      act(place, step.action, at: step.at)
    }
  }

  /// Whether the one who acts has the right to.
  private func isAllowed(_ step: Step) -> Bool {
    step.isServer
      || step.actors.first.flatMap { places[$0] }.map { people[$0].grants.roomAdmin } ?? false
  }

  private mutating func change(
    _ identities: [String], at moment: Instant, _ change: (inout Person) -> Void
  ) {
    for place in identities.compactMap({ places[$0] }) {
      change(&people[place])
      people[place].update(groups[people[place].group].hasDevices, at: moment)
    }
  }

  private mutating func administer(_ who: [String], _ step: Step) {
    switch step.action {
    case .promote(_, let fields), .demote(_, let fields):
      change(who, at: step.at) { $0.grants = $0.grants.overridden(by: fields) }
    case .removeParticipant:
      for place in who.compactMap({ places[$0] }) { setPresent(place, false, at: step.at) }
    case .muteParticipant(_, let source):
      change(who, at: step.at) { $0.isOff[source.place] = true }
    default: break
    }
  }

  private mutating func setPresent(_ place: Int, _ isPresent: Bool, at moment: Instant) {
    let person = people[place]
    guard person.presence.isOn != isPresent else { return }
    let room = person.member.room
    if isPresent, occupancy[room, default: 0] >= capacity {
      people[place].isRefused = true
      return
    }
    occupancy[room, default: 0] += isPresent ? 1 : -1
    people[place].presence.set(isPresent, at: moment)
    people[place].update(groups[person.group].hasDevices, at: moment)
  }

  private mutating func act(_ place: Int, _ action: Scenario.Event.Action, at moment: Instant) {
    let group = groups[people[place].group]
    switch action {
    case .join: setPresent(place, true, at: moment)
    case .leave: setPresent(place, false, at: moment)
    case .mute: people[place].isOff[Scenario.Source.microphone.place] = true
    case .unmute where group.publish.contains(.microphone):
      people[place].isOff[Scenario.Source.microphone.place] = false
    case .cameraOff: people[place].isOff[Scenario.Source.camera.place] = true
    case .cameraOn where group.publish.contains(.camera):
      people[place].isOff[Scenario.Source.camera.place] = false
    case .startScreenShare: people[place].isOff[Scenario.Source.screenShare.place] = false
    case .stopScreenShare: people[place].isOff[Scenario.Source.screenShare.place] = true
    case .switchCamera:
      // Another track takes its place.
      people[place].sends[Scenario.Source.camera.place].set(false, at: moment)
    case .subscribe(let selection), .unsubscribe(let selection):
      let isTaken = if case .subscribe = action { true } else { false }
      people[place].choices.append(Choice(at: moment, selection: selection, isTaken: isTaken))
    case .view(let publishers, let size, _, _):
      people[place].wishes.append(
        Wish(at: moment, publishers: publishers, isHidden: size == .hidden))
    default: break
    }
    people[place].update(group.hasDevices, at: moment)
  }
}

extension MediaPlan {
  /// When it is to be in the room; nothing of somebody unknown.
  public func presence(of identity: String) -> [Interval] {
    places[identity].map { people[$0].presence.intervals(until: end) } ?? []
  }

  /// Whether it finds the room full.
  public func isRefused(_ identity: String) -> Bool {
    places[identity].map { people[$0].isRefused } ?? false
  }

  /// The part of these in which its client runs: a device that sleeps measures nothing.
  public func awake(_ intervals: [Interval], _ identity: String) -> [Interval] {
    sleeps.filter { $0.strikes(identity) }.reduce(intervals) { rest, sleep in
      rest.removing(from: sleep.begin, to: sleep.heal)
    }
  }

  /// When `publisher` is to send `source`: in the room, with the right to, not muted, the camera on.
  public func sends(_ publisher: String, _ source: Scenario.Source) -> [Interval] {
    guard let place = places[publisher] else { return [] }
    return people[place].sends[source.place].intervals(until: end)
  }

  /// When `publisher` talks by its schedule; what it says is heard only while it sends.
  public func talk(of publisher: String) -> [Interval] {
    guard let place = places[publisher] else { return [] }
    let person = people[place]
    switch groups[person.group].talkSchedule(of: person.member, until: duration) {
    case .always: return [Interval(start: .zero, end: end)]
    case .never: return []
    case .intervals(let intervals):
      return intervals.compactMap { Interval($0.start, min($0.end, end)) }
    }
  }

  /// Whether `publisher`'s silence is not sent.
  public func isDiscontinuous(_ publisher: String) -> Bool {
    places[publisher].map { groups[people[$0].group].microphone.dtx } ?? false
  }

  /// When `viewer` is to receive this source of `publisher`: in the room and awake, subscribed, with the
  /// right to, and shown it. A view that shows only so many tiles promises nobody's video.
  public func receives(
    _ viewer: String, _ source: Scenario.Source, of publisher: String
  ) -> [Interval] {
    guard let place = places[viewer], let other = places[publisher], place != other,
      people[place].member.room == people[other].member.room
    else { return [] }
    let person = people[place]
    let group = groups[person.group]
    var wanted = Switch(group.subscribe.includes(source, of: publisher))
    for choice in person.choices where choice.selection.includes(source, of: publisher) {
      wanted.set(choice.isTaken, at: choice.at)
    }
    var result = person.receives.intervals(until: end).intersection(wanted.intervals(until: end))
    if source.kind == .video {
      var shown = Switch(isShown(group, source, publisher, in: person.member.room))
      for wish in person.wishes where wish.publishers.contains(publisher) {
        shown.set(!wish.isHidden, at: wish.at)
      }
      result = result.intersection(shown.intervals(until: end))
    }
    return awake(result, viewer)
  }

  private func isShown(
    _ group: Scenario.Group, _ source: Scenario.Source, _ publisher: String, in room: String
  ) -> Bool {
    if let tile = group.view.of.last(where: { $0.identity == publisher }) {
      return tile.size != .hidden
    }
    if source == .screenShare, let size = group.view.screenShare { return size != .hidden }
    return group.view.tiles == nil && group.view.others != .hidden
      && group.view.speaker != .hidden
  }
}

extension Scenario.Source {
  /// Its place among all sources.
  fileprivate var place: Int { Scenario.Source.allCases.firstIndex(of: self)! }
}

extension [Interval] {
  /// Each without its first `settling`; those that are shorter are left out.
  public func trimmed(by settling: Duration) -> [Interval] {
    compactMap { Interval($0.start + settling, $0.end) }
  }
}

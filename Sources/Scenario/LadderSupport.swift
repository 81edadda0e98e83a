// Whether the lines that a viewer should be shown follow from a scenario (definition D8, docs/ladder.md): the
// link is its own and changes at known moments, and the same video is offered throughout.

import Basics
import Results

extension MetricCatalogue {
  /// The metrics that hold the lines shown against the capacity of the viewer's link.
  public static let stepMetrics = [
    "assay.stepDownTime", "assay.stepUpTime", "assay.switchesPerStep",
  ]
}

extension ScenarioReader {
  /// A metric of steps is judged only where the right lines can be told.
  func checkLadder(_ node: YAMLNode, _ expectation: Scenario.Expectation) throws {
    guard MetricCatalogue.stepMetrics.contains(expectation.metric.name) else { return }
    for subject in expectation.subjects {
      guard let member = people[subject.identity] else { continue }
      if let obstacle = scenario.ladderObstacle(for: member) {
        throw node["metric"]!.error(
          "'\(expectation.metric.name)' cannot be judged for '\(subject.identity)': \(obstacle)")
      }
    }
  }
}

extension Scenario {
  /// Layers and sound of one publisher need this many times their rate on its uplink.
  private static let uplinkMargin = 1.1
  private static let audio = Bitrate.kbps(60)
  /// From this many tiles on the reference SFU bounds those out of focus.
  private static let crowdedTiles = 5

  /// Why the right lines of what `viewer` is sent do not follow from the scenario, with a remedy; nil where they
  /// do.
  public func ladderObstacle(for viewer: Member) -> String? {
    guard let group = group(of: viewer) else { return nil }
    let publishers = members.filter {
      $0.room == viewer.room && $0.identity != viewer.identity && sendsVideo($0, to: group)
    }
    guard !publishers.isEmpty else {
      return "nobody sends it video; have somebody in its room publish the camera"
    }
    return linkObstacle(group) ?? viewObstacle(group, viewer)
      ?? changeObstacle(publishers, firstStep: firstStep(group))
      ?? publishers.lazy.compactMap(uplinkObstacle).first
  }

  private func group(of member: Member) -> Group? {
    participants.first { $0.name == member.group }
  }

  /// Whether a participant of `group` is sent a camera or a screen by `publisher`.
  private func sendsVideo(_ publisher: Member, to group: Group) -> Bool {
    guard group.grants.canSubscribe, let other = self.group(of: publisher) else { return false }
    return other.allowedSources.contains { source in
      source.kind == .video && group.subscribe.includes(source, of: publisher.identity)
    }
  }

  // MARK: - The link

  private func capacities(
    of link: String, _ direction: Event.Direction
  ) -> [(at: Instant, capacity: Capacity)] {
    guard let definition = self.link(named: link) else { return [] }
    var result = [
      (Instant.zero, (direction == .up ? definition.up : definition.down).capacity)
    ]
    for event in events {
      guard case .link(link, let way) = event.target, way == nil || way == direction,
        case .setLink(let fields) = event.action, let capacity = fields.capacity
      else { continue }
      result.append((event.at, capacity))
    }
    return result
  }

  private func firstStep(_ group: Group) -> Instant {
    group.link.map { capacities(of: $0, .down).dropFirst().map(\.at).min() ?? .zero } ?? .zero
  }

  private func linkObstacle(_ group: Group) -> String? {
    let name = group.link ?? "NAME"
    let changes = group.link.map { capacities(of: $0, .down) } ?? []
    guard changes.count > 1 else {
      return "the rate of its downlink never changes; give it a link and an event such as "
        + "{ at: 20s, link: \(name).down, set: { rate: 1Mbps } }"
    }
    if changes.contains(where: { if case .trace = $0.capacity { true } else { false } }) {
      return "its downlink follows a trace; judge a link whose rate is set by events"
    }
    if let shared = group.via.first(where: { isLimited($0) }) {
      return "it shares the link '\(shared)' with others; take the link out of 'via', or its rate"
    }
    if sfu.subscriberLimit != nil
      || events.contains(where: { if case .limitSubscriber = $0.action { true } else { false } })
    {
      return "'subscriberLimit' bounds what it is sent; take it out"
    }
    return nil
  }

  private func isLimited(_ link: String) -> Bool {
    [Event.Direction.up, .down].contains { direction in
      capacities(of: link, direction).contains { $0.capacity != .unlimited }
    }
  }

  // MARK: - What is wanted and offered

  private func viewObstacle(_ group: Group, _ viewer: Member) -> String? {
    let view = group.view
    guard view.speaker == nil, view.others == nil, view.tiles == nil else {
      return "its view follows who speaks; write sizes in 'view: { of: … }' alone"
    }
    guard view.of.count < Scenario.crowdedTiles else {
      return
        "from \(Scenario.crowdedTiles) tiles on sizes depend on the focus; name fewer in 'view'"
    }
    let change = events.first { event in
      guard event.target.identities?.contains(viewer.identity) == true else { return false }
      return switch event.action {
      case .view, .subscribe, .unsubscribe, .handover: true
      default: false
      }
    }
    return change.map { "what it wants changes at \($0.at.written.flow); take that event out" }
  }

  /// Whether what is offered changes: then what is left for each of the others does, too.
  private func changeObstacle(_ publishers: [Member], firstStep: Instant) -> String? {
    let names = Set(publishers.map(\.identity))
    for publisher in publishers {
      let group = group(of: publisher)
      if publisher.joins >= firstStep || group?.leaveAt != nil {
        return "'\(publisher.identity)' joins or leaves while the link changes; "
          + "have it join before the first change and stay"
      }
    }
    let change = events.first { event in
      let actors = event.target.identities ?? []
      return switch event.action {
      case .join, .leave, .cameraOff, .cameraOn, .switchCamera, .startScreenShare,
        .stopScreenShare:
        actors.contains(where: names.contains)
      case .promote(let who, _), .demote(let who, _), .removeParticipant(let who):
        who.contains(where: names.contains)
      case .muteParticipant(let who, let source):
        source.kind == .video && who.contains(where: names.contains)
      default: false
      }
    }
    return change.map {
      "the video that it is offered changes at \($0.at.written.flow); take that event out"
    }
  }

  /// A publisher whose own link is too narrow decides what its viewers see.
  private func uplinkObstacle(_ publisher: Member) -> String? {
    guard let group = group(of: publisher) else { return nil }
    var needed = Scenario.audio
    if group.allowedSources.contains(.camera) {
      for layer in group.camera.layers { needed = needed + layer.bitrate }
    }
    if group.allowedSources.contains(.screenShare) {
      for layer in group.screenShare.layers { needed = needed + layer.bitrate }
    }
    needed = needed * Scenario.uplinkMargin
    let links = (group.link.map { [$0] } ?? []) + group.via
    let isNarrow = links.flatMap { capacities(of: $0, .up) }.contains { change in
      switch change.capacity {
      case .unlimited: false
      case .rate(let rate): rate < needed
      case .trace: true
      }
    }
    return isNarrow
      ? "the uplink of '\(publisher.identity)' may not carry all of its layers; "
        + "give it \(needed.written.flow) or more"
      : nil
  }
}

// What the keys of the language become: links, presets, people, views, talk, events, the matrix.

import Basics
import Testing

@testable import Lab
@testable import Scenario

private let head = "assay: 1\nduration: 60s\n"

@Suite struct LinksOfTheLanguage {
  private func link(_ fields: String) throws -> Scenario.Link {
    try scenario(head + "links: { l: { \(fields) } }\nparticipants: { a: { link: l } }\n").links[0]
  }

  @Test func defaults() throws {
    let link = try link("")
    #expect(link.up == Scenario.LinkDirection())
    #expect(link.up.capacity == .unlimited)
    #expect(link.up.queue == .time(.milliseconds(300)))
  }

  @Test func everyField() throws {
    let up = try link(
      """
      rate: 1.5Mbps, delay: 2.5ms, queue: 64kB, aqm: codel, ecn: true, loss: 0.5%,
      reorder: { probability: 1%, delay: 5ms }, duplicate: 2%, corrupt: 3%
      """
    ).up
    #expect(up.capacity == .rate(.kbps(1_500)))
    #expect(up.delay == .microseconds(2_500))
    #expect(up.queue == .size(.bytes(64_000)))
    #expect(up.aqm == .codel)
    #expect(up.ecn)
    #expect(up.loss == .random(0.005))
    #expect(up.reorder == .init(probability: 0.01, delay: .milliseconds(5)))
    #expect(up.duplicate == 0.02)
    #expect(up.corrupt == 0.03)
  }

  @Test func models() throws {
    #expect(try link("queue: 100packets").up.queue == .packets(100))
    #expect(try link("loss: 0%").up.loss == .none)
    #expect(try link("loss: { packets: [9, 2] }").up.loss == .packets([2, 9]))
    #expect(
      try link("loss: { markov4: { p13: 1%, p31: 2%, p32: 3%, p23: 4%, p14: 5% } }").up.loss
        == .markov4(p13: 0.01, p31: 0.02, p32: 0.03, p23: 0.04, p14: 0.05))
    #expect(
      try link("loss: { gilbertElliott: { p: 1%, r: 25%, lossInBad: 50%, lossInGood: 1% } }").up
        .loss
        == .gilbertElliott(p: 0.01, r: 0.25, lossInBad: 0.5, lossInGood: 0.01))
    #expect(try link("jitter: { uniform: 3ms }").up.jitter == .uniform(.milliseconds(3)))
    #expect(
      try link("jitter: { uniform: 3ms, reorder: true }").up.jitter
        == .uniform(.milliseconds(3), reorders: true))
    #expect(
      try link("jitter: { normal: { std: 3ms } }").up.jitter == .normal(std: .milliseconds(3)))
    #expect(
      try link("jitter: { nrBPDV: { std: 3ms, max: 5ms } }").up.jitter
        == .nrBPDV(std: .milliseconds(3), max: .milliseconds(5)))
    #expect(try link("use: lte, jitter: none").up.jitter == .none)
  }

  /// Preset, then what stands for both directions, then what stands for one.
  @Test func overriding() throws {
    let link = try link("use: cable, delay: 40ms, down: { rate: unlimited, delay: 50ms }")
    #expect(link.up.capacity == .rate(.kbps(10_000)))
    #expect(link.up.delay == .milliseconds(40))
    #expect(link.down.capacity == .unlimited)
    #expect(link.down.delay == .milliseconds(50))
    #expect(link.down.jitter == LinkPreset.named("cable")?.down.jitter)
  }

  @Test func everyPresetCanBeUsedAndSaysWhy() throws {
    for preset in LinkPreset.all {
      #expect(try link("use: \(preset.name)").up == preset.up)
      #expect(preset.why.count > 20)
    }
    #expect(Set(LinkPreset.all.map(\.name)).count == LinkPreset.all.count)
  }

  @Test func anchorsAndAliases() throws {
    let links = try scenario(
      head + "links:\n  a: &home { rate: 5Mbps }\n  b: *home\nparticipants: { p: { link: b } }\n"
    ).links
    #expect(links[1].up == links[0].up)
  }
}

@Suite struct PeopleOfTheLanguage {
  private func group(_ fields: String, more: String = "") throws -> Scenario.Group {
    try scenario(head + more + "participants: { a: { \(fields) }, b: { count: 2 } }\n")
      .participants[0]
  }

  @Test func membersInSeveralRooms() throws {
    let group = try group("count: 2, join: { at: 1s, over: 4s }", more: "rooms: 2\n")
    #expect(
      group.members.map(\.identity) == ["a-1@room-1", "a-2@room-1", "a-1@room-2", "a-2@room-2"])
    #expect(group.members.map(\.joins.seconds) == [1, 3, 2, 4])
    #expect(group.members.map(\.index) == [0, 1, 2, 3])
    let one = try self.group("rooms: [east]", more: "rooms: [east, west]\n")
    #expect(one.members.map(\.identity) == ["a@east"])
  }

  @Test func rightsOfRoles() throws {
    #expect(try group("").grants == Scenario.Grants())
    #expect(try group("role: teacher").grants.roomAdmin)
    #expect(try group("role: viewer").grants.canPublish == false)
    #expect(try group("role: observer").grants.hidden)
    let grants = try group(
      "role: viewer, grants: { canPublish: true, canPublishSources: [microphone] }"
    ).grants
    #expect(grants.canPublish)
    #expect(grants.canPublishSources == [.microphone])
  }

  @Test func media() throws {
    let group = try group(
      """
      publish: [camera], microphone: { bitrate: 48kbps, dtx: false }, devices: all, tags: [x, y],
      camera: { codec: vp8, temporalLayers: 2, layers: [{ height: 360p, bitrate: 500kbps }] },
      reconnect: five-attempts
      """)
    #expect(group.publish == [.camera])
    #expect(group.microphone == .init(bitrate: .kbps(48), dtx: false))
    #expect(
      group.camera
        == .init(
          codec: .vp8,
          layers: [.init(height: 360, framesPerSecond: 30, bitrate: .kbps(500))],
          temporalLayers: 2))
    #expect(group.screenShare == .screenShare)
    #expect(group.tags == ["x", "y"])
    #expect(group.reconnect == "five-attempts")
    #expect(try self.group("devices: none").hasDevices == false)
  }

  @Test func attention() throws {
    #expect(try group("subscribe: none").subscribe == .none)
    #expect(
      try group("subscribe: { from: b, sources: [microphone] }").subscribe
        == .only(.init(from: ["b-1", "b-2"], sources: [.microphone])))
    #expect(try group("view: 180p").view == .init(speaker: .height(180), others: .height(180)))
    #expect(
      try group("view: { speaker: 720p, others: hidden, tiles: 9, of: { b: 360p } }").view
        == .init(
          speaker: .height(720), others: .hidden, tiles: 9,
          of: [
            .init(identity: "b-1", size: .height(360)), .init(identity: "b-2", size: .height(360)),
          ]))
  }

  @Test func talk() throws {
    #expect(try group("talk: never").talk == .never)
    let spells = try group("talk: [{ at: 5s, for: 2s }]")
    #expect(
      [4.9, 5, 6.9, 7].map { spells.talks(0, at: .seconds($0)) } == [false, true, true, false])
    let turns = try group("count: 2, talk: { turns: { each: 3s, gap: 1s, from: 2s } }")
    #expect(
      [1, 2, 4.9, 5, 6, 10, 14].map { turns.talks(0, at: .seconds($0)) }
        == [false, true, true, false, false, true, false])
    #expect([2, 6, 10].map { turns.talks(1, at: .seconds($0)) } == [false, true, false])
  }

  /// YAML 1.2: only true and false are booleans, and numbers are decimal.
  @Test func yaml12() throws {
    let scenario = try scenario(
      head + "name: no\nabout: 0x1F\nseed: 010\nparticipants: { on: { count: 2 } }\n")
    #expect(scenario.name == "no")
    #expect(scenario.about == "0x1F")
    #expect(scenario.seed == 10)
    #expect(scenario.members.map(\.identity) == ["on-1", "on-2"])
  }

  @Test func options() throws {
    let scenario = try scenario(
      head + """
        crypto: cleartext
        media: { encode: 1ms, decode: 2ms, render: 3ms }
        links: { dc: { use: perfect } }
        sfu:
          maxParticipants: 5
          subscriberLimit: 2Mbps
          dynacast: false
          mutant: noRetransmission
          token: { ttl: 1h }
          link: dc
          remoteUnmute: ask
        participants: { a: {} }
        """)
    #expect(scenario.crypto == .cleartext)
    #expect(
      scenario.media
        == .init(encode: .milliseconds(1), decode: .milliseconds(2), render: .milliseconds(3)))
    #expect(
      scenario.sfu
        == .init(
          maxParticipants: 5, subscriberLimit: .kbps(2_000), dynacast: false,
          mutant: "noRetransmission",
          tokenTTL: .seconds(3_600), link: "dc", remoteUnmute: .ask))
  }
}

@Suite struct EventsOfTheLanguage {
  private func events(_ list: String) throws -> [Scenario.Event] {
    try scenario(
      head + "links: { l: {} }\nparticipants: { t: { link: l }, s: { count: 2 } }\n"
        + "events:\n\(list)"
    ).events
  }

  private func people(_ label: String, _ identities: [String]) -> Scenario.Event.Target {
    .participants(label: label, identities: identities)
  }

  @Test func theyAreInOrderOfTimeAndSpansBecomePairs() throws {
    let events = try events(
      """
        - { at: 30s, participant: s-1, do: cameraOff }
        - { at: 10s, group: s, do: mute, for: 5s }
        - { at: 55s, participant: t, do: leave, for: 5s }
      """)
    #expect(
      events == [
        .init(at: .seconds(10), target: people("s", ["s-1", "s-2"]), action: .mute),
        .init(at: .seconds(15), target: people("s", ["s-1", "s-2"]), action: .unmute),
        .init(at: .seconds(30), target: people("s-1", ["s-1"]), action: .cameraOff),
        .init(at: .seconds(55), target: people("t", ["t"]), action: .leave),
      ])
  }

  @Test func arguments() throws {
    let actions = try events(
      """
        - { at: 1s, participant: t, do: promote, who: s, grants: { canPublish: true } }
        - { at: 2s, room: main, do: removeParticipant, who: s-2 }
        - { at: 3s, participant: t, do: muteParticipant, who: s-1 }
        - { at: 4s, participant: t, do: view, of: s-1, size: 360p, fps: 15fps, priority: 2 }
        - { at: 5s, participant: t, do: subscribe, from: [s-1], sources: [camera] }
        - { at: 6s, participant: t, do: switchCamera, size: 480p }
        - { at: 7s, link: l, do: blackout, for: 2s }
        - { at: 8s, sfu: all, set: { subscriberLimit: 1Mbps }, for: 3s }
        - { at: 9s, link: l.down, set: { loss: 5%, queue: 50ms } }
      """)
    var grants = Scenario.GrantFields()
    grants.canPublish = true
    var fields = Scenario.LinkFields()
    fields.loss = .random(0.05)
    fields.queue = .time(.milliseconds(50))
    #expect(
      actions.map(\.action) == [
        .promote(who: ["s-1", "s-2"], grants), .removeParticipant(who: ["s-2"]),
        .muteParticipant(who: ["s-1"], source: .microphone),
        .view(of: ["s-1"], size: .height(360), framesPerSecond: 15, priority: 2),
        .subscribe(.init(from: ["s-1"], sources: [.camera])), .switchCamera(height: 480),
        .blackout(),
        .limitSubscriber(.kbps(1_000)), .setLink(fields),
      ])
    #expect(actions[1].target == .room("main"))
    #expect(actions[6].target == .link("l", nil))
    #expect(actions[7].target == .sfu)
    #expect(actions[7].duration == .seconds(3))
  }
}

@Suite struct MatrixOfTheLanguage {
  @Test func theProductInOrder() throws {
    let text =
      head + """
        links: { l: { use: lte } }
        participants: { a: { link: l }, b: { count: 2 } }
        expect:
          - { id: x, of: a, metric: roundTripTime, stat: p95, under: 100ms }
        matrix:
          participants.b.count: [1, 3]
          links.l.down.loss: [0%, { gilbertElliott: { p: 1%, r: 50% } }]
          expect.0.under: [50ms]
        """
    #expect(throws: ScenarioError.self) { try ScenarioFile.parse(Array(text.utf8), file: "m.yaml") }
    let plain = text.replacing("{ gilbertElliott: { p: 1%, r: 50% } }", with: "2%")
    let variants = try ScenarioFile.parse(Array(plain.utf8), file: "m.yaml")
    #expect(
      variants.map { $0.assignments.map(\.value) } == [
        ["1", "0%", "50ms"], ["1", "2%", "50ms"], ["3", "0%", "50ms"], ["3", "2%", "50ms"],
      ])
    #expect(variants.map { $0.scenario.members.count } == [2, 2, 4, 4])
    #expect(variants[1].scenario.links[0].down.loss == .random(0.02))
    #expect(variants[1].scenario.links[0].up.loss == .none)
    #expect(variants[0].scenario.expectations[0].limit == 50)
  }

  @Test func tooManyVariants() {
    let values = (1...40).map(String.init).joined(separator: ", ")
    let text =
      head + "participants: { a: { count: 1 } }\nmatrix:\n  seed: [\(values)]\n"
      + "  participants.a.count: [\(values)]\n"
    #expect(
      throws: ScenarioError(
        SourceMark(file: "m.yaml", line: 6, column: 3),
        "more than 1000 variants; take some values out")
    ) { try ScenarioFile.parse(Array(text.utf8), file: "m.yaml") }
  }
}

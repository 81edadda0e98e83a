// Every fault of the scenario language strikes what it names, and heals.

import Basics
import Bots
import NetSim
import Testing

@testable import Lab
@testable import Scenario

/// A call of ada and bob with these events.
struct FaultCall {
  var events: String
  var bob = "link: home"
  var policy = "livekit-rust"
  var duration = 30
  var head = ""

  /// The world at the end.
  func play(seed: UInt64 = 5) throws -> World {
    let text = """
      assay: 1
      name: fault
      seed: \(seed)
      duration: \(duration)s
      \(head)
      links:
        home: { rate: 20Mbps, delay: 15ms }
        mobile: { use: lte }
      participants:
        ada: { link: home, publish: [camera], reconnect: \(policy), \(FaultCall.camera) }
        bob: { \(bob), publish: [camera], reconnect: \(policy), \(FaultCall.camera) }
      events:
      \(events.split(separator: "\n").map { "  - { \($0) }" }.joined(separator: "\n"))
      expect:
        - { id: in, of: all, metric: assay.joined, stat: last, equals: 1 }
      """
    let scenario = try ScenarioFile.parse(Array(text.utf8), file: "inline")[0].scenario
    let world = try World(scenario, seed: seed)
    var director = Director(world: world)
    for step in Timeline(scenario).steps where step.at < .zero + scenario.duration {
      world.simulator.run(until: step.at)
      try director.perform(step)
    }
    world.simulator.run(until: .zero + scenario.duration)
    for seat in world.seats { seat.bot.finish(at: .zero + scenario.duration) }
    return world
  }

  static let camera = "camera: { layers: [{ height: 180p, fps: 10, bitrate: 100kbps }] }"
}

extension World {
  /// Frames a second that `viewer` saw of `publisher`, by the second at whose end they were counted.
  func frameRates(_ viewer: String, of publisher: String) -> [Int: Double] {
    var result: [Int: Double] = [:]
    for series in seat(viewer)?.bot.series ?? []
    where series.metric == "framesPerSecond" && series.peer == publisher {
      for (time, value) in zip(series.samples.times, series.samples.values) {
        result[Int((Double(time) / 1e9).rounded()), default: 0] += value
      }
    }
    return result
  }

  /// Whether either saw the other in each of these seconds.
  func isSeen(_ viewer: String, _ publisher: String, in seconds: ClosedRange<Int>) -> Bool {
    let rates = frameRates(viewer, of: publisher)
    return seconds.allSatisfy { (rates[$0] ?? 0) > 0 }
  }

  func isDark(_ viewer: String, _ publisher: String, in seconds: ClosedRange<Int>) -> Bool {
    let rates = frameRates(viewer, of: publisher)
    return seconds.allSatisfy { (rates[$0] ?? 0) == 0 }
  }

  func reconnections(_ identity: String) -> [Reconnection] {
    seat(identity)?.bot.observations.reconnections ?? []
  }
}

@Suite struct NetworkFaults {
  @Test func blackoutOfOneDirectionLeavesTheOther() throws {
    let world = try FaultCall(
      events: "at: 10s, participant: bob, do: blackout, direction: up, for: 4s"
    ).play()
    #expect(world.isDark("ada", "bob", in: 12...14))
    #expect(world.isSeen("bob", "ada", in: 5...14))
    #expect(world.isSeen("ada", "bob", in: 20...30))
  }

  @Test func mediaOnlyLossLeavesICEAndSignallingAlone() throws {
    let world = try FaultCall(
      events: "at: 10s, participant: bob, do: blackout, only: media, for: 8s"
    ).play()
    #expect(world.isDark("ada", "bob", in: 12...17))
    #expect(world.isDark("bob", "ada", in: 12...17))
    #expect(world.isSeen("bob", "ada", in: 21...30))
    #expect(world.reconnections("bob").isEmpty)
    #expect(world.simulator.statistics(of: world.seat("bob")!.up!).dropped[.blocked] > 0)
  }

  @Test func iceOnlyLossOfAShortTimeIsNotNoticed() throws {
    let world = try FaultCall(
      events: "at: 10s, participant: bob, do: blackout, only: ice, for: 8s"
    ).play()
    #expect(world.isSeen("ada", "bob", in: 5...30))
    #expect(world.reconnections("bob").isEmpty)
  }

  @Test func theTransportFailsWithoutICE() throws {
    let world = try FaultCall(
      events: "at: 10s, participant: bob, do: blackout, only: ice, for: 40s", duration: 70
    ).play()
    let lost = try #require(world.reconnections("bob").first?.lost)
    // libwebrtc: fifteen seconds after the first check without an answer, up to 2.5 s after the fault.
    #expect(lost > .seconds(25) && lost < .seconds(28))
    #expect(world.seat("bob")?.bot.state == .connected)
    #expect(world.isSeen("ada", "bob", in: 60...70))
  }

  @Test func datagramLossIsSurvivedWithinTheSession() throws {
    let world = try FaultCall(
      events: "at: 10s, participant: bob, do: blackout, only: datagrams, for: 8s"
    ).play()
    #expect(world.isDark("ada", "bob", in: 12...17))
    #expect(world.isSeen("bob", "ada", in: 21...30))
    #expect(world.seat("bob")?.bot.observations.sessions.count == 1)
  }

  @Test func overlappingFaultsHealWithTheLast() throws {
    let world = try FaultCall(
      events: """
        at: 10s, participant: bob, do: blackout, only: media, for: 4s
        at: 12s, participant: bob, do: blackout, only: media, for: 6s
        """
    ).play()
    #expect(world.isDark("ada", "bob", in: 12...17))
    #expect(world.isSeen("ada", "bob", in: 21...30))
  }

  @Test(arguments: ["overlap: 2s", "gap: 1s", ""]) func handover(_ way: String) throws {
    let more = way.isEmpty ? "" : ", \(way)"
    let world = try FaultCall(
      events: "at: 10s, participant: bob, do: handover, to: mobile\(more)"
    ).play()
    #expect(world.seat("bob")?.bot.state == .connected)
    #expect(world.isSeen("ada", "bob", in: 16...30))
    #expect(world.isSeen("bob", "ada", in: 16...30))
    let bob = try #require(world.seat("bob"))
    #expect(bob.addresses.count == 2)
    #expect(world.simulator.statistics(of: bob.up!).delivered > 300, "over the new link")
    if way.hasPrefix("overlap") { #expect(world.isSeen("bob", "ada", in: 5...30)) }
  }

  @Test(
    arguments: ["endpointIndependent", "addressDependent", "addressAndPortDependent"],
    ["endpointIndependent", "addressAndPortDependent"])
  func rebindingOfEveryNAT(mapping: String, filtering: String) throws {
    let world = try FaultCall(
      events: "at: 10s, participant: bob, do: rebindNAT",
      bob: "link: home, nat: { mapping: \(mapping), filtering: \(filtering) }"
    ).play()
    #expect(world.isSeen("ada", "bob", in: 5...9))
    #expect(world.isSeen("ada", "bob", in: 15...30))
    #expect(world.isSeen("bob", "ada", in: 15...30))
  }

  @Test func ipv6MayGoWhileIPv4Lives() throws {
    let world = try FaultCall(
      events: "at: 10s, participant: bob, do: blackout, only: ipv6, for: 15s",
      bob: "link: home, ipv6: true"
    ).play()
    #expect(world.isDark("bob", "ada", in: 12...12), "media went over IPv6")
    #expect(world.isSeen("bob", "ada", in: 16...24), "and then over IPv4")
    #expect(world.isSeen("ada", "bob", in: 16...24))
    #expect(world.reconnections("bob").isEmpty)
  }

  @Test func largePacketsVanishAboveTheMTU() throws {
    let world = try FaultCall(
      events: "at: 10s, link: home.up, set: { mtu: 600B }, for: 5s"
    ).play()
    let up = try #require(world.seat("bob")?.up)
    #expect(world.simulator.statistics(of: up).dropped[.tooLarge] > 0)
    #expect(world.seat("bob")?.bot.state == .connected)
    #expect(world.isSeen("ada", "bob", in: 18...30))
  }

  @Test(arguments: [5, 25, 60]) func aSuspendedLaptopComesBack(seconds: Int) throws {
    let world = try FaultCall(
      events: "at: 10s, participant: bob, do: suspend, for: \(seconds)s", duration: seconds + 30
    ).play()
    #expect(world.isDark("ada", "bob", in: 12...(9 + seconds)))
    #expect(world.seat("bob")?.bot.state == .connected)
    #expect(world.isSeen("ada", "bob", in: (seconds + 20)...(seconds + 30)))
    #expect(world.isSeen("bob", "ada", in: (seconds + 20)...(seconds + 30)))
  }

  @Test func slowSignallingSlowsTheJoin() throws {
    func connectTime(_ events: String) throws -> Double {
      let world = try FaultCall(events: events).play()
      let session = try #require(world.seat("bob")?.bot.observations.sessions.last)
      return try #require(session.connected).milliseconds - session.requested.milliseconds
    }
    let usual = try connectTime("at: 10s, participant: bob, do: leave, for: 1s")
    let slow = try connectTime(
      """
      at: 9s, participant: bob, do: slowSignalling, by: 300ms, for: 15s
      at: 10s, participant: bob, do: leave, for: 1s
      """)
    #expect(slow > usual + 900)
  }

  @Test(arguments: [true, false]) func theSFURestarts(keepsState: Bool) throws {
    let world = try FaultCall(
      events: "at: 10s, sfu: all, do: crash, keepsState: \(keepsState), for: 3s", duration: 40
    ).play()
    for identity in ["ada", "bob"] {
      #expect(world.seat(identity)?.bot.state == .connected)
      let reconnection = try #require(world.reconnections(identity).first)
      #expect(reconnection.wasResumed == keepsState)
    }
    #expect(world.isDark("ada", "bob", in: 12...13))
    #expect(world.isSeen("ada", "bob", in: 25...40))
    #expect(world.isSeen("bob", "ada", in: 25...40))
  }

  @Test func anOverloadedSFUDropsAndRecovers() throws {
    let world = try FaultCall(
      events: "at: 10s, sfu: all, do: overload, perPacket: 30ms, for: 5s"
    ).play()
    #expect(world.simulator.dropped[.overload] > 0)
    #expect(world.isSeen("ada", "bob", in: 20...30))
  }

  @Test func aDrainedSFUHandsEverybodyOver() throws {
    let world = try FaultCall(events: "at: 10s, sfu: all, do: drain, over: 2s").play()
    for identity in ["ada", "bob"] {
      #expect(world.seat(identity)?.bot.state == .connected)
      #expect(world.reconnections(identity).count == 1)
    }
    #expect(world.isSeen("ada", "bob", in: 15...30))
    #expect(world.isSeen("bob", "ada", in: 15...30))
  }
}

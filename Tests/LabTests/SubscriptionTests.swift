// `subscribe:` with a selection: what is asked for comes, whenever it is published, and nothing else does.

import Basics
import Bots
import Signal
import Testing

@testable import Lab
@testable import Scenario

@Suite struct SubscriptionTests {
  private func received(
    _ subscribe: String, events: String = "", duration: Int = 12
  ) throws -> (packets: [String: Int], seat: World.Seat) {
    let text = """
      assay: 1
      seed: 3
      duration: \(duration)s
      links:
        home: { rate: 20Mbps, delay: 15ms }
      participants:
        ada: { link: home, publish: [camera, microphone], \(smallCamera) }
        bob: { link: home, publish: [camera, microphone], \(smallCamera) }
        late: { link: home, join: { at: 5s }, publish: [camera], \(smallCamera) }
        viewer: { link: home, join: { at: 1s }, subscribe: \(subscribe) }
      \(events)
      expect:
        - { id: in, of: ada, metric: assay.joined, stat: last, equals: 1 }
      """
    let scenario = try ScenarioFile.parse(Array(text.utf8), file: "inline")[0].scenario
    let world = try World(scenario, seed: 3)
    var director = Director(world: world)
    _ = try Runner.play(Timeline(scenario), by: &director, in: world)
    let seat = try #require(world.seat("viewer"))
    var packets: [String: Int] = [:]
    for track in seat.bot.inbound {
      packets["\(track.publisher) \(track.source)", default: 0] += Int(track.packetsReceived)
    }
    return (packets.filter { $0.value > 0 }, seat)
  }

  @Test(arguments: [
    ("all", ["ada camera", "ada microphone", "bob camera", "bob microphone", "late camera"]),
    ("none", []),
    ("{ from: ada }", ["ada camera", "ada microphone"]),
    ("{ from: [bob, late], sources: [camera] }", ["bob camera", "late camera"]),
    ("{ sources: [microphone] }", ["ada microphone", "bob microphone"]),
  ])
  func whatIsSelectedComes(subscribe: String, expected: [String]) throws {
    #expect(try received(subscribe).packets.keys.sorted() == expected)
  }

  @Test func aSelectionOutlivesTheSessionAndYieldsToThePerson() throws {
    let lost = "events:\n  - { at: 4s, participant: viewer, do: loseSignalling, for: 50s }"
    let after = try received("{ from: late }", events: lost, duration: 80)
    #expect(after.packets.keys.sorted() == ["late camera"])
    #expect(after.seat.bot.state == .connected)
    let declined = """
      events:
        - { at: 4s, participant: viewer, do: unsubscribe, from: ada }
        - { at: 6s, participant: bob, do: mute }
      """
    let (packets, seat) = try received("{ from: ada }", events: declined)
    let usual = try received("{ from: ada }").packets
    #expect(try #require(packets["ada camera"]) < (usual["ada camera"] ?? 0) / 2)
    #expect(seat.bot.beliefs["ada"]?.receivesUnwanted != true)
  }
}

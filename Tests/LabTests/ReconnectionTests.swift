// Losing the room and coming back: resume, full rejoin, giving up.

import Basics
import Bots
import Results
import Testing

@testable import Lab
@testable import Scenario

@Suite struct ReconnectionTests {
  private func run(_ events: String, policy: String, duration: Int = 30) throws -> World {
    let text = """
      assay: 1
      name: reconnection
      seed: 5
      duration: \(duration)s
      links:
        home: { rate: 20Mbps, delay: 15ms }
      participants:
        ada: { link: home, publish: [microphone] }
        bob: { link: home, publish: [camera], reconnect: \(policy),
               camera: { layers: [{ height: 90p, fps: 5, bitrate: 60kbps }] } }
      events:
      \(events)
      expect:
        - { id: in, of: ada, metric: assay.joined, stat: last, equals: 1 }
      """
    let scenario = try ScenarioFile.parse(Array(text.utf8), file: "inline")[0].scenario
    let world = try World(scenario, seed: 5)
    var director = Director(world: world)
    _ = try Runner.play(Timeline(scenario), by: &director, in: world)
    return world
  }

  @Test(arguments: ["livekit-js", "livekit-rust", "five-attempts"])
  func shortLossIsResumed(policy: String) throws {
    let world = try run(
      "  - { at: 8s, participant: bob, do: loseSignalling, for: 3s }", policy: policy)
    let bob = try #require(world.seat("bob")).bot
    #expect(bob.state == .connected)
    let reconnection = try #require(bob.observations.reconnections.first)
    #expect(bob.observations.reconnections.count == 1)
    #expect(reconnection.wasResumed)
    let back = try #require(reconnection.back)
    #expect(back - reconnection.lost >= .seconds(3))
    #expect(zip(reconnection.attempts, reconnection.attempts.dropFirst()).allSatisfy { $0 < $1 })
    #expect(bob.observations.sessions.count == 1, "the session went on")
  }

  @Test func lossBeyondTheSFUsPatienceIsRejoined() throws {
    let world = try run(
      "  - { at: 8s, participant: bob, do: loseSignalling, for: 50s }", policy: "livekit-js",
      duration: 90)
    let bob = try #require(world.seat("bob")).bot
    #expect(bob.state == .connected)
    let reconnection = try #require(bob.observations.reconnections.first)
    #expect(!reconnection.wasResumed, "the SFU had let the session go")
    let ada = try #require(world.seat("ada")).bot
    let streams = ada.inbound.filter { $0.publisher == "bob" && $0.kind == .video }
    #expect(streams.count == 2 && streams.allSatisfy { $0.framesDecoded > 0 })
  }

  @Test func givesUpAfterTheLastAttempt() throws {
    let world = try run(
      "  - { at: 8s, participant: bob, do: loseSignalling, for: 110s }", policy: "five-attempts",
      duration: 120)
    let bob = try #require(world.seat("bob")).bot
    #expect(bob.state == .disconnected(.gaveUp(attempts: 5, lastAnswer: nil)))
    #expect(bob.observations.reconnections.first?.attempts.count == 5)
  }
}

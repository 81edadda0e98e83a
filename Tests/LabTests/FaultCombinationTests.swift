// Faults that meet other faults, choices and flows; each was found by somebody who tried.

import Basics
import Bots
import NetSim
import Results
import Testing

@testable import Lab
@testable import Scenario

@Suite struct FaultCombinations {
  // MARK: - Networks

  @Test func noTwoNetworksShareAnAddress() {
    let group = Scenario.Group(name: "ada", rooms: ["room"])
    let networks = (1...254).flatMap {
      World.interfaces(of: group, number: 1, network: $0, cost: 0).map(\.ip)
    }
    let hosts = (1...600).flatMap {
      World.sfuInterfaces($0, Scenario(file: "", name: "", duration: .seconds(1))).map(\.ip)
    }
    #expect(Set(networks + hosts).count == 854)
    #expect(
      World.interfaces(of: group, number: 1, network: 255, cost: 0).map(\.ip)
        == World.interfaces(of: group, number: 1, network: 1, cost: 0).map(\.ip),
      "a device that has been everywhere gets its first address again")
  }

  @Test func aHandoverDisturbsNoFlow() throws {
    let world = try FaultCall(
      events: "at: 8s, participant: bob, do: handover, to: mobile", duration: 15,
      head: "flows: { x: { via: [home], udp: { rate: 1Mbps } } }"
    ).play()
    #expect(world.isSeen("ada", "bob", in: 12...15))
  }

  @Test func ofTwoHandoversTheLastDecides() throws {
    let world = try FaultCall(
      events: """
        at: 8s, participant: bob, do: handover, to: mobile, gap: 2s
        at: 9s, participant: bob, do: handover, to: home, gap: 2s
        """
    ).play()
    let bob = try #require(world.seat("bob"))
    #expect(world.interfaces(of: "bob").count == 1)
    #expect(bob.addresses.count == 2, "the first one came to nothing")
    #expect(world.isSeen("ada", "bob", in: 16...30))
  }

  @Test func twoOverlapsEndOneByOne() throws {
    let world = try FaultCall(
      events: """
        at: 8s, participant: bob, do: handover, to: mobile, overlap: 4s
        at: 10s, participant: bob, do: handover, to: home, overlap: 8s
        """, duration: 20
    ).play()
    #expect(world.interfaces(of: "bob").count == 1)
    #expect(world.seat("bob")?.addresses.count == 3)
    #expect(world.isSeen("ada", "bob", in: 12...18))
  }

  @Test(arguments: ["link: home", "link: home, nat: {}"])
  func signallingIsLostBehindANATToo(bob: String) throws {
    let world = try FaultCall(
      events: "at: 10s, participant: bob, do: loseSignalling, for: 5s", bob: bob
    ).play()
    let back = try #require(world.reconnections("bob").first?.back)
    #expect(back > .seconds(15))
  }

  @Test func aDrainOfADeadServerSendsClientsToTheNextOne() throws {
    let world = try FaultCall(
      events: """
        at: 8s, sfu: all, do: crash, for: 10s
        at: 10s, sfu: all, do: drain, over: 1s
        """
    ).play()
    #expect(world.sfuHosts.count == 2)
    #expect(world.isSeen("ada", "bob", in: 17...18), "before the first one would have been back")
  }

  // MARK: - Sleep

  @Test func whoSleepsDoesNothing() throws {
    let world = try FaultCall(
      events: """
        at: 8s, participant: bob, do: suspend, for: 6s
        at: 10s, participant: bob, do: cameraOff
        at: 11s, participant: bob, do: handover, to: mobile
        """
    ).play()
    let seen = try #require(world.seat("ada")?.bot.observations.mutes.first)
    #expect(seen.isMuted && seen.at > .seconds(14))
    let states = try #require(world.seat("bob")?.bot.observations.states)
    #expect(!states.contains { $0.at > .seconds(8) && $0.at < .seconds(14) })
  }

  @Test func whoLeavesAsleepIsGoneAfterwards() throws {
    let world = try FaultCall(
      events: """
        at: 8s, participant: bob, do: suspend, for: 6s
        at: 10s, participant: bob, do: leave
        """
    ).play()
    let last = try #require(world.seat("bob")?.bot.observations.states.last)
    #expect(last.state == .disconnected(.left) && last.at >= .seconds(14))
  }

  @Test func whoLeftMeanwhileIsGoneAfterAResume() throws {
    let world = try FaultCall(
      events: """
        at: 8s, participant: ada, do: loseSignalling, for: 3s
        at: 9s, participant: bob, do: leave
        """, duration: 20
    ).play()
    let ada = try #require(world.seat("ada")).bot
    #expect(ada.state == .connected && world.reconnections("ada").first?.wasResumed == true)
    #expect(ada.beliefs["bob"]?.isPresent != true)
  }

  // MARK: - Answers

  private static func rush(_ jitter: String = "full") -> String {
    """
    assay: 1
    name: rush
    duration: 30s
    sfu: { joinRate: 5/s }
    links: { home: { rate: 20Mbps, delay: 10ms } }
    participants:
      student: { count: 20, link: home, publish: [], reconnect: livekit-js }
    expect:
      - { id: in, of: all, metric: assay.joined, stat: last, equals: 1 }
      - { id: spread, of: all, metric: assay.connectTime, stat: max, over: 2s, across: pooled }
    """
  }

  @Test func everybodyGetsInAtTheRateOfJoins() throws {
    let result = try run(FaultCombinations.rush())
    #expect(result.verdict == .pass, "\(result.failures)")
  }

  @Test func sessionsThatGoOnCostNoBudget() throws {
    let result = try run(
      """
      assay: 1
      name: resumes
      duration: 30s
      sfu: { joinRate: 2/s }
      links: { home: { rate: 20Mbps, delay: 10ms } }
      participants:
        student: { count: 10, link: home, join: { over: 6s }, publish: [], reconnect: livekit-js }
      events:
        - { at: 12s, group: student, do: loseSignalling, for: 1s }
      expect:
        - { id: all, of: all, metric: assay.reconnectFromHeal, stat: max, under: 3s }
        - { id: resumed, of: all, metric: assay.resumed, stat: min, equals: 1 }
      """)
    #expect(result.verdict == .pass, "\(result.failures)")
  }

  /// A scenario of ada, and of what `rest` adds, whose tokens are good for a minute.
  private func withShortTokens(_ rest: String) throws -> ScenarioVariant {
    let text = """
      assay: 1
      name: tokens
      duration: 900s
      sfu: { token: { ttl: 60s } }
      crypto: cleartext
      links: { home: { rate: 20Mbps, delay: 10ms } }
      participants:
        ada: { link: home, publish: [] }

      """
    return try ScenarioFile.parse(Array((text + rest).utf8), file: "inline")[0]
  }

  /// Asleep for longer than the SFU refreshes tokens for.
  private func oversleep(_ policy: String) throws -> BotState {
    let scenario = try withShortTokens(
      """
        bob: { link: home, publish: [], reconnect: \(policy) }
      events:
        - { at: 20s, participant: bob, do: suspend, for: 700s }
      """
    ).scenario
    let world = try World(scenario, seed: 1)
    var director = Director(world: world)
    _ = try Runner.play(Timeline(scenario), by: &director, in: world)
    return try #require(world.seat("bob")).bot.state
  }

  @Test func aRefusedTokenEndsTheAttemptsOfThoseWhoTakeItForAnAnswer() throws {
    guard case .disconnected(.refused(let refusal)) = try oversleep("livekit-js") else {
      Issue.record("not refused")
      return
    }
    #expect(refusal.status == 401 && refusal.text.contains("expired"))
  }

  @Test func whoTriesOnSaysWhatTheLastAnswerWas() throws {
    guard
      case .disconnected(.gaveUp(let attempts, let answer?)) = try oversleep("livekit-rust")
    else {
      Issue.record("did not give up with an answer")
      return
    }
    #expect(attempts == 10 && answer.status == 401)
  }

  /// However long after the run's start.
  @Test func whoJoinsLateHasATokenOfThen() throws {
    let variant = try withShortTokens(
      """
        bob: { link: home, publish: [], join: { at: 500s } }
      events:
        - { at: 20s, participant: ada, do: leave }
        - { at: 600s, participant: ada, do: join }
      expect:
        - { id: in, of: all, metric: assay.joined, stat: last, equals: 1 }
        - { id: quick, of: all, metric: assay.connectTime, stat: max, under: 3s }
      """)
    let result = try Runner.run(variant, sha256: "")
    #expect(result.verdict == .pass, "\(result.failures)")
  }

  // MARK: - Verdicts

  /// What is no fault of the SFU's breaks no rule.
  @Test(
    arguments: [
      // The packet that was on its way when the right to it ended.
      (
        "ada: { link: home, publish: [camera, microphone] }\n  s: { link: home }",
        "{ at: 5s, room: main, do: demote, who: [s], grants: { canSubscribe: false } }"
      ),
      // What somebody chose meanwhile.
      (
        "ada: { link: home, publish: [camera, microphone] }\n  s: { link: home }",
        "{ at: 5s, participant: ada, do: blackout, for: 4s }\n"
          + "  - { at: 6s, participant: ada, do: cameraOff }"
      ),
      (
        "ada: { link: home, publish: [camera, microphone] }\n  s: { link: home }",
        "{ at: 5s, participant: s, do: blackout, for: 12s }\n"
          + "  - { at: 7s, participant: s, do: unsubscribe, from: ada }"
      ),
      // As often as the policy has it, and no more.
      (
        "ada: { link: home, publish: [camera, microphone] }\n  "
          + "s: { link: home, publish: [camera], reconnect: five-attempts }",
        "{ at: 5s, participant: s, do: blackout, for: 90s }"
      ),
      // The token of a rejoin is older than the word that took its right away.
      (
        "ada: { link: home, publish: [camera, microphone] }\n  "
          + "s: { link: home, publish: [microphone] }",
        "{ at: 5s, participant: s, do: suspend, for: 35s }\n"
          + "  - { at: 10s, room: main, do: demote, who: [s], grants: { canPublish: false } }"
      ),
      // Nothing larger gets through, however often it is sent.
      ("ada: { link: home, publish: [camera, microphone] }\n  s: { link: narrow }", nil),
    ] as [(String, String?)])
  func isNoFaultOfTheSFU(people: String, events: String?) throws {
    let result = try run(
      """
      assay: 1
      name: innocent
      duration: 130s
      links:
        home: { rate: 20Mbps, delay: 10ms }
        narrow: { rate: 20Mbps, delay: 10ms, mtu: 600B }
      participants:
        \(people)
      \(events.map { "events:\n  - \($0)" } ?? "")
      expect:
        - { id: there, of: ada, metric: assay.joined, stat: last, equals: 1 }
      """)
    #expect(result.verdict == .pass, "\(result.failures)")
  }

  @Test func joinsThatFailKeepToThePolicyToo() throws {
    let crash = { (mutant: String) in
      """
      assay: 1
      name: late
      duration: 60s
      links: { home: { rate: 20Mbps, delay: 10ms } }
      participants:
        ada: { link: home, join: { at: 5s }, publish: [], reconnect: livekit-js\(mutant) }
      events:
        - { at: 1s, sfu: all, do: crash, for: 20s }
      expect:
        - { id: in, of: ada, metric: assay.joined, stat: last, equals: 1 }
      """
    }
    let sound = try run(crash(""))
    #expect(sound.verdict == .pass, "\(sound.failures)")
    let broken = try run(crash(", mutant: constantDelay"))
    #expect(broken.failed.contains("rule/backoff"), "\(broken.failures)")
  }

  @Test(arguments: ["blackout", "suspend"]) func dataGoesOnSoonAfterAnOutage(fault: String) throws {
    let result = try run(
      """
      assay: 1
      name: data
      duration: 50s
      links: { home: { rate: 20Mbps, delay: 10ms } }
      participants:
        ada: { link: home, publish: [microphone], data: { every: 300ms } }
        bob: { link: home, publish: [microphone], data: { every: 300ms } }
      events:
        - { at: 10s, participant: bob, do: \(fault), for: 14s }
      expect:
        - { id: soon, of: all, metric: assay.dataDelay, stat: max, under: 18s }
        - { id: all, of: all, metric: assay.dataLost, stat: last, equals: 0 }
      """)
    #expect(result.verdict == .pass, "\(result.failures)")
  }

  @Test(
    arguments: [
      "sfu: all, do: crash, for: 3s", "participant: ada, do: suspend, for: 40s",
    ])
  func whatIsNotWantedStaysAwayWhoeverComesBack(fault: String) throws {
    let result = try run(
      """
      assay: 1
      name: unwanted
      duration: 80s
      links: { home: { rate: 20Mbps, delay: 10ms } }
      participants:
        ada: { link: home, publish: [camera, microphone], \(smallCamera) }
        bob: { link: home }
      events:
        - { at: 5s, participant: bob, do: unsubscribe, from: ada, sources: [camera] }
        - { at: 10s, \(fault) }
      expect:
        - { id: none, of: bob, metric: framesPerSecond, stat: max, atMost: 20, window: 70s..80s }
      """)
    #expect(result.failed.isEmpty || result.failed == ["none"], "\(result.failures)")
    let bob = try #require(result.participants.first { $0.identity == "bob" })
    let later = bob.inbound.filter { $0.source == "camera" }.dropFirst()
    #expect(
      later.allSatisfy { ($0.values.first { $0.metric == "framesDecoded" }?.value ?? 0) < 60 })
  }
}

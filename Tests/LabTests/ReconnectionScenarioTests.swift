// The scenarios of scenarios/reconnection hold for the SFU and the clients as they are, and each fails
// with the mutant that it was made for.

import Basics
import Bots
import Foundation
import RefSFU
import Results
import Testing

@testable import Lab
@testable import Scenario

private let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent()
  .appendingPathComponent("scenarios/reconnection").path

private let names =
  ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
  .filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()

@Suite struct ReconnectionScenarios {
  @Test(arguments: names) func isReadAndSaysWhatItIs(_ name: String) throws {
    for variant in try ScenarioFile.load("\(folder)/\(name).yaml") {
      #expect(variant.scenario.name == name)
      #expect(!variant.scenario.about.isEmpty)
      #expect(variant.scenario.expectations.count >= 3)
    }
  }

  /// Every kind of fault that an event can be is in one of them.
  @Test func thereIsOneForEachFault() throws {
    let scenarios = try names.map { try ScenarioFile.load("\(folder)/\($0).yaml")[0].scenario }
    let features = Set(scenarios.flatMap(\.features))
    let kinds = [
      "blackout of everything", "blackout of media", "blackout of ice", "blackout of datagrams",
      "blackout of ipv6", "loseSignalling", "slowSignalling", "handover", "rebindNAT", "suspend",
      "link mtu", "crash", "overload", "drain",
    ]
    #expect(kinds.filter { !features.contains("fault/\($0)") }.isEmpty)
    #expect(scenarios.contains { $0.swarm != nil })
  }

  /// What only the fault brings about is asked for, so that a fault that does not strike is noticed. The
  /// large ones are left to the gate.
  @Test(
    arguments: names.filter { !["sfu-crash-100", "storm", "swarm", "token-expiry"].contains($0) })
  func doesNotPassWithoutItsFault(_ name: String) throws {
    let result = try play(name) { scenario in
      scenario.events.removeAll { $0.action.isImpairment }
    }
    #expect(result.verdict != .pass)
  }

  private func play(_ name: String, _ change: (inout Scenario) -> Void = { _ in }) throws
    -> RunResult
  {
    var variant = try ScenarioFile.load("\(folder)/\(name).yaml")[0]
    change(&variant.scenario)
    return try Runner.run(variant, sha256: "")
  }

  /// A few of each kind; a gate over the folder runs them all.
  @Test(
    arguments: [
      "backoff-five", "blackout", "handover-overlap", "media-only", "nat-rebinding",
      "rolling-restart", "sfu-crash", "signalling-lost-data", "suspend",
    ])
  func passes(_ name: String) throws {
    let result = try play(name)
    #expect(result.verdict == .pass, "\(result.failures)")
  }

  struct Trap: Sendable, CustomTestStringConvertible {
    var scenario: String
    var mutant: ClientMutant
    /// What must fail.
    var assertion: String

    var testDescription: String { "\(mutant) fails \(scenario)" }
  }

  static let traps = [
    Trap(scenario: "handover-gap", mutant: .noResume, assertion: "resumes"),
    Trap(scenario: "handover-overlap", mutant: .noResume, assertion: "resumes"),
    Trap(scenario: "nat-rebinding", mutant: .noResume, assertion: "resumes"),
    Trap(scenario: "sfu-crash-state-kept", mutant: .noResume, assertion: "resumes"),
    Trap(scenario: "media-lost", mutant: .noICERestart, assertion: "resumes"),
    Trap(scenario: "signalling-lost-data", mutant: .noResume, assertion: "resumes"),
    Trap(scenario: "backoff-five", mutant: .constantDelay, assertion: "rule/backoff"),
    Trap(scenario: "backoff-five", mutant: .unlimitedAttempts, assertion: "rule/backoff"),
    Trap(
      scenario: "signalling-lost-data", mutant: .skipsReconnecting,
      assertion: "rule/connection-states"),
    Trap(scenario: "sfu-crash", mutant: .forgetsMute, assertion: "rule/state-after-resume"),
  ]

  @Test func everyMutantOfAClientHasItsTrap() {
    #expect(
      ClientMutant.allCases.allSatisfy { mutant in
        ReconnectionScenarios.traps.contains { $0.mutant == mutant }
      })
  }

  @Test(arguments: traps) func aMutantOfTheClientFails(_ trap: Trap) throws {
    let result = try play(trap.scenario) { scenario in
      for index in scenario.participants.indices {
        scenario.participants[index].mutant = trap.mutant.rawValue
      }
    }
    #expect(result.failed.contains(trap.assertion), "\(result.failures)")
  }

  @Test(
    arguments: [
      ("signalling-lost-data", Mutant.dataReplayedTwice, "rule/data-once"),
      ("signalling-lost-data", .dataSwapped, "rule/data-order"),
      ("signalling-lost-data", .leaksParticipants, "rule/no-leaks"),
      ("signalling-lost-data", .stateNotRestored, "rule/state-after-resume"),
      ("gone", .ghostNeverRemoved, "rule/disconnected-removed"),
      ("gone", .hidesAbsence, "rule/disconnect-notified"),
      ("suspend", .countsAbsence, "rule/presence"),
    ])
  func aMutantOfTheSFUFails(name: String, mutant: Mutant, assertion: String) throws {
    let result = try play(name) { $0.sfu.mutant = mutant.rawValue }
    #expect(result.failed.contains(assertion), "\(result.failures)")
  }
}

@Suite struct JoinStorms {
  /// The most attempts to come back that a hundred clients make in one tenth of a second, after a server
  /// that was down for ten.
  private func peak(jitter: String, seed: UInt64) throws -> Int {
    let text = """
      assay: 1
      name: storm
      seed: \(seed)
      duration: 45s
      crypto: cleartext
      links:
        home: { rate: 100Mbps, delay: 10ms }
      participants:
        student:
          count: 100
          link: home
          join: { over: 5s }
          subscribe: none
          reconnect: { initial: 1s, factor: 2, ceiling: 8s, attempts: 10, jitter: \(jitter) }
      events:
        - { at: 10s, sfu: all, do: crash, for: 10s }
      expect:
        - { id: in, of: all, metric: assay.joined, stat: last, equals: 1 }
      """
    let scenario = try ScenarioFile.parse(Array(text.utf8), file: "inline")[0].scenario
    let world = try World(scenario, seed: seed)
    var director = Director(world: world)
    for step in Timeline(scenario).steps {
      world.simulator.run(until: step.at)
      try director.perform(step)
    }
    world.simulator.run(until: .zero + scenario.duration)
    #expect(world.seats.allSatisfy { $0.bot.state == .connected })
    var bins: [Int64: Int] = [:]
    for attempt in world.seats.flatMap({ $0.bot.observations.reconnections.flatMap(\.attempts) }) {
      bins[attempt.nanoseconds / 100_000_000, default: 0] += 1
    }
    return bins.values.max() ?? 0
  }

  @Test func withoutJitterAllComeAtOnce() throws {
    #expect(try peak(jitter: "none", seed: 3) == 100)
  }

  @Test(arguments: UInt64(1)...10)
  func fullJitterBringsThePeakUnderAThird(seed: UInt64) throws {
    let full = try peak(jitter: "full", seed: seed)
    #expect(full * 3 < 100, "peak \(full) with full jitter")
  }
}

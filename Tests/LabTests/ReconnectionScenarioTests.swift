// The scenarios of scenarios/reconnection hold for the SFU and the clients as they are, and each fails
// with the mutant that it was made for.

import Bots
import Conformance
import Foundation
import RefSFU
import Testing

@testable import Lab

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

  @Test func thereIsOneForEachFault() {
    #expect(names.count >= 21)
  }

  private func play(_ name: String, _ change: (inout Scenario) -> Void = { _ in }) throws
    -> RunResult
  {
    var variant = try ScenarioFile.load("\(folder)/\(name).yaml")[0]
    change(&variant.scenario)
    return try Runner.run(variant, sha256: "")
  }

  /// The quick ones; a gate over the folder runs them all.
  @Test(arguments: names.filter { !["token-expiry", "gone", "storm"].contains($0) })
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
    Trap(scenario: "media-lost", mutant: .noICERestart, assertion: "back"),
    Trap(scenario: "signalling-lost-data", mutant: .noResume, assertion: "resumes"),
    Trap(scenario: "backoff-five", mutant: .constantDelay, assertion: "rule/backoff"),
    Trap(scenario: "backoff-five", mutant: .unlimitedAttempts, assertion: "rule/backoff"),
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
      ("signalling-lost-data", .stateNotRestored, "rule/state-after-resume"),
      ("gone", .ghostNeverRemoved, "rule/ghosts"),
      ("suspend", .countsAbsence, "rule/presence"),
    ])
  func aMutantOfTheSFUFails(name: String, mutant: Mutant, assertion: String) throws {
    let result = try play(name) { $0.sfu.mutant = mutant.rawValue }
    #expect(result.failed.contains(assertion), "\(result.failures)")
  }
}

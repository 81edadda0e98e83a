// What a served SFU has no handle for takes the verdict from those expectations alone that rest on it.

import Results
import Testing

@testable import Lab
@testable import Scenario

@Suite struct UnsupportedSteps {
  /// Which expectations a served SFU cannot be judged on.
  private func unsupported(
    _ events: String, _ expectations: [String], url: String = "ws://127.0.0.1:7880",
    sfu: String = ""
  ) throws -> [String] {
    let text = """
      assay: 1
      duration: 60s
      rooms: [red, blue]
      \(sfu)
      participants:
        ada: { rooms: [red], role: teacher, publish: [camera, microphone] }
        bob: { rooms: [red], publish: [camera, microphone] }
        cy: { rooms: [red] }
        dee: { rooms: [blue], publish: [camera] }
        eve: { rooms: [blue] }
      events: [\(events)]
      expect:
      \(expectations.enumerated().map { "  - { id: e\($0), \($1) }" }.joined(separator: "\n"))

      """
    let scenario = try ScenarioFile.parse(Array(text.utf8), file: "s.yaml")[0].scenario
    let served = try ServedSFU(url: url)
    let steps = served.unsupportedSteps(of: scenario)
    return scenario.expectations.filter {
      served.unsupported($0, of: scenario, steps: steps) != nil
    }.map(\.id)
  }

  private let rate = "metric: framesPerSecond, stat: min, over: 5"

  @Test func aCrashDecidesWhatComesAfterIt() throws {
    let found = try unsupported(
      "{ at: 20s, sfu: all, do: crash, for: 2s }",
      ["of: cy, \(rate), window: 5s..20s", "of: cy, \(rate), window: 5s..21s", "of: eve, \(rate)"])
    #expect(found == ["e1", "e2"])
  }

  @Test func aLimitDecidesForItsRoomAlone() throws {
    let found = try unsupported(
      "{ at: 20s, participant: bob, set: { subscriberLimit: 1Mbps } }",
      [
        "of: bob, \(rate)", "of: eve, \(rate)",
        "of: all, metric: assay.joined, stat: last, equals: 1",
        "of: cy, metric: assay.joined, stat: last, equals: 1",
        "of: dee, metric: assay.connectTime, under: 2s",
      ])
    #expect(found == ["e0", "e2"])
  }

  @Test func aStepOfOneParticipantDecidesForThoseWhoSeeIt() throws {
    let found = try unsupported(
      "{ at: 20s, participant: ada, do: muteParticipant, who: [bob], source: camera }",
      [
        "of: cy, from: bob, \(rate)", "of: cy, from: ada, \(rate)", "of: cy, \(rate)",
        "of: eve, \(rate)", "of: cy, metric: assay.joined, stat: last, equals: 1",
        "of: bob, metric: assay.joined, stat: last, equals: 1",
      ], url: "janus:ws://127.0.0.1:8188")
    #expect(found == ["e0", "e2", "e5"])
  }

  @Test func settingsDecideThroughout() throws {
    let found = try unsupported(
      "", ["of: cy, \(rate), window: 5s..6s", "of: eve, \(rate)"],
      sfu: "sfu: { mutant: noRetransmission }")
    #expect(found == ["e0", "e1"])
    #expect(try unsupported("", ["of: cy, \(rate)"]).isEmpty)
  }
}

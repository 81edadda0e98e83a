// What scenarios and expectations files say of verdicts, what a link does in one line, every mistake of a
// file at once, and the table of rules.

import Foundation
import RefSFU
import Results
import Testing

@testable import Lab
@testable import Scenario

private func trapScenario(_ extra: String = "", link: String = "delay: 5ms") throws -> Scenario {
  let text = """
    assay: 1
    name: trap
    duration: 4s
    \(extra)
    links: { home: { \(link) } }
    participants:
      ada: { link: home, publish: [microphone] }
      grace: { link: home }
    expect:
      - { id: all-in, of: all, metric: assay.joined, stat: last, equals: 1 }

    """
  return try ScenarioFile.parse(Array(text.utf8), file: "trap.yaml")[0].scenario
}

private func message(_ body: () throws -> Void) -> String {
  do {
    try body()
    return ""
  } catch { return "\(error)" }
}

@Suite struct VerdictLanguage {
  @Test func rulesAreWaivedWithAReason() throws {
    let text = "rules: { nack-answered: { off: \"the pacer is full\" } }\nunsupported: allowed"
    let read = try trapScenario(text)
    #expect(read.waivedRules.map(\.rule.id) == ["rule/nack-answered"])
    #expect(read.allowsUnsupported)
    let again = try ScenarioFile.parse(Array(read.yaml.utf8), file: "trap.yaml")[0].scenario
    #expect(again == read)
    #expect(
      read.policy.exceptions.map(\.kind) == [.off, .unsupportedAllowed])
    let unknown = message { _ = try trapScenario("rules: { nack-answred: { off: x } }") }
    #expect(unknown.contains("no rule is called 'nack-answred'; did you mean 'nack-answered'?"))
    #expect(message { _ = try trapScenario("rules: { speaker: {} }") }.contains("needs 'off'"))
    #expect(
      message { _ = try trapScenario("rules: { speaker: { off: \"\" } }") }.contains("say why"))
  }

  private func expectations(_ entries: String) throws -> VerdictPolicy {
    let text = "expectations: 1\nknown:\n\(entries)\n"
    return try ExpectationsFile.parse(
      Array(text.utf8), file: "known.yaml", for: [try trapScenario()])
  }

  @Test func anExpectationsFileIsRead() throws {
    let policy = try expectations(
      """
        - { id: rule/nack-answered, known-failure: true, reason: slow pacer, expires: 2027-03-01,
            link: "https://example.org/7" }
        - { id: all-in, scenario: tr*, unsupported: allowed, reason: no rooms there }
      """)
    #expect(
      policy.exceptions == [
        .init(
          id: "rule/nack-answered", kind: .knownFailure, reason: "slow pacer",
          link: "https://example.org/7", expires: "2027-03-01"),
        .init(
          id: "all-in", scenario: "tr*", kind: .unsupportedAllowed, reason: "no rooms there"),
      ])
  }

  @Test(arguments: [
    ("- { id: al-in, unsupported: allowed, reason: x }", "did you mean 'all-in'?"),
    ("- { id: all-in, scenario: class, unsupported: allowed, reason: x }", "no scenario"),
    ("- { id: all-in, known-failure: true, reason: x }", "needs 'expires'"),
    ("- { id: all-in, known-failure: true, reason: x, expires: 2027-02-29 }", "is not a day"),
    ("- { id: all-in, known-failure: true, unsupported: allowed, reason: x }", "exclude"),
    ("- { id: all-in, reason: x }", "needs one of"),
    ("- { id: all-in, unsupported: allowed }", "needs 'reason'"),
    ("- { id: all-in, unsupported: allowed, reason: x, expiry: y }", "did you mean 'expires'?"),
  ])
  func expectationsFilesAreClosed(_ entry: String, _ says: String) {
    let found = message { _ = try expectations("  " + entry) }
    #expect(found.hasPrefix("known.yaml:3:") && found.contains(says), "\(found)")
  }

  @Test func aWaivedRuleIsNeverAPass() throws {
    let text = "rules: { packets-add-up: { off: counted elsewhere } }"
    let variant = ScenarioVariant(assignments: [], scenario: try trapScenario(text))
    let result = try Runner.run(variant, sha256: "")
      .applying(variant.scenario.policy, today: "2026-11-30")
    #expect(result.assertion("rule/packets-add-up")?.verdict == .waived)
    #expect(result.verdict == .pass)
  }
}

@Suite struct RuleTable {
  @Test func everyMutantOfATableRuleExists() {
    let names = Set(Runner.everyMutant.map(\.name))
    for rule in Rule.all {
      for mutant in rule.mutants { #expect(names.contains(mutant), "\(rule.id): \(mutant)") }
    }
    let breaking = Set(Rule.all.flatMap(\.mutants))
    for mutant in Mutant.allCases where mutant.breaksRule && mutant != .allocatorNeverUpgrades {
      #expect(breaking.contains(mutant.rawValue), "\(mutant)")
    }
  }

  @Test func everyRuleOfARunIsInTheTable() throws {
    let variant = ScenarioVariant(assignments: [], scenario: try trapScenario())
    let result = try Runner.run(variant, sha256: "")
    let judged = result.assertions.filter { $0.origin == .rule }.map(\.id)
    for id in judged { #expect(Rule.named(id) != nil, "\(id)") }
    // A long run, and a gate, judge these.
    let others = ["rule/memory-flat", "rule/same-hash"]
    for rule in Rule.all where !others.contains(rule.id) {
      #expect(judged.contains(rule.id), "\(rule.id)")
    }
  }
}

@Suite struct LinkLines {
  @Test(arguments: [
    ("rate: 2Mbps, jitter: { uniform: 5ms }", "jitter to 5 ms, keeps order"),
    ("jitter: { normal: { std: 5ms } }", "jitter σ 5 ms, keeps order"),
    ("jitter: { nrBPDV: { std: 5ms } }", "jitter σ 5 ms, keeps order"),
    ("jitter: { uniform: 5ms, reorder: true }", "jitter to 5 ms, reorders"),
    ("reorder: { probability: 2%, delay: 9ms }", "holds back 2 % for 9 ms, reorders"),
    ("duplicate: 1%, corrupt: 2%", "duplicates 1 %, corrupts 2 %"),
  ])
  func aLinkSaysWhatItDoesToOrder(_ link: String, _ says: String) throws {
    let lines = try trapScenario(link: link).linkLines
    #expect(lines.count == 1 && lines[0].hasPrefix("link home: "))
    #expect(lines[0].hasSuffix(says), "\(lines)")
  }

  @Test func directionsThatDifferAreTwoLines() throws {
    let lines = try trapScenario(link: "delay: 5ms, up: { rate: 1Mbps }").linkLines
    #expect(lines.map { $0.prefix { $0 != ":" } } == ["link home.up", "link home.down"])
  }

  @Test func defaultsThatDoNothingAreRefused() {
    #expect(message { _ = try trapScenario(link: "rate: 1Mbps, ecn: true") }.contains("aqm: codel"))
    let ordered = message {
      _ = try trapScenario(link: "jitter: { nrBPDV: { std: 5ms }, reorder: true }")
    }
    #expect(ordered.contains("keeps the order"))
  }
}

@Suite struct AllMistakes {
  private func faults(_ text: String) -> [String] {
    ScenarioFile.faults(in: Array(text.utf8), file: "m.yaml").map { "\($0)" }
  }

  @Test func everyMistakeOfAFileIsTold() {
    let found = faults(
      """
      assay: 1
      name: multi
      duration: 20
      links:
        home: { use: fiber, los: 1% }
        train: { rate: 2Mbit }
      participants:
        ada: { link: hom, publish: [cam] }
        ben: { link: train, publish: [camera] }
      events:
        - { at: 3s, participant: ben, do: mutte }
      expect:
        - { id: smooth, of: ben, metric: framesPerSecnd, stat: p10, over: 20 }
        - { id: sharp, of: nobody, metric: assay.joined, stat: last, equals: 1 }

      """)
    let expected = [
      (3, "20"), (5, "fiber"), (5, "los"), (6, "2Mbit"), (8, "hom"), (8, "cam"), (11, "mutte"),
      (13, "framesPerSecnd"), (14, "nobody"),
    ]
    #expect(found.count == expected.count, "\(found.joined(separator: "\n"))")
    for (line, word) in expected {
      #expect(found.contains { $0.hasPrefix("m.yaml:\(line):") && $0.contains(word) }, "\(word)")
    }
  }

  @Test func aValidFileHasNoneAndABrokenOneItsFirst() throws {
    #expect(faults(try trapScenario().yaml).isEmpty)
    #expect(faults("assay: 1\n  bad: [").count == 1)
    #expect(faults("").count == 1)
    #expect(faults("- 1").count == 1)
  }

  /// Each cut shortens the tree, so that the search ends whatever is wrong.
  @Test func aFileOfNothingButMistakesEnds() {
    let many = (0..<300).map { "key\($0): [\($0)]" }.joined(separator: "\n")
    let found = faults("assay: 1\nduration: 3\nparticipants: 7\n\(many)\n")
    #expect(found.count == 100)
  }
}

@Suite struct ShippedScenariosStandAlone {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("scenarios")

  /// None names a file outside the project, or may be skipped.
  @Test func nothingIsSkipped() throws {
    let names = try FileManager.default.subpathsOfDirectory(atPath: Self.root.path)
      .filter { $0.hasSuffix(".yaml") }
    #expect(names.count > 60)
    for name in names {
      let text = try String(contentsOf: Self.root.appendingPathComponent(name), encoding: .utf8)
      #expect(!text.contains("../") && !text.contains("requires:"), "\(name)")
    }
  }
}

// A gate says one thing in every output: verdict and counts of terminal, exit code, result.json, summary.md,
// junit.xml, HTML and OpenMetrics.

import Results
import Testing

@testable import Report

@Suite struct GateOutputs {
  /// A case judged by the median of ten seeds, of which two miss the limit, beside a run of its own.
  private static func gate(limit: Double) -> (GateResult, [RunResult]) {
    let seeds = (1...10).map { seed -> RunResult in
      var run = SyntheticRun.train()
      run.seed = UInt64(seed)
      run.variant = []
      let observed = seed <= 2 ? 70.0 : 88.0 + Double(seed)
      run.assertions[0].id = "use"
      run.assertions[0].comparison = .atLeast
      run.assertions[0].limit = limit
      run.assertions[0].observed = observed
      run.assertions[0].verdict = observed >= limit ? .pass : .fail
      run.assertions.removeAll { $0.id != "use" && $0.origin == .expectation }
      run.verdict = Verdict.combined(run.assertions.map(\.verdict))
      run.exitCode = run.verdict.exitCode
      return run
    }
    let medians = SeedMedian.medians(of: seeds)
    var other = SyntheticRun.train()
    other.scenario.name = "other"
    let runs = seeds.map(\.asEvidence) + [other]
    let rows = runs.enumerated().map { (run: $1, result: "run-\($0)/result.json") }
    return (GateResult(of: rows, medians: medians), runs)
  }

  /// What an output says of a gate.
  private struct Said: Equatable {
    var verdict: String
    var passed: Int
    var failed: Int
    var inconclusive: Int
    var skipped: Int
  }

  /// Reads `12 checks: 9 passed, 1 failed, 0 inconclusive, 2 skipped`.
  private func said(_ verdict: String, in text: String) -> Said? {
    guard
      let match = text.firstMatch(
        of:
          /[0-9]+ checks?: ([0-9]+) passed, ([0-9]+) failed, ([0-9]+) inconclusive, ([0-9]+) skipped/
      )
    else { return nil }
    return Said(
      verdict: verdict, passed: Int(match.1)!, failed: Int(match.2)!, inconclusive: Int(match.3)!,
      skipped: Int(match.4)!)
  }

  private func saidByJUnit(_ text: String) throws -> Said {
    let xml = try StrictXML(text)
    expectJUnit(xml)
    let root = xml.elements[0].attributes
    let (tests, failed) = (Int(root["tests"]!)!, Int(root["failures"]!)!)
    let errors = Int(root["errors"]!)!
    let skipped = xml.named("skipped").count
    let verdict = failed > 0 ? "fail" : errors > 0 ? "inconclusive" : "pass"
    return Said(
      verdict: verdict, passed: tests - failed - errors - skipped, failed: failed,
      inconclusive: errors, skipped: skipped)
  }

  private func saidByOpenMetrics(_ text: String) -> Said {
    func value(_ name: String) -> Int {
      let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
      return Int(line?.split(separator: " ").last ?? "") ?? -1
    }
    let verdict = Verdict.allCases.first {
      value("assay_gate_verdict{assay_gate_verdict=\"\($0.rawValue)\"}") == 1
    }
    func checks(_ word: String) -> Int { value("assay_gate_checks{verdict=\"\(word)\"}") }
    return Said(
      verdict: verdict?.rawValue ?? "", passed: checks("passed"), failed: checks("failed"),
      inconclusive: checks("inconclusive"), skipped: checks("skipped"))
  }

  @Test(arguments: [(75.0, Verdict.pass), (96.0, .fail)])
  func allSevenAgree(limit: Double, verdict: Verdict) throws {
    let (gate, runs) = GateOutputs.gate(limit: limit)
    let checks = gate.checks
    let truth = Said(
      verdict: verdict.rawValue, passed: checks.passed, failed: checks.failed,
      inconclusive: checks.inconclusive, skipped: checks.skipped)
    #expect(gate.verdict == verdict)
    #expect(gate.exitCode == verdict.exitCode)
    #expect(checks.failed == (verdict == .fail ? 1 : 0), "one case, whatever its seeds measured")
    let files = Dictionary(
      uniqueKeysWithValues: RunDirectory.files(of: gate, runs: runs).map { ($0.name, $0.contents) })
    let read = try GateResult(parsing: try #require(files["result.json"]))
    #expect(read == gate)
    let terminal = TextSummary.render(gate, runs)
    let last = try #require(terminal.split(separator: "\n").last)
    let word = try #require(last.split(separator: " ").dropFirst().first)
    #expect(said(word.lowercased(), in: String(last)) == truth)
    let markdown = try #require(files["summary.md"])
    #expect(said(verdict.rawValue, in: markdown) == truth)
    #expect(markdown.hasPrefix("# \(verdict == .pass ? "✓" : "✗") Gate: \(verdict.rawValue)\n"))
    let page = try #require(files["index.html"])
    #expect(said(verdict.rawValue, in: page) == truth)
    #expect(page.contains("gate: \(verdict.rawValue)</title>"))
    #expect(try saidByJUnit(try #require(files["junit.xml"])) == truth)
    #expect(saidByOpenMetrics(OpenMetrics.render(gate, runs)) == truth)
  }

  @Test func theMedianIsOneCaseWithItsSeedsAsEvidence() throws {
    let (gate, runs) = GateOutputs.gate(limit: 75)
    let xml = try StrictXML(JUnitReport.render(gate, runs))
    let cases = xml.named("testcase").filter { $0.attributes["name"] == "use" }
    #expect(cases.map { $0.attributes["classname"] } == ["train-uplink over 10 seeds"])
    #expect(xml.named("failure").isEmpty)
    let page = HTMLReport.render(runs[0])
    #expect(page.contains("Judged over all seeds"))
    #expect(runs[0].verdict == .pass, "its own folder says what the gate counts")
    let missed = GateOutputs.gate(limit: 96)
    let failure = try #require(
      try StrictXML(JUnitReport.render(missed.0, missed.1)).named("failure").first)
    #expect(failure.attributes["message"]?.hasPrefix("median of 10 seeds ") == true)
    #expect(failure.attributes["message"]?.contains("expected ≥ 96 ms") == true)
  }

  @Test func theTimeOfARunIsThatOfOneCase() throws {
    let run = SyntheticRun.train()
    let xml = try StrictXML(JUnitReport.render([run]))
    let times = xml.named("testcase").compactMap { Double($0.attributes["time"] ?? "") }
    #expect(times.first == 3.12 && times.dropFirst().allSatisfy { $0 == 0 })
    #expect(xml.named("testsuite").first?.attributes["time"] == "3.120")
  }

  @Test func aRuleWithoutOccasionDoesNotReadAsIfItHeld() throws {
    var run = SyntheticRun.train()
    var rule = run.assertions[0]
    rule.id = "rule/nack-answered"
    rule.origin = .rule
    rule.verdict = .skipped
    rule.reason = "Nothing to judge: lost packets are resent when asked for (RFC 4588 §3)."
    run.assertions.append(rule)
    let skipped = try #require(try StrictXML(JUnitReport.render([run])).named("skipped").last)
    let message = try #require(skipped.attributes["message"])
    #expect(message.hasPrefix("skipped: Not judged: nothing in this run put the rule to the test."))
    #expect(message.contains("It requires: lost packets are resent"))
    #expect(HTMLReport.render(run).contains("Not judged: nothing in this run"))
    #expect(TextSummary.render(run).contains("not judged"))
  }

  @Test func unsupportedIsAnErrorUnlessAllowed() throws {
    var run = SyntheticRun.train()
    run.assertions[0].verdict = .unsupported
    run.assertions[0].reason = "Janus has no notion of it"
    let count = { (run: RunResult) in
      let xml = try StrictXML(JUnitReport.render([run]))
      return [xml.named("error").count, xml.named("skipped").count]
    }
    let before = try count(SyntheticRun.train())
    #expect(try count(run) == [before[0] + 1, before[1]])
    run.assertions[0].isAllowed = true
    #expect(try count(run) == [before[0], before[1] + 1])
  }

  @Test func skippedRunsAreCountedInTheLastLine() {
    var skipped = SyntheticRun.train()
    skipped.verdict = .skipped
    skipped.assertions = [skipped.assertions[0]]
    skipped.assertions[0].verdict = .skipped
    let runs = [SyntheticRun.train(), skipped]
    let rows = runs.enumerated().map { (run: $1, result: "run-\($0)/result.json") }
    let text = TextSummary.render(GateResult(of: rows), runs)
    #expect(text.contains("✓ PASS  1 of 2 runs passed, 1 skipped; "))
  }
}

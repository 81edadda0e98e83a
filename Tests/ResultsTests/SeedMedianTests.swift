// Expectations over several seeds: the median, its limit, and what no data does to it.

import Testing

@testable import Results

@Suite struct SeedMedianTests {
  private func run(_ seed: UInt64, _ observed: Double?, limit: Double = 10) -> RunResult {
    var run = RunResult(
      scenario: .init(name: "s", about: "", file: "s.yaml", sha256: ""), seed: seed, build: "")
    run.assertions = [
      Assertion(
        id: "use", verdict: .pass, of: "x", metric: "m", stat: "mean", comparison: .atLeast,
        observed: observed, limit: limit, unit: "%")
    ]
    return run
  }

  @Test func theMiddleOfAnOddAndOfAnEvenNumber() {
    let odd = SeedMedian.medians(of: [run(1, 3), run(2, 20), run(3, 11)])
    #expect(odd.map(\.observed) == [11])
    #expect(odd[0].verdict == .pass)
    let even = SeedMedian.medians(of: [run(1, 3), run(2, 20), run(3, 11), run(4, 7)])
    #expect(even[0].observed == 9)
    #expect(even[0].verdict == .fail)
    #expect(even[0].lowest == 3 && even[0].highest == 20 && even[0].seeds == 4)
  }

  @Test func aRunWithoutSamplesLeavesItOpen() {
    let medians = SeedMedian.medians(of: [run(1, 30), run(2, nil), run(3, 30)])
    #expect(medians[0].verdict == .inconclusive)
    #expect(medians[0].observed == nil)
  }

  @Test func theGateCountsMediansAndReadsThemBack() throws {
    var failing = run(1, 3)
    failing.assertions[0].verdict = .fail
    failing.verdict = .fail
    let failed = failing.asEvidence
    #expect(failed.verdict == .pass && failed.evidence.count == 1 && failed.assertions.isEmpty)
    let medians = SeedMedian.medians(of: [run(1, 3), run(2, 20), run(3, 11)])
    let gate = GateResult(of: [(run: failed, result: "a/result.json")], medians: medians)
    #expect(gate.verdict == .pass)
    #expect(gate.checks.failed == 0 && gate.checks.passed == 2)
    #expect(try GateResult(parsing: gate.json.text()) == gate)
    let missed = SeedMedian.medians(of: [run(1, 3), run(2, 4), run(3, 11)])
    let lost = GateResult(of: [(run: failed, result: "a/result.json")], medians: missed)
    #expect(lost.verdict == .fail && lost.checks.failed == 1)
  }

  @Test func aBrokenRuleOfASeedStaysAFailure() {
    var broken = run(1, 3)
    var rule = broken.assertions[0]
    rule.origin = .rule
    rule.verdict = .fail
    broken.assertions.append(rule)
    #expect(broken.asEvidence.verdict == .fail)
    broken.partial = "interrupted"
    #expect(broken.asEvidence.verdict == .fail)
    broken.assertions.removeLast()
    #expect(broken.asEvidence.verdict == .inconclusive)
  }
}

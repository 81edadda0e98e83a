// Exceptions to verdicts: rules left out, known failures, what may be unsupported.

import Testing

@testable import Results

@Suite struct VerdictPolicyTests {
  private func run(_ verdicts: [(id: String, origin: Assertion.Origin, verdict: Verdict)])
    -> RunResult
  {
    var run = RunResult(
      scenario: .init(name: "train-uplink", about: "", file: "s.yaml", sha256: ""), seed: 1,
      build: "")
    run.assertions = verdicts.map { id, origin, verdict in
      var assertion = Assertion(
        id: id, verdict: verdict, of: "all", metric: "m", stat: "max", comparison: .atMost,
        observed: 1, limit: 0, unit: "1")
      assertion.origin = origin
      assertion.reason = "Seen."
      return assertion
    }
    run.verdict = Verdict.combined(run.assertions.map(\.verdict))
    run.exitCode = run.verdict.exitCode
    return run
  }

  private func policy(
    _ kind: VerdictPolicy.Exception.Kind, id: String?, scenario: String? = nil,
    expires: String? = nil
  ) -> VerdictPolicy {
    VerdictPolicy([
      .init(
        id: id, scenario: scenario, kind: kind, reason: "tracked", link: "https://example.org/1",
        expires: expires)
    ])
  }

  private let today = "2026-11-30"

  @Test func aRuleThatIsOffIsWaivedWhateverItSaid() {
    for verdict in [Verdict.pass, .fail, .skipped] {
      let judged = run([("smooth", .expectation, .pass), ("rule/speaker", .rule, verdict)])
        .applying(policy(.off, id: "rule/speaker"), today: today)
      #expect(judged.assertions[1].verdict == .waived)
      #expect(judged.assertions[1].reason.hasPrefix("Waived: tracked (https://example.org/1)"))
      #expect(judged.verdict == .pass && judged.exitCode == .passed)
      #expect(CheckCount(judged).skipped == 1)
    }
  }

  @Test func anExpectationIsNeverOff() {
    let judged = run([("smooth", .expectation, .fail)])
      .applying(policy(.off, id: "smooth"), today: today)
    #expect(judged.verdict == .fail)
  }

  struct KnownFailure: Sendable {
    var verdict: Verdict
    var expires: String
    var becomes: Verdict
    var exit: ExitCode
  }

  @Test(arguments: [
    KnownFailure(
      verdict: .fail, expires: "2026-11-30", becomes: .expectedFailure, exit: .passed),
    KnownFailure(verdict: .fail, expires: "2026-11-29", becomes: .fail, exit: .failed),
    KnownFailure(verdict: .pass, expires: "2027-01-01", becomes: .unexpectedPass, exit: .failed),
    KnownFailure(verdict: .pass, expires: "2026-01-01", becomes: .unexpectedPass, exit: .failed),
    KnownFailure(
      verdict: .inconclusive, expires: "2027-01-01", becomes: .inconclusive, exit: .inconclusive),
  ])
  func knownFailures(_ row: KnownFailure) {
    let known = policy(.knownFailure, id: "smooth", scenario: "train-*", expires: row.expires)
    let judged = run([("smooth", .expectation, row.verdict), ("rule/speaker", .rule, .pass)])
      .applying(known, today: today)
    #expect(judged.assertions[0].verdict == row.becomes)
    #expect(judged.exitCode == row.exit)
    #expect(judged.applying(known, today: today) == judged, "applied twice it changes nothing")
  }

  @Test func anotherScenarioIsLeftAlone() {
    let before = run([("smooth", .expectation, .fail)])
    let known = policy(.knownFailure, id: "smooth", scenario: "class-?", expires: "2027-01-01")
    #expect(before.applying(known, today: today) == before)
  }

  @Test func unsupportedIsInconclusiveUnlessAllowed() {
    let before = run([("told", .expectation, .unsupported), ("smooth", .expectation, .pass)])
    let plain = before.applying(VerdictPolicy(), today: today)
    #expect(plain.verdict == .inconclusive && plain.exitCode == .inconclusive)
    #expect(CheckCount(plain).inconclusive == 1)
    let allowed = before.applying(policy(.unsupportedAllowed, id: nil), today: today)
    #expect(allowed.verdict == .pass && allowed.assertions[0].isAllowed)
    #expect(CheckCount(allowed).skipped == 1)
    let over = before.applying(
      policy(.unsupportedAllowed, id: "told", expires: "2026-01-01"), today: today)
    #expect(over.exitCode == .inconclusive)
    let nothing = run([("told", .expectation, .unsupported), ("rule/speaker", .rule, .pass)])
      .applying(policy(.unsupportedAllowed, id: nil), today: today)
    #expect(nothing.verdict == .unsupported && nothing.exitCode == .passed)
  }

  /// What a kind of SFU has no notion of takes no rule's verdict away from a run.
  @Test func anUnsupportedRuleDecidesNothing() {
    let judged = run([("smooth", .expectation, .pass), ("rule/speaker", .rule, .unsupported)])
      .applying(VerdictPolicy(), today: today)
    #expect(judged.verdict == .pass)
  }

  @Test func aRunThatIsInconclusiveForItsOwnReasonStaysSo() {
    var cut = run([("smooth", .expectation, .fail)])
    cut.verdict = .inconclusive
    let known = policy(.knownFailure, id: "smooth", expires: "2027-01-01")
    #expect(cut.applying(known, today: today).verdict == .inconclusive)
    let late = run([("smooth", .expectation, .fail), ("harness", .rule, .inconclusive)])
    #expect(late.applying(known, today: today).verdict == .inconclusive)
    var partial = run([("smooth", .expectation, .fail)])
    partial.partial = "interrupted"
    #expect(partial.applying(known, today: today).verdict == .inconclusive)
  }

  @Test func mediansHaveKnownFailuresToo() {
    var low = run([("use", .expectation, .fail)])
    low.assertions[0].comparison = .atLeast
    low.assertions[0].limit = 2
    let median = SeedMedian.medians(of: [low, low, low])[0]
    #expect(median.verdict == .fail)
    let known = policy(.knownFailure, id: "use", expires: "2027-01-01")
    #expect(median.applying(known, today: today).verdict == .expectedFailure)
    #expect(median.applying(known, today: today).note.contains("tracked"))
  }

  @Test func whatWasRuledIsReadBack() throws {
    let judged = run([("told", .expectation, .unsupported), ("rule/speaker", .rule, .fail)])
      .applying(
        policy(.unsupportedAllowed, id: nil) + policy(.off, id: "rule/speaker"), today: today)
    #expect(try RunResult(parsing: judged.json.text()) == judged)
    let evidence = judged.asEvidence
    #expect(try RunResult(parsing: evidence.json.text()) == evidence)
  }

  @Test(arguments: [
    ("train-uplink", "train-*", true), ("train-uplink", "*uplink", true), ("abc", "a?c", true),
    ("abc", "a?", false), ("abc", "*", true), ("", "*", true), ("abc", "", false),
    ("aXbXc", "a*b*c", true), ("ab", "a*b*c", false), ("[x]", "[x]", true),
  ])
  func globs(_ text: String, _ pattern: String, _ fits: Bool) {
    #expect(globMatches(text, pattern) == fits)
  }
}

@Suite struct RuleTableTests {
  @Test func everyRuleIsWhole() {
    #expect(Set(Rule.all.map(\.id)).count == Rule.all.count)
    for rule in Rule.all {
      #expect(rule.id.hasPrefix("rule/") && !rule.requirement.isEmpty && !rule.source.isEmpty)
      if let metric = rule.metric {
        #expect(MetricCatalogue.metric(named: metric) != nil, "\(rule.id)")
      }
    }
  }
}

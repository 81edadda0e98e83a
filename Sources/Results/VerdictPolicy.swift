// Exceptions to verdicts that somebody wrote down with a reason: rules that a scenario leaves out, failures
// that are known, expectations that an SFU cannot be judged on. Applied to a finished run.

/// What is known beforehand of verdicts.
public struct VerdictPolicy: Sendable, Equatable {
  public struct Exception: Sendable, Equatable {
    public enum Kind: String, Sendable {
      /// The rule is not judged.
      case off
      /// It fails, and is known to.
      case knownFailure
      /// It may be unsupported.
      case unsupportedAllowed
    }

    /// Of an expectation, or of a rule (`rule/nack-answered`); nil for every expectation.
    public var id: String?
    /// A shell pattern that the scenario's name fits; nil for all.
    public var scenario: String?
    public var kind: Kind
    public var reason: String
    public var link: String?
    /// The last day on which it holds, as `2027-03-01`; nil for ever.
    public var expires: String?

    public init(
      id: String?, scenario: String? = nil, kind: Kind, reason: String, link: String? = nil,
      expires: String? = nil
    ) {
      self.id = id
      self.scenario = scenario
      self.kind = kind
      self.reason = reason
      self.link = link
      self.expires = expires
    }

    func covers(_ id: String, in scenario: String) -> Bool {
      (self.id.map { $0 == id } ?? true)
        && (self.scenario.map { globMatches(scenario, $0) } ?? true)
    }

    /// The reason with its link.
    var text: String { link.map { "\(reason) (\($0))" } ?? reason }
  }

  public var exceptions: [Exception]

  public init(_ exceptions: [Exception] = []) { self.exceptions = exceptions }

  public static func + (a: VerdictPolicy, b: VerdictPolicy) -> VerdictPolicy {
    VerdictPolicy(a.exceptions + b.exceptions)
  }
}

extension VerdictPolicy {
  /// What becomes of one verdict, and what is to be said with it; nil where nothing changes.
  ///
  /// A known failure that passes fails, and so does one past its date, whatever came of it. A verdict that is
  /// inconclusive stays so.
  func ruling(
    on verdict: Verdict, id: String, origin: Assertion.Origin, in scenario: String, today: String
  ) -> (verdict: Verdict, note: String, isAllowed: Bool)? {
    for exception in exceptions where exception.covers(id, in: scenario) {
      let isOver = exception.expires.map { $0 < today } ?? false
      switch exception.kind {
      case .off where origin == .rule && exception.id != nil:
        return (.waived, "Waived: \(exception.text)", false)
      case .unsupportedAllowed where verdict == .unsupported && origin == .expectation:
        if isOver {
          return (.unsupported, "Allowed until \(exception.expires ?? ""), which is over", false)
        }
        return (.unsupported, "Allowed: \(exception.text)", true)
      case .knownFailure where verdict == .fail && !isOver:
        return (.expectedFailure, "Known failure: \(exception.text)", false)
      case .knownFailure where verdict == .fail:
        return (.fail, "Known failure until \(exception.expires ?? ""), which is over", false)
      case .knownFailure where verdict == .pass:
        return (
          .unexpectedPass,
          "Passes, though it is written down as a known failure: \(exception.text); take it out",
          false
        )
      default: continue
      }
    }
    return nil
  }
}

extension RunResult {
  /// This run with the exceptions of `policy` applied, its verdict and exit code with them.
  ///
  /// Pure and idempotent: what was ruled on already is left as it is. A run that is inconclusive for a reason
  /// of its own (cut short, an overloaded harness) stays so.
  /// - Parameter today: as `2026-11-30`; what expired before it counts no more.
  public func applying(_ policy: VerdictPolicy, today: String) -> RunResult {
    guard verdict != .skipped else { return self }
    var run = self
    let before = Verdict.combined(Assertion.deciding(assertions).map(\.verdict))
    let isLate = assertions.contains { $0.id == "harness" && $0.verdict == .inconclusive }
    for (index, assertion) in assertions.enumerated() {
      guard
        let ruling = policy.ruling(
          on: assertion.verdict, id: assertion.id, origin: assertion.origin, in: scenario.name,
          today: today),
        // Whoever proves nothing does not prove a known failure mended either.
        !isLate || ruling.verdict != .unexpectedPass
      else { continue }
      run.assertions[index].verdict = ruling.verdict
      run.assertions[index].isAllowed = ruling.isAllowed
      let isNoted = assertion.reason.hasPrefix(ruling.note)
      run.assertions[index].reason =
        isNoted || assertion.reason.isEmpty
        ? (isNoted ? assertion.reason : ruling.note) : "\(ruling.note). \(assertion.reason)"
    }
    let after = Verdict.combined(Assertion.deciding(run.assertions).map(\.counted))
    let isOverruled = verdict == .inconclusive && before != .inconclusive
    let expectations = run.assertions.filter { $0.origin == .expectation }
    if isOverruled || isLate || partial != nil && after == .pass {
      run.verdict = .inconclusive
    } else if after == .pass, !expectations.isEmpty,
      expectations.allSatisfy({ $0.verdict == .unsupported })
    {
      run.verdict = .unsupported
    } else {
      run.verdict = after
    }
    run.exitCode = run.verdict.exitCode
    return run
  }
}

extension SeedMedian {
  /// This median with the exceptions of `policy` applied.
  public func applying(_ policy: VerdictPolicy, today: String) -> SeedMedian {
    guard
      let ruling = policy.ruling(
        on: verdict, id: id, origin: .expectation, in: scenario, today: today)
    else { return self }
    var median = self
    median.verdict = ruling.verdict
    median.note = ruling.note
    return median
  }
}

/// Whether `text` fits a pattern of `*` (any characters), `?` (one) and characters that stand for themselves.
public func globMatches(_ text: String, _ pattern: String) -> Bool {
  let (text, pattern) = (Array(text), Array(pattern))
  var (position, place) = (0, 0)
  var (star, mark) = (-1, 0)
  while position < text.count {
    if place < pattern.count, pattern[place] == "*" {
      (star, mark) = (place, position)
      place += 1
    } else if place < pattern.count, pattern[place] == "?" || pattern[place] == text[position] {
      position += 1
      place += 1
    } else if star >= 0 {
      place = star + 1
      mark += 1
      position = mark
    } else {
      return false
    }
  }
  return pattern[place...].allSatisfy { $0 == "*" }
}

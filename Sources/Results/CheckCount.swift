// How many checks came to which verdict: one count, which every output gives.

import Basics

/// The checks of a run or of a gate. A check is an assertion, a median over seeds, or that a run reached its
/// end.
public struct CheckCount: Sendable, Equatable {
  public var passed = 0
  /// Failures and unexpected passes.
  public var failed = 0
  /// Also expectations that the SFU cannot be judged on, unless that is allowed.
  public var inconclusive = 0
  /// Without anything to judge, unsupported, waived, or failed as expected.
  public var skipped = 0

  public init() {}

  public var total: Int { passed + failed + inconclusive + skipped }

  /// - Parameter verdict: as it counts (`Assertion.counted`).
  public mutating func add(_ verdict: Verdict) {
    switch verdict {
    case .pass: passed += 1
    case .fail, .unexpectedPass: failed += 1
    case .inconclusive: inconclusive += 1
    case .unsupported, .skipped, .waived, .expectedFailure: skipped += 1
    }
  }

  public static func + (a: CheckCount, b: CheckCount) -> CheckCount {
    var sum = CheckCount()
    sum.passed = a.passed + b.passed
    sum.failed = a.failed + b.failed
    sum.inconclusive = a.inconclusive + b.inconclusive
    sum.skipped = a.skipped + b.skipped
    return sum
  }

  /// `12 checks: 9 passed, 1 failed, 0 inconclusive, 2 skipped`.
  public var text: String {
    "\(total) \(total == 1 ? "check" : "checks"): \(passed) passed, \(failed) failed, "
      + "\(inconclusive) inconclusive, \(skipped) skipped"
  }
}

extension CheckCount {
  /// Of a run: its assertions, and its end.
  public init(_ run: RunResult) {
    self.init()
    for assertion in run.assertions { add(assertion.counted) }
    add(run.completion)
  }

  var json: JSON {
    [
      "passed": .integer(Int64(passed)), "failed": .integer(Int64(failed)),
      "inconclusive": .integer(Int64(inconclusive)), "skipped": .integer(Int64(skipped)),
    ]
  }

  init(_ reader: ResultReader) throws(ResultError) {
    self.init()
    passed = try reader["passed"].count
    failed = try reader["failed"].count
    inconclusive = try reader["inconclusive"].count
    skipped = try reader["skipped"].count
  }
}

extension RunResult {
  /// Whether it reached its end and judged anything.
  public var completion: Verdict {
    if partial != nil || assertions.isEmpty && evidence.isEmpty { return .inconclusive }
    return verdict == .skipped ? .skipped : .pass
  }
}

extension Assertion {
  /// Those that say something of the SFU: that the harness kept up proves nothing alone.
  public static func deciding(_ assertions: [Assertion]) -> [Assertion] {
    assertions.filter { $0.id != "harness" || $0.verdict != .pass }
  }

  /// What it counts for in a verdict: an expectation that cannot be judged leaves the run open, unless the
  /// scenario or the expectations file allows that.
  public var counted: Verdict {
    verdict == .unsupported && origin == .expectation && !isAllowed ? .inconclusive : verdict
  }
}

extension RunResult {
  /// The same run as one of several seeds: its expectations are evidence for what a gate judges over all of
  /// them, and its verdict is that of the rules.
  public var asEvidence: RunResult {
    var run = self
    run.evidence = assertions.filter { $0.origin == .expectation }
    run.assertions = assertions.filter { $0.origin == .rule }
    let counted = run.assertions.map(\.counted).filter { $0 != .skipped && $0 != .waived }
    run.verdict =
      partial != nil ? .inconclusive : counted.isEmpty ? .pass : Verdict.combined(counted)
    if partial != nil, counted.contains(.fail) { run.verdict = .fail }
    run.exitCode = run.verdict.exitCode
    return run
  }
}

// JUnit XML as GitLab, GitHub and Jenkins read it: testsuites, testsuite, testcase.

import Results

public enum JUnitReport {
  /// One suite a run and one case an assertion. GitLab keys on class name and case name, so both
  /// together are unique in the file. The wall time of a run is shared out evenly among its cases.
  public static func render(_ runs: [RunResult]) -> String {
    var names = UniqueNames()
    let suites = runs.map { Suite($0, name: names.take(suiteName($0))) }
    let total = suites.reduce(Count()) { $0 + $1.count }
    let time = runs.reduce(0) { $0 + $1.wallSeconds }
    let document: Markup = """
      <?xml version="1.0" encoding="UTF-8"?>
      <testsuites name="assay"\(total.attributes) time="\(Figure.seconds(exact: time))">
      \(suites.map(\.markup))</testsuites>

      """
    return document.text
  }

  /// `train-uplink[links.train.down.delay=30ms] seed 42`.
  private static func suiteName(_ run: RunResult) -> String {
    let variant = run.variant.isEmpty ? "" : "[\(run.variantText)]"
    return "\(run.title)\(variant) seed \(run.seed)"
  }

  private struct Count {
    var tests = 0
    var failures = 0
    var errors = 0
    var skipped = 0

    static func + (a: Count, b: Count) -> Count {
      Count(
        tests: a.tests + b.tests, failures: a.failures + b.failures, errors: a.errors + b.errors,
        skipped: a.skipped + b.skipped)
    }

    var attributes: Markup {
      """
       tests="\(tests)" failures="\(failures)" errors="\(errors)" skipped="\(skipped)"
      """
    }
  }

  private struct Suite {
    let name: String
    private(set) var count = Count()
    private var cases = Markup.empty
    private let run: RunResult
    private let share: String

    init(_ run: RunResult, name: String) {
      self.run = run
      self.name = name
      let extra = run.partial != nil || run.assertions.isEmpty ? 1 : 0
      share = Figure.seconds(exact: run.wallSeconds / Double(run.assertions.count + extra))
      var ids = UniqueNames()
      for assertion in run.assertions {
        add(ids.take(assertion.id), outcome(assertion))
      }
      if let partial = run.partial {
        add(ids.take("run reaches its end"), error("PARTIAL: \(partial)", run.command))
      } else if run.assertions.isEmpty {
        add(ids.take("something is judged"), error("nothing was judged", run.command))
      }
    }

    private mutating func add(_ id: String, _ outcome: Markup) {
      count.tests += 1
      cases += """
        <testcase classname="\(name)" name="\(id)" time="\(share)">\(outcome)</testcase>

        """
    }

    private mutating func error(_ message: String, _ detail: String) -> Markup {
      count.errors += 1
      return "<error message=\"\(message.printable)\" type=\"inconclusive\">\(detail)</error>"
    }

    private mutating func outcome(_ assertion: Assertion) -> Markup {
      let word = VerdictLook(assertion.verdict).word
      let reason = assertion.reason.isEmpty ? word : assertion.reason
      switch assertion.verdict {
      case .pass: return .empty
      case .fail, .unexpectedPass:
        count.failures += 1
        return """
          <failure message="\(reason.printable)" type="\(word)">\(detail(assertion))</failure>
          """
      case .inconclusive: return error(reason, detail(assertion))
      case .unsupported, .skipped, .expectedFailure:
        count.skipped += 1
        return "<skipped message=\"\(word): \(reason.printable)\"/>"
      }
    }

    private func detail(_ assertion: Assertion) -> String {
      var lines = [
        "expected \(assertion.measure) of \(assertion.extent) \(assertion.limitText)",
        "observed \(assertion.observedText) from \(Figure.count(assertion.samples, "sample"))",
      ]
      if !assertion.worstText.isEmpty { lines.append("worst \(assertion.worstText)") }
      if !run.command.isEmpty { lines.append("repeat with: \(run.command)") }
      return lines.joined(separator: "\n")
    }

    var markup: Markup {
      """
      <testsuite name="\(name)"\(count.attributes) time="\(Figure.seconds(exact: run.wallSeconds))">
      \(cases)</testsuite>

      """
    }
  }
}

/// Hands out names of which none comes twice.
struct UniqueNames {
  private var taken: Set<String> = []

  /// `name`, or `name (2)` where it was taken already.
  mutating func take(_ name: String) -> String {
    // What the escaping would make equal must be told apart as well.
    var escaped = ""
    Markup.escape(name.printable, to: &escaped)
    var candidate = name.printable
    var number = 1
    while !taken.insert(escaped).inserted {
      number += 1
      candidate = "\(name.printable) (\(number))"
      escaped = ""
      Markup.escape(candidate, to: &escaped)
    }
    return candidate
  }
}

extension Figure {
  /// Seconds for a machine: three decimals, no separators, never negative.
  static func seconds(exact value: Double) -> String {
    String(fixed(max(0, value), 3).filter { $0 != "," })
  }
}

// JUnit XML as Jenkins (xUnit plugin, junit-10.xsd), GitLab and GitHub read it: testsuites, testsuite,
// testcase.

import Results

public enum JUnitReport {
  /// One suite a run and one case a check. GitLab keys on class name and case name, so both together are
  /// unique in the file.
  public static func render(_ runs: [RunResult]) -> String { render(suites(of: runs)) }

  /// A gate: what is judged over all seeds is one case each, in a suite of its own for each scenario.
  public static func render(_ gate: GateResult, _ runs: [RunResult]) -> String {
    var names = UniqueNames()
    var groups: [(name: String, medians: [SeedMedian])] = []
    for median in gate.medians {
      let name = title(median.scenario, median.variant) + " over \(median.seeds) seeds"
      if groups.last?.name == name {
        groups[groups.count - 1].medians.append(median)
      } else {
        groups.append((name, [median]))
      }
    }
    let medians = groups.map { Suite($0.medians, name: names.take($0.name)) }
    return render(medians + suites(of: runs, &names))
  }

  private static func suites(of runs: [RunResult]) -> [Suite] {
    var names = UniqueNames()
    return suites(of: runs, &names)
  }

  private static func suites(of runs: [RunResult], _ names: inout UniqueNames) -> [Suite] {
    runs.map { run in
      Suite(run, name: names.take("\(title(run.title, run.variant)) seed \(run.seed)"))
    }
  }

  /// `train-uplink[links.train.down.delay=30ms]`.
  private static func title(
    _ scenario: String, _ variant: [(key: String, value: String)]
  ) -> String {
    variant.isEmpty ? scenario : "\(scenario)[\(RunResult.text(ofVariant: variant))]"
  }

  /// `skipped` is an attribute of testsuite only: junit-10.xsd has none of testsuites.
  private static func render(_ suites: [Suite]) -> String {
    let total = suites.reduce(CheckCount()) { $0 + $1.count }
    let time = suites.reduce(0) { $0 + $1.seconds }
    let document: Markup = """
      <?xml version="1.0" encoding="UTF-8"?>
      <testsuites name="assay"\(attributes(total)) time="\(Figure.seconds(exact: time))">
      \(suites.map(\.markup))</testsuites>

      """
    return document.text
  }

  private static func attributes(_ count: CheckCount) -> Markup {
    """
     tests="\(count.total)" failures="\(count.failed)" errors="\(count.inconclusive)"
    """
  }

  private struct Suite {
    let name: String
    /// What its run took; verdicts take no time of their own.
    private(set) var seconds = 0.0
    private(set) var count = CheckCount()
    private var cases = Markup.empty
    private var ids = UniqueNames()

    init(_ run: RunResult, name: String) {
      self.name = name
      seconds = run.wallSeconds
      addCompletion(of: run)
      for assertion in run.assertions {
        add(
          assertion.id, assertion.counted,
          message: assertion.verdict == .unsupported
            ? "unsupported: \(assertion.statement)" : assertion.statement,
          detail: detail(assertion, run))
      }
    }

    init(_ medians: [SeedMedian], name: String) {
      self.name = name
      for median in medians {
        let note = median.note.isEmpty ? "" : ". \(median.note)"
        add(
          median.id, median.verdict, message: median.statement + note,
          detail: "\(median.stat) \(median.metric) of \(median.of); range \(median.range)")
      }
    }

    /// The run itself is the case that takes its time.
    private mutating func addCompletion(of run: RunResult) {
      let message =
        run.partial.map { "PARTIAL: \($0)" }
        ?? (run.verdict == .skipped ? "the run was skipped" : "nothing was judged")
      add(
        "run reaches its end", run.completion, message: message, detail: run.command,
        seconds: run.wallSeconds)
    }

    private mutating func add(
      _ id: String, _ verdict: Verdict, message: String, detail: String, seconds: Double = 0
    ) {
      count.add(verdict)
      let word = VerdictLook(verdict).word
      let message = message.isEmpty ? word : message
      let outcome: Markup
      switch verdict {
      case .pass: outcome = .empty
      case .fail, .unexpectedPass:
        outcome = """
          <failure message="\(message.printable)" type="\(word)">\(detail)</failure>
          """
      case .inconclusive:
        outcome = "<error message=\"\(message.printable)\" type=\"inconclusive\">\(detail)</error>"
      case .unsupported, .skipped, .waived, .expectedFailure:
        outcome = "<skipped message=\"\(word): \(message.printable)\"/>"
      }
      cases += """
        <testcase classname="\(name)" name="\(ids.take(id))" \
        time="\(Figure.seconds(exact: seconds))">\(outcome)</testcase>

        """
    }

    private func detail(_ assertion: Assertion, _ run: RunResult) -> String {
      var lines = [
        "expected \(assertion.measure) of \(assertion.extent) \(assertion.limitText)",
        "observed \(assertion.observedText) from \(Figure.count(assertion.samples, "sample"))"
          + (assertion.expected.map { " of \(Figure.grouped($0)) that were due" } ?? ""),
      ]
      if !assertion.worstText.isEmpty { lines.append("worst \(assertion.worstText)") }
      if !run.command.isEmpty { lines.append("repeat with: \(run.command)") }
      return lines.joined(separator: "\n")
    }

    var markup: Markup {
      """
      <testsuite name="\(name)"\(attributes(count)) skipped="\(count.skipped)" \
      time="\(Figure.seconds(exact: seconds))">
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

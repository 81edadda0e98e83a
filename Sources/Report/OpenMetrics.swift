// OpenMetrics 1.0 text, for whoever keeps verdicts and figures over time.

import Results

public enum OpenMetrics {
  public static func render(_ run: RunResult) -> String { render([run]) }

  /// All runs, each sample labelled with scenario, variant and seed. Of runs that share these the
  /// first counts, since a sample may come only once. Ends with `# EOF`.
  public static func render(_ all: [RunResult]) -> String { families(all) + "# EOF\n" }

  /// A gate: its verdict, its checks by verdict, its medians, then all runs.
  public static func render(_ gate: GateResult, _ runs: [RunResult]) -> String {
    var out = ""
    family("assay_gate_verdict", "stateset", "Verdict of a gate.", &out)
    states("assay_gate_verdict", [], gate.verdict, &out)
    checks("assay_gate_checks", [([], gate.checks)], "Checks of a gate by their verdict.", &out)
    medians(gate.medians, &out)
    return out + families(runs) + "# EOF\n"
  }

  private static func checks(
    _ name: String, _ all: [([(String, String)], CheckCount)], _ help: String, _ out: inout String
  ) {
    family(name, "gauge", help, &out)
    for (labels, count) in all {
      for (verdict, value) in [
        ("passed", count.passed), ("failed", count.failed), ("inconclusive", count.inconclusive),
        ("skipped", count.skipped),
      ] { sample(name, labels + [("verdict", verdict)], Double(value), &out) }
    }
  }

  private static func medians(_ all: [SeedMedian], _ out: inout String) {
    var seen: Set<String> = []
    let labelled = all.map { median in
      (
        median,
        [
          ("scenario", median.scenario), ("variant", RunResult.text(ofVariant: median.variant)),
          ("id", median.id),
        ]
      )
    }.filter { median, labels in
      seen.insert(labels.map(\.1).joined(separator: "\u{0}")).inserted
    }
    family("assay_median_verdict", "stateset", "Verdict of a median over all seeds.", &out)
    for (median, labels) in labelled {
      states("assay_median_verdict", labels, median.verdict, &out)
    }
    family("assay_median_observed", "gauge", "The median, in its unit.", &out)
    for (median, labels) in labelled {
      guard let observed = median.observed else { continue }
      sample("assay_median_observed", labels + [("unit", median.unit)], observed, &out)
    }
  }

  private static func families(_ all: [RunResult]) -> String {
    var seen: Set<String> = []
    let runs = all.filter {
      seen.insert("\($0.title)\u{0}\($0.variantText)\u{0}\($0.seed)").inserted
    }
    var out = ""
    family("assay_run", "info", "A run and the build that made it.", &out)
    for run in runs {
      let labels =
        run.labels + [
          ("build", run.build), ("clock", run.clock.rawValue), ("trace_hash", run.traceHash),
        ]
      sample("assay_run_info", labels, 1, &out)
    }
    family("assay_verdict", "stateset", "Verdict of a run.", &out)
    for run in runs { states("assay_verdict", run.labels, run.verdict, &out) }
    checks(
      "assay_checks", runs.map { ($0.labels, CheckCount($0)) }, "Checks of a run by their verdict.",
      &out)
    perRun(runs, "assay_partial", nil, "1 for a run that did not reach its end.", &out) {
      $0.partial == nil ? 0 : 1
    }
    perRun(runs, "assay_simulated_seconds", "seconds", "Length of the simulated call.", &out) {
      $0.simulatedSeconds
    }
    perRun(runs, "assay_wall_seconds", "seconds", "Time the run took.", &out) { $0.wallSeconds }
    perRun(runs, "assay_packets", nil, "Datagrams that entered a link.", &out) {
      Double($0.packets)
    }
    harness(runs, &out)
    assertions(runs, &out)
    participants(runs, &out)
    return out
  }

  private static func family(
    _ name: String, _ type: String, unit: String? = nil, _ help: String, _ out: inout String
  ) {
    out += "# TYPE \(name) \(type)\n"
    if let unit { out += "# UNIT \(name) \(unit)\n" }
    out += "# HELP \(name) \(escape(help))\n"
  }

  private static func perRun(
    _ runs: [RunResult], _ name: String, _ unit: String?, _ help: String, _ out: inout String,
    _ value: (RunResult) -> Double
  ) {
    family(name, "gauge", unit: unit, help, &out)
    for run in runs { sample(name, run.labels, value(run), &out) }
  }

  private static func states(
    _ name: String, _ labels: [(String, String)], _ verdict: Verdict, _ out: inout String
  ) {
    for state in Verdict.allCases {
      sample(name, labels + [(name, state.rawValue)], state == verdict ? 1 : 0, &out)
    }
  }

  /// Of runs in real time: what decides whether they prove anything.
  private static func harness(_ runs: [RunResult], _ out: inout String) {
    let timed = runs.filter { $0.harness != nil }
    guard !timed.isEmpty else { return }
    typealias Figure = (HarnessHealth) -> Double?
    let figures: [(name: String, unit: String, help: String, value: Figure)] = [
      (
        "lag_seconds", "seconds", "Schedule lag, p99 by time.", { $0.lagP99Ms / 1_000 }
      ),
      ("longest_stall_seconds", "seconds", "Longest stall.", { $0.lagMaxMs / 1_000 }),
      ("missed_seconds", "seconds", "Stalls over the lag limit together.", { $0.missedMs / 1_000 }),
      ("waited_ratio", "ratio", "Time the harness waited for a core.", { $0.waited?.mean }),
      ("cpu_pressure_ratio", "ratio", "Time some task waited for a core.", { $0.pressure?.mean }),
      ("steal_ratio", "ratio", "Cores' time taken by the hypervisor.", { $0.steal.mean }),
      ("sfu_waited_ratio", "ratio", "Time a local SFU waited for a core.", { $0.sfu?.waited.mean }),
    ]
    for figure in figures {
      let name = "assay_harness_\(figure.name)"
      family(name, "gauge", unit: figure.unit, figure.help, &out)
      for run in timed {
        guard let value = run.harness.flatMap(figure.value) else { continue }
        sample(name, run.labels, value, &out)
      }
    }
  }

  private static func assertions(_ runs: [RunResult], _ out: inout String) {
    let all = runs.flatMap { run in
      var names = UniqueNames()
      return run.assertions.map { assertion in
        (assertion, labels: run.labels + [("id", names.take(assertion.id))])
      }
    }
    family("assay_assertion_verdict", "stateset", "Verdict of an assertion.", &out)
    for (assertion, labels) in all {
      states("assay_assertion_verdict", labels, assertion.verdict, &out)
    }
    let described = all.map { assertion, labels in
      (
        assertion,
        labels + [
          ("of", assertion.of), ("metric", assertion.metric), ("stat", assertion.stat),
          ("unit", assertion.unit),
        ] + (assertion.source.map { [("source", $0.rawValue)] } ?? [])
      )
    }
    family("assay_assertion_observed", "gauge", "What was observed, in its unit.", &out)
    for (assertion, labels) in described {
      guard let observed = assertion.observed else { continue }
      sample("assay_assertion_observed", labels, observed, &out)
    }
    family("assay_assertion_limit", "gauge", "What was allowed, in its unit.", &out)
    for (assertion, labels) in described {
      let comparison = [("comparison", assertion.comparison.rawValue)]
      sample("assay_assertion_limit", labels + comparison, assertion.limit, &out)
    }
    family("assay_assertion_samples", "gauge", "How many samples were judged.", &out)
    for (assertion, labels) in all {
      sample("assay_assertion_samples", labels, Double(assertion.samples), &out)
    }
  }

  private static func participants(_ runs: [RunResult], _ out: inout String) {
    let all = runs.flatMap { run in
      run.participants.map { ($0, run.labels + [("room", $0.room), ("participant", $0.identity)]) }
    }
    family("assay_joined", "gauge", "1 for a participant that joined.", &out)
    for (participant, labels) in all {
      sample("assay_joined", labels, participant.joined ? 1 : 0, &out)
    }
    family("assay_connect_seconds", "gauge", unit: "seconds", "Join request to connected.", &out)
    for (participant, labels) in all {
      guard let connect = participant.connectMs else { continue }
      sample("assay_connect_seconds", labels, connect / 1000, &out)
    }
    family("assay_reconnects", "gauge", "Reconnections of a participant.", &out)
    for (participant, labels) in all {
      sample("assay_reconnects", labels, Double(participant.reconnects), &out)
    }
  }

  private static func sample(
    _ name: String, _ labels: [(String, String)], _ value: Double, _ out: inout String
  ) {
    let list = labels.map { "\($0)=\"\(escape($1))\"" }.joined(separator: ",")
    out += "\(name){\(list)} \(number(value))\n"
  }

  private static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    return Int64(exactly: value).map { String($0) } ?? "\(value)"
  }

  private static func escape(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": out += "\\\\"
      case "\"": out += "\\\""
      case "\n": out += "\\n"
      case "\u{0}"..."\u{1F}", "\u{7F}": out += "\u{FFFD}"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }
}

extension RunResult {
  fileprivate var labels: [(String, String)] {
    [("scenario", scenario.name), ("variant", variantText), ("seed", String(seed))]
  }
}

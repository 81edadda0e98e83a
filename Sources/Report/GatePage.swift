// A gate as one HTML page: its verdict, and every run with a way to its own report.

import Results

public enum GatePage {
  private static let rowLimit = 2_000
  private static let complaintLimit = 100

  /// - Parameter runs: in the order of `gate.runs`; one that is missing is shown by its row alone.
  public static func render(_ gate: GateResult, _ runs: [RunResult]) -> String {
    let pairs = gate.runs.enumerated().map { index, row in
      (row: row, run: index < runs.count ? runs[index] : nil)
    }
    let look =
      gate.exitCode == .interrupted || gate.exitCode == .terminated
      ? VerdictLook.partial : VerdictLook(gate.verdict)
    return Page.render(
      title: "\(look.symbol) gate: \(look.word)",
      body: """
        <header><p class="kind">Assay gate report</p><h1>Gate</h1>
        \(Page.banner(look, gate.sentence + "."))</header>
        <main>
        \(SideBySide(runs)?.section ?? "")\(complaints(pairs, gate.medians))\
        \(Scoreboard.section(runs))\(Scoreboard.medians(gate))\
        \(table(pairs))\(facts(gate, runs))</main>
        \(HTMLReport.footer(build: runs.first?.build ?? ""))
        """)
  }

  private static func facts(_ gate: GateResult, _ runs: [RunResult]) -> Markup {
    let simulated = gate.runs.reduce(0) { $0 + $1.simulatedSeconds }
    let wall = gate.runs.reduce(0) { $0 + $1.wallSeconds }
    var scenarios: Set<String> = []
    var seeds: Set<UInt64> = []
    for run in gate.runs {
      scenarios.insert(run.scenario)
      seeds.insert(run.seed)
    }
    return """
      <section id="run"><h2>What ran</h2>
      \(Page.facts([
        ("Runs", Figure.grouped(gate.runs.count)), ("Scenarios", Figure.grouped(scenarios.count)),
        ("Seeds", Figure.grouped(seeds.count)), ("Simulated", Figure.seconds(simulated)),
        ("Wall time, summed", Figure.seconds(wall)),
        ("Checks", gate.checks.text),
        ("Exit code", String(gate.exitCode.rawValue)), ("Build", runs.first?.build ?? ""),
      ]))</section>

      """
  }

  private typealias Pair = (row: GateResult.Run, run: RunResult?)

  private static func complaints(_ pairs: [Pair], _ medians: [SeedMedian]) -> Markup {
    var cards = medians.filter { $0.verdict.needsAttention }.map { median -> Markup in
      let look = VerdictLook(median.verdict)
      return """
        <article class="card \(look.tone)"><h3>\(look.chip) \
        <a href="#medians">\(median.scenario), \(median.id)</a></h3>\
        <p>\(median.stat) \(median.metric) of \(median.of): \(median.statement). \
        \(median.note)</p></article>

        """
    }
    var left = 0
    for (row, run) in pairs {
      guard let run, run.partial != nil || row.verdict.needsAttention else { continue }
      guard cards.count < complaintLimit else {
        left += 1
        continue
      }
      let command: Markup = run.command.isEmpty ? "" : "<pre><code>\(run.command)</code></pre>"
      cards.append(
        """
        <article class="card \(run.look.tone)"><h3>\(run.look.chip) \
        <a href="\(link(row))">\(name(row))</a></h3><p>\(run.sentence)</p>\(command)</article>

        """)
    }
    guard !cards.isEmpty else { return .empty }
    return """
      <section id="attention"><h2>Needs attention</h2>
      \(cards)\(Page.more(left, "run"))</section>

      """
  }

  private static func table(_ pairs: [Pair]) -> Markup {
    guard !pairs.isEmpty else { return .empty }
    let rows = pairs.prefix(rowLimit).map { row, run -> Markup in
      let look = run?.look ?? VerdictLook(row.verdict)
      let checks =
        run.map { run in
          let all = run.judged
          return "\(all.filter { $0.verdict == .pass }.count) of \(all.count)"
        } ?? ""
      return """
        <tr><td>\(look.chip)</td><th scope="row"><a href="\(link(row))">\(row.scenario)</a>\
        <small>\(RunResult.text(ofVariant: row.variant))</small><small>\(row.target ?? "")</small>\
        <small>\(run?.scenario.about ?? "")</small></th>\
        <td class="number">\(String(row.seed))</td><td class="number">\(checks)</td>\
        <td class="number">\(Figure.seconds(row.simulatedSeconds))</td>\
        <td class="number">\(Figure.seconds(row.wallSeconds))</td>\
        <td class="mono">\(row.traceHash)</td></tr>

        """
    }
    return """
      <section id="runs"><h2>Runs</h2>
      \(Page.table(
        "Runs",
        heads: ["Verdict", "Scenario", "#Seed", "#Passed", "#Simulated", "#Wall", "Trace hash"],
        rows: rows))\
      \(Page.more(pairs.count - rows.count, "run"))</section>

      """
  }

  private static func name(_ row: GateResult.Run) -> String {
    let variant = row.variant.isEmpty ? "" : " [\(RunResult.text(ofVariant: row.variant))]"
    let target = row.target.map { " against \($0)" } ?? ""
    return "\(row.scenario)\(variant)\(target), seed \(row.seed)"
  }

  /// The page beside a result.json: a relative path whatever the names in it are.
  static func link(_ row: GateResult.Run) -> String {
    var folders = row.result.split(separator: "/").map(String.init)
    if !folders.isEmpty { folders.removeLast() }
    let safe = folders.filter { $0 != ".." && $0 != "." }.map(encoded)
    return (["."] + safe + ["index.html"]).joined(separator: "/")
  }

  /// Percent-encoding of a path segment (RFC 3986 §2.1).
  private static func encoded(_ segment: String) -> String {
    var out = ""
    for byte in segment.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "~"):
        out.unicodeScalars.append(UnicodeScalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        out += "%" + (digits.count == 1 ? "0" : "") + digits
      }
    }
    return out
  }
}

extension GateResult {
  /// How many runs passed, how many medians hold, and every check by its verdict: the same in every output.
  var sentence: String {
    guard !runs.isEmpty else { return "nothing was selected" }
    func count(_ verdicts: Verdict...) -> Int { runs.count { verdicts.contains($0.verdict) } }
    let failed = count(.fail, .unexpectedPass)
    let skipped = count(.skipped, .unsupported)
    var parts = [
      "\(count(.pass, .expectedFailure, .waived)) of \(Figure.count(runs.count, "run")) passed"
    ]
    if failed > 0 { parts.append("\(failed) failed") }
    if count(.inconclusive) > 0 { parts.append("\(count(.inconclusive)) could not be judged") }
    if skipped > 0 { parts.append("\(skipped) skipped") }
    if !medians.isEmpty {
      let good = medians.count { !$0.verdict.needsAttention }
      parts.append("\(good) of \(Figure.count(medians.count, "median")) within its limit")
    }
    return parts.joined(separator: ", ") + "; " + checks.text
  }
}

extension SeedMedian {
  /// `median of 10 seeds 90.6 %, expected ≥ 75 %`.
  var statement: String {
    let seen = observed.map { Figure.text($0, unit: unit) } ?? "no data in at least one"
    return "median of \(Figure.count(seeds, "seed")) \(seen), expected \(comparison.symbol) "
      + Figure.text(limit, unit: unit)
  }

  /// `71.2 % … 93 %`; empty without data.
  var range: String {
    guard let lowest, let highest else { return "" }
    return "\(Figure.text(lowest, unit: unit)) … \(Figure.text(highest, unit: unit))"
  }
}

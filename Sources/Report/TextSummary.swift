// What a terminal shows at the end: the checks first, then what ran, then how to repeat it.

import Results

public enum TextSummary {
  private static let idLimit = 40
  private static let nameLimit = 60

  /// - Parameter colours: whether ANSI colours are used; never the sole carrier of a meaning.
  public static func render(_ run: RunResult, colours: Bool = false) -> String {
    let paint = Paint(isOn: colours)
    var out = head(run, paint)
    out += lines(run.loudAssertions, paint)
    if !run.quietRules.isEmpty {
      let look = VerdictLook(run.ruleText.isEmpty ? .skipped : .pass)
      let words = [run.ruleText, run.silentRuleText].filter { !$0.isEmpty }
      out += "  \(paint(look.symbol, look.tone)) \(words.joined(separator: ", "))\n"
    }
    if run.assertions.isEmpty { out += "  ? nothing was judged\n" }
    out += "  \(CheckCount(run).text)\n"
    // A run that was skipped has no figures.
    if run.verdict == .skipped { return out }
    out += "\n  \(facts(run))\n"
    if !run.command.isEmpty, run.verdict.needsAttention || run.partial != nil {
      out += "  repeat: \(run.command.printable)\n"
    }
    return out
  }

  /// One line a run, and under those that need it what is wrong and how to repeat it.
  public static func render(
    _ gate: GateResult, _ runs: [RunResult], colours: Bool = false
  ) -> String {
    let paint = Paint(isOn: colours)
    var out = ""
    let names = gate.runs.map { row in
      let variant = row.variant.isEmpty ? "" : " [\(RunResult.text(ofVariant: row.variant))]"
      let target = row.target.map { " against \($0)" } ?? ""
      return "\(row.scenario)\(variant)\(target)".printable
    }
    let seeds = gate.runs.map { "seed \($0.seed)" }
    let nameWidth = min(nameLimit, names.map(\.count).max() ?? 0)
    let words = gate.runs.map { VerdictLook($0.verdict).word }
    let wordWidth = words.map(\.count).max() ?? 0
    let seedWidth = seeds.map(\.count).max() ?? 0
    for (index, row) in gate.runs.enumerated() {
      let run = index < runs.count ? runs[index] : nil
      let look = run?.look ?? VerdictLook(row.verdict)
      out +=
        "\(paint(look.symbol, look.tone)) \(names[index].padded(to: nameWidth))  "
        + "\(seeds[index].padded(to: seedWidth))  \(look.word.padded(to: wordWidth))  "
        + "\(Figure.seconds(row.simulatedSeconds)) in \(Figure.seconds(row.wallSeconds))\n"
      guard let run, run.partial != nil || row.verdict.needsAttention else { continue }
      if let partial = run.partial { out += "    \(partial.printable)\n" }
      out += lines(run.assertions.filter(\.needsAttention), paint)
      if !run.command.isEmpty { out += "    repeat: \(run.command.printable)\n" }
    }
    out += lines(gate.medians)
    if let beside = SideBySide(runs) { out += "\n\(beside.text)" }
    let look = VerdictLook(gate.verdict)
    let word = paint("\(look.symbol) \(look.word.uppercased())", look.tone)
    return out + "\n\(word)  \(gate.sentence)\n"
  }

  /// What is judged over all seeds, below one heading.
  private static func lines(_ medians: [SeedMedian]) -> String {
    guard !medians.isEmpty else { return "" }
    let names = medians.map { "\($0.scenario) \($0.id)".printable }
    let width = min(nameLimit, names.map(\.count).max() ?? 0)
    var out = "\nMedians over all seeds\n"
    for (median, name) in zip(medians, names) {
      let observed = median.observed.map { Figure.text($0, unit: median.unit) } ?? "no data"
      out +=
        "\(VerdictLook(median.verdict).symbol) \(name.padded(to: width))  \(observed)  "
        + "\(median.comparison.symbol) \(Figure.text(median.limit, unit: median.unit))\n"
      if !median.note.isEmpty { out += "    \(median.note.printable)\n" }
    }
    return out
  }

  private static func head(_ run: RunResult, _ paint: Paint) -> String {
    let word = paint("\(run.look.symbol) \(run.look.word.uppercased())", run.look.tone)
    let variant = run.variant.isEmpty ? "" : "  [\(run.variantText.printable)]"
    var out = "\(word)  \(run.title.printable)\(variant)  seed \(run.seed)\n"
    if let partial = run.partial {
      let judged = VerdictLook(run.verdict).word
      out += "  did not reach its end: \(partial.printable); so far \(judged)\n"
    }
    return out
  }

  /// One line a check: its name, what was seen, what was asked, and of what; below those that did
  /// not pass why.
  private static func lines(_ assertions: [Assertion], _ paint: Paint) -> String {
    let ids = assertions.map { $0.id.printable.clipped(to: idLimit) }
    let observed = assertions.map { $0.observedText.printable }
    let limits = assertions.map { $0.limitText.printable }
    func width(_ texts: [String]) -> Int { texts.map(\.count).max() ?? 0 }
    var out = ""
    for (index, assertion) in assertions.enumerated() {
      let look = VerdictLook(assertion.verdict)
      if assertion.metric.isEmpty {
        out += "  \(paint(look.symbol, look.tone)) \(assertion.reason.printable)\n"
        continue
      }
      let gap = String(repeating: " ", count: width(observed) - observed[index].count)
      let measure = "\(assertion.measure) of \(assertion.extent)".printable.clipped(to: 72)
      out +=
        "  \(paint(look.symbol, look.tone)) \(ids[index].padded(to: width(ids)))  "
        + "\(gap)\(observed[index])  \(limits[index].padded(to: width(limits)))  \(measure)\n"
      if assertion.verdict != .pass {
        out += "      \(why(assertion).printable)\n"
      }
    }
    return out
  }

  private static func why(_ assertion: Assertion) -> String {
    let isFail = assertion.verdict == .fail && assertion.origin == .expectation
    let worst = isFail && !assertion.worstText.isEmpty ? "worst \(assertion.worstText)" : ""
    let parts = [worst, assertion.cause].filter { !$0.isEmpty }
    let word = VerdictLook(assertion.verdict).word
    return parts.isEmpty ? word : "\(word): " + parts.joined(separator: "; ")
  }

  private static func facts(_ run: RunResult) -> String {
    let speed = run.speed.map { " (\(Figure.plain($0))×)" } ?? ""
    let span = Figure.seconds(run.simulatedSeconds)
    var parts = [
      run.clock == .wall
        ? "\(span) in real time" + (run.target.map { " against \($0.printable)" } ?? "")
        : "\(span) simulated in \(Figure.seconds(run.wallSeconds))" + speed,
      run.crowd,
      "\(Figure.grouped(run.packets)) packets",
    ]
    if !run.traceHash.isEmpty { parts.append("trace \(run.traceHash.printable)") }
    if !run.memoryText.isEmpty { parts.append("memory \(run.memoryText)") }
    let harness = run.harnessText.isEmpty ? "" : "\n  harness: \(run.harnessText)"
    return parts.joined(separator: ", ") + harness
  }

  struct Paint {
    let isOn: Bool

    func callAsFunction(_ text: String, _ tone: String) -> String {
      guard isOn else { return text }
      let code =
        switch tone {
        case "pass": "32"
        case "fail": "31"
        case "unsure": "33"
        case "partial": "35"
        default: "2"
        }
      return "\u{1B}[1;\(code)m\(text)\u{1B}[0m"
    }
  }
}

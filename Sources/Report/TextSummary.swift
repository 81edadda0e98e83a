// What a terminal shows at the end: the checks first, then what ran, then how to repeat it.

import Conformance

public enum TextSummary {
  private static let idLimit = 40

  /// - Parameter colours: whether ANSI colours are used; never the sole carrier of a meaning.
  public static func render(_ run: RunResult, colours: Bool = false) -> String {
    let paint = Paint(isOn: colours)
    var out = head(run, paint)
    let expectations = run.assertions.filter { $0.origin == .expectation }
    let rules = run.assertions.filter { $0.origin == .rule }
    let quiet = rules.filter { $0.verdict == .pass }
    let shown = expectations + rules.filter { $0.verdict != .pass }
    out += lines(shown, paint)
    if !quiet.isEmpty {
      let look = VerdictLook(.pass)
      let verb = quiet.count == 1 ? "holds" : "hold"
      out += "  \(paint(look.symbol, look.tone)) \(Figure.count(quiet.count, "rule")) \(verb)\n"
    }
    if run.assertions.isEmpty { out += "  ? nothing was judged\n" }
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
    for (index, row) in gate.runs.enumerated() {
      let run = index < runs.count ? runs[index] : nil
      let look = run?.look ?? VerdictLook(row.verdict)
      let variant = row.variant.isEmpty ? "" : " [\(RunResult.text(ofVariant: row.variant))]"
      let name = "\(row.scenario)\(variant)".printable
      out += "\(paint(look.symbol, look.tone)) \(name) seed \(row.seed)  \(look.word)\n"
      guard let run, run.partial != nil || run.verdict.needsAttention else { continue }
      if let partial = run.partial { out += "    \(partial.printable)\n" }
      out += lines(run.assertions.filter { $0.verdict.needsAttention }, paint)
      if !run.command.isEmpty { out += "    repeat: \(run.command.printable)\n" }
    }
    let look = VerdictLook(gate.verdict)
    let word = paint("\(look.symbol) \(look.word.uppercased())", look.tone)
    let good = gate.runs.filter { !$0.verdict.needsAttention }.count
    let count =
      gate.runs.isEmpty ? "nothing was selected" : "\(good) of \(gate.runs.count) runs passed"
    return out + "\n\(word)  \(count)\n"
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

  private static func lines(_ assertions: [Assertion], _ paint: Paint) -> String {
    let ids = assertions.map { $0.id.printable.clipped(to: idLimit) }
    let measures = assertions.map { "\($0.measure) of \($0.of)".printable.clipped(to: 56) }
    let observed = assertions.map { $0.observedText.printable }
    let limits = assertions.map { $0.limitText.printable }
    func width(_ texts: [String]) -> Int { texts.map(\.count).max() ?? 0 }
    var out = ""
    for (index, assertion) in assertions.enumerated() {
      let look = VerdictLook(assertion.verdict)
      let gap = String(repeating: " ", count: width(observed) - observed[index].count)
      let worst = assertion.worstText.printable
      var line =
        "  \(paint(look.symbol, look.tone)) \(ids[index].padded(to: width(ids)))  "
        + "\(measures[index].padded(to: width(measures)))  \(gap)\(observed[index])  "
        + limits[index].padded(to: width(limits))
      if !worst.isEmpty { line += "  worst \(worst)" }
      while line.last == " " { line.removeLast() }
      out += line + "\n"
      if assertion.verdict != .pass, !assertion.reason.isEmpty {
        out += "      \(look.word): \(assertion.reason.printable)\n"
      }
    }
    return out
  }

  private static func facts(_ run: RunResult) -> String {
    let speed = run.speed.map { " (\(Figure.plain($0))×)" } ?? ""
    var parts = [
      "\(Figure.seconds(run.simulatedSeconds)) simulated in \(Figure.seconds(run.wallSeconds))"
        + speed,
      Figure.count(run.participants.count, "participant"),
      "\(Figure.grouped(run.packets)) packets",
    ]
    if !run.traceHash.isEmpty { parts.append("trace \(run.traceHash.printable)") }
    return parts.joined(separator: ", ")
  }

  private struct Paint {
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

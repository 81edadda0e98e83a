// Markdown for a job summary, cut before the 1,024 KiB at which GitHub refuses it.

import Results

public enum MarkdownReport {
  /// What GitHub takes for one step, less a margin for what else the step writes.
  public static let sizeLimit = 1_000 * 1024

  public static func render(_ run: RunResult, limit: Int = sizeLimit) -> String {
    render([run], limit: limit)
  }

  /// A gate: its verdict and count, the medians, then all runs.
  public static func render(
    _ gate: GateResult, _ runs: [RunResult], limit: Int = sizeLimit
  ) -> String {
    var document = Document(limit: max(limit, 4096))
    let look = VerdictLook(gate.verdict)
    document.append("# \(look.symbol) Gate: \(look.word)\n\n\(text(gate.sentence)).\n\n")
    medians(gate.medians, &document)
    all(runs, &document)
    return document.text
  }

  /// What is judged over all seeds, what needs attention first.
  private static func medians(_ all: [SeedMedian], _ document: inout Document) {
    guard !all.isEmpty else { return }
    document.append(
      "| | Case | Expectation | Measure | Verdict over all seeds | Range |\n"
        + "|---|---|---|---|---|---|\n")
    let order =
      all.filter(\.verdict.needsAttention) + all.filter { !$0.verdict.needsAttention }
    for median in order {
      let look = VerdictLook(median.verdict)
      let variant = RunResult.text(ofVariant: median.variant)
      let name = median.scenario + (variant.isEmpty ? "" : " [\(variant)]")
      let note = median.note.isEmpty ? "" : " (\(median.note))"
      let cells = [
        "\(look.symbol) \(look.word)", text(name), text(median.id),
        text("\(median.stat) \(median.metric) of \(median.of)"),
        text(median.statement + note), text(median.range),
      ]
      document.append("| " + cells.joined(separator: " | ") + " |\n")
    }
    document.append("\n")
  }

  /// All runs, those that need attention first, in at most `limit` bytes (4,096 or more).
  public static func render(_ runs: [RunResult], limit: Int = sizeLimit) -> String {
    var document = Document(limit: max(limit, 4096))
    if runs.count != 1 { overview(runs, &document) }
    all(runs, &document)
    return document.text
  }

  private static func all(_ runs: [RunResult], _ document: inout Document) {
    let order =
      runs.filter { $0.partial != nil || $0.verdict.needsAttention }
      + runs.filter { $0.partial == nil && !$0.verdict.needsAttention }
    for (index, run) in order.enumerated() {
      guard document.append(head(run)) else {
        document.close("\(Figure.count(order.count - index, "run")) more")
        break
      }
      rows(run, &document)
    }
  }

  private static func overview(_ runs: [RunResult], _ document: inout Document) {
    let words = Verdict.allCases.compactMap { verdict -> String? in
      let count = runs.filter { $0.partial == nil && $0.verdict == verdict }.count
      let look = VerdictLook(verdict)
      return count == 0 ? nil : "\(look.symbol) \(count) \(look.word)"
    }
    let partial = runs.filter { $0.partial != nil }.count
    let look = VerdictLook.partial
    let all = words + (partial == 0 ? [] : ["\(look.symbol) \(partial) \(look.word)"])
    let list = all.isEmpty ? "no run" : all.joined(separator: ", ")
    document.append("# \(Figure.count(runs.count, "run")): \(list)\n\n")
  }

  private static func head(_ run: RunResult) -> String {
    let look = run.look
    var lines = ["## \(look.symbol) \(text(run.title)): \(look.word)", "", text(run.sentence), ""]
    if !run.harnessFault.isEmpty { lines += [text(run.harnessFault), ""] }
    var facts = ["seed \(run.seed)"]
    if !run.variant.isEmpty { facts.append(text(run.variantText)) }
    facts.append("\(Figure.seconds(run.simulatedSeconds)) in \(Figure.seconds(run.wallSeconds))")
    facts.append("\(Figure.grouped(run.packets)) packets")
    if let target = run.target { facts.append("against \(code(target))") }
    if !run.harnessText.isEmpty { facts.append("harness: \(run.harnessText)") }
    if !run.traceHash.isEmpty { facts.append("trace \(code(run.traceHash))") }
    if !run.build.isEmpty { facts.append("Assay \(text(run.build))") }
    lines += [facts.joined(separator: " · "), ""]
    lines += ["\(CheckCount(run).text).", ""]
    if !run.command.isEmpty, run.verdict.needsAttention || run.partial != nil {
      lines += ["Repeat with: \(code(run.command))", ""]
    }
    if !run.loudAssertions.isEmpty {
      lines += [
        "| | Check | Measure | Limit | Observed | Margin | Samples | Worst |",
        "|---|---|---|---:|---:|---:|---:|---|",
      ]
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func rows(_ run: RunResult, _ document: inout Document) {
    let loud = run.loudAssertions
    let order =
      loud.filter(\.needsAttention) + loud.filter { !$0.needsAttention }
    for (index, assertion) in order.enumerated() {
      let look = VerdictLook(assertion.verdict)
      let cells = [
        "\(look.symbol) \(look.word)", text(assertion.id),
        text("\(assertion.measure) of \(assertion.extent)"), text(assertion.limitText),
        text(assertion.observedText), text(assertion.marginText),
        assertion.samplesText, text(assertion.worstText),
      ]
      guard document.append("| " + cells.joined(separator: " | ") + " |\n") else {
        document.close("\(Figure.count(order.count - index, "check")) more of this run")
        return
      }
    }
    let rules = [run.ruleText, run.silentRuleText].filter { !$0.isEmpty }
    document.append(rules.isEmpty ? "\n" : "\n\(rules.joined(separator: ", ")).\n\n")
  }

  /// One line of text in which nothing is markup.
  static func text(_ value: String) -> String {
    var out = ""
    for character in value.printable {
      switch character {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "|", "\\", "`", "*", "_", "[", "]", "#", "~", "$", "!", "@": out += "\\\(character)"
      default: out.append(character)
      }
    }
    return out
  }

  /// A code span that holds whatever stands in it.
  static func code(_ value: String) -> String {
    var longest = 0
    var current = 0
    for character in value.printable {
      current = character == "`" ? current + 1 : 0
      longest = max(longest, current)
    }
    let fence = String(repeating: "`", count: longest + 1)
    let pad = longest > 0 ? " " : ""
    return fence + pad + value.printable + pad + fence
  }

  /// Text that stops growing at its limit, with room kept for the words that say so.
  private struct Document {
    private static let reserve = 512
    let limit: Int
    private(set) var text = ""
    private var size = 0
    private var isClosed = false

    init(limit: Int) { self.limit = limit }

    @discardableResult
    mutating func append(_ piece: String) -> Bool {
      guard !isClosed, size + piece.utf8.count <= limit - Document.reserve else { return false }
      text += piece
      size += piece.utf8.count
      return true
    }

    mutating func close(_ words: String) {
      guard !isClosed else { return }
      text += "\n**\(words)**; see the run directory.\n"
      isClosed = true
    }
  }
}

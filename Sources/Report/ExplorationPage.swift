// An exploration as text and as one HTML page: what broke, and what was covered, so that "no violation"
// says over what.

import Results

public enum ExplorationPage {
  public static func render(_ result: ExplorationResult) -> String {
    let look = result.look
    return Page.render(
      title: "\(look.symbol) explore: \(look.word)",
      body: """
        <header><p class="kind">Assay exploration report</p><h1>Random worlds</h1>
        \(Page.banner(look, result.sentence))</header>
        <main>
        \(violations(result))\(facts(result))\(counts("rules", "Rules judged", result.rules, result))\
        \(counts("covered", "What the worlds had", result.features, result))</main>
        \(HTMLReport.footer(build: result.build))
        """)
  }

  private static func facts(_ result: ExplorationResult) -> Markup {
    """
    <section id="run"><h2>What ran</h2>
    \(Page.facts([
      ("Worlds", Figure.grouped(result.runs)), ("Run twice", Figure.grouped(result.repeated)),
      ("First seed", String(result.seed)), ("Mutant", result.mutant),
      ("Simulated", Figure.seconds(result.simulatedSeconds)),
      ("Wall time", Figure.seconds(result.wallSeconds)),
      ("Worlds a minute", Figure.grouped(Int(result.worldsPerMinute))),
      ("Workers", String(result.workers)), ("Datagrams", Figure.grouped(Int(result.packets))),
      ("Exit code", String(result.verdict.exitCode.rawValue)), ("Build", result.build),
    ]))</section>

    """
  }

  private static func violations(_ result: ExplorationResult) -> Markup {
    guard !result.violations.isEmpty else { return .empty }
    let rows = result.violations.map { violation -> Markup in
      """
      <tr>\(Page.cell(violation.rule))\(Page.cell(violation.reason))\
      \(Page.numberCell(String(violation.seed)))\(Page.numberCell(String(violation.worlds)))\
      <td><a href="\(violation.file)">\(violation.file)</a></td>\
      \(Page.numberCell(String(violation.people)))\(Page.numberCell(String(violation.faults)))\
      \(Page.numberCell(Figure.seconds(violation.seconds)))</tr>

      """
    }
    return """
      <section id="violations"><h2>What broke</h2>
      \(Page.table(
        "Violations",
        heads: [
          "Rule", "What", "#Seed", "#Worlds", "Smallest scenario", "#People", "#Faults", "#Length",
        ], rows: rows))</section>

      """
  }

  private static func counts(
    _ id: Markup, _ title: String, _ counts: [ExplorationResult.Count],
    _ result: ExplorationResult
  ) -> Markup {
    let rows = counts.map { count -> Markup in
      let share = result.runs > 0 ? 100 * count.worlds / result.runs : 0
      return """
        <tr>\(Page.cell(count.name))\(Page.numberCell(String(count.worlds)))\
        \(Page.numberCell("\(share) %"))</tr>

        """
    }
    return """
      <section id="\(id)"><h2>\(title)</h2>
      \(Page.table(title, heads: ["Name", "#Worlds", "#Share"], rows: rows))</section>

      """
  }
}

extension ExplorationResult {
  var look: VerdictLook { partial != nil ? .partial : VerdictLook(verdict) }

  var sentence: String {
    let worlds = Figure.count(runs, "world")
    var text =
      violations.isEmpty
      ? "No rule broke in \(worlds)."
      : "\(Figure.count(violations.count, "rule")) broke in \(worlds)."
    if let partial { text += " Partial: \(partial)." }
    return text
  }
}

extension TextSummary {
  /// What broke, what was covered, and how fast it went.
  public static func render(_ result: ExplorationResult, colours: Bool = false) -> String {
    let paint = Paint(isOn: colours)
    let look = result.look
    var out =
      "\(paint("\(look.symbol) \(look.word.uppercased())", look.tone))  \(result.sentence)\n"
    for violation in result.violations {
      out += "  \(paint("✗", "fail")) \(violation.rule), seed \(violation.seed): "
      out += "\(violation.reason.printable)\n"
      guard !violation.file.isEmpty else { continue }
      out += "    \(violation.file): \(Figure.count(violation.people, "participant")), "
      out += "\(Figure.count(violation.faults, "fault")), \(Figure.seconds(violation.seconds))\n"
    }
    out += "\n  judged: " + list(result.rules) + "\n"
    out += "  faults: " + list(result.features.filter { $0.name.hasPrefix("fault/") }) + "\n"
    out += "  acts: " + list(result.features.filter { $0.name.hasPrefix("act/") }) + "\n"
    out += "\n  \(Figure.count(result.runs, "world")), \(Figure.count(result.repeated, "repeat")), "
    out += "\(Figure.seconds(result.simulatedSeconds)) simulated in "
    out += "\(Figure.seconds(result.wallSeconds)): \(Int(result.worldsPerMinute)) worlds a minute "
    out += "in \(Figure.count(result.workers, "worker"))\n"
    return out
  }

  private static func list(_ counts: [ExplorationResult.Count]) -> String {
    counts.map { count in
      "\(count.name.split(separator: "/").dropFirst().joined(separator: "/")) \(count.worlds)"
    }.joined(separator: ", ")
  }
}

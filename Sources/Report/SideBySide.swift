// Runs of one scenario against several SFUs, beside each other: what was asked, and what people had.

import Results

struct SideBySide {
  private static let peopleLimit = 200
  let runs: [RunResult]

  /// Nil unless all runs are of one scenario, variant and seed, against SFUs that differ.
  init?(_ runs: [RunResult]) {
    guard let first = runs.first, runs.count > 1,
      runs.allSatisfy({
        $0.scenario.sha256 == first.scenario.sha256 && $0.variantText == first.variantText
          && $0.seed == first.seed
      }), Set(runs.map(\.target)).count == runs.count
    else { return nil }
    self.runs = runs
  }

  private var names: [String] { runs.map { $0.target ?? "reference SFU, virtual time" } }

  // MARK: Checks

  /// Every check by its id, in the order of the runs.
  private var checks: [(id: String, each: [Assertion?])] {
    var ids: [String] = []
    for run in runs { ids += run.assertions.map(\.id).filter { !ids.contains($0) } }
    return ids.map { id in (id, runs.map { run in run.assertions.first { $0.id == id } }) }
  }

  private func seen(_ assertion: Assertion) -> String {
    switch assertion.verdict {
    case .unsupported, .skipped, .waived: VerdictLook(assertion.verdict).word
    default: assertion.observedText
    }
  }

  private var checkTable: Markup {
    let rows = checks.map { id, each -> Markup in
      let cells = each.map { assertion -> Markup in
        guard let assertion else { return "<td></td>" }
        let why: Markup =
          assertion.verdict == .pass || assertion.reason.isEmpty
          ? "" : "<small>\(assertion.reason)</small>"
        return "<td>\(VerdictLook(assertion.verdict).chip) \(seen(assertion))\(why)</td>"
      }
      let asked = each.compactMap { $0 }.first.map { "\($0.measure) \($0.limitText)" } ?? ""
      return "<tr><th scope=\"row\">\(id)<small>\(asked)</small></th>\(cells)</tr>\n"
    }
    return Page.table("Checks side by side", heads: ["Check"] + names, rows: rows)
  }

  // MARK: People

  /// What one participant had in one run, as a person would say it.
  private static func figures(_ run: RunResult, _ person: Participant) -> [String] {
    let milliseconds = { (value: Double?) in value.map { Figure.text($0, unit: "ms") } }
    let rate = median(run, person, "assay.bitrateReceived")
    return [
      milliseconds(person.connectMs) ?? "never", milliseconds(person.timeToFirstFrameMs) ?? "none",
      milliseconds(median(run, person, "assay.endToEndDelay")) ?? "",
      rate.map { Figure.text($0, unit: "bps") } ?? "", heights(person),
      Figure.plain(total(person, "packetsLost")), Figure.plain(total(person, "freezeCount")),
    ]
  }

  private static let figureNames = [
    "Connect", "First frame", "Delay, median second", "Received, median second", "Height seen",
    "Packets lost", "Freezes",
  ]

  private static func median(
    _ run: RunResult, _ person: Participant, _ metric: String
  ) -> Double? {
    let series = run.series.first {
      $0.participant == person.identity && $0.metric == metric && $0.subject.isEmpty
    }
    let values = (series?.values ?? []).compactMap { $0 }.sorted()
    return values.isEmpty ? nil : values[values.count / 2]
  }

  private static func values(_ person: Participant, _ metric: String) -> [Double] {
    person.inbound.flatMap { track in track.values.filter { $0.metric == metric }.map(\.value) }
  }

  private static func total(_ person: Participant, _ metric: String) -> Double {
    values(person, metric).reduce(0, +)
  }

  private static func heights(_ person: Participant) -> String {
    let all = Set(values(person, "frameHeight").filter { $0 > 0 }).sorted(by: >)
    return all.map { "\(Figure.plain($0, digits: 4))p" }.joined(separator: ", ")
  }

  private var peopleTable: Markup {
    let everybody = runs[0].participants.prefix(SideBySide.peopleLimit)
    let rows = everybody.flatMap { person in
      let each = runs.map { run in
        run.participants.first { $0.identity == person.identity }
          .map { SideBySide.figures(run, $0) }
      }
      return SideBySide.figureNames.enumerated().map { index, name -> Markup in
        let cells = each.map { "<td class=\"number\">\($0?[index] ?? "")</td>" as Markup }
        let head: Markup =
          index == 0
          ? "<th scope=\"rowgroup\" rowspan=\"\(SideBySide.figureNames.count)\">\(person.identity)</th>"
          : ""
        return "<tr>\(head)<td>\(name)</td>\(cells)</tr>\n"
      }
    }
    let table = Page.table(
      "People side by side", heads: ["Participant", "Figure"] + names.map { "#\($0)" }, rows: rows)
    return "\(table)\(Page.more(runs[0].participants.count - everybody.count, "participant"))"
  }

  var section: Markup {
    """
    <section id="side-by-side"><h2>Side by side</h2>
    \(checkTable)\(peopleTable)</section>

    """
  }

  // MARK: Text

  /// The checks as a table for a terminal.
  var text: String {
    var rows: [[String]] = [[""] + names.map(\.printable)]
    for (id, each) in checks {
      rows.append(
        [id.printable]
          + each.map { assertion in
            assertion.map { "\(VerdictLook($0.verdict).symbol) \(seen($0).printable)" } ?? ""
          })
    }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let cells = zip(row, widths).map { $0.padded(to: $1) }.joined(separator: "  ")
      return "  " + cells.trimmingTrailingSpaces + "\n"
    }.joined()
  }
}

extension String {
  fileprivate var trimmingTrailingSpaces: String {
    var copy = self
    while copy.last == " " { copy.removeLast() }
    return copy
  }
}

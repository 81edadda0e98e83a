// The scoreboard of a gate: links that flows shared, phase by phase, and medians over seeds.

import Results

enum Scoreboard {
  /// A phase of one case, over all seeds of it.
  private struct Row {
    var scenario: String
    var phases: [LinkPhase]

    func median(_ figure: (LinkPhase) -> Double?) -> Double? {
      let values = phases.compactMap(figure).sorted()
      guard !values.isEmpty else { return nil }
      let middle = values.count / 2
      return values.count % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2
    }
  }

  /// Case by case: utilisation, p95 queue, convergence, Jain index; empty without shared links.
  static func section(_ runs: [RunResult]) -> Markup {
    let rows = rows(of: runs)
    guard !rows.isEmpty else { return .empty }
    var last = ""
    let cells = rows.map { row -> Markup in
      let phase = row.phases[0]
      let name = row.scenario == last ? "" : row.scenario
      last = row.scenario
      let span = "\(Figure.plain(phase.start, digits: 4))–\(Figure.plain(phase.end, digits: 4)) s"
      return """
        <tr><th scope="row">\(name)</th><td>\(phase.link)</td><td class="number">\(span)</td>\
        <td class="number">\(phase.capacity.map { Figure.text($0, unit: "bps") } ?? "–")</td>\
        \(cell(row.median(\.utilisation), "%"))\(cell(row.median(\.queueP95), "ms"))\
        \(cell(row.median(\.convergence), "s"))\(cell(row.median(\.jain), "1"))</tr>

        """
    }
    return """
      <section id="scoreboard"><h2>Scoreboard</h2>
      <p class="note">Media on shared links between two events, without the first five seconds; the \
      median where there are several seeds. Utilisation is of the lesser of capacity and what the \
      sources make; convergence is of the slowest flow.</p>
      \(Page.table(
        "Scoreboard",
        heads: [
          "Case", "Link", "#Phase", "#Capacity", "#Utilisation", "#p95 queue", "#Convergence",
          "#Jain index",
        ], rows: cells))</section>

      """
  }

  private static func rows(of runs: [RunResult]) -> [Row] {
    var rows: [Row] = []
    var places: [String: Int] = [:]
    for run in runs {
      let variant = RunResult.text(ofVariant: run.variant)
      let name = run.scenario.name + (variant.isEmpty ? "" : " [\(variant)]")
      for phase in run.phases {
        let key = "\(name)/\(phase.link)/\(phase.start)"
        if let place = places[key] {
          rows[place].phases.append(phase)
        } else {
          places[key] = rows.count
          rows.append(Row(scenario: name, phases: [phase]))
        }
      }
    }
    return rows
  }

  private static func cell(_ value: Double?, _ unit: String) -> Markup {
    "<td class=\"number\">\(value.map { Figure.text($0, unit: unit) } ?? "–")</td>"
  }

  /// What was judged over all seeds; empty without any.
  static func medians(_ gate: GateResult) -> Markup {
    guard !gate.medians.isEmpty else { return .empty }
    let rows = gate.medians.map { median -> Markup in
      let range =
        median.lowest.map { low in
          "\(Figure.text(low, unit: median.unit)) … "
            + Figure.text(median.highest ?? low, unit: median.unit)
        } ?? "–"
      let variant = RunResult.text(ofVariant: median.variant)
      return """
        <tr><td>\(VerdictLook(median.verdict).chip)</td><th scope="row">\(median.scenario)\
        <small>\(variant)</small></th><td>\(median.id)</td>\
        <td>\(median.stat) \(median.metric) of \(median.of)<small>\(median.note)</small></td>\
        \(cell(median.observed, median.unit))<td class="number">\(range)</td>\
        <td class="number">\(median.comparison.symbol) \
        \(Figure.text(median.limit, unit: median.unit))</td></tr>

        """
    }
    return """
      <section id="medians"><h2>Over all seeds</h2>
      \(Page.table(
        "Medians",
        heads: ["Verdict", "Case", "Expectation", "What", "#Median", "#Range", "#Limit"],
        rows: rows))</section>

      """
  }
}

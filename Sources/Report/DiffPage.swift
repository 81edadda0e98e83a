// What tells two runs or captures apart, as one HTML page with both lines in each chart.

import Basics
import Results

public enum DiffPage {
  private static let rowLimit = 400
  private static let chartLimit = 40

  public static func render(_ report: DiffReport, build: String) -> String {
    let look = VerdictLook(report)
    return Page.render(
      title: "\(look.symbol) diff: \(report.a.title), \(report.b.title)",
      body: """
        <header><p class="kind">Assay comparison</p>\
        <h1>\(report.a.title == report.b.title
          ? report.a.title : "\(report.a.title), \(report.b.title)")</h1>
        \(Page.banner(look, report.sentence))</header>
        <main>
        \(sides(report))\(divergence(report))\(verdicts(report))\(rows(report))\
        \(charts(report))\(streams(report))\(notes(report))</main>
        <footer><p>Assay \(build). All data of this page is in result.json beside it.</p></footer>
        """)
  }

  private static func sides(_ report: DiffReport) -> Markup {
    let rows = [("A", report.a), ("B", report.b)].map { name, side -> Markup in
      """
      <tr>\(Page.cell(name))\(Page.cell(side.file))\
      \(Page.cell(side.details.joined(separator: ", ")))</tr>

      """
    }
    return """
      <section id="sides"><h2>What is compared</h2>
      \(Page.table("Both sides", heads: ["", "File", "What it is"], rows: rows))</section>

      """
  }

  private static func divergence(_ report: DiffReport) -> Markup {
    guard let divergence = report.divergence else { return .empty }
    return """
      <section id="divergence"><h2>Where they part</h2><p>\(divergence.text)</p>
      \(Page.facts([
        ("Seconds into A", Moments.number(divergence.offset, 3)),
        ("Packet of A", divergence.packetA.map(String.init) ?? ""),
        ("Packet of B", divergence.packetB.map(String.init) ?? ""),
      ]))</section>

      """
  }

  private static func verdicts(_ report: DiffReport) -> Markup {
    guard !report.verdicts.isEmpty else { return .empty }
    let rows = report.verdicts.prefix(rowLimit).map { row -> Markup in
      """
      <tr><td>\(VerdictLook(row.change).chip)</td><th scope="row">\(row.id)</th>\
      <td>\(row.a.map { VerdictLook($0).chip } ?? "absent")</td>\
      <td>\(row.b.map { VerdictLook($0).chip } ?? "absent")</td></tr>

      """
    }
    return """
      <section id="checks"><h2>Checks that differ</h2>
      \(Page.table("Checks that differ", heads: ["", "Check", "A", "B"], rows: rows))\
      \(Page.more(report.verdicts.count - rowLimit, "check"))</section>

      """
  }

  private static func rows(_ report: DiffReport) -> Markup {
    let rows = report.rows.prefix(rowLimit).map { row -> Markup in
      """
      <tr><td>\(VerdictLook(row.change).chip)</td><th scope="row">\(row.metric)</th>\
      \(Page.cell(row.subject))\(Page.numberCell(DiffFigures.value(row.a, row.unit)))\
      \(Page.numberCell(DiffFigures.value(row.b, row.unit)))\
      \(Page.numberCell(row.a != nil && row.b != nil
        ? Figure.text(row.difference, unit: row.unit) : ""))\
      \(Page.numberCell(row.noise.map { Figure.text($0, unit: row.unit) } ?? ""))</tr>

      """
    }
    return """
      <section id="figures"><h2>Figures</h2>
      \(Page.table(
        "Figures of both",
        heads: ["", "Metric", "Of", "#A", "#B", "#Difference", "#Noise"], rows: rows))\
      \(Page.more(report.rows.count - rowLimit, "figure"))
      <p class="note">Noise is the difference that chance explains: of samples by Welch's test on \
      means of five, of counts by their sum, of single values a quarter; over all figures it \
      is passed by chance once in a hundred comparisons.</p></section>

      """
  }

  /// Charts of what changed first; then those of which nothing changed.
  private static func charts(_ report: DiffReport) -> Markup {
    let changed = Set(
      report.rows.filter { $0.change != .same && $0.change != .missing }
        .map { "\($0.metric) of \($0.subject)" })
    let order =
      report.curves.filter { changed.contains($0.title) }
      + report.curves.filter { !changed.contains($0.title) }
    var numbering = ChartNumbering()
    let figures = order.prefix(chartLimit).compactMap { curves -> Markup? in
      let (a, b) = (samples(curves.a), samples(curves.b))
      guard !a.isEmpty || !b.isEmpty else { return nil }
      var chart = Chart(
        title: curves.title, unit: curves.unit, duration: max(1, min(1e9, max(a.end, b.end))))
      chart.lines = [
        Chart.Line(label: "A", samples: a, style: .first),
        Chart.Line(label: "B", samples: b, style: .second),
      ]
      return chart.figure(&numbering)
    }
    guard !figures.isEmpty else { return .empty }
    return """
      <section id="charts"><h2>Over time</h2><div class="plots">\(figures)</div>\
      \(Page.more(report.curves.count - chartLimit, "chart"))</section>

      """
  }

  private static func samples(_ line: DiffReport.Curves.Line) -> Samples {
    Samples(start: line.start, step: line.step, values: line.values)
  }

  private static func streams(_ report: DiffReport) -> Markup {
    guard !report.streams.isEmpty else { return .empty }
    let order = report.streams.filter { !$0.isSame } + report.streams.filter(\.isSame)
    let rows = order.prefix(rowLimit).map { stream -> Markup in
      let numbers = [
        stream.packetsA, stream.packetsB, stream.onlyInA, stream.onlyInB, stream.different,
        stream.outside,
      ]
      return """
        <tr><td class="mono">\(Moments.ssrc(stream.ssrc))</td>\(Page.cell(stream.label))\
        \(Page.cell(stream.place))\(numbers.map { Page.numberCell(Figure.grouped($0)) })</tr>

        """
    }
    return """
      <section id="streams"><h2>Streams packet by packet</h2>
      \(Page.table(
        "Streams packet by packet",
        heads: [
          "SSRC", "Stream", "Captured at", "#Packets in A", "#in B", "#Only in A", "#Only in B",
          "#Different", "#Outside of both",
        ], rows: rows))\(Page.more(report.streams.count - rowLimit, "stream"))</section>

      """
  }

  private static func notes(_ report: DiffReport) -> Markup {
    guard !report.notes.isEmpty else { return .empty }
    let items = report.notes.map { line -> Markup in "<li>\(line)</li>\n" }
    return "<section id=\"notes\"><h2>Notes</h2><ul>\(items)</ul></section>\n"
  }
}

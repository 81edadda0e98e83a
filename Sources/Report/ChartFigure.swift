// A chart with its title, its legend and, behind it, the table of its data.

/// Numbers the charts of a page, so that every id on it is unique.
struct ChartNumbering {
  private let prefix: String
  private var count = 0

  init(prefix: String = "c") { self.prefix = prefix }

  mutating func next() -> String {
    count += 1
    return "\(prefix)\(count)"
  }
}

extension Chart {
  private static let tableRows = 60

  func figure(_ numbering: inout ChartNumbering) -> Markup {
    let id = numbering.next()
    return """
      <figure class="plot"><figcaption><h4>\(title)</h4><p>\(meaning)</p></figcaption>
      \(ChartDrawing(self).svg(id: id))\(legend)\(table)</figure>

      """
  }

  private var legend: Markup {
    let high = ValueScale(self).tooHigh
    let drawn = lines.filter { $0.style != .capacity }
    let saysItself = drawn.count == 1 && drawn[0].label == title && band == nil
    let order = lines.sorted { $0.style.rawValue < $1.style.rawValue }
    var items = order.filter { !saysItself || $0.style == .capacity }.map { line -> Markup in
      if line.style == .capacity, let least = line.samples.minimum, least > high {
        return "<li>\(line.label), \(Figure.text(least, unit: unit)), above the chart</li>\n"
      }
      return Chart.item(
        swatch:
          "<line class=\"line s\(line.style.rawValue)\" x1=\"1\" x2=\"25\" y1=\"5\" y2=\"5\"/>",
        line.label)
    }
    if let band {
      items.append(
        Chart.item(
          swatch: "<rect class=\"band\" x=\"1\" y=\"0\" width=\"24\" height=\"10\"/>", band.label))
    }
    for limit in limits {
      items.append(
        Chart.item(
          swatch: "<line class=\"limit\" x1=\"1\" x2=\"25\" y1=\"5\" y2=\"5\"/>",
          limit.label + (limit.value > high ? ", above the chart" : "")))
    }
    return items.isEmpty ? .empty : "<ul class=\"legend\">\(items)</ul>\n"
  }

  private static func item(swatch: Markup, _ label: String) -> Markup {
    """
    <li><svg class="swatch" viewBox="0 0 26 10" aria-hidden="true">\(swatch)</svg> \(label)</li>
    """
  }

  // MARK: Table

  private var columns: [(label: String, samples: Samples)] {
    var all = lines.map { ($0.label, $0.samples) }
    if let band {
      all.append(("p10", band.low))
      all.append(("p90", band.high))
    }
    return all
  }

  /// At most sixty rows; a row that stands for several samples gives the lowest and the highest.
  private var table: Markup {
    let columns = columns
    guard let first = columns.map(\.samples.start).min(),
      let step = columns.map(\.samples.step).min()
    else { return .empty }
    let end = columns.map(\.samples.end).max() ?? first
    let steps = Samples.steps(from: first, to: end, by: step)
    let size = (steps + Chart.tableRows - 1) / Chart.tableRows
    var highest = 0.0
    for (_, samples) in columns { highest = max(highest, samples.maximum ?? 0) }
    let scale = Figure.scale(unit, magnitude: highest)
    var rows = Markup.empty
    for row in stride(from: 0, to: steps, by: size) {
      let from = first + Double(row) * step
      let to = first + Double(row + size) * step
      let cells = columns.map { column -> Markup in
        "<td>\(Chart.cell(column.samples.range(from: from, to: to), scale.divisor))</td>"
      }
      rows += "<tr><th scope=\"row\">\(Figure.plain(from, digits: 5))</th>\(cells)</tr>\n"
    }
    let heads = columns.map { column -> Markup in "<th scope=\"col\">\(column.label)</th>" }
    let inUnit = scale.unit.isEmpty ? "" : " in \(scale.unit)"
    return """
      <details><summary>Data</summary><div class="scroll" tabindex="0" role="region" \
      aria-label="Data of \(title)"><table class="data"><caption>\(title)\(inUnit)</caption>
      <thead><tr><th scope="col">\(acrossUnit)</th>\(heads)</tr></thead><tbody>
      \(rows)</tbody></table></div></details>
      """
  }

  private static func cell(_ range: ClosedRange<Double>?, _ divisor: Double) -> String {
    guard let range else { return "–" }
    let low = Figure.plain(range.lowerBound / divisor, digits: 4)
    let high = Figure.plain(range.upperBound / divisor, digits: 4)
    return low == high ? low : "\(low) … \(high)"
  }
}

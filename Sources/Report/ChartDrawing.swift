// A chart as inline SVG 1.1: no script, no outside resource, sized by the page around it.

/// Draws one chart into a fixed coordinate system.
struct ChartDrawing {
  static let width = 400.0
  static let height = 172.0
  static let columns = 600
  private static let left = 50.0
  private static let right = 390.0
  private static let top = 24.0
  private static let bottom = 148.0
  /// Badges of one letter each would cover each other if they were closer, and by so much more for
  /// every further letter of either.
  private static let badgeSpace = 13.0
  private static let letterSpace = 3.5
  private static let badgeLength = 5
  /// Of more impairments than this those too short to be seen are not shaded, only drawn above.
  private static let mostShaded = 60

  private let chart: Chart
  private let scale: ValueScale
  private let divisor: Double
  private let unit: String

  init(_ chart: Chart) {
    self.chart = chart
    scale = ValueScale(chart)
    (divisor, unit) = Figure.scale(chart.unit, magnitude: scale.high)
  }

  private func x(_ time: Double) -> Double {
    let share = time.isFinite ? min(1, max(0, time / chart.duration)) : time == .infinity ? 1 : 0
    return ChartDrawing.left + share * (ChartDrawing.right - ChartDrawing.left)
  }

  private func y(_ value: Double) -> Double {
    let share = min(1, max(0, (value - scale.low) / (scale.high - scale.low)))
    return ChartDrawing.bottom - share * (ChartDrawing.bottom - ChartDrawing.top)
  }

  /// A coordinate with one decimal.
  private static func text(_ coordinate: Double) -> String {
    let tenths = Int((coordinate * 10).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(abs(tenths % 10))"
  }

  private func at(_ name: String, _ value: Double) -> Markup {
    Markup(trusted: " \(name)=\"\(ChartDrawing.text(value))\"")
  }

  /// - Parameter id: unique on the page.
  func svg(id: String) -> Markup {
    """
    <svg class="chart" viewBox="0 0 400 172" role="img" aria-labelledby="\(id)-t \(id)-d">
    <title id="\(id)-t">\(chart.title)</title><desc id="\(id)-d">\(description)</desc>
    \(bands)\(axes)\(area)\(limits)\(chart.lines.map(path))\(events)\(badges)
    </svg>

    """
  }

  /// The chart in a sentence, for those who do not see it.
  private var description: String {
    var parts = chart.lines.map { line -> String in
      guard let low = line.samples.minimum, let high = line.samples.maximum else {
        return "\(line.label): no data"
      }
      let texts = [low, high].map { Figure.text($0, unit: chart.unit) }
      return low == high
        ? "\(line.label): \(texts[0])" : "\(line.label): \(texts[0]) to \(texts[1])"
    }
    parts += chart.limits.map(\.label)
    parts.append("over \(Figure.text(chart.duration, unit: chart.acrossUnit))")
    return parts.joined(separator: "; ")
  }

  // MARK: Axes

  private var axes: Markup {
    var out: Markup = """
      <text class="unit"\(at("x", 4))\(at("y", 12))>\(unit)</text>
      """
    for tick in scale.ticks {
      let y = y(tick)
      out += """
        <line class="grid"\(at("x1", ChartDrawing.left))\(at("x2", ChartDrawing.right))\
        \(at("y1", y))\(at("y2", y))/><text class="tick end"\(at("x", ChartDrawing.left - 5))\
        \(at("y", y + 3.5))>\(label(tick))</text>
        """
    }
    let times = TimeScale.ticks(of: chart)
    for tick in times {
      let x = x(tick)
      let isLast = x > ChartDrawing.right - 12
      out += """
        <line class="axis"\(at("x1", x))\(at("x2", x))\(at("y1", ChartDrawing.bottom))\
        \(at("y2", ChartDrawing.bottom + 4))/><text class="tick \(isLast ? "end" : "mid")"\
        \(at("x", isLast ? ChartDrawing.right + 6 : x))\(at("y", ChartDrawing.bottom + 16))>\
        \(TimeScale.label(tick, of: chart, isLast: tick == times.last))</text>
        """
    }
    out += """
      <line class="axis"\(at("x1", ChartDrawing.left))\(at("x2", ChartDrawing.right))\
      \(at("y1", ChartDrawing.bottom))\(at("y2", ChartDrawing.bottom))/>
      """
    return out
  }

  private func label(_ tick: Double) -> String {
    chart.rungs.isEmpty ? Figure.plain(tick / divisor, digits: 4) : chart.rungs[Int(tick)]
  }

  // MARK: Data

  private func path(_ line: Chart.Line) -> Markup {
    if line.style == .capacity, (line.samples.minimum ?? 0) > scale.tooHigh { return .empty }
    var d = ""
    var dots = ""
    var previous: Double?
    let points = line.samples.decimated(columns: ChartDrawing.columns)
    for (index, point) in points.enumerated() {
      guard let value = point.value else {
        if line.isStep, previous != nil { d += "H\(ChartDrawing.text(x(point.time)))" }
        previous = nil
        continue
      }
      let px = ChartDrawing.text(x(point.time))
      let py = ChartDrawing.text(y(value))
      if previous == nil {
        d += "M\(px) \(py)h0"
        let isLone = index + 1 == points.count || points[index + 1].value == nil
        if isLone, !line.isStep { dots += "M\(px) \(py)h0" }
      } else if line.isStep {
        d += value == previous ? "" : "H\(px)V\(py)"
      } else {
        d += "L\(px) \(py)"
      }
      previous = value
    }
    if line.isStep, previous != nil {
      d += "H\(ChartDrawing.text(x(min(chart.duration, line.samples.end))))"
    }
    // A line of no length is a dot; a lone sample would be too small a one.
    let lone: Markup =
      dots.isEmpty
      ? .empty : "<path class=\"line dot s\(line.style.rawValue)\" d=\"\(dots)\"/>\n"
    return """
      \(lone)<path class="line s\(line.style.rawValue)" d="\(d)"><title>\(line.label)</title></path>

      """
  }

  /// The band, in one piece for each stretch without a gap.
  private var area: Markup {
    guard let band = chart.band else { return .empty }
    let low = band.low.decimated(columns: ChartDrawing.columns)
    let high = band.high.decimated(columns: ChartDrawing.columns)
    var d = ""
    var upper: [String] = []
    var lower: [String] = []
    func flush() {
      if upper.count > 1 { d += "M" + (upper + lower.reversed()).joined(separator: "L") + "Z" }
      upper = []
      lower = []
    }
    // Decimation keeps other moments of either edge, so the edges are walked apart.
    if low.map(\.time) == high.map(\.time) {
      for (a, b) in zip(low, high) {
        guard let bottom = a.value, let top = b.value else {
          flush()
          continue
        }
        let px = ChartDrawing.text(x(a.time))
        upper.append("\(px) \(ChartDrawing.text(y(top)))")
        lower.append("\(px) \(ChartDrawing.text(y(bottom)))")
      }
    } else {
      let text = { (point: Samples.Point) in
        point.value.map { "\(ChartDrawing.text(x(point.time))) \(ChartDrawing.text(y($0)))" }
      }
      upper = high.compactMap(text)
      lower = low.compactMap(text)
    }
    flush()
    return "<path class=\"band\" d=\"\(d)\"><title>\(band.label)</title></path>\n"
  }

  private var limits: Markup {
    var out = Markup.empty
    for limit in chart.limits where limit.value <= scale.tooHigh {
      let window = limit.window ?? 0...chart.duration
      out += """
        <line class="limit"\(at("x1", x(window.lowerBound)))\(at("x2", x(window.upperBound)))\
        \(at("y1", y(limit.value)))\(at("y2", y(limit.value)))><title>\(limit.label)</title></line>

        """
    }
    return out
  }

  // MARK: Marks

  private var isCrowded: Bool {
    chart.marks.count(where: \.isImpairment) > ChartDrawing.mostShaded
  }

  private var bands: Markup {
    var out = Markup.empty
    let isCrowded = isCrowded
    var drawnTo = ChartDrawing.left - 1
    for mark in chart.marks where mark.isImpairment {
      let from = x(mark.at)
      let end = x(mark.until ?? chart.duration)
      let to = max(from + 1, end)
      if isCrowded, end - from < 1 {
        guard mark.isOwn, from >= drawnTo else { continue }
        drawnTo = to
        out += """
          <g class="impairment own"><title>\(mark.key): \(mark.label)</title>\
          <line\(at("x1", from))\(at("x2", to))\(at("y1", ChartDrawing.top - 3))\
          \(at("y2", ChartDrawing.top - 3))/></g>

          """
        continue
      }
      out += """
        <g class="impairment \(mark.isOwn ? "own" : "other")"><title>\(mark.key): \(mark.label)\
        </title><rect\(at("x", from))\(at("y", ChartDrawing.top))\(at("width", max(1, to - from - 1)))\
        \(at("height", ChartDrawing.bottom - ChartDrawing.top))/>\
        <line\(at("x1", from))\(at("x2", to))\(at("y1", ChartDrawing.top - 3))\
        \(at("y2", ChartDrawing.top - 3))/></g>

        """
    }
    return out
  }

  private var events: Markup {
    var out = Markup.empty
    for mark in chart.marks where !mark.isImpairment {
      out += """
        <line class="event"\(at("x1", x(mark.at)))\(at("x2", x(mark.at)))\
        \(at("y1", ChartDrawing.top))\(at("y2", ChartDrawing.bottom))>\
        <title>\(mark.key): \(mark.label)</title></line>

        """
    }
    return out
  }

  /// Keys above the plot, own marks first; those of one moment share a badge, and one that would
  /// cover another is left to its tooltip. In a crowd each is shown once, and others' not at all.
  private var badges: Markup {
    var shown: [(x: Double, keys: String, isOwn: Bool)] = []
    let isCrowded = isCrowded
    var told: Set<String> = []
    let others = isCrowded ? [] : chart.marks.filter { !$0.isOwn }
    for mark in chart.marks.filter(\.isOwn) + others {
      if isCrowded, !told.insert(mark.key).inserted { continue }
      let x = min(max(x(mark.at) + (mark.isImpairment ? 5 : 0), 56), ChartDrawing.right - 4)
      if let same = shown.firstIndex(where: { $0.x == x && $0.isOwn == mark.isOwn }) {
        let keys = shown[same].keys + "+" + mark.key
        if keys.count <= ChartDrawing.badgeLength { shown[same].keys = keys }
      } else if shown.allSatisfy({ badge in
        let further = Double(badge.keys.count + mark.key.count - 2)
        return abs(badge.x - x) >= ChartDrawing.badgeSpace + ChartDrawing.letterSpace * further
      }) {
        shown.append((x, mark.key, mark.isOwn))
      }
    }
    return shown.reduce(into: Markup.empty) { out, badge in
      out += """
        <text class="badge \(badge.isOwn ? "own" : "other")"\(at("x", badge.x))\
        \(at("y", ChartDrawing.top - 8))>\(badge.keys)</text>

        """
    }
  }
}

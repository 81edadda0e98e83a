// A chart as values: lines, a band, limits and marks over the time of a run, and its scales.

struct Chart: Equatable {
  struct Line: Equatable {
    enum Style: Int { case first, second, third, fourth, capacity }
    var label: String
    var samples: Samples
    var style: Style
    /// Whether a value holds until the next one, as a layer or a count does.
    var isStep = false
  }

  struct Band: Equatable {
    var label: String
    var low: Samples
    var high: Samples
  }

  struct Limit: Equatable {
    var label: String
    var value: Double
    /// nil for the whole run.
    var window: ClosedRange<Double>?
    /// Whether what it limits needs attention.
    var isMissed = false
  }

  var title: String
  /// What the metric means, in a few words.
  var meaning = ""
  var unit: String
  /// Of the level axis, in `acrossUnit`.
  var duration: Double
  /// Of the level axis: time unless something else, as in a distribution.
  var acrossUnit = "s"
  var lines: [Line] = []
  var band: Band?
  var limits: [Limit] = []
  var marks: [ChartMark] = []
  /// Names of the values 0, 1, 2 … of a metric that counts steps of a ladder.
  var rungs: [String] = []

  var isEmpty: Bool { lines.allSatisfy(\.samples.isEmpty) && band == nil }

  /// What it shows in words where nothing changes all the while and no limit is missed; else nil.
  var steadyText: String? {
    let drawn = lines.filter { $0.style != .capacity && !$0.samples.isEmpty }
    let values = drawn.compactMap(\.samples.constant)
    guard !drawn.isEmpty, values.count == drawn.count, !limits.contains(where: \.isMissed) else {
      return nil
    }
    if let band, band.low.constant != values[0] || band.high.constant != values[0] { return nil }
    if values.allSatisfy({ $0 == values[0] }) { return text(values[0]) }
    return zip(drawn, values).map { "\(text($1)) \($0.label)" }.joined(separator: ", ")
  }

  private func text(_ value: Double) -> String {
    let rung = Int(min(100, max(-1, value)))
    return rungs.indices.contains(rung) ? rungs[rung] : Figure.text(value, unit: unit)
  }
}

/// A mark of the timeline as a chart shows it.
struct ChartMark: Equatable {
  /// `A`, `B` … for impairments, `1`, `2` … for events.
  var key: String
  var isImpairment: Bool
  /// Whether it happened to what the chart speaks of.
  var isOwn: Bool
  var at: Double
  var until: Double?
  var label: String
}

/// The values of a chart's upright axis.
struct ValueScale: Equatable {
  var low: Double
  var high: Double
  var ticks: [Double]
  /// Limits and capacities that lie too far above the data to be drawn.
  var tooHigh: Double

  init(_ chart: Chart) {
    if !chart.rungs.isEmpty {
      low = 0
      high = Double(chart.rungs.count - 1)
      ticks = chart.rungs.indices.map(Double.init)
      tooHigh = .infinity
      return
    }
    let data = chart.lines.filter { $0.style != .capacity }.map(\.samples)
    let bands = chart.band.map { [$0.low, $0.high] } ?? []
    let top = (data + bands).compactMap(\.maximum).max() ?? 0
    let bottom = min(0, (data + bands).compactMap(\.minimum).min() ?? 0)
    tooHigh = top > 0 ? top * 3 : .infinity
    var highest = top
    for limit in chart.limits where limit.value <= tooHigh { highest = max(highest, limit.value) }
    for line in chart.lines where line.style == .capacity {
      if let capacity = line.samples.minimum, capacity <= tooHigh {
        highest = max(highest, min(line.samples.maximum ?? capacity, tooHigh))
      }
    }
    if highest <= bottom { highest = bottom + 1 }
    let step = ValueScale.step(for: (highest - bottom) / 3.5)
    low = (bottom / step).rounded(.down) * step
    high = (highest / step - 1e-9).rounded(.up) * step
    let count = Int(((high - low) / step).rounded())
    let first = low
    ticks = (0...count).map { first + Double($0) * step }
  }

  /// The next 1, 2 or 5 times a power of ten.
  static func step(for raw: Double) -> Double {
    var power = 1.0
    while power * 10 <= raw, power < 1e15 { power *= 10 }
    while power > raw, power > 1e-9 { power /= 10 }
    for factor in [1.0, 2, 5] where factor * power >= raw { return factor * power }
    return 10 * power
  }
}

/// The seconds of a chart's level axis.
enum TimeScale {
  private static let steps: [Double] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400,
  ]

  static func ticks(of chart: Chart) -> [Double] {
    let duration = chart.duration
    guard chart.acrossUnit == "s" else {
      return Array(stride(from: 0, through: duration, by: ValueScale.step(for: duration / 6)))
    }
    let step = steps.first { duration / $0 <= 6 } ?? (duration / 6).rounded(.up)
    return Array(stride(from: 0, through: duration, by: step))
  }

  /// A plain number, with its unit where it is the last.
  static func label(_ tick: Double, of chart: Chart, isLast: Bool) -> String {
    guard chart.acrossUnit == "s" else {
      return Figure.plain(tick) + (isLast ? " \(chart.acrossUnit)" : "")
    }
    let text = label(tick, duration: chart.duration)
    guard isLast, chart.duration <= 120 || chart.duration >= 7_200 else { return text }
    return chart.duration <= 120 ? "\(text) s" : "\(text) h"
  }

  /// `45` below two minutes, `1:30` below two hours, else hours and minutes.
  static func label(_ seconds: Double, duration: Double) -> String {
    let whole = Int(seconds.rounded())
    guard duration > 120 else { return String(whole) }
    func two(_ n: Int) -> String { n < 10 ? "0\(n)" : "\(n)" }
    guard duration >= 7200 else { return "\(whole / 60):\(two(whole % 60))" }
    return "\(whole / 3600):\(two(whole / 60 % 60))"
  }
}

// What tells two runs or captures apart, for a terminal.

import Basics
import Results

public enum DiffText {
  private static let rowLimit = 60
  private static let streamLimit = 40

  /// - Parameter colours: whether ANSI colours are used; never the sole carrier of a meaning.
  public static func render(_ report: DiffReport, colours: Bool = false) -> String {
    let paint = TextSummary.Paint(isOn: colours)
    let look = VerdictLook(report)
    var out = "\(paint(look.symbol, look.tone)) \(report.sentence.printable)\n\n"
    for (name, side) in [("A", report.a), ("B", report.b)] {
      let details = side.details.joined(separator: ", ")
      out += "  \(name)  \(side.file.printable)  \(details.printable)\n"
    }
    out += "\n" + verdicts(report, paint) + rows(report, paint) + streams(report)
    if !report.notes.isEmpty {
      out += "Notes\n" + report.notes.map { "  - \($0.printable)\n" }.joined()
    }
    return out
  }

  private static func verdicts(_ report: DiffReport, _ paint: TextSummary.Paint) -> String {
    guard !report.verdicts.isEmpty else { return "" }
    var out = "Checks that differ\n"
    for row in report.verdicts.prefix(rowLimit) {
      let look = VerdictLook(row.change)
      let (a, b) = (row.a?.rawValue ?? "absent", row.b?.rawValue ?? "absent")
      out += "  \(paint(look.symbol, look.tone)) \(row.id.printable): \(a), now \(b)\n"
    }
    return out + more(report.verdicts.count) + "\n"
  }

  private static func more(_ count: Int) -> String {
    count > rowLimit ? "  and \(count - rowLimit) more (--format json lists all)\n" : ""
  }

  private static func rows(_ report: DiffReport, _ paint: TextSummary.Paint) -> String {
    let told = report.rows.filter { $0.change != .same }
    let same = report.rows.count - told.count
    var out = told.isEmpty ? "" : "Figures that differ\n"
    let names = told.prefix(rowLimit).map { "\($0.metric) of \($0.subject)".printable }
    let width = names.map(\.count).max() ?? 0
    for (row, name) in zip(told, names) {
      let look = VerdictLook(row.change)
      let word = row.change.rawValue.padded(to: 8)
      out += "  \(paint(look.symbol, look.tone)) \(word) \(name.padded(to: width))  "
      out += "\(DiffFigures.text(row))\n"
    }
    out += more(told.count)
    out += "\(Figure.count(same, "figure")) \(same == 1 ? "is" : "are") the same within noise.\n\n"
    return out
  }

  private static func streams(_ report: DiffReport) -> String {
    let told = report.streams.filter { !$0.isSame }
    guard !report.streams.isEmpty else { return "" }
    var out = "Streams packet by packet: \(report.streams.count - told.count) of "
    out += "\(report.streams.count) are the same\n"
    for stream in told.prefix(streamLimit) {
      let place = stream.place.isEmpty ? "" : " on \(stream.place.printable)"
      out += "  \(Moments.ssrc(stream.ssrc)) \(stream.label)\(place): "
      out += "\(DiffFigures.text(stream))\n"
    }
    let rest = told.count - streamLimit
    if rest > 0 { out += "  and \(rest) more (--format json lists all)\n" }
    return out + "\n"
  }
}

/// Figures of both sides as sentences write them.
enum DiffFigures {
  static func value(_ value: Double?, _ unit: String) -> String {
    value.map { Figure.text($0, unit: unit) } ?? "none"
  }

  /// `45 ms, now 51 ms (+6 ms, noise 2 ms)`.
  static func text(_ row: DiffReport.Row) -> String {
    guard let a = row.a, let b = row.b else {
      return "\(value(row.a, row.unit)), now \(value(row.b, row.unit))"
    }
    let (first, second) = Figure.pair(a, b, unit: row.unit)
    let sign = b >= a ? "+" : ""
    let noise = row.noise.map { ", noise \(Figure.text($0, unit: row.unit))" } ?? ""
    return "\(first), now \(second) (\(sign)\(Figure.text(b - a, unit: row.unit))\(noise))"
  }

  static func text(_ stream: DiffReport.StreamPair) -> String {
    var parts = ["\(stream.packetsA) packets in A, \(stream.packetsB) in B"]
    if stream.onlyInA > 0 { parts.append("\(stream.onlyInA) in A only") }
    if stream.onlyInB > 0 { parts.append("\(stream.onlyInB) in B only") }
    if stream.different > 0 { parts.append("\(stream.different) differ") }
    if stream.outside > 0 { parts.append("\(stream.outside) outside of what both hold") }
    return parts.joined(separator: ", ")
  }
}

extension VerdictLook {
  init(_ change: DiffReport.Change) {
    switch change {
    case .worse: self.init(symbol: "✗", word: "worse", tone: "fail")
    case .better: self.init(symbol: "✓", word: "better", tone: "pass")
    case .same: self.init(symbol: "=", word: "same", tone: "idle")
    case .changed: self.init(symbol: "~", word: "changed", tone: "unsure")
    case .missing: self.init(symbol: "○", word: "on one side", tone: "idle")
    }
  }

  init(_ report: DiffReport) {
    if report.isWorse {
      self.init(symbol: "✗", word: "worse", tone: "fail")
    } else if report.count(.better) > 0 {
      self.init(symbol: "✓", word: "better", tone: "pass")
    } else if report.isIdentical {
      self.init(symbol: "✓", word: "identical", tone: "pass")
    } else {
      self.init(symbol: "✓", word: "same within noise", tone: "pass")
    }
  }
}

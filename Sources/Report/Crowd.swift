// Many lines as one picture: the median, the band from p10 to p90, and the worst three by name.

/// The same metric of many, on one grid of time.
struct Crowd {
  struct Member: Equatable {
    var label: String
    var samples: Samples
  }

  private let members: [Member]
  private let start: Double
  private let step: Double
  private let count: Int

  /// nil without a sample.
  init?(_ members: [Member]) {
    let present = members.filter { !$0.samples.isEmpty }
    guard let start = present.map(\.samples.start).min(),
      let step = present.map(\.samples.step).min(), let end = present.map(\.samples.end).max()
    else { return nil }
    self.members = present
    self.start = start
    self.step = step
    count = Samples.steps(from: start, to: end, by: step)
  }

  /// At every moment what `combine` makes of the values that are there, in ascending order.
  private func each(_ combine: ([Double]) -> Double) -> Samples {
    let values = (0..<count).map { index -> Double? in
      let time = start + Double(index) * step
      let present = members.compactMap { $0.samples.value(at: time) }.sorted()
      return present.isEmpty ? nil : combine(present)
    }
    return Samples(start: start, step: step, values: values)
  }

  /// The nearest-rank quantile of values in ascending order.
  static func quantile(_ share: Double, of sorted: [Double]) -> Double {
    let rank = Int((share * Double(sorted.count)).rounded(.up))
    return sorted[min(max(rank, 1), sorted.count) - 1]
  }

  func quantile(_ share: Double) -> Samples { each { Crowd.quantile(share, of: $0) } }
  var sum: Samples { each { $0.reduce(0, +) } }
  func worst(lowerIsBetter: Bool) -> Samples { each { lowerIsBetter ? $0.last! : $0[0] } }

  /// Nobody within this share of the middle one is worth a name.
  private static let apart = 0.02

  /// At most `count` members that did worst and stand apart from the middle one, the very worst
  /// first: by their last value for a running total, else by their mean.
  func worst(_ count: Int, lowerIsBetter: Bool, isCounter: Bool) -> [Member] {
    let scores = members.map { (isCounter ? $0.samples.last : $0.samples.mean) ?? 0 }
    let order = members.indices.sorted { a, b in
      if scores[a] != scores[b] {
        return lowerIsBetter ? scores[a] > scores[b] : scores[a] < scores[b]
      }
      return a < b
    }
    let middle = scores.sorted()[scores.count / 2]
    return order.prefix(count).filter {
      let gap = lowerIsBetter ? scores[$0] - middle : middle - scores[$0]
      return gap > Crowd.apart * abs(middle)
    }.map { members[$0] }
  }
}

extension Chart {
  private static let worstShown = 3

  /// Fills in median, band and the worst of `crowd`.
  mutating func draw(_ crowd: Crowd, lowerIsBetter: Bool, isCounter: Bool, isStep: Bool) {
    let styles: [Line.Style] = [.second, .third, .fourth]
    let worst = crowd.worst(
      Chart.worstShown, lowerIsBetter: lowerIsBetter, isCounter: isCounter)
    for (member, style) in zip(worst, styles) {
      lines.append(
        Line(label: member.label, samples: member.samples, style: style, isStep: isStep))
    }
    lines.append(
      Line(label: "median", samples: crowd.quantile(0.5), style: .first, isStep: isStep))
    let (low, high) = (crowd.quantile(0.1), crowd.quantile(0.9))
    if low != high { band = Band(label: "p10 to p90", low: low, high: high) }
  }
}

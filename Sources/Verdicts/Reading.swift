// One series inside a window, and the number that a statistic makes of it.

import Basics
import Results
import Scenario

/// The samples of one series, or of several pooled, that fall into a window.
///
/// A sample at a moment tells of the time before it, so a window holds its end and not its start
/// (unless that is the start of the run).
struct Reading {
  /// Seconds from the start of the run, beside `values`.
  private(set) var times: [Double] = []
  /// The samples; for a counter its growth in each second.
  private(set) var values: [Double] = []
  /// A counter's growth over the whole window.
  private(set) var growth = 0.0
  /// How many samples were taken in the window.
  private(set) var count = 0
  private let kind: Metric.Kind
  private let window: Scenario.Expectation.Window

  init(kind: Metric.Kind, window: Scenario.Expectation.Window) {
    self.kind = kind
    self.window = window
  }

  /// Adds a series. A value that is not finite is no sample.
  mutating func add(_ samples: MetricSamples) {
    let start = window.start == .zero ? -1 : window.start.nanoseconds
    var before = 0.0
    var inside: [(time: Int64, value: Double)] = []
    for (time, value) in zip(samples.times, samples.values) where value.isFinite {
      if time <= start {
        before = value
      } else if time <= window.end.nanoseconds {
        inside.append((time, value))
      }
    }
    count += inside.count
    guard let last = inside.last else { return }
    guard kind == .counter else {
      times += inside.map { Double($0.time) / 1e9 }
      values += inside.map(\.value)
      return
    }
    growth += last.value - before
    addGrowth(of: inside, from: before)
  }

  /// Adds `count` samples of `value` for each of these seconds or events, in which one was due and none
  /// came; for a counter its growth.
  mutating func fill(_ value: Double, at moments: [Int64], count weight: Int) {
    guard kind == .counter else {
      for moment in moments {
        times += Array(repeating: Double(moment) / 1e9, count: weight)
        values += Array(repeating: value, count: weight)
      }
      count += moments.count * weight
      return
    }
    var places: [Double: Int] = [:]
    for (index, time) in times.enumerated() { places[time] = index }
    for moment in moments {
      let time = Double(moment) / 1e9
      growth += value
      if let place = places[time] {
        values[place] += value
      } else {
        times.append(time)
        values.append(value)
        count += 1
      }
    }
  }

  /// Adds what another series had in the same window.
  mutating func add(_ other: Reading) {
    times += other.times
    values += other.values
    growth += other.growth
    count += other.count
  }

  private mutating func addGrowth(of samples: [(time: Int64, value: Double)], from before: Double) {
    var total = before
    var index = 0
    while index < samples.count {
      let second = Reading.second(of: Double(samples[index].time) / 1e9)
      var latest = total
      while index < samples.count, Reading.second(of: Double(samples[index].time) / 1e9) == second {
        latest = samples[index].value
        index += 1
      }
      times.append(second + 1)
      values.append(latest - total)
      total = latest
    }
  }

  /// The start of the one second that a sample at `time` tells of.
  private static func second(of time: Double) -> Double { max(0, time.rounded(.up) - 1) }

  // MARK: - Statistics

  /// The statistic, in its own unit; nil without samples.
  func observed(_ statistic: Scenario.Statistic, of metric: Metric) -> Double? {
    guard count > 0 else { return nil }
    switch statistic {
    case .count: return Double(count)
    case .rate: return rate(of: metric)
    case .sum: return kind == .counter ? growth : values.reduce(0, +)
    case .last: return kind == .counter ? growth : atExtremeTime { $0 > $1 }
    case .first: return atExtremeTime { $0 < $1 }
    case .mean: return values.reduce(0, +) / Double(values.count)
    case .min: return values.min()
    case .max: return values.max()
    case .percentile(let rank):
      let index = Int((rank * Double(values.count) / 100).rounded(.up)) - 1
      return values.sorted()[min(max(index, 0), values.count - 1)]
    }
  }

  private func rate(of metric: Metric) -> Double {
    let seconds = (window.end - window.start).seconds
    guard kind == .counter else { return Double(count) / seconds }
    switch metric.unit {
    case "B": return growth * 8 / seconds
    case "s": return growth * 100 / seconds
    default: return growth / seconds
    }
  }

  private func atExtremeTime(_ isBetter: (Double, Double) -> Bool) -> Double? {
    var best: Int?
    for index in times.indices where best == nil || isBetter(times[index], times[best!]) {
      best = index
    }
    return best.map { values[$0] }
  }

  /// The one second whose mean (number for `count` and `rate`) is worst; the first of equals.
  func worstSecond(
    counting: Bool, isWorse: (Double, Double) -> Bool
  ) -> ClosedRange<Double>? {
    var sums: [Int: (sum: Double, count: Double)] = [:]
    for (time, value) in zip(times, values) {
      sums[Int(Reading.second(of: time)), default: (0, 0)].sum += value
      sums[Int(Reading.second(of: time))]!.count += 1
    }
    var worst: (second: Int, value: Double)?
    for second in sums.keys.sorted() {
      let (sum, count) = sums[second]!
      let value = counting ? count : sum / count
      if worst == nil || isWorse(value, worst!.value) { worst = (second, value) }
    }
    return worst.map { Double($0.second)...Double($0.second + 1) }
  }
}

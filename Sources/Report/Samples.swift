// Values at a fixed step, and the two ways of thinning them: for a line and for a table.

import Results

/// Values over time; nil where there was no sample.
struct Samples: Equatable {
  /// Seconds from the start of the run to the first value, and between values (above zero).
  var start: Double
  var step: Double
  var values: [Double?]

  /// Beyond this a number is a fault of whoever measured it, and would break the arithmetic here.
  static let largest = 1e15
  /// More steps than this are not told apart: a day by the second fits.
  static let mostSteps = 100_000.0

  init(start: Double, step: Double, values: [Double?]) {
    self.start = abs(start) <= Samples.largest ? start : 0
    self.step = step > 0 && step <= Samples.largest ? step : 1
    self.values = values.map { value in
      value.flatMap { abs($0) <= Samples.largest ? $0 : nil }
    }
  }

  /// How many steps lie between two moments, one at least.
  static func steps(from start: Double, to end: Double, by step: Double) -> Int {
    max(1, Int(min(mostSteps, ((end - start) / step).rounded())))
  }

  init(_ series: Series) {
    self.init(start: series.start, step: series.step, values: series.values)
  }

  var end: Double { start + step * Double(values.count) }
  var isEmpty: Bool { values.allSatisfy { $0 == nil } }

  var maximum: Double? { values.compactMap { $0 }.max() }
  var minimum: Double? { values.compactMap { $0 }.min() }
  var last: Double? { values.last { $0 != nil } ?? nil }
  var mean: Double? {
    let present = values.compactMap { $0 }
    return present.isEmpty ? nil : present.reduce(0, +) / Double(present.count)
  }

  /// The one value it has from its first sample to its last; nil where it changes or stops between.
  var constant: Double? {
    guard let first = values.firstIndex(where: { $0 != nil }),
      let last = values.lastIndex(where: { $0 != nil }), let value = values[first]
    else { return nil }
    return values[first...last].allSatisfy { $0 == value } ? value : nil
  }

  /// With every gap filled by the sample before it, since what was said last holds; after the
  /// last sample no longer than between two.
  var held: Samples {
    var held = self
    var gap = 0
    var longest = 0
    guard let last = values.lastIndex(where: { $0 != nil }) else { return self }
    for index in values.indices.dropFirst() where held.values[index - 1] != nil {
      gap = values[index] == nil ? gap + 1 : 0
      if index < last { longest = max(longest, gap) }
      guard index <= last || gap <= longest else { break }
      held.values[index] = values[index] ?? held.values[index - 1]
    }
    return held
  }

  func time(_ index: Int) -> Double { start + step * Double(index) }

  /// The value that holds at `time`, if there is one.
  func value(at time: Double) -> Double? {
    let index = ((time - start) / step + 1e-9).rounded(.down)
    guard index >= 0, index < Double(values.count) else { return nil }
    return values[Int(index)]
  }

  /// One moment of a line; nil breaks the line.
  struct Point: Equatable {
    var time: Double
    var value: Double?
  }

  /// At most `columns` points: of every bucket its lowest and its highest value in their order, so
  /// that no peak is lost.
  func decimated(columns: Int) -> [Point] {
    guard values.count > columns else {
      return values.enumerated().map { Point(time: time($0), value: $1) }
    }
    let size = (values.count * 2 + columns - 1) / columns
    var points: [Point] = []
    for bucket in stride(from: 0, to: values.count, by: size) {
      var low: Int?
      var high: Int?
      for i in bucket..<min(bucket + size, values.count) {
        guard let value = values[i] else { continue }
        if low.map({ value < values[$0]! }) ?? true { low = i }
        if high.map({ value > values[$0]! }) ?? true { high = i }
      }
      guard let low, let high else {
        points.append(Point(time: time(bucket), value: nil))
        continue
      }
      for i in low == high ? [low] : [min(low, high), max(low, high)] {
        points.append(Point(time: time(i), value: values[i]))
      }
    }
    return points
  }

  /// The lowest and highest value within a span of time; nil without a sample in it.
  func range(from: Double, to: Double) -> ClosedRange<Double>? {
    let first = max(0, ((from - start) / step - 1e-9).rounded(.up))
    var range: ClosedRange<Double>?
    var index = first
    while index < Double(values.count), time(Int(index)) < to - 1e-9 {
      if let value = values[Int(index)] {
        range = min(range?.lowerBound ?? value, value)...max(range?.upperBound ?? value, value)
      }
      index += 1
    }
    return range
  }
}

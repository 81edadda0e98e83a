// Quantities with their unit written: `60ms`, `250kbps`, `1%`, `64kB`, `720p`.

import Basics

/// What a quantity measures, and how its units are written.
enum Dimension: String, CaseIterable, Sendable {
  case duration, bitrate, ratio, size, packets, height, frequency, perSecond, level

  /// Unit and its worth in the base unit: ns, bit/s, 1, byte, packet, pixel line, frame/s, 1/s.
  var units: [(suffix: String, factor: Double)] {
    switch self {
    case .duration:
      [("ns", 1), ("us", 1e3), ("ms", 1e6), ("s", 1e9), ("min", 60e9), ("h", 3600e9)]
    case .bitrate: [("bps", 1), ("kbps", 1e3), ("Mbps", 1e6), ("Gbps", 1e9)]
    case .ratio: [("%", 0.01)]
    case .size: [("B", 1), ("kB", 1e3), ("MB", 1e6), ("KiB", 1024), ("MiB", 1_048_576)]
    case .packets: [("packets", 1)]
    case .height: [("p", 1)]
    case .frequency: [("fps", 1)]
    case .perSecond: [("/s", 1)]
    case .level: [("dB", 1)]
    }
  }

  var noun: String {
    switch self {
    case .duration: "a time"
    case .bitrate: "a rate"
    case .ratio: "a share"
    case .size: "a size"
    case .packets: "a number of packets"
    case .height: "a picture height"
    case .frequency: "a frame rate"
    case .perSecond: "a number a second"
    case .level: "a ratio in decibels"
    }
  }

  var example: String {
    switch self {
    case .duration: "60ms"
    case .bitrate: "250kbps"
    case .ratio: "1%"
    case .size: "64kB"
    case .packets: "100packets"
    case .height: "720p"
    case .frequency: "30fps"
    case .perSecond: "2/s"
    case .level: "30dB"
    }
  }

  /// `a time such as 60ms (ns, us, ms, s, min, h)`
  var advice: String {
    let suffixes = units.map(\.suffix)
    let list = suffixes.count > 1 ? " (\(suffixes.joined(separator: ", ")))" : ""
    return "\(noun) such as \(example)\(list)"
  }

  /// The largest value in base units: a year, 10 Tbit/s, all, 1 TB.
  var limit: Double {
    switch self {
    case .duration: 365 * 86_400e9
    case .bitrate: 1e13
    case .ratio: 1
    case .size: 1e12
    case .packets: 1e9
    case .height: 16_384
    case .frequency: 1_000
    case .perSecond: 1e9
    case .level: 1e3
    }
  }
}

/// A number in its dimension's base unit.
struct Quantity: Equatable {
  var dimension: Dimension
  var value: Double

  /// Reads `node` as a quantity of one of `dimensions`.
  static func read(_ node: YAMLNode, _ dimensions: [Dimension]) throws -> Quantity {
    let advice = "write " + dimensions.map(\.advice).joined(separator: ", or ")
    guard let text = node.scalar, !node.isNull else {
      throw node.error("expected a quantity, found \(node.form); \(advice)")
    }
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == "." || $0 == "-" || $0 == "+") }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }
    guard let number = decimal(String(digits)) else {
      throw node.error("'\(text.prefix(60))' is not a quantity; \(advice)")
    }
    guard !unit.isEmpty else { throw node.error("'\(text)' has no unit; \(advice)") }
    for dimension in dimensions {
      guard let match = dimension.units.first(where: { $0.suffix == unit }) else { continue }
      let value = number * match.factor
      guard value >= 0 else {
        throw node.error("'\(text)' is below zero; \(dimension.noun) is zero or more here")
      }
      guard value <= dimension.limit * 1.000_000_001 else {
        let limit = dimension == .ratio ? "; a share is at most 100%" : "; \(advice)"
        throw node.error("'\(text)' is too large\(limit)")
      }
      return Quantity(dimension: dimension, value: value)
    }
    let suffixes = dimensions.flatMap { $0.units.map(\.suffix) }
    let beginning = suffixes.first { $0.lowercased().hasPrefix(unit.lowercased()) }
    let near = (beginning ?? Suggestion.nearest(to: String(unit), among: suffixes))
      .map { "; did you mean '\(digits)\($0)'?" }
    throw node.error("'\(unit)' in '\(text.prefix(60))' is no unit here\(near ?? "; \(advice)")")
  }

  /// A decimal number: digits, an optional sign and point, nothing else.
  static func decimal(_ text: String) -> Double? {
    let body = text.first == "-" || text.first == "+" ? text.dropFirst() : text[...]
    let points = body.filter { $0 == "." }.count
    guard points <= 1, body.contains(where: \.isNumber), body.first != ".", body.last != ".",
      body.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }), body.count <= 30
    else { return nil }
    return Double(text)
  }
}

extension YAMLNode {
  func duration() throws -> Duration {
    Duration(nanosecondsRounding: try Quantity.read(self, [.duration]).value)
  }

  func bitrate() throws -> Bitrate { .bps(try Quantity.read(self, [.bitrate]).value) }

  /// 0...1
  func ratio() throws -> Double { try Quantity.read(self, [.ratio]).value }

  func size() throws -> DataSize {
    DataSize(bytes: Int64(try Quantity.read(self, [.size]).value.rounded()))
  }

  /// Pixel lines.
  func height() throws -> Int { Int(try Quantity.read(self, [.height]).value) }

  func text() throws -> String {
    guard let text = scalar, !isNull else {
      throw error("expected a string, found \(form)")
    }
    return text
  }

  /// YAML 1.2: `true` and `false` only.
  func boolean() throws -> Bool {
    if case .scalar("true", plain: true) = content { return true }
    if case .scalar("false", plain: true) = content { return false }
    throw error("\(form) is not true or false; write one of the two, without quotes")
  }

  func integer(in range: ClosedRange<Int>) throws -> Int {
    guard case .scalar(let text, plain: true) = content, text.utf8.count <= 19,
      text.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }), let value = Int(text)
    else { throw error("\(form) is not a whole number; write one such as \(range.lowerBound)") }
    guard range.contains(value) else {
      let limit =
        range.count == 1
        ? "\(range.lowerBound)" : "a number from \(range.lowerBound) to \(range.upperBound)"
      throw error("\(value) is out of range; write \(limit)")
    }
    return value
  }

  func number() throws -> Double {
    guard case .scalar(let text, plain: true) = content, let value = Quantity.decimal(text) else {
      throw error("\(form) is not a plain number; write one such as 20")
    }
    return value
  }
}

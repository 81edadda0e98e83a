// A cursor over the JSON of a run directory that knows its place, so that a fault can name it.

import Basics

/// Why a file of a run directory cannot be read.
public struct ResultError: Error, Equatable, Sendable {
  public enum Fault: String, Sendable {
    case notJSON, wrongSchema, missing, wrongType, unknownValue
  }

  public let fault: Fault
  /// Where: `assertions[2].limit`; empty for the whole text, `byte 17` for text that is not JSON.
  public let path: String

  public init(_ fault: Fault, at path: String) {
    self.fault = fault
    self.path = path
  }
}

struct ResultReader {
  let value: JSON
  let path: String

  init(_ value: JSON, path: String = "") {
    self.value = value
    self.path = path
  }

  /// The root of a text whose `schema` member is `schema`.
  init(_ json: JSON, schema: String) throws(ResultError) {
    self.init(json)
    guard json.object != nil else { throw ResultError(.wrongType, at: "") }
    guard json["schema"]?.string == schema else { throw ResultError(.wrongSchema, at: "schema") }
  }

  static func parse(_ text: String) throws(ResultError) -> JSON {
    do {
      return try JSON(parsing: text)
    } catch {
      throw ResultError(.notJSON, at: "byte \(error.offset)")
    }
  }

  private func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// The member `key`, or nil where it is absent or null.
  func optional(_ key: String) -> ResultReader? {
    guard let member = value[key], member != .null else { return nil }
    return ResultReader(member, path: path(of: key))
  }

  subscript(key: String) -> ResultReader {
    get throws(ResultError) {
      guard let member = optional(key) else { throw ResultError(.missing, at: path(of: key)) }
      return member
    }
  }

  var text: String {
    get throws(ResultError) { try require(value.string) }
  }
  var flag: Bool {
    get throws(ResultError) { try require(value.bool) }
  }
  var number: Double {
    get throws(ResultError) { try require(value.number) }
  }
  var integer: Int64 {
    get throws(ResultError) { try require(value.integer) }
  }
  var count: Int {
    get throws(ResultError) { try require(value.integer.flatMap { Int(exactly: $0) }) }
  }
  var object: JSONObject {
    get throws(ResultError) { try require(value.object) }
  }

  /// Two numbers, the lower one first.
  var range: ClosedRange<Double> {
    get throws(ResultError) {
      let ends = try list { reader throws(ResultError) in try reader.number }
      guard ends.count == 2, ends[0] <= ends[1] else { throw ResultError(.wrongType, at: path) }
      return ends[0]...ends[1]
    }
  }

  private func require<T>(_ found: T?) throws(ResultError) -> T {
    guard let found else { throw ResultError(.wrongType, at: path) }
    return found
  }

  /// The case of an enumeration written by its raw value.
  func word<T: RawRepresentable>(_: T.Type) throws(ResultError) -> T where T.RawValue == String {
    guard let known = T(rawValue: try text) else { throw ResultError(.unknownValue, at: path) }
    return known
  }

  func exitCode() throws(ResultError) -> ExitCode {
    guard let code = Int32(exactly: try integer).flatMap({ ExitCode(rawValue: $0) }) else {
      throw ResultError(.unknownValue, at: path)
    }
    return code
  }

  func list<T>(
    _ read: (ResultReader) throws(ResultError) -> T
  ) throws(ResultError) -> [T] {
    guard let items = value.array else { throw ResultError(.wrongType, at: path) }
    var all: [T] = []
    all.reserveCapacity(items.count)
    for (index, item) in items.enumerated() {
      all.append(try read(ResultReader(item, path: "\(path)[\(index)]")))
    }
    return all
  }

  /// The members of an object in their order.
  func members() throws(ResultError) -> [(key: String, value: ResultReader)] {
    try object.members.map { ($0.key, ResultReader($0.value, path: path(of: $0.key))) }
  }
}

extension JSON {
  /// A number, or null for none and for one that is not finite.
  static func optional(_ number: Double?) -> JSON {
    guard let number, number.isFinite else { return .null }
    return .number(number)
  }

  static func optional(_ text: String?) -> JSON { text.map { .string($0) } ?? .null }

  static func range(_ range: ClosedRange<Double>?) -> JSON {
    range.map { .array([.number($0.lowerBound), .number($0.upperBound)]) } ?? .null
  }
}

/// A seed as JSON: a number, and above 2^53, where readers round numbers, its digits as well.
enum SeedJSON {
  private static let exactLimit: UInt64 = 1 << 53

  static func write(_ seed: UInt64, to object: inout JSONObject) {
    object["seed"] = Int64(exactly: seed).map { .integer($0) } ?? .number(Double(seed))
    if seed > exactLimit { object["seedDigits"] = .string(String(seed)) }
  }

  static func read(_ reader: ResultReader) throws(ResultError) -> UInt64 {
    if let digits = reader.optional("seedDigits") {
      guard let seed = UInt64(try digits.text) else {
        throw ResultError(.wrongType, at: digits.path)
      }
      return seed
    }
    let seed = try reader["seed"]
    guard let value = UInt64(exactly: try seed.integer) else {
      throw ResultError(.wrongType, at: seed.path)
    }
    return value
  }
}

/// A matrix cell as a JSON object.
enum VariantJSON {
  static func write(_ variant: [(key: String, value: String)]) -> JSON {
    var object = JSONObject()
    for (key, value) in variant { object[key] = .string(value) }
    return .object(object)
  }

  static func read(
    _ reader: ResultReader?
  ) throws(ResultError) -> [(key: String, value: String)] {
    guard let reader else { return [] }
    var variant: [(key: String, value: String)] = []
    for (key, member) in try reader.members() { variant.append((key, try member.text)) }
    return variant
  }
}

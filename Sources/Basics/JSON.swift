// JSON (RFC 8259) with objects that keep their order, so that what we write is the same to the byte.

/// A JSON value.
public enum JSON: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int64)
  case number(Double)
  case string(String)
  case array([JSON])
  case object(JSONObject)

  public subscript(key: String) -> JSON? {
    if case .object(let object) = self { return object[key] }
    return nil
  }

  public var string: String? { if case .string(let s) = self { s } else { nil } }
  public var bool: Bool? { if case .bool(let b) = self { b } else { nil } }
  public var array: [JSON]? { if case .array(let a) = self { a } else { nil } }
  public var object: JSONObject? { if case .object(let o) = self { o } else { nil } }
  public var number: Double? {
    switch self {
    case .integer(let i): Double(i)
    case .number(let d): d
    default: nil
    }
  }
  public var integer: Int64? {
    switch self {
    case .integer(let i): i
    case .number(let d): Int64(exactly: d)
    default: nil
    }
  }
}

/// Members in the order they were added.
public struct JSONObject: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  public private(set) var members: [(key: String, value: JSON)] = []
  private var index: [String: Int] = [:]

  public init() {}
  public init(dictionaryLiteral elements: (String, JSON)...) {
    for (key, value) in elements { self[key] = value }
  }

  public subscript(key: String) -> JSON? {
    get { index[key].map { members[$0].value } }
    set {
      if let position = index[key] {
        if let newValue {
          members[position].value = newValue
        } else {
          members.remove(at: position)
          index = [:]
          for (i, member) in members.enumerated() { index[member.key] = i }
        }
      } else if let newValue {
        index[key] = members.count
        members.append((key, newValue))
      }
    }
  }

  public static func == (a: JSONObject, b: JSONObject) -> Bool {
    a.members.count == b.members.count
      && zip(a.members, b.members).allSatisfy { $0.key == $1.key && $0.value == $1.value }
  }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
  ExpressibleByNilLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int64) { self = .integer(value) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(arrayLiteral elements: JSON...) { self = .array(elements) }
  public init(nilLiteral: ()) { self = .null }
  public init(dictionaryLiteral elements: (String, JSON)...) {
    var object = JSONObject()
    for (key, value) in elements { object[key] = value }
    self = .object(object)
  }
}

// MARK: - Writing

extension JSON {
  /// One line without spaces, or indented by two spaces a level. A number that is not finite is null.
  public func text(indented: Bool = false) -> String {
    var out = ""
    write(to: &out, level: indented ? 0 : nil)
    return out
  }

  private func write(to out: inout String, level: Int?) {
    switch self {
    case .null: out += "null"
    case .bool(let b): out += b ? "true" : "false"
    case .integer(let i): out += String(i)
    case .number(let d): out += JSON.text(of: d)
    case .string(let s): JSON.quote(s, to: &out)
    case .array(let items):
      // A row of plain numbers stays on one line however deep it stands.
      let flat = items.allSatisfy { $0.number != nil || $0 == .null }
      JSON.writeList(items, "[", "]", to: &out, level: flat ? nil : level) {
        $0.write(to: &$1, level: $2)
      }
    case .object(let object):
      JSON.writeList(object.members, "{", "}", to: &out, level: level) { member, out, level in
        JSON.quote(member.key, to: &out)
        out += level == nil ? ":" : ": "
        member.value.write(to: &out, level: level)
      }
    }
  }

  private static func writeList<T>(
    _ items: [T], _ open: String, _ close: String, to out: inout String, level: Int?,
    _ write: (T, inout String, Int?) -> Void
  ) {
    out += open
    let inner = level.map { $0 + 1 }
    for (i, item) in items.enumerated() {
      if i > 0 { out += "," }
      if let inner { out += "\n" + String(repeating: "  ", count: inner) }
      write(item, &out, inner)
    }
    if let level, !items.isEmpty { out += "\n" + String(repeating: "  ", count: level) }
    out += close
  }

  private static func text(of d: Double) -> String {
    guard d.isFinite else { return "null" }
    if d == d.rounded(), abs(d) < 1e15 { return String(Int64(d)) + ".0" }
    return "\(d)"
  }

  private static func quote(_ s: String, to out: inout String) {
    out += "\""
    for scalar in s.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case "\u{0}"..."\u{1F}", "\u{7F}", "\u{2028}", "\u{2029}":
        let hex = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: out.unicodeScalars.append(scalar)
      }
    }
    out += "\""
  }
}

// MARK: - Reading

/// Why a text is not JSON.
public struct JSONError: Error, Equatable, Sendable {
  /// Byte offset of the fault.
  public let offset: Int
  public let reason: String
}

extension JSON {
  private static let depthLimit = 128

  /// Reads one JSON value that fills the text.
  public init(parsing text: String) throws(JSONError) { try self.init(parsing: Array(text.utf8)) }

  public init(parsing bytes: [UInt8]) throws(JSONError) {
    var parser = JSONParser(bytes: bytes)
    self = try parser.value(depth: JSON.depthLimit)
    parser.skipSpace()
    guard parser.offset == bytes.count else { throw parser.error("text after the value") }
  }
}

private struct JSONParser {
  let bytes: [UInt8]
  var offset = 0

  func error(_ reason: String) -> JSONError { JSONError(offset: offset, reason: reason) }
  var byte: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  mutating func skipSpace() {
    while let b = byte, b == 0x20 || b == 0x0A || b == 0x0D || b == 0x09 { offset += 1 }
  }

  mutating func expect(_ character: Unicode.Scalar) throws(JSONError) {
    guard byte == UInt8(ascii: character) else { throw error("expected '\(character)'") }
    offset += 1
  }

  mutating func value(depth: Int) throws(JSONError) -> JSON {
    guard depth > 0 else { throw error("nested too deeply") }
    skipSpace()
    switch byte {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case .some: return try number()
    case nil: throw error("the text ends where a value was expected")
    }
  }

  mutating func word(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
    for i in 0..<word.utf8CodeUnitCount {
      guard byte == word.utf8Start[i] else { throw error("expected '\(word)'") }
      offset += 1
    }
    return value
  }

  mutating func object(depth: Int) throws(JSONError) -> JSON {
    var object = JSONObject()
    offset += 1
    skipSpace()
    if byte == UInt8(ascii: "}") {
      offset += 1
      return .object(object)
    }
    while true {
      skipSpace()
      guard byte == UInt8(ascii: "\"") else { throw error("expected a key in quotes") }
      let key = try string()
      skipSpace()
      try expect(":")
      object[key] = try value(depth: depth - 1)
      skipSpace()
      if byte == UInt8(ascii: ",") {
        offset += 1
        continue
      }
      try expect("}")
      return .object(object)
    }
  }

  mutating func array(depth: Int) throws(JSONError) -> JSON {
    var items: [JSON] = []
    offset += 1
    skipSpace()
    if byte == UInt8(ascii: "]") {
      offset += 1
      return .array(items)
    }
    while true {
      items.append(try value(depth: depth - 1))
      skipSpace()
      if byte == UInt8(ascii: ",") {
        offset += 1
        continue
      }
      try expect("]")
      return .array(items)
    }
  }

  mutating func number() throws(JSONError) -> JSON {
    let start = offset
    var isInteger = true
    if byte == UInt8(ascii: "-") { offset += 1 }
    let firstDigit = offset
    while let b = byte {
      switch b {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): break
      case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "+"),
        UInt8(ascii: "-"):
        isInteger = false
      default:
        return try finishNumber(start, firstDigit, isInteger)
      }
      offset += 1
    }
    return try finishNumber(start, firstDigit, isInteger)
  }

  private func finishNumber(
    _ start: Int, _ firstDigit: Int, _ isInteger: Bool
  ) throws(JSONError) -> JSON {
    let text = String(decoding: bytes[start..<offset], as: UTF8.self)
    let digits = bytes[firstDigit..<offset]
    guard let lead = digits.first, lead >= 48, lead <= 57,
      !(lead == 48 && digits.count > 1 && digits[firstDigit + 1] >= 48
        && digits[firstDigit + 1] <= 57),
      bytes[offset - 1] != UInt8(ascii: ".")
    else { throw JSONError(offset: start, reason: "not a value") }
    if isInteger, let i = Int64(text) { return .integer(i) }
    guard let d = Double(text), d.isFinite else {
      throw JSONError(offset: start, reason: "not a number")
    }
    return .number(d)
  }

  mutating func string() throws(JSONError) -> String {
    offset += 1
    var out: [UInt8] = []
    while let b = byte {
      offset += 1
      switch b {
      case UInt8(ascii: "\""):
        guard let text = String(validating: out, as: UTF8.self) else {
          throw error("invalid UTF-8 in a string")
        }
        return text
      case UInt8(ascii: "\\"): try escape(into: &out)
      case 0..<0x20: throw error("a control character in a string")
      default: out.append(b)
      }
    }
    throw error("a string without an end")
  }

  private mutating func escape(into out: inout [UInt8]) throws(JSONError) {
    guard let b = byte else { throw error("a string without an end") }
    offset += 1
    switch b {
    case UInt8(ascii: "n"): out.append(0x0A)
    case UInt8(ascii: "t"): out.append(0x09)
    case UInt8(ascii: "r"): out.append(0x0D)
    case UInt8(ascii: "b"): out.append(0x08)
    case UInt8(ascii: "f"): out.append(0x0C)
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(b)
    case UInt8(ascii: "u"):
      var code = try hex4()
      if code >= 0xD800, code < 0xDC00, offset + 1 < bytes.count,
        bytes[offset] == UInt8(ascii: "\\"), bytes[offset + 1] == UInt8(ascii: "u")
      {
        offset += 2
        let low = try hex4()
        guard low >= 0xDC00, low < 0xE000 else { throw error("a lone surrogate") }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("a lone surrogate") }
      out.append(contentsOf: Array(String(Character(scalar)).utf8))
    default: throw error("an unknown escape")
    }
  }

  private mutating func hex4() throws(JSONError) -> UInt32 {
    guard offset + 4 <= bytes.count else { throw error("a cut escape") }
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = Character(Unicode.Scalar(bytes[offset])).hexDigitValue else {
        throw error("not a hexadecimal digit")
      }
      code = code << 4 | UInt32(digit)
      offset += 1
    }
    return code
  }
}

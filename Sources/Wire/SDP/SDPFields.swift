// Cuts the value of an SDP line into its fields (RFC 8866 §5), at bytes rather than at characters.

/// A value that stands in an SDP line as text.
protocol SDPValue {
  /// Nil where the grammar does not allow the text.
  init?(sdp fields: SDPFields)
  var sdp: String { get }
}

/// The fields of a line that have not been read yet.
struct SDPFields {
  private(set) var rest: Substring.UTF8View

  init(_ rest: Substring.UTF8View) { self.rest = rest }
  init(_ text: String) { rest = Substring(text).utf8 }

  /// The field before the next `separator`, or before the end; nil if there is none or it is empty.
  /// Spaces in front of it are skipped.
  mutating func next(upTo separator: Unicode.Scalar = " ") -> String? {
    skipSpaces()
    let end = rest.firstIndex(of: UInt8(ascii: separator)) ?? rest.endIndex
    let field = String(Substring(rest[..<end]))
    rest = end == rest.endIndex ? rest[end...] : rest[rest.index(after: end)...]
    return field.isEmpty ? nil : field
  }

  /// The next field as a decimal number without sign.
  mutating func number<T: FixedWidthInteger>(upTo separator: Unicode.Scalar = " ") -> T? {
    next(upTo: separator).flatMap(decimal)
  }

  /// Everything that is left, without spaces in front; nil if that is nothing.
  mutating func remainder() -> String? {
    skipSpaces()
    defer { rest = rest[rest.endIndex...] }
    return rest.isEmpty ? nil : String(Substring(rest))
  }

  /// All fields that are left.
  mutating func all(by separator: Unicode.Scalar = " ") -> [String] {
    var fields: [String] = []
    while !isEmpty {
      if let field = next(upTo: separator) { fields.append(field) }
    }
    return fields
  }

  var isEmpty: Bool { rest.allSatisfy { $0 == UInt8(ascii: " ") } }

  private mutating func skipSpaces() {
    rest = rest.drop { $0 == UInt8(ascii: " ") }
  }
}

/// Digits only, unlike `Int.init`, which takes a sign.
func decimal<T: FixedWidthInteger>(_ text: String) -> T? {
  text.utf8.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") } ? T(text) : nil
}

/// Whether every byte is a visible ASCII character (VCHAR), and there is one.
func isVisible(_ text: String) -> Bool {
  !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
}

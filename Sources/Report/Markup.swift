// Text that is already HTML or XML; whatever is interpolated into it is escaped by construction.

/// A fragment of markup. `"<b>\(name)</b>"` escapes `name`, unless it is markup itself.
struct Markup: ExpressibleByStringInterpolation, Equatable {
  var text: String

  static let empty = Markup(trusted: "")

  init(trusted text: String) { self.text = text }
  init(stringLiteral value: String) { text = value }
  init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }

  struct StringInterpolation: StringInterpolationProtocol {
    var text = ""
    init(literalCapacity: Int, interpolationCount: Int) {
      text.reserveCapacity(literalCapacity + interpolationCount * 16)
    }
    mutating func appendLiteral(_ literal: String) { text += literal }
    mutating func appendInterpolation(_ value: String) { Markup.escape(value, to: &text) }
    mutating func appendInterpolation(_ value: Int) { text += String(value) }
    mutating func appendInterpolation(_ markup: Markup) { text += markup.text }
    mutating func appendInterpolation(_ list: [Markup]) {
      for markup in list { text += markup.text }
    }
  }

  static func += (a: inout Markup, b: Markup) { a.text += b.text }

  var isEmpty: Bool { text.isEmpty }

  /// Escapes for element content and quoted attributes; characters that XML 1.0 §2.2 forbids become
  /// U+FFFD.
  static func escape(_ value: String, to out: inout String) {
    for scalar in value.unicodeScalars {
      switch scalar {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      case "'": out += "&#39;"
      default: out.unicodeScalars.append(isLegal(scalar) ? scalar : "\u{FFFD}")
      }
    }
  }

  private static func isLegal(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0A, 0x0D, 0x20...0x7E, 0xA0...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: true
    default: false
    }
  }
}

extension String {
  /// One line that a terminal prints as it stands: control characters become U+FFFD.
  var printable: String {
    var out = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      switch scalar.value {
      case 0x0A, 0x0D, 0x09: out.append(" ")
      case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029: out.append("\u{FFFD}")
      default: out.append(scalar)
      }
    }
    return String(out)
  }

  /// At most `limit` characters, the last of which is an ellipsis where something was cut.
  func clipped(to limit: Int) -> String {
    count <= limit ? self : String(prefix(limit - 1)) + "…"
  }

  func padded(to width: Int) -> String {
    self + String(repeating: " ", count: Swift.max(0, width - count))
  }
}

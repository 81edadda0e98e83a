// YAML 1.2 text of a tree: block style outside, flow style inside, one thing a line.

/// A value to be written.
indirect enum YAMLValue: Equatable {
  /// Stands as it is: a quantity, a number, a word of the language.
  case plain(String)
  /// An author's text, in quotes where YAML needs them.
  case text(String)
  case list([YAMLValue])
  case map(YAMLMap)

  static func texts(_ texts: [String]) -> YAMLValue { .list(texts.map { .text($0) }) }
}

/// Keys in the order they are written; one without a value is left out.
public struct YAMLMap: Equatable {
  struct Entry: Equatable {
    public var key: String
    var value: YAMLValue
  }

  private(set) var entries: [Entry] = []

  subscript(key: String) -> YAMLValue? {
    get { entries.first { $0.key == key }?.value }
    set {
      entries.removeAll { $0.key == key }
      if let newValue { entries.append(Entry(key: key, value: newValue)) }
    }
  }

  var isEmpty: Bool { entries.isEmpty }
  var value: YAMLValue { .map(self) }
}

extension YAMLValue {
  private static let width = 98

  /// A document: the keys of `root`, one level below them a line for each, flow style from there on.
  static func document(_ root: YAMLMap) -> String {
    root.entries.map { entry in
      let key = entry.key + ":"
      switch entry.value {
      case .map(let map) where !map.isEmpty && (entry.value.flow.count > 60 || map.isNested):
        return key + "\n" + map.entries.map { $0.lines(indent: 2) }.joined()
      case .list(let items) where items.contains { $0.isMap }:
        return key + "\n" + items.map { "  - \($0.flow)\n" }.joined()
      default: return "\(key) \(entry.value.flow)\n"
      }
    }.joined()
  }

  private var isMap: Bool { if case .map = self { true } else { false } }

  var flow: String {
    switch self {
    case .plain(let text): text
    case .text(let text): YAMLValue.quotedIfNeeded(text)
    case .list(let items): "[" + items.map(\.flow).joined(separator: ", ") + "]"
    case .map(let map):
      map.isEmpty
        ? "{}"
        : "{ " + map.entries.map { "\($0.key): \($0.value.flow)" }.joined(separator: ", ") + " }"
    }
  }

  fileprivate static func lines(of entry: YAMLMap.Entry, indent: Int) -> String {
    let start = String(repeating: " ", count: indent) + entry.key + ":"
    let line = start + " " + entry.value.flow
    guard case .map(let map) = entry.value, line.count > width else { return line + "\n" }
    return start + "\n" + map.entries.map { $0.lines(indent: indent + 2) }.joined()
  }

  /// Letters and digits with dots, dashes and the like in between need no quotes, save where they read
  /// as YAML's null.
  private static func quotedIfNeeded(_ text: String) -> String {
    let isPlain =
      text.first.map { $0.isASCII && $0.isLetter } == true
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_-.@/".contains($0)) }
    if isPlain, !["null", "Null", "NULL"].contains(text) { return text }
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\t": quoted += "\\t"
      default:
        if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) {
          let digits = String(scalar.value, radix: 16)
          quoted += "\\x" + String(repeating: "0", count: 2 - digits.count) + digits
        } else {
          quoted.unicodeScalars.append(scalar)
        }
      }
    }
    return quoted + "\""
  }
}

extension YAMLMap {
  fileprivate var isNested: Bool {
    entries.contains { if case .map = $0.value { true } else { false } }
  }
}

extension YAMLMap.Entry {
  fileprivate func lines(indent: Int) -> String { YAMLValue.lines(of: self, indent: indent) }
}

// The shapes of values in the scenario language: they check files and make the schema.

/// What may stand at a place.
indirect enum Shape: Sendable {
  case text
  /// A name chosen by the author.
  case name
  /// An identity or the name of a group: a name, or a name in a room (`teacher@room-2`).
  case identity
  case boolean
  case integer(ClosedRange<Int>)
  case number
  case word([String], called: String)
  case quantity([Dimension])
  /// One of some words, or a quantity.
  case wordOr([String], [Dimension])
  /// A quantity of any dimension or a plain number; the reader knows which is due.
  case limit
  /// `40s..60s`
  case window
  /// `p95`, `mean` …
  case statistic
  case scalar
  case list(Shape)
  /// A mapping from names that the author chooses.
  case named(Shape, called: String)
  case object(ObjectShape)
  /// Dotted paths into the scenario, each with a list of values.
  case paths
  /// A shape for each form in which the value may be written.
  case form(scalar: Shape? = nil, list: Shape? = nil, mapping: Shape? = nil)
}

/// A mapping with a closed set of keys.
struct ObjectShape: Sendable {
  struct Key: Sendable {
    var name: String
    var shape: Shape
    var about: String
    var isRequired = false
  }

  /// With its article, for messages: `a link`.
  var noun: String
  var keys: [Key]
  /// Of each of these sets exactly one key stands.
  var exactlyOne: [[String]] = []
  /// Of each of these sets at most one key stands.
  var atMostOne: [[String]] = []
  /// Of each of these sets some key stands.
  var atLeastOne: [[String]] = []

  func key(_ name: String) -> Key? { keys.first { $0.name == name } }
}

func key(
  _ name: String, _ shape: Shape, _ about: String, required: Bool = false
) -> ObjectShape.Key {
  ObjectShape.Key(name: name, shape: shape, about: about, isRequired: required)
}

// MARK: - Checking

extension Shape {
  /// - Throws: `ScenarioError` at the first value that does not fit, in the order of the file.
  func check(_ node: YAMLNode) throws {
    switch self {
    case .text: _ = try node.text()
    case .name: try checkName(try node.text(), node)
    case .identity:
      let parts = try node.text().split(
        separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
      for part in parts { try checkName(String(part), node) }
    case .boolean: _ = try node.boolean()
    case .integer(let range): _ = try node.integer(in: range)
    case .number: _ = try node.number()
    case .word(let words, let plural): _ = try node.word(of: words, called: plural)
    case .quantity(let dimensions): _ = try Quantity.read(node, dimensions)
    case .wordOr(let words, let dimensions):
      if let text = node.scalar, words.contains(text) { return }
      if let text = node.scalar, text.first?.isNumber != true, !text.isEmpty {
        let word = Suggestion.nearest(to: text, among: words).map { "; did you mean '\($0)'?" }
        throw node.error(
          "'\(text)' is neither \(words.joined(separator: " nor ")) nor \(dimensions[0].noun)"
            + (word ?? "; write \(words[0]) or \(dimensions[0].advice)"))
      }
      _ = try Quantity.read(node, dimensions)
    case .limit, .scalar, .window, .statistic:
      _ = try node.text()
    case .list(let item): try checkList(node, item)
    case .named(let shape, let plural): try checkNamed(node, shape, plural)
    case .object(let object): try object.check(node)
    case .paths:
      guard let entries = node.entries else {
        throw node.error("expected paths, found \(node.form); write { PATH: [ … ] }")
      }
      for entry in entries { try checkList(entry.value, .scalar) }
    case .form(let scalar, let list, let mapping):
      try checkForm(node, scalar: scalar, list: list, mapping: mapping)
    }
  }

  private func checkName(_ text: String, _ node: YAMLNode) throws {
    guard Shape.isName(text) else {
      throw node.error(
        "'\(text.prefix(60))' is not a name; a name begins with a letter and has letters, digits, "
          + "'-' and '_', at most 64")
    }
  }

  static func isName(_ text: String) -> Bool {
    guard let first = text.utf8.first, text.utf8.count <= 64 else { return false }
    let isLetter = { (b: UInt8) in (b | 0x20) >= 97 && (b | 0x20) <= 122 }
    return isLetter(first)
      && text.utf8.allSatisfy { isLetter($0) || ($0 >= 48 && $0 <= 57) || $0 == 45 || $0 == 95 }
  }

  private func checkList(_ node: YAMLNode, _ item: Shape) throws {
    guard let items = node.items else {
      throw node.error("expected a list, found \(node.form); write it as [ … ]")
    }
    for each in items { try item.check(each) }
  }

  private func checkNamed(_ node: YAMLNode, _ shape: Shape, _ plural: String) throws {
    guard let entries = node.entries else {
      throw node.error("expected \(plural) by name, found \(node.form); write NAME: { … }")
    }
    for entry in entries {
      try checkName(entry.key, YAMLNode(mark: entry.mark, content: .mapping([])))
      try shape.check(entry.value)
    }
  }

  private func checkForm(
    _ node: YAMLNode, scalar: Shape?, list: Shape?, mapping: Shape?
  ) throws {
    let chosen =
      switch node.content {
      case .scalar: scalar
      case .sequence: list
      case .mapping: mapping
      }
    // A word that is none of the words may be meant for another form.
    var isForeignWord = false
    if case .word(let words, _) = chosen, mapping != nil, let text = node.scalar {
      isForeignWord = Suggestion.nearest(to: text, among: words) == nil
    }
    if let chosen, !isForeignWord { return try chosen.check(node) }
    let forms = [scalar, list, mapping].compactMap { $0?.advice }
    throw node.error("\(node.form) does not fit here; write \(forms.joined(separator: ", or "))")
  }

  /// What to write, for messages.
  var advice: String {
    switch self {
    case .text: "a text"
    case .name: "a name"
    case .identity: "a name"
    case .boolean: "true or false"
    case .integer: "a whole number"
    case .number: "a number"
    case .word(let words, _): words.joined(separator: " or ")
    case .quantity(let dimensions): dimensions.map(\.advice).joined(separator: ", or ")
    case .wordOr(let words, let dimensions):
      (words + dimensions.map(\.advice)).joined(separator: ", or ")
    case .limit: "a limit such as 100ms"
    case .scalar: "a value"
    case .window: "a window such as 40s..60s"
    case .statistic: "a statistic such as p95"
    case .list: "a list [ … ]"
    case .named(_, let plural): "\(plural) by name"
    case .paths: "dotted paths with lists of values"
    case .object(let object):
      object.exactlyOne.first.map { "{ \($0.joined(separator: " | ")): … }" }
        ?? "{ \(object.keys.prefix(6).map(\.name).joined(separator: ", ")) … }"
    case .form(let scalar, let list, let mapping):
      [scalar, list, mapping].compactMap { $0?.advice }.joined(separator: ", or ")
    }
  }
}

extension ObjectShape {
  func check(_ node: YAMLNode) throws {
    guard let entries = node.entries else {
      throw node.error("expected \(noun), found \(node.form); write its keys as { key: value }")
    }
    for entry in entries {
      guard let key = key(entry.key) else { throw unknown(entry) }
      try key.shape.check(entry.value)
    }
    for key in keys where key.isRequired && node[key.name] == nil {
      throw node.error("\(noun) needs '\(key.name)': \(key.about)")
    }
    for set in atLeastOne where !entries.contains(where: { set.contains($0.key) }) {
      let first = key(set[0])!
      throw node.error("\(noun) needs '\(first.name)': \(first.about)")
    }
    for set in exactlyOne + atMostOne {
      let present = entries.filter { set.contains($0.key) }
      guard present.count <= 1 else {
        throw ScenarioError(
          present[1].mark,
          "'\(present[1].key)' and '\(present[0].key)' exclude each other in \(noun); keep one")
      }
    }
    for set in exactlyOne where !entries.contains(where: { set.contains($0.key) }) {
      throw node.error("\(noun) needs one of \(set.joined(separator: ", "))")
    }
  }

  func unknown(_ entry: YAMLNode.Entry) -> ScenarioError {
    ScenarioError(
      entry.mark,
      "unknown key '\(entry.key.prefix(60))' in \(noun)"
        + Suggestion.clause(for: entry.key, among: keys.map(\.name), called: "keys"))
  }
}

extension YAMLNode {
  func word(of words: [String], called plural: String) throws -> String {
    let word = try text()
    guard words.contains(word) else {
      throw error(
        "'\(word.prefix(60))' is not one of the \(plural)"
          + Suggestion.clause(for: word, among: words, called: plural))
    }
    return word
  }
}

// The matrix: values put into the tree before it is read, so that faults name its lines.

enum Matrix {
  private static let limit = 1_000

  struct Variant {
    var assignments: [ScenarioVariant.Assignment]
    var root: YAMLNode
  }

  /// Every combination, the last key varying fastest.
  static func variants(of root: YAMLNode) throws -> [Variant] {
    var variants = [Variant(assignments: [], root: root)]
    guard let matrix = root["matrix"] else { return variants }
    try Shape.paths.check(matrix)
    for entry in matrix.entries ?? [] {
      let values = entry.value.items ?? []
      guard !values.isEmpty else { throw entry.value.error("no values; write at least one") }
      guard variants.count * values.count <= limit else {
        throw ScenarioError(entry.mark, "more than \(limit) variants; take some values out")
      }
      variants = try variants.flatMap { variant in
        try values.map { value in
          var next = variant
          next.assignments.append(.init(path: entry.key, value: try value.text()))
          let path = entry.key.split(separator: ".", omittingEmptySubsequences: false).map(
            String.init)
          try set(value, at: path[...], in: &next.root, .object(Grammar.scenario), entry)
          return next
        }
      }
    }
    for index in variants.indices {
      guard let all = variants[index].root.entries else { continue }
      variants[index].root.content = .mapping(all.filter { $0.key != "matrix" })
    }
    return variants
  }

  /// Puts `value` at `path` below `node`. Keys of the language may be new, names may not.
  private static func set(
    _ value: YAMLNode, at path: ArraySlice<String>, in node: inout YAMLNode, _ shape: Shape,
    _ entry: YAMLNode.Entry
  ) throws {
    guard let first = path.first else {
      node = value
      return
    }
    var inner: Shape
    var called = "keys"
    switch shape {
    case .object(let object):
      guard let key = object.key(first), first != "matrix", first != "include" else {
        let written = YAMLNode.Entry(key: first, mark: entry.mark, value: value)
        throw object.unknown(written)
      }
      inner = key.shape
    case .named(let item, let plural):
      inner = item
      called = plural
    case .form(_, _, let mapping?):
      return try set(value, at: path, in: &node, mapping, entry)
    case .form(_, let list?, _):
      return try set(value, at: path, in: &node, list, entry)
    case .list(let item):
      return try setItem(value, at: path, in: &node, item, entry)
    default:
      throw ScenarioError(
        entry.mark, "'\(entry.key)' goes on where there is nothing below; end it earlier")
    }
    var entries = node.entries ?? []
    if !entries.contains(where: { $0.key == first }) {
      if case .named = shape {
        throw ScenarioError(
          entry.mark,
          "'\(first)' in '\(entry.key)' is not one of the \(called)"
            + Suggestion.clause(for: first, among: entries.map(\.key), called: called))
      }
      let empty = YAMLNode(mark: entry.mark, content: .mapping([]))
      entries.append(YAMLNode.Entry(key: first, mark: entry.mark, value: empty))
    }
    let index = entries.firstIndex { $0.key == first }!
    if path.count == 1 { entries[index].mark = entry.mark }
    try set(value, at: path.dropFirst(), in: &entries[index].value, inner, entry)
    node.content = .mapping(entries)
  }

  private static func setItem(
    _ value: YAMLNode, at path: ArraySlice<String>, in node: inout YAMLNode, _ shape: Shape,
    _ entry: YAMLNode.Entry
  ) throws {
    guard var items = node.items, let number = Int(path.first!), items.indices.contains(number)
    else {
      throw ScenarioError(
        entry.mark,
        "'\(path.first!)' in '\(entry.key)' is not the number of an item; the first is 0")
    }
    try set(value, at: path.dropFirst(), in: &items[number], shape, entry)
    node.content = .sequence(items)
  }
}

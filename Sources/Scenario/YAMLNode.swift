// A YAML document as a tree that remembers where each key and value stands.

/// A YAML value with its place.
struct YAMLNode: Sendable {
  enum Content: Sendable {
    /// A scalar's text; `plain` when it stands without quotes.
    case scalar(String, plain: Bool)
    case sequence([YAMLNode])
    case mapping([Entry])
  }

  struct Entry: Sendable {
    var key: String
    var mark: SourceMark
    var value: YAMLNode
  }

  var mark: SourceMark
  var content: Content
  /// Nodes in this subtree, aliases expanded.
  var nodes = 1

  /// The value of `key` in a mapping.
  subscript(key: String) -> YAMLNode? { entry(key)?.value }

  func entry(_ key: String) -> Entry? { entries?.first { $0.key == key } }

  var entries: [Entry]? {
    if case .mapping(let entries) = content { entries } else { nil }
  }

  var items: [YAMLNode]? {
    if case .sequence(let items) = content { items } else { nil }
  }

  var scalar: String? {
    if case .scalar(let text, _) = content { text } else { nil }
  }

  /// YAML 1.2 core null: an empty plain scalar, `~` or `null`.
  var isNull: Bool {
    if case .scalar(let text, plain: true) = content {
      return ["", "~", "null", "Null", "NULL"].contains(text)
    }
    return false
  }

  /// What stands here, for messages.
  var form: String {
    switch content {
    case .scalar(let text, _): isNull ? "nothing" : "'\(text.prefix(60))'"
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }

  func error(_ message: String) -> ScenarioError { ScenarioError(mark, message) }
}

// The file of `--expectations`: known failures, and what may be unsupported, each with a reason. A closed
// language of its own, read as scenarios are.

import Results

public enum ExpectationsFile {
  static let shape = ObjectShape(
    noun: "an expectations file",
    keys: [
      key("expectations", .integer(1...1), "version of the language: 1", required: true),
      key("known", .list(.object(entry)), "what is known beforehand", required: true),
    ])

  static let entry = ObjectShape(
    noun: "an entry of known",
    keys: [
      key(
        "id", .text, "of an expectation, or of a rule such as rule/nack-answered", required: true),
      key("scenario", .text, "scenarios, as a pattern such as 'train-*'; all"),
      key("known-failure", .word(["true"], called: "answers"), "true: it fails, and is known to"),
      key(
        "unsupported", .word(["allowed"], called: "answers"),
        "allowed: the SFU may be one that it cannot be judged on"),
      key("reason", .text, "why", required: true),
      key("link", .text, "where it is tracked"),
      key("expires", .text, "the last day on which it holds, such as 2027-03-01"),
    ], exactlyOne: [["known-failure", "unsupported"]])

  /// Reads the file at `path`.
  /// - Parameter scenarios: in one of which each entry must find its id; nil to take any.
  /// - Throws: `ScenarioError`, the first fault.
  public static func load(_ path: String, for scenarios: [Scenario]? = nil) throws -> VerdictPolicy
  {
    let bytes = try FileFinder.read(path, at: SourceMark(file: path, line: 1, column: 1))
    return try parse(bytes, file: path, for: scenarios)
  }

  static func parse(
    _ bytes: [UInt8], file: String, for scenarios: [Scenario]? = nil
  ) throws -> VerdictPolicy {
    let root = try YAMLReader.read(bytes, file: file)
    try shape.check(root)
    let entries = root["known"]?.items ?? []
    return VerdictPolicy(
      try entries.map { node in
        let exception = try read(node)
        if let scenarios { try check(exception, node, scenarios) }
        return exception
      })
  }

  private static func read(_ node: YAMLNode) throws -> VerdictPolicy.Exception {
    let reason = node["reason"]!
    guard !(try reason.text()).isEmpty else { throw reason.error("the reason is empty") }
    let isFailure = node["known-failure"] != nil
    var expires: String?
    if let date = node["expires"] {
      expires = try date.text()
      guard isDate(expires!) else {
        throw date.error("'\(expires!.prefix(60))' is not a day; write it as 2027-03-01")
      }
    } else if isFailure {
      throw node.error("a known failure needs 'expires': the last day on which it is accepted")
    }
    return VerdictPolicy.Exception(
      id: try node["id"]!.text(), scenario: try node["scenario"]?.text(),
      kind: isFailure ? .knownFailure : .unsupportedAllowed, reason: try reason.text(),
      link: try node["link"]?.text(), expires: expires)
  }

  /// `2027-03-01`, a day that there is.
  static func isDate(_ text: String) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.map(\.count) == [4, 2, 2],
      text.allSatisfy({ $0 == "-" || $0.isASCII && $0.isNumber }),
      let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]),
      (1...12).contains(month)
    else { return false }
    let isLeap = year % 4 == 0 && year % 100 != 0 || year % 400 == 0
    let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return (1...days[month - 1]).contains(day)
  }

  private static func check(
    _ exception: VerdictPolicy.Exception, _ node: YAMLNode, _ scenarios: [Scenario]
  ) throws {
    let covered = scenarios.filter { scenario in
      exception.scenario.map { globMatches(scenario.name, $0) } ?? true
    }
    if let pattern = node["scenario"], covered.isEmpty {
      throw pattern.error(
        "no scenario that is run is called '\(exception.scenario ?? "")'"
          + Suggestion.clause(
            for: exception.scenario ?? "", among: scenarios.map(\.name), called: "scenarios"))
    }
    let id = exception.id ?? ""
    let expectations = covered.flatMap { $0.expectations.map(\.id) }
    let rules = exception.kind == .knownFailure ? Rule.all.map(\.id) : []
    guard expectations.contains(id) || rules.contains(id) else {
      throw node["id"]!.error(
        "no expectation or rule that is judged is called '\(id.prefix(60))'"
          + Suggestion.clause(for: id, among: expectations + rules, called: "ids"))
    }
  }
}

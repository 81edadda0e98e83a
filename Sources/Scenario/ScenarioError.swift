// What is wrong with a scenario file, where it stands, and how to mend it.

import Results

/// A place in a source file; lines and columns count from 1, columns in Unicode scalars.
public struct SourceMark: Sendable, Hashable, CustomStringConvertible {
  public var file: String
  public var line: Int
  public var column: Int

  public init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  public var description: String { "\(file):\(line):\(column)" }
}

/// The first fault found in a scenario, as `file:line:column: what is wrong; how to mend it`.
public struct ScenarioError: Error, Sendable, Equatable, CustomStringConvertible {
  public var file: String
  public var line: Int
  public var column: Int
  public var message: String

  public init(_ mark: SourceMark, _ message: String) {
    file = mark.file
    line = mark.line
    column = mark.column
    self.message = message
  }

  public var description: String { "\(file):\(line):\(column): \(message)" }
}

/// Finds what an author may have meant.
public enum Suggestion {
  /// `; did you mean 'delay'?`, or all choices where none is near and they are few.
  static func clause(for word: String, among choices: [String], called plural: String) -> String {
    if let new = RenamedNames.current(of: word), choices.contains(new) {
      return "; it is called '\(new)' now"
    }
    if let near = nearest(to: word, among: choices) { return "; did you mean '\(near)'?" }
    if choices.isEmpty { return "; there are no \(plural)" }
    return "; the \(plural) are \(choices.prefix(40).joined(separator: ", "))"
  }

  /// The choice at the least distance, within a third of the word's length, rounded up.
  public static func nearest(to word: String, among choices: [String]) -> String? {
    let lowered = word.lowercased()
    if let same = choices.first(where: { $0.lowercased() == lowered }) { return same }
    guard word.utf8.count <= 64 else { return nil }
    let limit = min((word.count + 2) / 3, word.count - 1)
    var best: (choice: String, distance: Int)?
    for choice in choices where abs(choice.count - word.count) <= limit {
      let distance = editDistance(
        Array(lowered.unicodeScalars), Array(choice.lowercased().unicodeScalars))
      if distance <= limit, distance < best?.distance ?? .max { best = (choice, distance) }
    }
    return best?.choice
  }

  /// Damerau-Levenshtein distance (optimal string alignment): insertions, deletions, substitutions
  /// and swaps of neighbours.
  static func editDistance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in 0..<a.count {
      var row = [i + 1]
      for j in 0..<b.count {
        var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
          cost = min(cost, beforeLast[j - 1] + 1)
        }
        row.append(cost)
      }
      beforeLast = last
      last = row
    }
    return last[b.count]
  }
}

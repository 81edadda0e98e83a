// The command line, read once: flags with and without values, and what is left.

import Basics
import Lab
import Results
import Scenario

/// Bad use of the command line.
struct UsageError: Error {
  var message: String
}

/// A flag of a verb.
struct Flag: Sendable {
  var name: String
  /// What its value is called in the help; nil for a flag without one.
  var value: String?
  var help: String

  init(_ name: String, _ value: String? = nil, _ help: String) {
    self.name = name
    self.value = value
    self.help = help
  }
}

extension Flag {
  static let expectations = Flag(
    "--expectations", "FILE",
    "YAML of known failures and of what may be unsupported, each with a reason and a date")
}

struct Arguments {
  private var values: [String: [String]] = [:]
  private(set) var operands: [String] = []

  /// Reads `words` against the flags a verb knows. `--flag value` and `--flag=value` both do; after
  /// `--` everything is an operand.
  init(_ words: [String], flags: [Flag]) throws(UsageError) {
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" {
        operands += rest
        return
      }
      guard word.hasPrefix("-"), word != "-" else {
        operands.append(word)
        continue
      }
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        .map(String.init)
      guard let flag = flags.first(where: { $0.name == parts[0] }) else {
        let near = Suggestion.nearest(to: parts[0], among: flags.map(\.name))
        throw UsageError(
          message: "unknown flag '\(parts[0])'" + (near.map { "; did you mean '\($0)'?" } ?? ""))
      }
      if flag.value == nil {
        guard parts.count == 1 else {
          throw UsageError(message: "\(flag.name) takes no value")
        }
        values[flag.name, default: []].append("")
      } else if let value = parts.count == 2 ? parts[1] : rest.popFirst(), !value.isEmpty {
        values[flag.name, default: []].append(value)
      } else {
        throw UsageError(message: "\(flag.name) needs a value: \(flag.name) \(flag.value!)")
      }
    }
  }

  func has(_ name: String) -> Bool { values[name] != nil }
  /// Every value of a flag that may be given more than once, in order.
  func all(_ name: String) -> [String] { values[name] ?? [] }
  func value(_ name: String) -> String? { values[name]?.last }

  /// A whole number of at least `minimum`.
  func number(_ name: String, minimum: UInt64 = 0) throws(UsageError) -> UInt64? {
    guard let text = value(name) else { return nil }
    guard let number = UInt64(text), number >= minimum else {
      throw UsageError(
        message: "\(name) takes a whole number of at least \(minimum), not '\(text)'")
    }
    return number
  }

  /// One of `choices`.
  func choice(_ name: String, of choices: [String]) throws(UsageError) -> String? {
    guard let text = value(name) else { return nil }
    guard choices.contains(text) else {
      throw UsageError(
        message: "\(name) is one of \(choices.joined(separator: ", ")), not '\(text)'")
    }
    return text
  }
}

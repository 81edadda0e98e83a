// Where API keys and their secrets come from: a file, the environment, or the development pair.
// Secrets are never printed.

import Foundation
import Signal

struct Keys {
  /// In the order of their writing.
  let names: [String]
  let secrets: APIKeys

  static let developmentKey = "devkey"
  static let developmentSecret = "secret"

  static let development = Keys([(developmentKey, developmentSecret)])

  /// HS256 needs as many random bytes as its hash has (RFC 7518 §3.2); fewer can be guessed from one
  /// token. Below the second figure anybody guesses.
  static let secretSize = 32
  static let leastSecretSize = 8

  /// Keys whose secrets are shorter than `secretSize`.
  let weak: [String]

  /// Refuses secrets that are too short to be any, and warns of short ones.
  func checkSecrets() throws(UsageError) {
    // Names of keys are no secrets, and are not for logs all the same.
    for name in weak {
      let place = names.firstIndex(of: name).map { "key \($0 + 1)" } ?? "a key"
      let size = secrets.secret(of: name)?.count ?? 0
      guard size >= Keys.leastSecretSize || name == Keys.developmentKey else {
        throw UsageError(
          message: "the secret of \(place) has \(size) bytes, of at least "
            + "\(Keys.leastSecretSize); make one with: openssl rand -base64 32")
      }
      Console.log(
        "assay: the secret of \(place) has \(size) bytes; use \(Keys.secretSize) random ones, "
          + "as of: openssl rand -base64 32")
    }
  }

  init(_ pairs: [(key: String, secret: String)]) {
    names = pairs.map(\.key)
    weak = pairs.filter { $0.secret.utf8.count < Keys.secretSize }.map(\.key)
    secrets = APIKeys(Dictionary(pairs.map { ($0.key, $0.secret) }) { _, last in last })
  }

  /// LIVEKIT_API_KEY and LIVEKIT_API_SECRET; nil where neither is set.
  static func fromEnvironment() throws(UsageError) -> Keys? {
    let environment = ProcessInfo.processInfo.environment
    let key = environment["LIVEKIT_API_KEY"] ?? ""
    let secret = environment["LIVEKIT_API_SECRET"] ?? ""
    if key.isEmpty, secret.isEmpty { return nil }
    guard !key.isEmpty, !secret.isEmpty else {
      let missing = key.isEmpty ? "LIVEKIT_API_KEY" : "LIVEKIT_API_SECRET"
      throw UsageError(message: "\(missing) is not set, though its sibling is; set both")
    }
    return Keys([(key, secret)])
  }

  /// What `--dev`, `--keys` and the environment say, in this order; nil where they say nothing.
  static func chosen(by arguments: Arguments) throws(UsageError) -> Keys? {
    if arguments.has("--dev") {
      guard !arguments.has("--keys") else {
        throw UsageError(message: "--dev and --keys exclude each other")
      }
      return .development
    }
    if let file = arguments.value("--keys") { return try reading(file) }
    return try fromEnvironment()
  }

  /// Lines of `key: secret`; `#` begins a comment, quotes around either are taken off.
  static func reading(_ file: String) throws(UsageError) -> Keys {
    // Through a handle, since keys may come from a pipe.
    guard let handle = FileHandle(forReadingAtPath: file),
      let bytes = try? handle.readToEnd() ?? Data(),
      let text = String(data: bytes, encoding: .utf8)
    else {
      throw UsageError(
        message: "\(file): cannot be read; --keys takes a file with lines of the form 'key: secret'"
      )
    }
    var pairs: [(String, String)] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let line = line.trimmingCharacters(in: .whitespacesAndNewlines)
      if line.isEmpty || line.hasPrefix("#") || line == "---" { continue }
      let parts = line.split(separator: ":", maxSplits: 1).map { bare(String($0)) }
      guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
        throw UsageError(message: "\(file):\(index + 1): not of the form 'key: secret'")
      }
      guard !pairs.contains(where: { $0.0 == parts[0] }) else {
        throw UsageError(message: "\(file):\(index + 1): the key '\(parts[0])' is there twice")
      }
      pairs.append((parts[0], parts[1]))
    }
    guard !pairs.isEmpty else {
      throw UsageError(message: "\(file): no keys; write lines of the form 'key: secret'")
    }
    return Keys(pairs)
  }

  private static func bare(_ text: String) -> String {
    let text = text.trimmingCharacters(in: .whitespaces)
    for quote in ["\"", "'"] where text.count >= 2 && text.hasPrefix(quote) && text.hasSuffix(quote)
    {
      return String(text.dropFirst().dropLast())
    }
    return text.components(separatedBy: " #")[0].trimmingCharacters(in: .whitespaces)
  }
}

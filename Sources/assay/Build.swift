// Which build this is: its version, and the commit it was built from.

import Foundation

enum Build {
  static let version = "0.1.0"

  /// `0.1.0+abc1234`, `-dirty` where the tree had changes; the version alone outside a checkout.
  static var identity: String {
    guard let home = ProcessInfo.processInfo.environment["ASSAY_HOME"],
      let text = try? String(contentsOfFile: home + "/.build/commit", encoding: .utf8)
    else { return version }
    let commit = text.trimmingCharacters(in: .whitespacesAndNewlines)
    return commit.isEmpty ? version : "\(version)+\(commit)"
  }
}

// Citations of criteria and definitions lead somewhere: to docs/criteria.md.

import Foundation
import Testing

@Suite struct CriteriaPage {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  private static func files(of folder: String, _ suffix: String) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: root.appendingPathComponent(folder).path)
      .filter { $0.hasSuffix(suffix) }.map { "\(folder)/\($0)" }
  }

  @Test func everyCitationIsOnThePage() throws {
    let page = try Self.text("docs/criteria.md")
    let entries = Set(
      page.matches(of: /\b([0-9]{3}:[0-9]+|[DH][0-9]+)\b/).map { String($0.output.1) })
    #expect(entries.count > 60)
    var cited = 0
    for file in try Self.files(of: "Sources", ".swift") + Self.files(of: "docs", ".md") {
      for match in try Self.text(file).matches(
        of: /(?:criterion|definition) ([0-9]{3}:[0-9]+|[DH][0-9]+)/)
      {
        cited += 1
        #expect(entries.contains(String(match.output.1)), "\(file): \(match.output.0)")
      }
    }
    for file in try Self.files(of: "scenarios", ".yaml") {
      for line in try Self.text(file).split(separator: "\n") {
        guard let start = line.range(of: "criteria: [")?.upperBound else { continue }
        for match in line[start...].prefix(while: { $0 != "]" }).matches(
          of: /[0-9]{3}:[0-9]+|[DH][0-9]+/)
        {
          cited += 1
          #expect(entries.contains(String(match.output)), "\(file): \(match.output)")
        }
      }
    }
    #expect(cited > 100)
  }
}

// Phrases that engineers of the field had to translate do not come back.

import Foundation
import Testing

@Suite struct RetiredPhrases {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  private static let phrases = [
    "stands where", "stand where", "rests on what", "nobody takes part", "takes the link for",
    "Coming back", "Sit in a simulated", "Who has joined", "from which the harness proves",
    "has yet to come", "however long packets wait", "gives who subscribes again",
  ]

  @Test func noneIsLeft() throws {
    var files = ["README.md", "ARCHITECTURE.md"]
    for folder in ["Sources", "docs", "scenarios"] {
      files += try FileManager.default
        .subpathsOfDirectory(atPath: Self.root.appendingPathComponent(folder).path)
        .filter { $0.hasSuffix(".swift") || $0.hasSuffix(".md") || $0.hasSuffix(".yaml") }
        .map { "\(folder)/\($0)" }
    }
    #expect(files.count > 400)
    for file in files {
      let text = try String(
        contentsOf: Self.root.appendingPathComponent(file), encoding: .utf8)
      for phrase in Self.phrases { #expect(!text.contains(phrase), "\(file): \(phrase)") }
    }
  }
}

// The inputs that once broke a parser, and damaged copies of each.

import Foundation
import FuzzInvariants
import TestKit
import Testing

@Suite(.serialized) struct ReplayTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("corpus")

  @Test(arguments: FuzzTarget.allCases) func corpusHolds(target: FuzzTarget) throws {
    let folder = ReplayTests.folder.appendingPathComponent(target.rawValue)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    for name in names.sorted() {
      let bytes = Array(try Data(contentsOf: folder.appendingPathComponent(name)))
      #expect(target.holds(bytes), "\(target.rawValue)/\(name)")
      // Long inputs stand for what they were found with alone.
      guard bytes.count <= 200 else { continue }
      for damaged in everyTruncation(of: bytes) {
        #expect(target.holds(damaged), "\(target.rawValue)/\(name), first \(damaged.count) bytes")
      }
    }
  }

  @Test(arguments: FuzzTarget.allCases) func nothingHolds(target: FuzzTarget) {
    #expect(target.holds([]))
  }
}

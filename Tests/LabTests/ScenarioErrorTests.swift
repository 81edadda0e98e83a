// Every kind of bad scenario is refused at its place, with a way to mend it.

import Foundation
import Testing

@testable import Lab
@testable import Scenario

/// What the parser says of `bytes`; nil where it finds no fault.
private func fault(_ bytes: [UInt8], file: String = "test.yaml") -> String? {
  do {
    _ = try ScenarioFile.parse(bytes, file: file)
    return nil
  } catch { return "\(error)" }
}

private func fault(_ text: String) -> String? { fault(Array(text.utf8)) }

struct Fault: Sendable, CustomTestStringConvertible {
  var text: String
  var expected: String
  var testDescription: String { expected }

  /// The blocks of a table.
  static func all(in table: String) -> [Fault] {
    var faults: [Fault] = []
    var text = ""
    for line in table.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("=> ") {
        faults.append(Fault(text: text, expected: "test.yaml:" + line.dropFirst(3)))
        text = ""
      } else if let prefix = FaultTable.prefixes["\(line)\n"] {
        text = prefix
      } else if !(text.isEmpty && line.isEmpty) {
        text += line + "\n"
      }
    }
    return faults
  }
}

@Suite struct Faults {
  @Test(arguments: Fault.all(in: FaultTable.file)) func file(_ each: Fault) {
    #expect(fault(each.text) == each.expected)
  }

  @Test(arguments: Fault.all(in: FaultTable.links)) func links(_ each: Fault) {
    #expect(fault(each.text) == each.expected)
  }

  @Test(arguments: Fault.all(in: FaultTable.participants)) func participants(_ each: Fault) {
    #expect(fault(each.text) == each.expected)
  }

  @Test(arguments: Fault.all(in: FaultTable.events)) func events(_ each: Fault) {
    #expect(fault(each.text) == each.expected)
  }

  @Test(arguments: Fault.all(in: FaultTable.expectations)) func expectations(_ each: Fault) {
    #expect(fault(each.text) == each.expected)
  }

  @Test(arguments: Fault.all(in: FaultTable.matrix)) func matrix(_ each: Fault) {
    #expect(fault(each.text) == each.expected)
  }

  @Test func theTableIsRead() { #expect(Fault.all(in: FaultTable.events).count >= 18) }
}

@Suite struct HostileFiles {
  @Test func empty() {
    #expect(fault("") == "test.yaml:1:1: the file is empty; a scenario begins with 'assay: 1'")
  }

  @Test func invalidUTF8() {
    #expect(
      fault(Array("assay: 1\nname: é".utf8) + [0xC3, 0x28])
        == "test.yaml:2:8: not UTF-8 (byte 17 of the file); save the file as UTF-8")
  }

  @Test func byteOrderMarkIsIgnored() {
    #expect(
      fault([0xEF, 0xBB, 0xBF] + Array("assay: 2\n".utf8))?.hasPrefix("test.yaml:1:8:") == true)
  }

  @Test func billionLaughs() {
    var text = "assay: 1\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...9 {
      let row = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(row)]\n"
    }
    #expect(
      fault(text)
        == "test.yaml:7:10: with its aliases written out the file has more than 200000 values")
  }

  @Test func deepNesting() {
    let text = "assay: " + String(repeating: "[", count: 900) + String(repeating: "]", count: 900)
    #expect(fault(text) == "test.yaml:1:71: nested more than 64 levels deep")
  }

  @Test func tooLong() {
    #expect(
      fault(Array(repeating: 0x20, count: 1_000_001))
        == "test.yaml:1:1: the file has 1000001 bytes; a scenario has at most 1000000: "
        + "split it with include, or keep large data in a trace file")
  }

  @Test func anyTruncationOfAScenarioIsReadOrRefused() {
    let bytes = Array(DesignExample.text.utf8)
    for length in stride(from: 0, to: bytes.count, by: 3) {
      let message = fault(Array(bytes.prefix(length)))
      #expect(message.map { $0.hasPrefix("test.yaml:") } ?? true)
    }
  }

  @Test func anyFlippedBitIsReadOrRefused() {
    let bytes = Array(DesignExample.text.utf8)
    for index in stride(from: 0, to: bytes.count, by: 2) {
      var broken = bytes
      broken[index] ^= UInt8(1 << (index / 2 % 8))
      let message = fault(broken)
      #expect(message.map { $0.hasPrefix("test.yaml:") } ?? true)
    }
  }
}

@Suite final class FilesOnDisk {
  private let folder: String

  init() throws {
    folder = NSTemporaryDirectory() + "assay-lab-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private func write(_ name: String, _ text: String) throws -> String {
    let path = "\(folder)/\(name)"
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  private func fault(loading path: String) -> String? {
    do {
      _ = try ScenarioFile.load(path)
      return nil
    } catch { return "\(error)".replacingOccurrences(of: folder + "/", with: "") }
  }

  @Test func absent() {
    #expect(fault(loading: "\(folder)/none.yaml") == "none.yaml:1:1: there is no file 'none.yaml'")
  }

  @Test func aFolder() throws {
    try FileManager.default.createDirectory(
      atPath: "\(folder)/dir.yaml", withIntermediateDirectories: true)
    #expect(
      fault(loading: "\(folder)/dir.yaml")
        == "dir.yaml:1:1: 'dir.yaml' is not a plain file; name the scenario file itself")
  }

  /// A sparse file: reading it would take its size in memory, its size alone does not.
  @Test func aHundredMegabytesAreRefusedUnread() throws {
    let path = try write("large.yaml", "assay: 1\n")
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.truncate(atOffset: 100_000_000)
    try handle.close()
    #expect(
      fault(loading: path)
        == "large.yaml:1:1: the file has 100000000 bytes; a scenario has at most 1000000: split it "
        + "with include, or keep large data in a trace file")
  }

  @Test func includeCycle() throws {
    _ = try write("b.yaml", "include: [c.yaml]\n")
    _ = try write("c.yaml", "links: {}\ninclude:\n  - b.yaml\n")
    let path = try write(
      "a.yaml", "assay: 1\nduration: 5s\ninclude: [b.yaml]\nparticipants: { a: {} }\n")
    #expect(
      fault(loading: path)
        == "c.yaml:3:5: 'b.yaml' includes itself: a.yaml -> b.yaml -> c.yaml -> b.yaml; "
        + "take one include out")
  }

  @Test func aFaultNamesTheIncludedFile() throws {
    _ = try write("links.yaml", "links:\n  dsl: { use: dls }\n")
    let path = try write(
      "a.yaml",
      "assay: 1\nduration: 5s\ninclude: [links.yaml]\nparticipants: { a: { link: dsl } }\n")
    #expect(
      fault(loading: path)
        == "links.yaml:2:15: 'dls' is not one of the presets; did you mean 'dsl'?")
  }

  @Test func aNameWrittenTwice() throws {
    _ = try write("links.yaml", "links:\n  dsl: { use: dsl }\n")
    let path = try write(
      "a.yaml",
      "assay: 1\nduration: 5s\ninclude: [links.yaml]\nlinks: { dsl: {} }\nparticipants: { a: {} }\n"
    )
    #expect(
      fault(loading: path) == "a.yaml:4:10: 'dsl' is already written at links.yaml:2:3; rename one")
  }

  @Test func includeMerges() throws {
    _ = try write(
      "base.yaml",
      "name: base\nseed: 5\nlinks: { home: { use: dsl } }\nexpect:\n"
        + "  - { id: joined, of: all, metric: assay.joined, stat: last, atLeast: 1 }\n")
    let path = try write(
      "a.yaml",
      """
      assay: 1
      name: whole
      duration: 5s
      include: [base.yaml]
      links: { office: { use: fibre } }
      participants: { a: { link: home }, b: { link: office } }
      expect:
        - { id: rtt, of: a, metric: roundTripTime, stat: p95, under: 200ms }
      """)
    let scenario = try ScenarioFile.load(path)[0].scenario
    #expect(scenario.name == "whole")
    #expect(scenario.seed == 5)
    #expect(scenario.links.map(\.name) == ["home", "office"])
    #expect(scenario.expectations.map(\.id) == ["joined", "rtt"])
  }

  @Test func aTraceBesideTheScenario() throws {
    _ = try write("lte.up", "1\n2\n")
    let path = try write(
      "a.yaml",
      "assay: 1\nduration: 5s\nrequires: [lte.up]\nlinks: { l: { trace: lte.up } }\n"
        + "participants: { a: { link: l } }\n")
    let scenario = try ScenarioFile.load(path)[0].scenario
    #expect(scenario.missing.isEmpty)
    #expect(scenario.link(named: "l")?.up.capacity == .trace(path: "\(folder)/lte.up"))
  }
}

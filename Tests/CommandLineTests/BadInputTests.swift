// Bad scenarios: exit code 2, one message with its place and its remedy, and nothing left behind.

import Foundation
import Testing

@Suite(.enabled(if: Assay.path != nil, "the executable was not built")) struct BadInput {
  struct Row: Sendable {
    var name: String
    var bytes: Data
    /// `:line:column:` and what follows.
    var says: [String]

    init(_ name: String, _ text: String, says: String...) {
      self.init(name, Data(text.utf8), says: says)
    }

    init(_ name: String, _ bytes: Data, says: [String]) {
      self.name = name
      self.bytes = bytes
      self.says = says
    }
  }

  private static func edited(_ old: String, _ new: String) -> String {
    Sample.passing.replacingOccurrences(of: old, with: new)
  }

  private static let tail = Sample.passing

  static let rows = [
    Row(
      "typo", edited("participants:", "partcipants:"), says: ":9:1:", "mean 'participants'"),
    Row("unit", edited("delay: 5ms", "delay: 5"), says: ":8:32:", "has no unit", "60ms"),
    Row("link", edited("ada: { link: home", "ada: { link: hmoe"), says: ":10:16:", "did you mean"),
    Row(
      "metric", edited("assay.joined", "assay.jioned"), says: ":13:", "mean 'assay.joined'"),
    Row(
      "mutant", edited("links:", "sfu: { mutant: wrongSSCR }\nlinks:"), says: ":7:16:",
      "'wrongSSRC'"),
    Row(
      "late", tail + "events:\n  - { at: 2s, participant: ada, do: mute }\n", says: ":15:11:",
      "not before the end"),
    Row(
      "cycle", "assay: 1\nduration: 1s\nparticipants: &a { x: *a }\n", says: ":3:", "a"),
    Row("empty", "", says: ":1:1:", "assay: 1"),
    Row("binary", Data([0x61, 0xFF, 0xFE, 0x00, 0x0A]), says: [":1:", "UTF-8"]),
    Row("tab", "assay: 1\n\tduration: 1s\n", says: ":2:1:", ""),
    Row(
      "trace", edited("rate: 10Mbps", "trace: nowhere.up"), says: ":8:18:", "requires"),
  ]

  @Test(arguments: rows) func isRefused(_ row: Row) throws {
    let folder = try Folder()
    let file = try folder.write("\(row.name).yaml", row.bytes)
    for verb in ["run", "validate"] {
      let words = [verb, file] + (verb == "run" ? ["--out", "\(folder.path)/out"] : [])
      let output = try Assay.run(words)
      #expect(output.status == 2)
      #expect(output.text.isEmpty)
      #expect(output.log.hasPrefix(file + ":"), "\(output.log)")
      for part in row.says { #expect(part.isEmpty || output.log.contains(part), "\(output.log)") }
      // `validate` goes on to the next file, and counts at the end.
      #expect(output.log.filter { $0 == "\n" }.count == (verb == "run" ? 1 : 2), "\(output.log)")
      #expect(folder.list() == ["\(row.name).yaml"])
    }
  }

  /// The trace's own line, and where the scenario names it.
  @Test(arguments: [
    ("1\n2\nx\n", ":3: not a capacity trace (not a whole number"),
    ("1\n\n5\n4\n", ":4: not a capacity trace (before the line above"),
    ("0\n", "no moment after 0"),
  ]) func aBadTrace(text: String, reason: String) throws {
    let folder = try Folder()
    _ = try folder.write("bad.trace", text)
    let file = try folder.write(
      "s.yaml",
      """
      assay: 1
      name: t
      duration: 2s
      links: { l: { up: { trace: bad.trace } } }
      participants: { a: { link: l } }

      """)
    let output = try Assay.run("validate", file)
    #expect(output.status == 2)
    #expect(output.log.contains("s.yaml:4:28: ") && output.log.contains(reason), "\(output.log)")
  }

  @Test func aHugeFileIsNotRead() throws {
    let folder = try Folder()
    let file = try folder.write("huge.yaml", "assay: 1\n")
    #expect(truncate(file, 100_000_000) == 0)
    let output = try Assay.shell(
      "ulimit -v 4000000; \"$ASSAY\" run \(file) --out \(folder.path)/out")
    #expect(output.status == 2)
    #expect(output.text.isEmpty)
    #expect(output.log.hasPrefix("\(file):1:1:"), "\(output.log)")
    #expect(folder.list() == ["huge.yaml"])
  }

  /// One bad file among several stops all before anything is written.
  @Test func aBadFileInAFolder() throws {
    let folder = try Folder()
    _ = try folder.write("in/a.yaml", Sample.passing)
    _ = try folder.write("in/b.yaml", BadInput.edited("seed: 7", "sede: 7"))
    let output = try Assay.run("gate", "\(folder.path)/in", "--out", "\(folder.path)/out")
    #expect(output.status == 2)
    #expect(output.text.isEmpty)
    #expect(output.log.contains("b.yaml:4:1:"))
    #expect(folder.list() == ["in"])
  }

  @Test func nothingSelected() throws {
    let folder = try Folder()
    let file = try folder.write("in/a.yaml", Sample.passing)
    for words in [["run", file], ["gate", "\(folder.path)/in"]] {
      let output = try Assay.run(words + ["--only", "nothing", "--out", "\(folder.path)/out"])
      #expect(output.status == 4)
      #expect(output.text.isEmpty)
      #expect(!output.log.isEmpty)
    }
    #expect(folder.list() == ["in"])
  }

  @Test func outThatCannotBeWritten() throws {
    let folder = try Folder()
    let file = try folder.write("a.yaml", Sample.passing)
    for place in ["\(file)/out", "/proc/out"] {
      for words in [["run", file], ["gate", folder.path]] {
        let output = try Assay.run(words + ["--out", place])
        #expect(output.status == 2)
        #expect(output.text.isEmpty)
        #expect(output.log.contains(place), "\(output.log)")
        #expect(output.log.contains("--out"), "\(output.log)")
      }
    }
    #expect(folder.list() == ["a.yaml"])
  }

  /// A limit on file sizes stands for the full disk: writes stop in the middle of a file.
  @Test(arguments: ["", "--pcap"]) func fullDisk(_ flag: String) throws {
    let folder = try Folder()
    let file = try folder.write("a.yaml", Sample.passing)
    let output = try Assay.shell(
      "ulimit -f 4; \"$ASSAY\" run \(file) \(flag) --out \(folder.path)/out")
    #expect(output.status == 2)
    #expect(output.text.isEmpty)
    #expect(output.log.contains("passing-seed7"), "\(output.log)")
    #expect(output.log.contains("large"), "\(output.log)")
    #expect(folder.list("out").isEmpty)
  }

  @Test func standardOutputThatIsFull() throws {
    let output = try Assay.shell("\"$ASSAY\" list metrics > /dev/full")
    #expect(output.status == 2)
    #expect(output.log == "assay: standard output: No space left on device\n")
  }

  /// `assay schema | head -1` is no fault.
  @Test func aReaderWhoGoesAway() throws {
    let output = try Assay.shell("\"$ASSAY\" schema | true; echo ${PIPESTATUS[0]}")
    #expect(output.text == "0\n")
    #expect(output.log.isEmpty)
  }
}

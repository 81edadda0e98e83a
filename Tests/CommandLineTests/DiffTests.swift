// `assay diff` as a user runs it: which packet is the first that differs, what is worse, exit codes.

import Basics
import Foundation
import TestKit
import Testing

@Suite(.enabled(if: Assay.path != nil, "the executable was not built"))
struct DiffCommand {
  private let folder: Folder

  init() throws { folder = try Folder() }

  private func run(_ name: String, seed: Int = 7, loss: String = "0%") throws -> String {
    let scenario = Sample.scenario("talk", duration: "6s")
      .replacingOccurrences(of: "loss: 1%", with: "loss: \(loss)")
    let file = try folder.write("\(name)/talk.yaml", scenario)
    let out = "\(folder.path)/\(name)/out"
    let output = try Assay.run("run", file, "--pcap", "--seed", "\(seed)", "--out", out)
    try #require(output.status == 0, "\(output.text)\(output.log)")
    return "\(out)/talk-seed\(seed)"
  }

  private func json(_ words: String...) throws -> (status: Int32, report: JSON, log: String) {
    let output = try Assay.run(["diff"] + words + ["--format", "json"])
    return (output.status, try JSON(parsing: output.text), output.log)
  }

  // MARK: - Runs

  @Test func ofTwoIdenticalRunsItSaysSo() throws {
    let (a, b) = (try run("a"), try run("b"))
    let output = try Assay.run("diff", a, "\(b)/result.json")
    #expect(output.status == 0, "\(output.log)")
    #expect(output.text.hasPrefix("✓ A and B are identical."), "\(output.text)")
    let (_, report, _) = try json(a, b)
    #expect(report["identical"]?.bool == true)
    #expect(report["firstDivergence"] == .null)
    #expect((report["streams"]?.array?.count ?? 0) > 4)
  }

  /// The same run with one packet dropped: that packet is named, as both files number it.
  @Test func theDroppedPacketIsNamed() throws {
    let (a, b) = (try run("a"), try run("b", loss: "{ packets: [150] }"))
    let (status, report, _) = try json(a, b)
    #expect(status == 0, "a packet is noise")
    let divergence = try #require(report["firstDivergence"])
    let text = try #require(divergence["text"]?.string)
    #expect(text.contains("dropped: "), "\(text)")
    #expect(text.contains("home.") && text.contains("lost"), "\(text)")
    let number = try #require(divergence["packetB"]?.integer)
    let comments = try Assay.shell(
      "tshark -r \(b)/evidence/packets.pcapng -Y 'frame.number == \(number)' -T fields "
        + "-e frame.interface_name -e frame.comment 2>/dev/null || true")
    if Tshark.path != nil {
      #expect(comments.text.contains("lost"), "\(comments.text)")
      #expect(comments.text.contains("dropped: "), "\(comments.text)")
    }
  }

  @Test func twoSeedsAreNoise() throws {
    let (a, b) = (try run("a"), try run("b", seed: 8))
    let output = try Assay.run("diff", a, b)
    #expect(output.status == 0, "\(output.text)")
    #expect(output.text.contains("A and B are the same within noise."), "\(output.text)")
    #expect(output.text.contains("The seeds differ"), "\(output.text)")
  }

  /// A worse link is worse, the gate's exit code says so, and both lines stand in one chart.
  @Test func aWorseLinkIsWorse() throws {
    let (a, b) = (try run("a"), try run("b", loss: "30%"))
    let out = "\(folder.path)/diff"
    let output = try Assay.run("diff", a, b, "--out", out)
    #expect(output.status == 1, "\(output.text)")
    #expect(output.text.hasPrefix("✗ B is worse in "), "\(output.text)")
    #expect(folder.list("diff") == ["index.html", "result.json"])
    let page = try folder.text("diff/index.html")
    #expect(page.contains("class=\"line s0\"") && page.contains("class=\"line s1\""))
    let back = try Assay.run("diff", b, a)
    #expect(back.status == 0, "\(back.text)")
    #expect(back.text.contains("B is better in "), "\(back.text)")
  }

  // MARK: - Captures

  private func call(_ name: String, _ call: WrittenCall = WrittenCall()) throws -> String {
    let file = "\(folder.path)/\(name).pcapng"
    try call.write(to: file)
    return file
  }

  @Test func capturesPacketByPacket() throws {
    let whole = try call("whole")
    #expect(try Assay.run("diff", whole, whole).text.hasPrefix("✓ A and B are identical."))
    let (status, report, log) = try json(whole, try call("cut", WrittenCall(missing: [77])))
    #expect(status == 1, "without a keyframe no later frame can be decoded: \(log)")
    let divergence = try #require(report["firstDivergence"])
    // The third packet is RTCP.
    #expect(divergence["packetA"]?.integer == 79)
    #expect(divergence["packetB"] == .null)
    #expect(divergence["text"]?.string?.contains("sequence number 1077") ?? false)
    #expect(report["streams"]?.array?.first?["onlyInA"]?.integer == 1)
  }

  /// Captures of one call at two places: another clock, other payloads, one begins later.
  @Test func capturesOfTwoPlaces() throws {
    var other = WrittenCall(missing: Set(0..<20).union([100, 101]), payloadByte: 0x77)
    other.shift = 35
    let (status, report, log) = try json(try call("a"), try call("b", other))
    #expect(status == 0, "\(log)")
    let stream = try #require(report["streams"]?.array?.first)
    #expect(stream["onlyInA"]?.integer == 2)
    #expect(stream["outside"]?.integer == 20)
    #expect(stream["different"]?.integer == 0)
    let text = report["firstDivergence"]?["text"]?.string ?? ""
    #expect(text.contains("sequence number 1100"), "\(text)")
  }

  @Test func lossMakesACaptureWorse() throws {
    let frozen = WrittenCall(
      frames: 200, missing: Set(100..<250), pause: (at: 2_000, length: 3_000))
    let output = try Assay.run(
      "diff", try call("a", WrittenCall(frames: 200)), try call("b", frozen), "--pt",
      "96=VP8/90000")
    #expect(output.status == 1, "\(output.text)\(output.log)")
    #expect(output.text.contains("packetsLost of video 0x2D1E0D7E"), "\(output.text)")
  }

  /// A capture and the media of a run.
  @Test func aCaptureAndARun() throws {
    let a = try run("a")
    let same = try Assay.run("diff", "\(a)/evidence/media-clear.pcapng", a)
    #expect(same.status == 0, "\(same.log)")
    #expect(same.text.hasPrefix("✓ A and B are identical."), "\(same.text)")
  }

  // MARK: - Bad input

  @Test func whatCannotBeRead() throws {
    let file = try call("a")
    let text = try folder.write("notes.txt", "Dear support\n")
    let result = try folder.write("r/result.json", "{}")
    for (words, says) in [
      ([file], "name two runs or captures"), ([file, "\(folder.path)/none"], "no such file"),
      ([file, text], "Assay reads pcap"), ([file, result], "not a run of Assay"),
      ([folder.path, file], "cannot be read"),
    ] {
      let output = try Assay.run(["diff"] + words)
      #expect(output.status == 2, "\(words): \(output.log)")
      #expect(output.text.isEmpty)
      #expect(output.log.contains(says), "\(output.log)")
    }
  }

  @Test func whatCannotBeCompared() throws {
    let file = try call("a")
    let folderOfRun = try run("a")
    try FileManager.default.removeItem(atPath: "\(folderOfRun)/evidence")
    let output = try Assay.run("diff", file, folderOfRun)
    #expect(output.status == 3, "\(output.log)")
    #expect(output.log.contains("run it again with --pcap"), "\(output.log)")
    let other = try folder.write(
      "other.yaml",
      Sample.scenario("other").replacingOccurrences(of: "ada", with: "bea")
        .replacingOccurrences(of: "grace", with: "hedy"))
    #expect(try Assay.run("run", other, "--out", "\(folder.path)/o").status == 0)
    let strangers = try Assay.run("diff", folderOfRun, "\(folder.path)/o/other-seed7")
    #expect(strangers.status == 3)
    #expect(strangers.log.contains("no participant of talk is in other"), "\(strangers.log)")
  }
}

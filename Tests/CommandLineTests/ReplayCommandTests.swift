// `assay replay` and `--as-scenario` as a user runs them: the same hash twice, frames that fit the
// capture's, and nothing of the capture in what is written.

import Basics
import Foundation
import TestKit
import Testing

@Suite(.enabled(if: Assay.path != nil, "the executable was not built"))
struct ReplayCommand {
  private let folder: Folder
  private let pt = ["--pt", "96=VP8/90000"]

  init() throws { folder = try Folder() }

  /// Small enough for what the SFU takes a viewer's link for at first.
  private func call(_ name: String = "call", _ call: WrittenCall = WrittenCall()) throws -> String {
    let file = "\(folder.path)/\(name).pcapng"
    var call = call
    call.size = 150
    try call.write(to: file)
    return file
  }

  private func replay(_ words: String...) throws -> (status: Int32, result: JSON, log: String) {
    let output = try Assay.run(
      ["replay"] + words + pt + ["--format", "json", "--out", "\(folder.path)/out"])
    try #require(!output.text.isEmpty, "\(output.log)")
    return (output.status, try JSON(parsing: output.text), output.log)
  }

  /// Frames that the viewer decoded of each publisher.
  private func decoded(_ result: JSON, by viewer: String = "viewer") -> [Double] {
    let people = result["participants"]?.array ?? []
    let viewer = people.first { $0["identity"]?.string == viewer }
    return (viewer?["inbound"]?.array ?? []).compactMap { $0["framesDecoded"]?.number }
  }

  @Test func everyFrameReachesAViewer() throws {
    let (status, result, log) = try replay(try call())
    #expect(status == 0, "\(log)")
    #expect(decoded(result) == [100])
    #expect(log.contains("publisher-1: camera is 0x2D1E0D7E (VP8, 200 packets)"), "\(log)")
    #expect(log.contains("A keyframe request is answered by the next captured keyframe"))
    let again = try replay(try call())
    #expect(again.result["traceHash"]?.string == result["traceHash"]?.string)
  }

  /// Through a slow and lossy link the verdict is the scenario's.
  @Test func throughAScenario() throws {
    let scenario = try folder.write(
      "narrow.yaml",
      """
      assay: 1
      name: narrow
      about: A viewer on a slow link.
      seed: 4
      duration: 5s
      links:
        slow: { down: { rate: 300kbps, delay: 30ms, loss: 2% } }
      participants:
        mobile: { link: slow }
      expect:
        - { id: joins, of: mobile, metric: assay.joined, stat: last, equals: 1 }
        - { id: sees-nothing, of: mobile, metric: framesDecoded, stat: last, under: 1 }

      """)
    let (status, result, log) = try replay(try call(), "--through", scenario)
    #expect(status == 1, "\(log)")
    let verdicts = (result["assertions"]?.array ?? []).prefix(2).map { $0["verdict"]?.string }
    #expect(verdicts == ["pass", "fail"])
    let frames = try #require(decoded(result, by: "mobile").first)
    #expect((20...100).contains(frames), "\(frames)")
    let again = try replay(try call(), "--through", scenario)
    #expect(again.result["traceHash"]?.string == result["traceHash"]?.string)
  }

  /// What was lost before the capturing point is lost for every viewer; the next keyframe heals it.
  @Test func whatNeverArrivedIsNotInvented() throws {
    let (_, result, log) = try replay(try call("lossy", WrittenCall(missing: [100, 101])))
    #expect(log.contains("198 packets, 2 missing"), "\(log)")
    #expect(log.contains("nothing is sent in their place"))
    #expect(decoded(result) == [50], "no keyframe comes behind the lost frame")
  }

  // MARK: - As a scenario

  @Test func theScenarioRunsAsTheReplayDid() throws {
    let written = "\(folder.path)/regression"
    let (_, result, _) = try replay(try call(), "--as-scenario", written)
    #expect(folder.list("regression") == ["media", "scenario.yaml"])
    #expect(folder.list("regression/media") == ["publisher-1.camera.media"])
    #expect(try Assay.run("validate", "\(written)/scenario.yaml").status == 0)
    let run = try Assay.run(
      "run", "\(written)/scenario.yaml", "--format", "json", "--out", "\(folder.path)/run")
    #expect(run.status == 0, "\(run.log)")
    let again = try JSON(parsing: run.text)
    #expect(again["traceHash"]?.string == result["traceHash"]?.string)
    let ids = (again["assertions"]?.array ?? []).compactMap { $0["id"]?.string }
    #expect(ids.starts(with: ["viewers-join", "frames-of-publisher-1"]))
    let inspected = try Assay.run(
      ["inspect", try call(), "--as-scenario", "\(folder.path)/other"] + pt)
    #expect(inspected.status == 0, "\(inspected.log)")
    #expect(
      try folder.text("other/media/publisher-1.camera.media")
        == folder.text("regression/media/publisher-1.camera.media"))
  }

  /// None of the addresses, names, SSRCs or payload bytes that went in come out.
  @Test func strippedOfEverythingThatNamesSomebody() throws {
    let canary = WrittenCall(cname: "canary-cname@example", ssrc: 0x4341_4E41, payloadByte: 0x43)
    let file = try call("canary-customer", canary)
    let written = "\(folder.path)/stripped"
    let output = try Assay.run(["inspect", file, "--as-scenario", written] + pt)
    #expect(output.status == 0, "\(output.log)")
    let names = folder.files(below: "stripped")
    #expect(!names.isEmpty)
    for name in names where name.contains(".") {
      let text = try folder.text(name)
      let decimal = String(0x4341_4E41)
      for secret in [
        "canary", "192.0.2.1", "10.0.0.7", ":5000", ":6000", "CANA", "43414e41", "43414E41",
        decimal,
        "CCCC", "0x4341",
      ] {
        #expect(!text.contains(secret), "\(name) holds \(secret)")
      }
    }
  }

  // MARK: - Bad input

  @Test func badInput() throws {
    let file = try call()
    let rows: [([String], Int32, String)] = [
      ([], 2, "name one capture"), (["\(folder.path)/none.pcap"], 2, "No such file"),
      ([file, "--vantage", "moon"], 2, "server"), ([file, "--at", "home"], 2, "--at takes an IP"),
      ([file, "--through", "\(folder.path)/no.yaml"], 2, "no such file"),
      ([file, "--viewers", "1000"], 2, "at most 100"),
      ([file, "--ssrc", "1"], 3, "no RTP packet has an SSRC"),
    ]
    for (words, status, says) in rows {
      let output = try Assay.run(["replay"] + words + pt)
      #expect(output.status == status, "\(words): \(output.log)")
      #expect(output.text.isEmpty)
      #expect(output.log.contains(says), "\(output.log)")
    }
  }

  @Test func aBrokenMediaFileIsNamedByItsLine() throws {
    let written = "\(folder.path)/broken"
    #expect(try Assay.run(["inspect", try call(), "--as-scenario", written] + pt).status == 0)
    let media = "\(written)/media/publisher-1.camera.media"
    let text = try folder.text("broken/media/publisher-1.camera.media")
    try Data((text + "x 1 2 3 -\n").utf8).write(to: URL(fileURLWithPath: media))
    let output = try Assay.run("validate", "\(written)/scenario.yaml")
    #expect(output.status == 2)
    #expect(
      output.log.contains("publisher-1.camera.media:203: expected microseconds"), "\(output.log)")
  }
}

// What `--pcap-filter`, `--pcap-size` and `--pcap-snaplen` leave of a run's captures.

import Basics
import Capture
import Foundation
import TestKit
import Testing
import Wire

@Suite(.enabled(if: Assay.path != nil, "the executable was not built"))
struct CaptureChoices {
  private let folder: Folder
  private let scenario: String

  init() throws {
    folder = try Folder()
    scenario = try folder.write("talk.yaml", Sample.scenario("talk", crypto: "real"))
  }

  private func run(_ words: String...) throws -> [(CapturedDatagram, [UInt8])] {
    let output = try Assay.run(["run", scenario, "--pcap", "--out", "\(folder.path)/out"] + words)
    try #require(output.status == 0, "\(output.text)\(output.log)")
    var reader = try CaptureReader(wire)
    var datagrams: [(CapturedDatagram, [UInt8])] = []
    while try reader.readRecord({ datagrams.append(($0, $1.array)) }) != nil {}
    return datagrams
  }

  private var evidence: String { "\(folder.path)/out/talk-seed7/evidence" }
  private var wire: String { "\(evidence)/packets.pcapng" }

  @Test func onlyTheirOwnerReadsThem() throws {
    _ = try run()
    for name in ["packets.pcapng", "media-clear.pcapng"] {
      let attributes = try FileManager.default.attributesOfItem(atPath: "\(evidence)/\(name)")
      #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600, "\(name)")
    }
  }

  @Test func onePerson() throws {
    let ada = IPAddress(v4: 10, 1, 0, 1)
    let datagrams = try run("--pcap-filter", "participant=ada")
    #expect(datagrams.count > 100)
    #expect(datagrams.allSatisfy { $0.0.source.ip == ada || $0.0.destination.ip == ada })
  }

  @Test func oneKindWithinAWindow() throws {
    let whole = try run()
    let start = try #require(whole.first).0.time
    let datagrams = try run("--pcap-filter", "kind=rtp,rtcp", "--pcap-filter", "window=0.5s..1.5s")
    #expect(datagrams.count > 50 && datagrams.count < whole.count / 2)
    for (datagram, bytes) in datagrams {
      #expect([.rtp, .rtcp].contains(PacketKind(bytes.span.bytes)))
      // The first packet leaves within the first tenth of a second.
      #expect((0.4...1.51).contains((datagram.time - start).seconds))
    }
  }

  @Test func packetsAreCut() throws {
    let datagrams = try run("--pcap-snaplen", "96")
    #expect(datagrams.contains { $0.0.originalSize > $0.1.count })
    #expect(datagrams.allSatisfy { $0.1.count <= 96 - 42 })
    // Headers alone still give an inspection.
    let output = try Assay.run("inspect", wire, "--format", "json")
    #expect(output.status == 0, "\(output.log)")
  }

  /// The report says where the captures end.
  @Test func theSizeLimitIsAnnounced() throws {
    _ = try run("--pcap-size", "50kB")
    let sizes = try ["packets.pcapng", "media-clear.pcapng"].map { name in
      try FileManager.default.attributesOfItem(atPath: "\(evidence)/\(name)")[.size] as? NSNumber
    }
    let total = sizes.reduce(0) { $0 + ($1?.intValue ?? 0) }
    #expect((45_000...55_000).contains(total), "\(total)")
    let result = try JSON(parsing: try folder.text("out/talk-seed7/result.json"))
    let labels = (result["marks"]?.array ?? []).compactMap { $0["label"]?.string }
    #expect(labels.contains("captures end: 0.1 MB are written (--pcap-size)"), "\(labels)")
    let page = try folder.text("out/talk-seed7/index.html")
    #expect(page.contains("captures end"))
  }

  @Test func badChoices() throws {
    for (words, says) in [
      (["--pcap-filter", "kind=rtp"], "--pcap-filter goes with --pcap"),
      (["--pcap", "--pcap-filter", "kind=video"], "kinds are rtp, rtcp"),
      (["--pcap", "--pcap-filter", "window=3s"], "write FROM..TO such as 10s..20s"),
      (["--pcap", "--pcap-filter", "who=ada"], "--pcap-filter takes participant=ada"),
      (["--pcap", "--pcap-filter", "participant=nobody"], "no such participant; there are ada"),
      (["--pcap", "--pcap-size", "much"], "--pcap-size takes a size such as 100MB"),
      (["--pcap", "--pcap-snaplen", "5"], "at least 64"),
    ] {
      let output = try Assay.run(["run", scenario, "--out", "\(folder.path)/bad"] + words)
      #expect(output.status == 2, "\(words): \(output.text)")
      #expect(output.log.contains(says), "\(output.log)")
      #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/bad/talk-seed7"))
    }
  }
}

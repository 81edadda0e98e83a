// Captures of a run as tshark reads them, and what may not stand in any file of a run's folder.

import Basics
import Foundation
import TestKit
import Testing
@testable import Lab
@testable import Scenario

@Suite(
  .enabled(if: Assay.path != nil, "the executable was not built"),
  .enabled(if: Tshark.path != nil, "tshark is not installed"))
struct Captures {
  private let folder: Folder
  private var wire: String { "\(folder.path)/out/talk-seed7/evidence/packets.pcapng" }
  private var clear: String { "\(folder.path)/out/talk-seed7/evidence/media-clear.pcapng" }
  /// All media share the SFU's port; RTCP is told from RTP as RFC 5761 does.
  private let media = ["-d", "udp.port==7882,rtp"]

  init() throws {
    folder = try Folder()
    let file = try folder.write("talk.yaml", Sample.scenario("talk", crypto: "real"))
    let output = try Assay.run("run", file, "--pcap", "--out", "\(folder.path)/out")
    try #require(output.status == 0, "\(output.text)\(output.log)")
  }

  private func count(_ file: String, _ filter: String, _ options: [String] = []) throws -> Int {
    try Tshark.fields(file, ["frame.number"], filter: filter, options: options).count
  }

  @Test func nothingIsMalformed() throws {
    #expect(try count(wire, "") > 500)
    // What tshark makes of encrypted RTCP is a guess; the clear copy is judged whole.
    #expect(try Tshark.malformed(wire, "stun || dtls") == [])
    #expect(try count(clear, "") > 200)
    #expect(try Tshark.malformed(clear, options: media) == [])
  }

  @Test func theWireShowsHandshakes() throws {
    #expect(try count(wire, "stun") > 10)
    #expect(try count(wire, "stun.type == 0x0101") > 4)
    #expect(try count(wire, "dtls.handshake.type == 1") > 0)
    #expect(try count(wire, "dtls.handshake.type == 2") > 0)
    // What is media there is encrypted.
    #expect(try count(wire, "srtcp") > 4)
  }

  /// Each end of each link is an interface; what went in came out, or has a comment on its loss.
  @Test func linkEndsAreInterfaces() throws {
    let rows = try Tshark.fields(wire, ["frame.interface_name", "frame.comment"])
    let counts = Dictionary(rows.map { ($0[0], 1) }, uniquingKeysWith: +)
    let lost = Dictionary(
      rows.filter { $0[1].hasPrefix("dropped: ") }.map { ($0[0], 1) }, uniquingKeysWith: +)
    #expect(!lost.isEmpty)
    for who in ["ada", "grace"] {
      for way in ["up", "down"] {
        let entrance = "home.\(way)@\(who) in"
        let lost = lost["home.\(way)@\(who) lost", default: 0]
        let passed = try #require(counts[entrance]) - lost
        let left = try #require(counts["home.\(way)@\(who) out"])
        #expect(left > 50)
        // A few are still under way at the end.
        #expect((0...10).contains(passed - left), "\(entrance)")
      }
    }
    #expect(Set(counts.keys).isSuperset(of: ["sfu.up in", "sfu.up out", "sfu.down in"]))
  }

  /// The report's counts are those of the capture.
  @Test func countsAreThoseOfTheReport() throws {
    let result = try folder.json("out/talk-seed7/result.json")
    let people = try #require(result["participants"] as? [[String: Any]])
    let rows = try Tshark.fields(
      clear, ["ip.src", "ip.dst", "rtp.p_type"], filter: "rtp", options: media)
    // In the order of the scenario.
    for (index, person) in people.enumerated() {
      let ip = "10.1.0.\(index + 1)"
      let sent = try total(
        person["outbound"], ["packetsSent", "retransmittedPacketsSent", "assay.paddingPacketsSent"])
      #expect(rows.count { $0[0] == ip } == sent, "\(ip) sent")
      let received = try total(
        person["inbound"],
        [
          "packetsReceived", "retransmittedPacketsReceived", "assay.paddingPacketsReceived",
        ])
      #expect(rows.count { $0[1] == ip } == received, "\(ip) received")
      #expect(sent > 50)
    }
  }

  @Test func mediaInClear() throws {
    #expect(try count(clear, "rtcp", media) > 4)
    #expect(try count(clear, "rtcp.pt == 200", media) > 0)
    #expect(try count(clear, "rtcp.pt == 201", media) > 0)
    #expect(try count(clear, "rtcp.rtpfb.fmt == 15", media) > 0)
    #expect(try count(clear, "rtp.p_type == 111", media) > 50)
    #expect(try count(clear, "rtp.p_type == 96", media) > 10)
    // Every packet is one or the other.
    #expect(try count(clear, "!rtp && !rtcp", media) == 0)
  }

  /// Who listens changes nothing, and another process sends the same.
  @Test func theHashIsThatOfARunWithoutCaptures() throws {
    let output = try Assay.run(
      "run", "\(folder.path)/talk.yaml", "--out", "\(folder.path)/bare")
    #expect(output.status == 0)
    let hashes = try ["out", "bare"].map {
      try folder.json("\($0)/talk-seed7/result.json")["traceHash"] as? String
    }
    #expect(hashes[0]?.count == 16)
    #expect(hashes[0] == hashes[1])
    #expect(folder.list("bare/talk-seed7/evidence").isEmpty)
  }

  @Test func noSecretIsWritten() throws {
    let variant = try ScenarioFile.load("\(folder.path)/talk.yaml")[0]
    let world = try World(variant.scenario, seed: variant.scenario.seed)
    var random = RandomStream(seed: variant.scenario.seed, name: "world").child("secret")
    let key = random.string(32, from: "0123456789abcdef")
    let tokens = world.seats.map(\.bot.configuration.token)
    #expect(tokens.allSatisfy { $0.hasPrefix("eyJ") && $0.count > 100 })
    let files = folder.files(below: "out/talk-seed7")
    #expect(files.count >= 7)
    for name in files {
      var isFolder: ObjCBool = false
      let path = "\(folder.path)/\(name)"
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder),
        !isFolder.boolValue
      else { continue }
      let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      for secret in tokens + [key, "access_token", "eyJ"] {
        #expect(bytes.range(of: Data(secret.utf8)) == nil, "\(secret.prefix(12)) in \(name)")
      }
    }
  }

  private func total(_ tracks: Any?, _ metrics: [String]) throws -> Int {
    try #require(tracks as? [[String: Any]]).reduce(0) { sum, track in
      metrics.reduce(sum) { $0 + (track[$1] as? Int ?? 0) }
    }
  }
}

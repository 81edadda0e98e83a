// `inspect --extract-network` as a user runs it: the link of a run comes back out of its capture, and goes
// into another scenario.

import Basics
import Foundation
import TestKit
import Testing

@Suite(.enabled(if: Assay.path != nil, "the executable was not built"))
struct ExtractNetworkCommand {
  private let folder: Folder

  init() throws { folder = try Folder() }

  /// What grace received over a link that is `down`, extracted; the file and what was said.
  private func extract(_ down: String) throws -> (yaml: String, log: String) {
    let scenario = try folder.write(
      "known.yaml",
      """
      assay: 1
      name: known
      seed: 3
      duration: 40s
      crypto: cleartext
      links:
        known: { down: \(down) }
      participants:
        ada: { publish: [microphone, camera], \
      camera: { layers: [{ height: 360p, fps: 20fps, bitrate: 500kbps }] } }
        grace: { link: known }

      """)
    let run = try Assay.run(
      "run", scenario, "--pcap", "--pcap-filter", "kind=rtp,rtcp", "--out", "\(folder.path)/out")
    try #require(run.status <= 1, "\(run.text)\(run.log)")
    let capture = "\(folder.path)/out/known-seed3/evidence/media-clear.pcapng"
    let output = try Assay.run(
      "inspect", capture, "--vantage", "client", "--at", "10.1.0.2", "--pt", "111=opus/48000",
      "--pt", "96=VP8/90000", "--extract-network", "\(folder.path)/net")
    try #require(output.status == 0, "\(output.log)")
    return (try folder.text("net/link.yaml"), output.log)
  }

  /// The number behind `key` in the file.
  private func figure(_ key: String, _ yaml: String) -> Double? {
    let rest = yaml.split(separator: "\n").filter { !$0.hasPrefix("#") }.joined(separator: "\n")
    guard let range = rest.range(of: key + ": ") else { return nil }
    return Double(rest[range.upperBound...].prefix { $0.isNumber || $0 == "." })
  }

  @Test func lossAndVariationComeBack() throws {
    let (yaml, log) = try extract("{ delay: 20ms, loss: 5%, jitter: { uniform: 8ms } }")
    let loss = try #require(figure("loss", yaml), "\(yaml)")
    #expect((4...6).contains(loss), "\(yaml)")
    #expect(yaml.contains("      jitter: "), "\(yaml)")
    let p95 = yaml.range(of: "p95 ").flatMap { range in
      Double(yaml[range.upperBound...].prefix { $0.isNumber || $0 == "." })
    }
    #expect((6.8...8.4).contains(try #require(p95)), "\(yaml)")
    #expect(!yaml.contains("rate: "), "\(yaml)")
    #expect(log.contains("capacity: packets never waited long enough to tell"), "\(log)")
    #expect(yaml.contains("    down:\n"))
  }

  @Test func itGoesIntoAScenario() throws {
    _ = try extract("{ delay: 20ms, loss: { gilbertElliott: { p: 2%, r: 25% } } }")
    let yaml = try folder.text("net/link.yaml")
    #expect(yaml.contains("gilbertElliott"), "\(yaml)")
    let scenario = try folder.write(
      "uses.yaml",
      """
      assay: 1
      include: [net/link.yaml]
      name: uses
      seed: 1
      duration: 5s
      crypto: cleartext
      participants:
        ada: { publish: [microphone] }
        grace: { link: extracted }

      """)
    let output = try Assay.run("validate", scenario)
    #expect(output.status == 0, "\(output.log)")
    #expect(output.text.contains("link extracted.down"), "\(output.text)")
  }

  @Test func tooLittleSaysNothing() throws {
    let file = "\(folder.path)/call.pcapng"
    try WrittenCall(frames: 20).write(to: file)
    let output = try Assay.run("inspect", file, "--extract-network", "\(folder.path)/net")
    #expect(output.status == 3)
    #expect(output.log.contains("no path carried 200 RTP packets"), "\(output.log)")
    #expect(folder.list("net").isEmpty)
  }
}

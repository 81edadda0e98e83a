// tshark reads the synthetic packets as VP8; skipped where it is not installed.

import Basics
import Foundation
import TestKit
import Testing

@testable import Bots

@Suite struct MediaWitnessTests {
  @Test(.enabled(if: Tshark.path != nil, "tshark is not installed"))
  func tsharkSeesVP8() throws {
    var sender = MediaSender(.p720(temporalLayers: 3))
    sender.source.start(at: .zero)
    var packets: [(packet: VideoPacket, bytes: [UInt8])] = []
    for frame in sender.frames(until: .milliseconds(400)) { packets += sender.packets(frame) }

    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("assay-vp8-\(UUID().uuidString).pcap")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(pcap(packets.map(\.bytes))).write(to: file)
    let rows = try Tshark.fields(
      file.path,
      [
        "vp8.pld.pictureid", "vp8.pld.tl0picidx", "vp8.pld.tid", "vp8.pld.s",
        "vp8.hdr.frametype", "vp8.keyframe.width", "vp8.keyframe.height",
      ], options: ["-n", "-d", "udp.port==5004,rtp", "-d", "rtp.pt==96,vp8"])
    try #require(rows.count == packets.count)
    for (row, packet) in zip(rows, packets.map(\.packet)) {
      #expect(Int(row[0]) == Int(packet.pictureID!))
      #expect(Int(row[1]) == Int(packet.tl0PicIdx!))
      #expect(Int(row[2]) == Int(packet.temporalLayer))
      #expect((row[3] == "1" || row[3] == "True") == packet.isFrameStart)
      guard packet.isFrameStart else { continue }
      #expect((row[4] == "0" || row[4] == "False") == packet.isKeyframe)
      guard packet.isKeyframe else { continue }
      #expect(row[5] == "1280" && row[6] == "720")
    }
  }

  /// The payloads as UDP over IPv4 in a pcap file of link type 101 (raw IP).
  private func pcap(_ payloads: [[UInt8]]) -> [UInt8] {
    func little(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(value >> (8 * $0) & 255) } }
    func big(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }
    var file = little(0xA1B2_C3D4) + [2, 0, 4, 0] + little(0) + little(0) + little(65_535)
    file += little(101)
    for payload in payloads {
      let size = payload.count + 28
      file += little(0) + little(0) + little(UInt32(size)) + little(UInt32(size))
      file += [0x45, 0] + big(size) + [0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]
      file += big(5_004) + big(5_004) + big(payload.count + 8) + [0, 0] + payload
    }
    return file
  }
}

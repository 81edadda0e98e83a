// What peers that nobody here wrote have said to a served SFU, and it to them: judged by tshark and by
// our own parsers, whose corpora it joins.

import Basics
import Capture
import Foundation
import FuzzInvariants
import TestKit
import Testing
import Wire

struct CapturedTraffic {
  /// What `serve --pcap` wrote of all datagrams, and of media before encryption.
  private let wire, clear: String
  private let peer: String
  private let mediaPort: String

  /// - Parameters:
  ///   - peer: a word for the corpora.
  ///   - output: that of the server, whose first line names its ports.
  init(_ folder: Folder, of peer: String, on output: Assay.Output) {
    wire = "\(folder.path)/packets.pcapng"
    clear = "\(folder.path)/media-clear.pcapng"
    self.peer = peer
    mediaPort = output.text.prefix { $0 != "\n" }.split(separator: ":").last.map(String.init) ?? ""
  }

  /// Holds it to what a call consists of, without a malformed packet.
  func check(mediaAtLeast count: Int) throws {
    try checkWithTshark(mediaAtLeast: count)
    var shapes: [String: [UInt8]] = [:]
    for datagram in try CaptureReader.datagrams(of: wire)
    where PacketKind(datagram.payload.span.bytes) == .stun {
      try #expect(read(stun: datagram.payload, into: &shapes), "\(datagram)")
    }
    for datagram in try CaptureReader.datagrams(of: clear) {
      let isRTCP = PacketKind(datagram.payload.span.bytes) == .rtcp
      try #expect(
        isRTCP
          ? read(rtcp: datagram.payload, into: &shapes)
          : read(rtp: datagram.payload, into: &shapes),
        "\(datagram)")
    }
    try keep(shapes)
  }

  private func checkWithTshark(mediaAtLeast expected: Int) throws {
    guard Tshark.path != nil else { return }
    func count(_ file: String, _ filter: String) throws -> Int {
      let isRTP = file == clear ? ["-d", "udp.port==\(mediaPort),rtp"] : []
      return try Tshark.lines(file, isRTP + ["-Y", filter]).count
    }
    #expect(try count(wire, "stun") > 3)
    #expect(try count(wire, "dtls.handshake.type == 1") > 0)
    // Encrypted media has no dissector that could be right about it.
    #expect(try Tshark.malformed(wire, "stun || dtls") == [])
    #expect(try count(clear, "rtp") >= expected && count(clear, "rtcp") > 5)
    #expect(try count(clear, "_ws.malformed || (!rtp && !rtcp)") == 0)
  }

  // MARK: - Our parsers

  private func read(stun bytes: [UInt8], into shapes: inout [String: [UInt8]]) throws -> Bool {
    let message = try STUNMessage(bytes.span.bytes)
    let attributes = message.attributes.map { String(describing: $0).prefix { $0.isLetter } }
    note("STUN/\(message.messageClass)-\(attributes.joined(separator: "-"))", bytes, in: &shapes)
    return FuzzTarget.stun.holds(bytes)
  }

  private func read(rtp bytes: [UInt8], into shapes: inout [String: [UInt8]]) throws -> Bool {
    let header = try RTPHeader(bytes.span.bytes)
    let profile = header.extensionProfile.map { String($0, radix: 16) } ?? "none"
    let padding = header.paddingSize > 0 ? "-padded" : ""
    note("RTP/pt\(header.payloadType)-\(profile)\(padding)", bytes, in: &shapes)
    return FuzzTarget.rtp.holds(bytes)
  }

  private func read(rtcp bytes: [UInt8], into shapes: inout [String: [UInt8]]) throws -> Bool {
    let packets = try RTCPReader.packets(bytes.span.bytes)
    let kinds = packets.map { String(describing: $0).prefix { $0.isLetter || $0.isNumber } }
    note("RTCP/\(kinds.joined(separator: "-"))", bytes, in: &shapes)
    return FuzzTarget.rtcp.holds(bytes)
  }

  /// The shortest of each shape.
  private func note(_ shape: String, _ bytes: [UInt8], in shapes: inout [String: [UInt8]]) {
    if let known = shapes[shape], known.count <= bytes.count { return }
    shapes[shape] = bytes
  }

  /// With `ASSAY_CORPUS` set, shapes that the corpora lack join them.
  private func keep(_ shapes: [String: [UInt8]]) throws {
    guard ProcessInfo.processInfo.environment["ASSAY_CORPUS"] != nil else { return }
    for (shape, bytes) in shapes {
      let parts = shape.split(separator: "/")
      let file = "\(Assay.root)/Tests/Fuzz/corpus/\(parts[0])/\(peer)-\(parts[1])"
      guard !FileManager.default.fileExists(atPath: file) else { continue }
      try Data(bytes).write(to: URL(fileURLWithPath: file))
    }
  }
}

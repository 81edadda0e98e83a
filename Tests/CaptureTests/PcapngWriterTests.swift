// Files that Assay writes, read back by libpcap and by tshark.

import Basics
import Capture
import Foundation
import TestKit
import Testing

private let v4 = (
  Address(IPAddress(v4: 192, 0, 2, 1), port: 5_004),
  Address(IPAddress(v4: 10, 0, 0, 7), port: 3_478)
)
private let v6 = (
  Address(IPAddress("2001:db8::1")!, port: 65_535), Address(IPAddress("fe80::2")!, port: 1)
)
private let payloads: [[UInt8]] = [[], [1], [0xFF, 0xFF], Array(repeating: 0xA5, count: 1_201)]

/// Every payload in both families with every ECN mark, a microsecond and a nanosecond apart.
private func writeSamples(_ file: String) throws -> [UDPDatagram] {
  let writer = try PcapngWriter(file, epoch: 1_700_000_000_000_000_000)
  let near = try writer.addInterface("rider up")
  let far = try writer.addInterface("rider down")
  var expected: [UDPDatagram] = []
  for payload in payloads {
    for (source, destination) in [v4, v6] {
      for ecn in [ECN.notCapable, .ect1, .ect0, .congestionExperienced] {
        let time = Instant(nanoseconds: Int64(expected.count) * 1_001)
        let isEven = expected.count % 2 == 0
        try writer.write(
          payload.span.bytes, from: source, to: destination, ecn: ecn, at: time,
          on: isEven ? near : far, isEven ? .outbound : .inbound,
          comment: isEven ? "packet \(expected.count)" : nil)
        expected.append(
          UDPDatagram(
            time: Instant(nanoseconds: 1_700_000_000_000_000_000 + time.nanoseconds),
            source: source, destination: destination, ecn: ecn, payload: payload,
            packetNumber: expected.count + 1))
      }
    }
  }
  #expect(writer.packetCount == expected.count)
  try writer.close()
  return expected
}

@Suite struct PcapngWriterTests {
  @Test func readsBackWhatWasWritten() throws {
    let file = TemporaryFile()
    let expected = try writeSamples(file.path)
    #expect(try CaptureReader.datagrams(of: file.path) == expected)
  }

  @Test func twoRunsWriteTheSameBytes() throws {
    let (a, b) = (TemporaryFile(), TemporaryFile())
    _ = try writeSamples(a.path)
    _ = try writeSamples(b.path)
    #expect(try a.bytes == b.bytes)
  }

  @Test(.enabled(if: Tshark.path != nil, "tshark is not installed"))
  func tsharkReadsEveryField() throws {
    let file = TemporaryFile()
    let expected = try writeSamples(file.path)
    let rows = try Tshark.fields(
      file.path,
      [
        "frame.time_epoch", "frame.interface_name", "frame.packet_flags_direction",
        "frame.comment", "ip.dsfield.ecn", "ipv6.tclass.ecn", "udp.srcport", "udp.length",
        "ip.checksum.status", "udp.checksum.status", "_ws.malformed", "_ws.expert.severity",
      ],
      options: ["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"])
    try #require(rows.count == expected.count)
    for (index, (row, datagram)) in zip(rows, expected).enumerated() {
      let isEven = index % 2 == 0
      let isV4 = datagram.source.ip.family == .v4
      let ecn = String(datagram.ecn.rawValue)
      let nanoseconds = String(datagram.time.nanoseconds)
      #expect(row[0].filter { $0 != "." } == nanoseconds)
      #expect(row[1] == (isEven ? "rider up" : "rider down"))
      #expect(row[2] == (isEven ? "0x00000002" : "0x00000001"))
      #expect(row[3] == (isEven ? "packet \(index)" : ""))
      #expect(row[4] == (isV4 ? ecn : ""))
      #expect(row[5] == (isV4 ? "" : ecn))
      #expect(row[6] == String(datagram.source.port))
      #expect(row[7] == String(datagram.payload.count + 8))
      #expect(row[8] == (isV4 ? "1" : ""))
      #expect(row[9] == "1")
      #expect(row[10] == "")
    }
  }

  /// A sum of zero has to be sent as all ones, since zero says "no checksum" (RFC 768).
  @Test func noChecksumIsZero() throws {
    func checksum(_ payload: [UInt8]) throws -> [UInt8] {
      let file = TemporaryFile()
      let writer = try PcapngWriter(file.path)
      let interface = try writer.addInterface("i")
      try writer.write(payload.span.bytes, from: v4.0, to: v4.1, at: .zero, on: interface)
      try writer.close()
      // Behind it are the payload, whole words, and the block's length.
      return Array(try file.bytes.suffix(8).prefix(2))
    }
    let complement = try checksum([0, 0])
    #expect(try checksum(complement) == [0xFF, 0xFF])
  }

  @Test func tooLargeIsRefused() throws {
    let file = TemporaryFile()
    let writer = try PcapngWriter(file.path)
    let interface = try writer.addInterface("i")
    let largest = [UInt8](repeating: 0, count: 65_507)
    try writer.write(largest.span.bytes, from: v4.0, to: v4.1, at: .zero, on: interface)
    #expect(throws: CaptureError.self) {
      try writer.write(
        (largest + [0]).span.bytes, from: v4.0, to: v4.1, at: .zero, on: interface)
    }
    try writer.close()
    #expect(try CaptureReader.datagrams(of: file.path).map(\.payload.count) == [65_507])
  }

  @Test func errorsNameTheFile() throws {
    #expect(throws: CaptureError.self) { try PcapngWriter("/nowhere/at/all.pcapng") }
    do {
      _ = try PcapngWriter("/nowhere/at/all.pcapng")
    } catch {
      #expect(error.description == "/nowhere/at/all.pcapng: No such file or directory")
    }
  }

  @Test func fullDiskIsAnError() throws {
    let writer = try PcapngWriter("/dev/full")
    #expect(throws: CaptureError.self) { try writer.close() }
    let another = try PcapngWriter("/dev/full")
    let interface = try another.addInterface("i")
    let payload = [UInt8](repeating: 0, count: 60_000)
    #expect(throws: CaptureError.self) {
      for _ in 0..<10 {
        try another.write(payload.span.bytes, from: v4.0, to: v4.1, at: .zero, on: interface)
      }
    }
  }

  /// aiortc's encrypted call, copied with its key log inside: tshark opens it without being told.
  @Test(
    .enabled(if: Tshark.path != nil, "tshark is not installed"),
    .enabled(if: sharedFile("captures/aiortc-encrypted.keylog") != nil, needsShared))
  func keyLogInsideOpensTheCall() throws {
    let original = try #require(sharedFile("captures/aiortc-encrypted.pcapng"))
    let keyLog = try #require(sharedFile("captures/aiortc-encrypted.keylog"))
    let file = TemporaryFile()
    let writer = try PcapngWriter(file.path)
    try writer.writeKeyLog(String(contentsOfFile: keyLog, encoding: .utf8))
    let interface = try writer.addInterface("any")
    for datagram in try CaptureReader.datagrams(of: original) {
      try writer.write(
        datagram.payload.span.bytes, from: datagram.source, to: datagram.destination,
        ecn: datagram.ecn, at: datagram.time, on: interface)
    }
    try writer.close()
    let filter = "dtls.handshake.type == 20"
    let expected = try Tshark.lines(
      original, ["-o", "tls.keylog_file:\(keyLog)", "-Y", filter])
    #expect(try Tshark.lines(file.path, ["-Y", filter]).count == expected.count)
    #expect(!expected.isEmpty)
  }

  /// Chromium's call in clear, copied: tshark sees in the copy what it sees in the original.
  @Test(
    .enabled(if: Tshark.path != nil, "tshark is not installed"),
    .enabled(if: sharedFile("captures/chromium-plain.pcapng") != nil, needsShared))
  func copiedCallDissectsAlike() throws {
    let original = try #require(sharedFile("captures/chromium-plain.pcapng"))
    let file = TemporaryFile()
    let writer = try PcapngWriter(file.path)
    let interface = try writer.addInterface("lo")
    for datagram in try CaptureReader.datagrams(of: original) {
      try writer.write(
        datagram.payload.span.bytes, from: datagram.source, to: datagram.destination,
        ecn: datagram.ecn, at: datagram.time, on: interface)
    }
    try writer.close()
    let options = ["-d", "udp.port==44324,rtp", "-d", "udp.port==38723,rtp"]
    let fields = [
      "frame.time_epoch", "_ws.col.Protocol", "_ws.col.Info", "udp.payload", "_ws.malformed",
    ]
    let expected = try Tshark.fields(original, fields, options: options)
    #expect(try Tshark.fields(file.path, fields, options: options) == expected)
    #expect(expected.count == 1_388 && expected.allSatisfy { $0[4].isEmpty })
  }
}

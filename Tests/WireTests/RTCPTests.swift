// RTCP packets as RFC 3550, RFC 4585 and RFC 5104 draw them, byte by byte and there and back.

import Basics
import TestKit
import Testing
import Wire

struct RTCPVector: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let bytes: [UInt8]
  let packet: RTCPPacket
}

private let block = ReportBlock(
  ssrc: 0x0102_0304, fractionLost: 255, cumulativeLost: -2,
  extendedHighestSequenceNumber: 0x0001_FFFF, jitter: 7, lastSenderReport: 0xAABB_CCDD,
  delaySinceLastSenderReport: 0x1_0000)

private let blockText = "01020304 ff fffffe 0001ffff 00000007 aabbccdd 00010000"

private let vectors = [
  RTCPVector(
    testDescription: "sender report",
    bytes: hex(
      "81c8 000c 11223344 e0000000 80000000 00000384 00000005 00001000 \(blockText)"),
    packet: .senderReport(
      SenderReport(
        ssrc: 0x1122_3344, ntp: 0xE000_0000_8000_0000, rtpTimestamp: 900, packetCount: 5,
        octetCount: 4_096, reports: [block]))),
  RTCPVector(
    testDescription: "receiver report",
    bytes: hex("82c9 000d 11223344 \(blockText) \(blockText)"),
    packet: .receiverReport(ReceiverReport(ssrc: 0x1122_3344, reports: [block, block]))),
  RTCPVector(
    testDescription: "empty receiver report", bytes: hex("80c9 0001 11223344"),
    packet: .receiverReport(ReceiverReport(ssrc: 0x1122_3344))),
  RTCPVector(
    testDescription: "source description",
    bytes: hex("82ca 0006 00000001 01 03 616263 02 00 00 00000002 01 02 6465 00000000"),
    packet: .sourceDescription([
      SDESChunk(
        ssrc: 1, items: [.init(type: 1, text: Array("abc".utf8)), .init(type: 2, text: [])]),
      SDESChunk(ssrc: 2, cname: "de"),
    ])),
  RTCPVector(
    testDescription: "source description without chunks", bytes: hex("80ca 0000"),
    packet: .sourceDescription([])),
  RTCPVector(
    testDescription: "bye", bytes: hex("82cb 0002 00000001 00000002"),
    packet: .bye(ssrcs: [1, 2], reason: [])),
  RTCPVector(
    testDescription: "bye with a reason", bytes: hex("81cb 0003 00000001 04 64 6f 6e 65 000000"),
    packet: .bye(ssrcs: [1], reason: Array("done".utf8))),
  RTCPVector(
    testDescription: "generic NACK", bytes: hex("81cd 0004 00000001 00000002 fffe 8001 0064 0000"),
    packet: .nack(
      GenericNACK(
        senderSSRC: 1, mediaSSRC: 2,
        items: [.init(pid: 0xFFFE, blp: 0x8001), .init(pid: 100, blp: 0)]))),
  RTCPVector(
    testDescription: "picture loss indication", bytes: hex("81ce 0002 00000001 00000002"),
    packet: .pictureLossIndication(senderSSRC: 1, mediaSSRC: 2)),
  RTCPVector(
    testDescription: "full intra request",
    bytes: hex("84ce 0006 00000001 00000000 00000003 ff000000 00000004 00000000"),
    packet: .fullIntraRequest(
      FullIntraRequest(
        senderSSRC: 1,
        entries: [.init(ssrc: 3, sequenceNumber: 255), .init(ssrc: 4, sequenceNumber: 0)]))),
  RTCPVector(
    testDescription: "REMB",
    bytes: hex("8fce 0006 00000001 00000000 52454d42 02 0f d090 00000003 00000004"),
    packet: .receiverEstimatedMaximumBitrate(
      REMB(senderSSRC: 1, bitrate: Bitrate(bitsPerSecond: 0x3_D090 << 3), ssrcs: [3, 4]))),
  // 700,000 = 87,500 * 2^3.
  RTCPVector(
    testDescription: "TMMBR",
    bytes: hex("83cd 0004 00000001 00000000 00000003 0eab9828"),
    packet: .temporaryMaximumBitrateRequest(
      TemporaryMaximumBitrate(
        senderSSRC: 1, entries: [.init(ssrc: 3, bitrate: .kbps(700), overhead: 40)]))),
  RTCPVector(
    testDescription: "TMMBN without a bound",
    bytes: hex("84cd 0002 00000001 00000000"),
    packet: .temporaryMaximumBitrateNotification(
      TemporaryMaximumBitrate(senderSSRC: 1, entries: []))),
  RTCPVector(
    testDescription: "application layer feedback that is not REMB",
    bytes: hex("8fce 0004 00000001 00000000 41424344 00000000"),
    packet: .other(hex("8fce 0004 00000001 00000000 41424344 00000000"))),
  RTCPVector(
    testDescription: "extended report, padded",
    bytes: hex("a0cf 0002 00000001 00000004"),
    packet: .other(hex("a0cf 0002 00000001 00000004"))),
]

private func packets(_ bytes: [UInt8]) throws(WireError) -> [RTCPPacket] {
  try RTCPReader.packets(bytes.span.bytes)
}

private func write(_ packets: [RTCPPacket]) -> [UInt8] {
  var writer = RTCPWriter()
  for packet in packets { writer.append(packet) }
  return writer.bytes
}

@Suite struct RTCPTests {
  @Test(arguments: vectors) func packetReadsAndWrites(_ vector: RTCPVector) throws {
    #expect(try packets(vector.bytes) == [vector.packet])
    #expect(write([vector.packet]) == vector.bytes)
  }

  @Test func compoundReadsInOrder() throws {
    let bytes = vectors.flatMap(\.bytes)
    #expect(try packets(bytes) == vectors.map(\.packet))
    #expect(write(vectors.map(\.packet)) == bytes)
  }

  @Test func profileExtensionsSurvive() throws {
    let bytes = hex("80c9 0002 11223344 0badcafe")
    #expect(write(try packets(bytes)) == bytes)
  }

  @Test func paddingIsStripped() throws {
    let bytes = hex("a1ce 0003 00000001 00000002 00000004")
    #expect(try packets(bytes) == [.pictureLossIndication(senderSSRC: 1, mediaSSRC: 2)])
  }

  @Test(arguments: [
    ("", WireError.truncated),
    ("81ce 0002 00000001", .truncated),
    ("41ce 0002 00000001 00000002", .wrongProtocol),
    ("a1ce 0002 00000001 00000000", .badLength),
    ("a1ce 0002 00000001 00000009", .badLength),
    ("a1ce 0000", .badLength),
    ("81ce 0001 00000001", .truncated),
    ("82c9 0007 11223344 \(blockText)", .truncated),
    ("81ca 0002 00000001 01020000", .truncated),
    ("81cb 0002 00000001 05000000", .truncated),
    ("81cd 0003 00000001 00000002 fffe", .truncated),
    ("8fce 0004 00000001 00000000 52454d42 01000000", .truncated),
    ("8fce 0004 00000001 00000000 52454d42 00ffffff", .badValue),
    ("8fce 0005 00000001 00000000 52454d42 00000000 00000000", .badLength),
  ])
  func malformedPacketIsRefused(_ text: String, _ error: WireError) {
    #expect(throws: error) { try packets(hex(text)) }
  }

  @Test func packetsBeforeABadOneAreSeen() {
    var seen: [RTCPPacket] = []
    let bytes = hex("81ce 0002 00000001 00000002 81ce 0009")
    #expect(throws: WireError.truncated) {
      try RTCPReader.read(bytes.span.bytes) { seen.append($0) }
    }
    #expect(seen == [.pictureLossIndication(senderSSRC: 1, mediaSSRC: 2)])
  }

  @Test(
    arguments: [
      ([1, 2, 17], [(1, 0x8001)]),
      ([1, 18], [(1, 0), (18, 0)]),
      ([0xFFF0, 0xFFFF, 0, 1], [(0xFFF0, 0xC000), (1, 0)]),
      ([5, 5, 6], [(5, 1)]),
      ([], []),
    ] as [([UInt16], [(UInt16, UInt16)])])
  func nackPacksAcrossTheWrap(_ numbers: [UInt16], _ items: [(UInt16, UInt16)]) {
    let nack = GenericNACK(senderSSRC: 1, mediaSSRC: 2, sequenceNumbers: numbers)
    #expect(nack.items == items.map { GenericNACK.Item(pid: $0.0, blp: $0.1) })
    let unique = numbers.enumerated().filter { $0 == 0 || numbers[$0 - 1] != $1 }.map(\.element)
    #expect(nack.sequenceNumbers == unique)
  }

  @Test func cumulativeLossIsClampedTo24Bits() throws {
    for (lost, expected) in [(Int32.max, 0x7F_FFFF), (.min, -0x80_0000), (-1, -1)]
      as [(Int32, Int32)]
    {
      var report = block
      report.cumulativeLost = lost
      let bytes = write([.receiverReport(ReceiverReport(ssrc: 1, reports: [report]))])
      guard case .receiverReport(let read) = try #require(try packets(bytes).first) else {
        Issue.record("another packet")
        return
      }
      #expect(read.reports[0].cumulativeLost == expected)
    }
  }

  @Test(arguments: [0, 1, 0x3_FFFF, 0x4_0000, 0x4_0001, 1_000_000_007, .max] as [Int64])
  func rembRoundsDownTo18Bits(_ bitsPerSecond: Int64) throws {
    let remb = REMB(senderSSRC: 1, bitrate: Bitrate(bitsPerSecond: bitsPerSecond), ssrcs: [])
    let bytes = write([.receiverEstimatedMaximumBitrate(remb)])
    guard case .receiverEstimatedMaximumBitrate(let read) = try packets(bytes)[0] else {
      Issue.record("another packet")
      return
    }
    #expect(read.bitrate.bitsPerSecond <= bitsPerSecond)
    #expect(Double(read.bitrate.bitsPerSecond) >= Double(bitsPerSecond) * (1 - 0x1p-17))
  }

  @Test func compactNTPIsTheMiddle() {
    let report = SenderReport(
      ssrc: 1, ntp: 0x1111_2222_3333_4444, rtpTimestamp: 0, packetCount: 0, octetCount: 0)
    #expect(report.compactNTP == 0x2222_3333)
  }

  /// Damage never traps, and what still parses writes and parses as the same values.
  @Test(arguments: vectors) func damageNeverTraps(_ vector: RTCPVector) throws {
    for bytes in everyTruncation(of: vector.bytes) {
      #expect(throws: WireError.self) { try packets(bytes) }
    }
    for bytes in everyBitFlip(of: vector.bytes) {
      guard let read = try? packets(bytes) else { continue }
      #expect(try packets(write(read)) == read)
    }
  }
}

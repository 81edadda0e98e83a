// Transport-wide feedback: each chunk form by hand, and against a reader that goes bit by bit.

import Basics
import TestKit
import Testing
import Wire

private func feedback(
  _ packets: [PacketStatus], base: UInt16 = 0xFFFE, time: Int32 = 0x12_3456, count: UInt8 = 255
) -> TransportFeedback {
  TransportFeedback(
    senderSSRC: 1, mediaSSRC: 2, baseSequenceNumber: base, referenceTime: time,
    feedbackCount: count, packets: packets)
}

private func write(_ feedback: TransportFeedback) -> [UInt8] {
  var writer = RTCPWriter()
  writer.append(.transportFeedback(feedback))
  return writer.bytes
}

private func read(_ bytes: [UInt8]) throws(WireError) -> TransportFeedback? {
  let packets = try RTCPReader.packets(bytes.span.bytes)
  guard packets.count == 1, case .transportFeedback(let feedback) = packets[0] else { return nil }
  return feedback
}

private func times(_ count: Int, _ status: PacketStatus) -> [PacketStatus] {
  Array(repeating: status, count: count)
}

private let small = PacketStatus.received(delta: 4)

struct ChunkVector: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let packets: [PacketStatus]
  /// Chunks, deltas and padding behind the eight words of header.
  let tail: String
  var isPadded = false
}

private let vectors = [
  ChunkVector(
    testDescription: "a run of small deltas", packets: times(3, small), tail: "2003 040404 000003",
    isPadded: true),
  ChunkVector(
    testDescription: "a run of losses", packets: times(8_191, .lost), tail: "1fff 0002",
    isPadded: true),
  ChunkVector(
    testDescription: "a run longer than a chunk holds", packets: times(8_192, .lost),
    tail: "1fff 0001"),
  ChunkVector(
    testDescription: "one-bit vector of fourteen",
    packets: [small, .lost] + times(11, .lost) + [small], tail: "a001 0404"),
  ChunkVector(
    testDescription: "two-bit vector, negative and large deltas",
    packets: [
      .received(delta: -1), .lost, .received(delta: 256), .received(delta: 255),
      .received(delta: .min), .received(delta: .max), .lost,
    ], tail: "e268 ffff 0100 ff 8000 7fff 01", isPadded: true),
  ChunkVector(
    testDescription: "a short mixed end is a two-bit vector", packets: [small, .lost, small],
    tail: "d100 0404"),
  ChunkVector(
    testDescription: "a vector, then a run of what is left",
    packets: [.received(delta: 300)] + times(9, .lost), tail: "e000 0003 012c 0002",
    isPadded: true),
]

/// What the draft says, symbol by symbol, with nothing shared with the code under test.
private func slowStatuses(_ bytes: [UInt8]) -> [PacketStatus] {
  let bits = bytes.flatMap { byte in (0..<8).map { Int(byte >> (7 - $0)) & 1 } }
  func number(_ start: Int, _ length: Int) -> Int {
    bits[start..<(start + length)].reduce(0) { 2 * $0 + $1 }
  }
  let count = number(14 * 8, 16)
  var position = 20 * 8
  var symbols: [Int] = []
  while symbols.count < count {
    if bits[position] == 0 {
      symbols += Array(repeating: number(position + 1, 2), count: number(position + 3, 13))
    } else {
      let width = bits[position + 1] + 1
      symbols += stride(from: 2, to: 16, by: width).map { number(position + $0, width) }
    }
    position += 16
  }
  return symbols.prefix(count).map { symbol in
    if symbol == 0 { return .lost }
    let value = number(position, 8 * symbol)
    position += 8 * symbol
    return .received(delta: Int16(symbol == 2 && value >= 0x8000 ? value - 0x1_0000 : value))
  }
}

@Suite struct TransportFeedbackTests {
  @Test(arguments: vectors) func chunkFormReadsAndWrites(_ vector: ChunkVector) throws {
    let feedback = feedback(vector.packets)
    let tail = hex(vector.tail)
    let count = UInt16(vector.packets.count)
    let header =
      [vector.isPadded ? 0xAF : 0x8F, 0xCD, 0, UInt8(4 + tail.count / 4)]
      + hex("00000001 00000002 fffe") + [UInt8(count >> 8), UInt8(count & 255)]
      + hex("123456 ff")
    #expect(write(feedback) == header + tail)
    #expect(try read(header + tail) == feedback)
    #expect(slowStatuses(header + tail) == vector.packets)
  }

  @Test(arguments: [0, 1, -1, 0x7F_FFFF, -0x80_0000] as [Int32])
  func referenceTimeIsSigned24Bits(_ time: Int32) throws {
    #expect(try read(write(feedback([small], time: time)))?.referenceTime == time)
  }

  @Test func referenceTimeWraps() throws {
    let wrapped = try read(write(feedback([small], time: 0x80_0000)))
    #expect(wrapped?.referenceTime == -0x80_0000)
  }

  @Test(arguments: 0..<200) func randomStatusesSurvive(_ seed: Int) throws {
    var random = RandomStream(seed: UInt64(seed), name: "feedback")
    let lossy = random.uniform()
    let late = random.uniform() * random.uniform()
    let packets = (0..<Int(1 + random.below(120))).map { _ -> PacketStatus in
      if random.chance(lossy) { return .lost }
      let wide = Int16(truncatingIfNeeded: random.next())
      return .received(delta: random.chance(late) ? wide : wide & 0xFF)
    }
    let feedback = feedback(packets)
    let bytes = write(feedback)
    #expect(bytes.count % 4 == 0)
    #expect(try read(bytes) == feedback)
    #expect(slowStatuses(bytes) == packets)
  }

  @Test func symbolsBeyondTheCountAreIgnored() throws {
    let bytes = hex("8fcd 0005 00000001 00000002 0000 0001 000000 00 2fff 0700")
    #expect(try read(bytes)?.packets == [.received(delta: 7)])
  }

  @Test(arguments: [
    ("8fcd 0004 00000001 00000002 0000 0000 000000 00", WireError.badValue),
    ("8fcd 0004 00000001 00000002 0000 0001 000000 00", .truncated),
    ("8fcd 0005 00000001 00000002 0000 0003 000000 00 2003 0101", .truncated),
    ("8fcd 0005 00000001 00000002 0000 0001 000000 00 6001 0000", .badValue),
  ])
  func malformedFeedbackIsRefused(_ text: String, _ error: WireError) {
    #expect(throws: error) { try read(hex(text)) }
  }

  @Test func damageNeverTraps() throws {
    for vector in vectors {
      let bytes = write(feedback(vector.packets))
      for damaged in everyTruncation(of: bytes) {
        #expect(throws: WireError.self) { try read(damaged) }
      }
      for damaged in everyBitFlip(of: bytes) {
        guard let feedback = try? read(damaged) else { continue }
        #expect(try read(write(feedback)) == feedback)
      }
    }
  }
}

// The TCP header (RFC 9293 §3.1) that segments carry over the simulated links.
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |          Source Port          |       Destination Port        |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                        Sequence Number                        |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                    Acknowledgment Number                      |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |  Data |       |C|E|U|A|P|R|S|F|                               |
// | Offset| Rsrvd |W|C|R|C|S|S|Y|I|            Window             |
// |       |       |R|E|G|K|H|T|N|N|                               |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |           Checksum            |         Urgent Pointer        |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
import Basics

struct TCPFlags: OptionSet {
  let rawValue: UInt8
  static let fin = TCPFlags(rawValue: 1)
  static let syn = TCPFlags(rawValue: 2)
  static let rst = TCPFlags(rawValue: 4)
  static let ack = TCPFlags(rawValue: 16)
}

/// One segment as its sender thinks of it. Numbers count from 0, the SYN's, without wrapping.
struct TCPSegment: Equatable {
  static let headerSize = 20

  var sequence: Int64
  var acknowledgment: Int64
  var flags: TCPFlags
  /// Bytes of data after the header.
  var count: Int = 0

  /// The window is always open and the checksum is the link's business.
  func write(into packet: inout Packet, _ path: Path) {
    var header: InlineArray<20, UInt8> = .init(repeating: 0)
    func put(_ value: UInt32, _ bytes: Int, at offset: Int) {
      for i in 0..<bytes {
        header[offset + i] = UInt8(truncatingIfNeeded: value >> UInt32(8 * (bytes - 1 - i)))
      }
    }
    put(UInt32(path.local.port), 2, at: 0)
    put(UInt32(path.remote.port), 2, at: 2)
    put(UInt32(truncatingIfNeeded: sequence), 4, at: 4)
    put(UInt32(truncatingIfNeeded: acknowledgment), 4, at: 8)
    put(5 << 12 | UInt32(flags.rawValue), 2, at: 12)
    put(0xFFFF, 2, at: 14)
    packet.append(header.span.bytes)
  }

  /// Reads a segment near the numbers its receiver expects.
  init(_ bytes: RawSpan, nearSequence: Int64, nearAcknowledgment: Int64) {
    func word(_ offset: Int) -> UInt32 {
      UInt32(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
    func extend(_ value: UInt32, near: Int64) -> Int64 {
      near + Int64(Int32(bitPattern: value &- UInt32(truncatingIfNeeded: near)))
    }
    precondition(bytes.byteCount >= TCPSegment.headerSize)
    sequence = extend(word(4), near: nearSequence)
    acknowledgment = extend(word(8), near: nearAcknowledgment)
    flags = TCPFlags(rawValue: UInt8(truncatingIfNeeded: word(12) >> 16))
    count = bytes.byteCount - TCPSegment.headerSize
  }

  init(sequence: Int64, acknowledgment: Int64, flags: TCPFlags, count: Int = 0) {
    self.sequence = sequence
    self.acknowledgment = acknowledgment
    self.flags = flags
    self.count = count
  }
}

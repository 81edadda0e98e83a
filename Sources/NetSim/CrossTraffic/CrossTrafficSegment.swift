// The header of a cross traffic's TCP segment (RFC 9293 §3.1 with the timestamps of RFC 7323 §3). The
// simulator's UDP header stands for ports, checksum and urgent pointer, so sizes are TCP's own.
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                        Sequence Number                        |
// |                    Acknowledgment Number                      |
// | offset = 8 | reserved |    flags      |  window in 128 bytes  |
// |     NOP       |     NOP       |  kind = 8     | length = 10   |
// |                            TSval                              |
// |                            TSecr                              |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
import Basics

struct CrossTrafficSegment {
  static let headerSize = 24
  /// Bytes of data in a full segment: 1500 on the wire.
  static let maximumSize = 1_448
  private static let windowShift = 7

  /// Numbers count bytes without wrapping.
  var sequence: Int64
  var acknowledgment: Int64
  var flags: TCPFlags
  var window: Int
  /// Microseconds, wrapping.
  var timestamp: UInt32
  var echo: UInt32
  /// Bytes of data.
  var count = 0

  init(
    sequence: Int64, acknowledgment: Int64, flags: TCPFlags, window: Int = 0, timestamp: UInt32,
    echo: UInt32, count: Int = 0
  ) {
    self.sequence = sequence
    self.acknowledgment = acknowledgment
    self.flags = flags
    self.window = window
    self.timestamp = timestamp
    self.echo = echo
    self.count = count
  }

  /// A packet with this header and zeros for data.
  func packet(from pool: PacketPool) -> Packet {
    var packet = pool.makePacket()
    let size = CrossTrafficSegment.headerSize + count
    packet.withTailroom { bytes in
      bytes.prefix(size).initializeMemory(as: UInt8.self, repeating: 0)
      return size
    }
    packet.store(UInt32(truncatingIfNeeded: sequence), at: 0)
    packet.store(UInt32(truncatingIfNeeded: acknowledgment), at: 4)
    packet.store(8 << 12 | UInt16(flags.rawValue), at: 8)
    packet.store(UInt16(clamping: window >> CrossTrafficSegment.windowShift), at: 10)
    packet.store(UInt32(0x0101_080A), at: 12)
    packet.store(timestamp, at: 16)
    packet.store(echo, at: 20)
    return packet
  }

  /// Reads a segment near the numbers its receiver expects; nil for what is too short.
  init?(_ bytes: RawSpan, nearSequence: Int64, nearAcknowledgment: Int64) {
    guard bytes.byteCount >= CrossTrafficSegment.headerSize else { return nil }
    func word(_ offset: Int) -> UInt32 {
      UInt32(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
    func extend(_ value: UInt32, near: Int64) -> Int64 {
      near &+ Int64(Int32(bitPattern: value &- UInt32(truncatingIfNeeded: near)))
    }
    sequence = extend(word(0), near: nearSequence)
    acknowledgment = extend(word(4), near: nearAcknowledgment)
    flags = TCPFlags(rawValue: UInt8(truncatingIfNeeded: word(8) >> 16))
    window = Int(word(8) & 0xFFFF) << CrossTrafficSegment.windowShift
    timestamp = word(16)
    echo = word(20)
    count = bytes.byteCount - CrossTrafficSegment.headerSize
  }
}

extension Instant {
  /// The clock of TCP's timestamps: microseconds, wrapping.
  var tcpTimestamp: UInt32 { UInt32(truncatingIfNeeded: nanoseconds / 1_000) }
}

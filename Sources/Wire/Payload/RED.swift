// Redundant payloads: older blocks before the primary one (RFC 2198 §3).
//
//    0                   1                    2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3  4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |F|   block PT  |  timestamp offset         |   block length    |  redundant, F = 1
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |0|   block PT  |                                                  primary, last
//   +-+-+-+-+-+-+-+-+

import Basics

public enum RED {
  /// Of a 14-bit field, in RTP timestamp units.
  public static let maximumTimestampOffset: UInt16 = 0x3FFF
  /// Of a 10-bit field, in bytes.
  public static let maximumRedundantSize = 0x3FF

  public struct Block: Equatable, Sendable {
    public var payloadType: UInt8
    /// How much older than the packet's timestamp; zero for the primary block.
    public var timestampOffset: UInt16
    /// Where the data lies in the packet.
    public var range: Range<Int>
  }

  /// The primary block of `payload`, a range of `bytes`; allocates nothing.
  /// - Throws: `truncated`.
  public static func primary(_ bytes: RawSpan, _ payload: Range<Int>) throws(WireError) -> Block {
    var reader = ByteReader(bytes, payload)
    var redundantSize = 0
    while true {
      let first = try reader.u8()
      if first & 0x80 == 0 {
        _ = try reader.take(redundantSize)
        return Block(
          payloadType: first, timestampOffset: 0, range: try reader.take(reader.remaining))
      }
      redundantSize += Int(try reader.u24() & 0x3FF)
    }
  }

  /// The blocks in their order, oldest first, the primary last.
  /// - Throws: `truncated`.
  public static func blocks(
    _ bytes: RawSpan, _ payload: Range<Int>
  ) throws(WireError) -> [Block] {
    var reader = ByteReader(bytes, payload)
    var blocks: [Block] = []
    var sizes: [Int] = []
    while true {
      let first = try reader.u8()
      let isPrimary = first & 0x80 == 0
      let packed = isPrimary ? 0 : try reader.u24()
      blocks.append(
        Block(
          payloadType: first & 0x7F, timestampOffset: UInt16(truncatingIfNeeded: packed >> 10),
          range: 0..<0))
      if isPrimary { break }
      sizes.append(Int(packed & 0x3FF))
    }
    for (index, size) in sizes.enumerated() { blocks[index].range = try reader.take(size) }
    blocks[blocks.count - 1].range = try reader.take(reader.remaining)
    return blocks
  }

  /// A redundant block to be sent: at most 1023 bytes, at most 16383 timestamp units old.
  public struct RedundantData {
    public var payloadType: UInt8
    public var timestampOffset: UInt16
    public var data: [UInt8]

    public init(payloadType: UInt8, timestampOffset: UInt16, data: [UInt8]) {
      precondition(timestampOffset <= RED.maximumTimestampOffset)
      precondition(data.count <= RED.maximumRedundantSize)
      self.payloadType = payloadType
      self.timestampOffset = timestampOffset
      self.data = data
    }
  }

  /// What stands before the primary data in a payload: all headers and the redundant data.
  public static func prefix(_ redundant: [RedundantData], primaryType: UInt8) -> [UInt8] {
    var writer = ByteWriter()
    for block in redundant {
      writer.u8(0x80 | block.payloadType)
      writer.u24(UInt32(block.timestampOffset) << 10 | UInt32(block.data.count))
    }
    writer.u8(primaryType & 0x7F)
    for block in redundant { writer.append(block.data) }
    return writer.bytes
  }
}

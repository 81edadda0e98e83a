// The headers of IP packets in a captured frame (RFC 791 §3.1, RFC 8200 §3, §4).

import Basics
import Wire

/// The headers of an IP packet.
struct IPPacket {
  static let udp: UInt8 = 17

  var source: IPAddress
  var destination: IPAddress
  var ecn: ECN
  /// Of what follows the headers.
  var protocolNumber: UInt8
  /// Which part of a fragmented packet this is; nil for a whole one.
  var fragment: Fragment?
  /// Where in the frame that lies, as far as it was captured.
  var payload: Range<Int>
  /// Bytes of the payload on the wire, as the header says.
  var payloadSize: Int

  struct Fragment: Equatable {
    var identification: UInt32
    /// In bytes.
    var offset: Int
    var isLast: Bool
  }

  static let tcp: UInt8 = 6

  init(_ frame: RawSpan, _ offset: Int) throws(WireError) {
    switch frame.byte(at: offset).map({ $0 >> 4 }) {
    case 4: self = try IPPacket(v4: frame, offset)
    case 6: self = try IPPacket(v6: frame, offset)
    case nil: throw .truncated
    default: throw .wrongProtocol
    }
  }

  ///    0                   1                   2                   3
  ///    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
  ///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  ///   |Version|  IHL  |   DSCP    |ECN|          Total Length         |
  ///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  ///   |         Identification        |Flags|      Fragment Offset    |
  ///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  ///   |  Time to Live |    Protocol   |         Header Checksum       |
  ///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  ///   |          source, then destination address, then options       |
  private init(v4 frame: RawSpan, _ offset: Int) throws(WireError) {
    var reader = ByteReader(frame, offset..<frame.byteCount)
    let headerSize = Int(try reader.u8() & 0x0F) * 4
    ecn = ECN(rawValue: try reader.u8() & 0x03)!
    let totalLength = Int(try reader.u16())
    let identification = try reader.u16()
    let flags = try reader.u16()
    fragment = IPPacket.fragment(
      UInt32(identification), offset: Int(flags & 0x1FFF) * 8, hasMore: flags & 0x2000 != 0)
    _ = try reader.u8()
    protocolNumber = try reader.u8()
    _ = try reader.u16()
    source = IPAddress(v4: try reader.u32())
    destination = IPAddress(v4: try reader.u32())
    // A length of zero is left to the network card by segmentation offload.
    let size = totalLength == 0 ? frame.byteCount - offset : totalLength
    guard headerSize >= 20, size >= headerSize else { throw .badLength }
    guard offset + headerSize <= frame.byteCount else { throw .truncated }
    payloadSize = size - headerSize
    payload = (offset + headerSize)..<min(offset + size, frame.byteCount)
  }

  ///    0                   1                   2                   3
  ///    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
  ///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  ///   |Version|   DSCP    |ECN|           Flow Label                  |
  ///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  ///   |         Payload Length        |  Next Header  |   Hop Limit   |
  ///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  ///   |          source, then destination address, then headers       |
  private init(v6 frame: RawSpan, _ offset: Int) throws(WireError) {
    var reader = ByteReader(frame, offset..<frame.byteCount)
    ecn = ECN(rawValue: UInt8(truncatingIfNeeded: try reader.u32() >> 20 & 0x03))!
    let payloadLength = Int(try reader.u16())
    protocolNumber = try reader.u8()
    _ = try reader.u8()
    source = IPAddress(v6High: try reader.u64(), low: try reader.u64())
    destination = IPAddress(v6High: try reader.u64(), low: try reader.u64())
    let end = payloadLength == 0 ? frame.byteCount : reader.offset + payloadLength
    fragment = nil
    while let extensionSize = try IPPacket.extensionHeader(
      protocolNumber, ByteReader(frame, reader.offset..<frame.byteCount))
    {
      let start = reader.offset
      let next = try reader.u8()
      if protocolNumber == IPPacket.fragmentHeader {
        _ = try reader.u8()
        let flags = try reader.u16()
        // Neither an offset nor more fragments: an atomic fragment (RFC 6946).
        fragment = IPPacket.fragment(
          try reader.u32(), offset: Int(flags & 0xFFF8), hasMore: flags & 1 != 0)
      }
      protocolNumber = next
      _ = try reader.take(start + extensionSize - reader.offset)
      if fragment != nil { break }
    }
    guard end >= reader.offset else { throw .badLength }
    payloadSize = end - reader.offset
    payload = reader.offset..<min(end, frame.byteCount)
  }

  private static let fragmentHeader: UInt8 = 44

  private static func fragment(_ id: UInt32, offset: Int, hasMore: Bool) -> Fragment? {
    guard offset > 0 || hasMore else { return nil }
    return Fragment(identification: id, offset: offset, isLast: !hasMore)
  }

  /// The size of the extension header that `reader` stands before; nil where `number` is none's.
  private static func extensionHeader(
    _ number: UInt8, _ reader: consuming ByteReader
  ) throws(WireError) -> Int? {
    switch number {
    case fragmentHeader:
      return 8
    case 0, 43, 60, 135:
      _ = try reader.u8()
      return 8 * (Int(try reader.u8()) + 1)
    case 51:
      _ = try reader.u8()
      return 4 * (Int(try reader.u8()) + 2)
    default:
      return nil
    }
  }
}

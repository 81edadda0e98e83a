// The RTP fixed header (RFC 3550 §5.1). Budget: 3 ns to parse.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |V=2|P|X|  CC   |M|     PT      |       sequence number         |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |                           timestamp                           |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |           synchronization source (SSRC) identifier            |
//   +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
//   |            contributing source (CSRC) identifiers ...         |
//   |      defined by profile       |    extension length (words)   |

import Basics

/// The fields of an RTP packet's header and where its parts lie. A value: it borrows nothing.
public struct RTPHeader: Equatable, Sendable {
  public static let fixedSize = 12

  public var marker: Bool
  public var payloadType: UInt8
  public var sequenceNumber: UInt16
  public var timestamp: UInt32
  public var ssrc: UInt32
  public var csrcCount: Int
  /// The extension's "defined by profile" word; nil without an extension.
  public var extensionProfile: UInt16?
  /// Where the extension's elements lie (behind its four-byte header); empty without one.
  public var extensionRange: Range<Int>
  /// Where the payload lies, without padding.
  public var payloadRange: Range<Int>
  /// Bytes of padding at the end, its count byte included.
  public var paddingSize: Int

  /// Reads the header of `packet`.
  /// - Throws: `truncated`, `wrongProtocol` (version other than 2), `badLength` (padding longer
  ///   than the payload, or of zero).
  public init(_ packet: RawSpan) throws(WireError) {
    let size = packet.byteCount
    guard size >= RTPHeader.fixedSize else { throw .truncated }
    let first = packet.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt8.self)
    guard first >> 6 == 2 else { throw .wrongProtocol }
    let second = packet.unsafeLoadUnaligned(fromByteOffset: 1, as: UInt8.self)
    marker = second & 0x80 != 0
    payloadType = second & 0x7F
    sequenceNumber = UInt16(
      bigEndian: packet.unsafeLoadUnaligned(fromByteOffset: 2, as: UInt16.self))
    timestamp = UInt32(bigEndian: packet.unsafeLoadUnaligned(fromByteOffset: 4, as: UInt32.self))
    ssrc = UInt32(bigEndian: packet.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt32.self))
    csrcCount = Int(first & 0x0F)
    var offset = RTPHeader.fixedSize + 4 * csrcCount
    guard offset <= size else { throw .truncated }
    if first & 0x10 != 0 {
      guard offset + 4 <= size else { throw .truncated }
      extensionProfile = UInt16(
        bigEndian: packet.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
      let words = UInt16(
        bigEndian: packet.unsafeLoadUnaligned(fromByteOffset: offset + 2, as: UInt16.self))
      offset += 4
      extensionRange = offset..<(offset + 4 * Int(words))
      offset = extensionRange.upperBound
      guard offset <= size else { throw .truncated }
    } else {
      extensionProfile = nil
      extensionRange = offset..<offset
    }
    paddingSize = 0
    if first & 0x20 != 0 {
      guard offset < size else { throw .badLength }
      paddingSize = Int(packet.unsafeLoadUnaligned(fromByteOffset: size - 1, as: UInt8.self))
      guard paddingSize > 0, offset + paddingSize <= size else { throw .badLength }
    }
    payloadRange = offset..<(size - paddingSize)
  }

  /// Bytes before the payload.
  public var headerSize: Int { payloadRange.lowerBound }
}

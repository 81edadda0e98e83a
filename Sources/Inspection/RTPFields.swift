// The fields of an RTP header that stay in clear under SRTP (RFC 3550 §5.1, RFC 3711 §3.1).

import Basics
import Wire

/// Unlike `RTPHeader`, does not read the size of padding, which is encrypted, and takes packets that
/// the snapshot length cut.
struct RTPFields {
  var marker: Bool
  var payloadType: UInt8
  var sequenceNumber: UInt16
  var timestamp: UInt32
  var ssrc: UInt32
  var hasPadding: Bool
  /// Bytes before the payload.
  var headerSize: Int

  /// Nil for what cannot be RTP.
  /// - Parameter originalSize: bytes of the packet on the wire.
  init?(_ packet: RawSpan, originalSize: Int) {
    guard packet.byteCount >= RTPHeader.fixedSize else { return nil }
    let first = packet.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt8.self)
    guard first >> 6 == 2 else { return nil }
    let second = packet.unsafeLoadUnaligned(fromByteOffset: 1, as: UInt8.self)
    marker = second & 0x80 != 0
    payloadType = second & 0x7F
    hasPadding = first & 0x20 != 0
    sequenceNumber = UInt16(
      bigEndian: packet.unsafeLoadUnaligned(fromByteOffset: 2, as: UInt16.self))
    timestamp = UInt32(bigEndian: packet.unsafeLoadUnaligned(fromByteOffset: 4, as: UInt32.self))
    ssrc = UInt32(bigEndian: packet.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt32.self))
    headerSize = RTPHeader.fixedSize + 4 * Int(first & 0x0F)
    if first & 0x10 != 0 {
      guard headerSize + 4 <= packet.byteCount else {
        guard originalSize > packet.byteCount else { return nil }
        headerSize = packet.byteCount
        return
      }
      let words = UInt16(
        bigEndian: packet.unsafeLoadUnaligned(fromByteOffset: headerSize + 2, as: UInt16.self))
      headerSize += 4 + 4 * Int(words)
    }
    guard headerSize <= originalSize else { return nil }
    headerSize = min(headerSize, packet.byteCount)
  }
}

// The retransmission payload format (RFC 4588 §4): the original sequence number before the payload.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |                         RTP Header                            |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |            OSN                |                               |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+                               |
//   |                  Original RTP Packet Payload                  |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

import Basics

public enum RTX {
  /// Bytes that the original sequence number takes.
  public static let originalSequenceNumberSize = 2
}

extension Packet {
  /// Makes an original packet a retransmission of itself: new payload type, SSRC and sequence
  /// number, the original number before the payload, padding removed; timestamp, marker and
  /// extensions stay. `header` is this packet's own and no longer holds afterwards. Needs two bytes
  /// of headroom, which `rewriteRTP` leaves.
  public mutating func wrapRTX(
    _ header: RTPHeader, payloadType: UInt8, ssrc: UInt32, sequenceNumber: UInt16
  ) {
    truncate(to: header.payloadRange.upperBound)
    growFront(RTX.originalSequenceNumberSize)
    moveBytes(from: RTX.originalSequenceNumberSize, to: 0, byteCount: header.headerSize)
    store(header.sequenceNumber, at: header.headerSize)
    clearPaddingBit()
    store((header.marker ? 0x80 : 0) | (payloadType & 0x7F), at: 1)
    store(sequenceNumber, at: 2)
    store(ssrc, at: 8)
  }

  /// Makes a retransmission the original packet again, with the media stream's payload type and
  /// SSRC. `header` is this packet's own and no longer holds afterwards.
  /// - Throws: `truncated` where the payload is too short for a sequence number, as in padding sent
  ///   to probe; the packet is unchanged then.
  public mutating func unwrapRTX(
    _ header: RTPHeader, payloadType: UInt8, ssrc: UInt32
  ) throws(WireError) {
    guard header.payloadRange.count >= RTX.originalSequenceNumberSize else { throw .truncated }
    var payload = ByteReader(bytes, header.payloadRange)
    let originalSequenceNumber = try payload.u16()
    moveBytes(from: 0, to: RTX.originalSequenceNumberSize, byteCount: header.headerSize)
    dropFirst(RTX.originalSequenceNumberSize)
    store((header.marker ? 0x80 : 0) | (payloadType & 0x7F), at: 1)
    store(originalSequenceNumber, at: 2)
    store(ssrc, at: 8)
  }

  private mutating func clearPaddingBit() {
    withUnsafeMutableBytes { $0[0] &= ~0x20 }
  }
}

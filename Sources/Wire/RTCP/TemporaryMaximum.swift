// Asking a sender to stay below a rate, and its answer (RFC 5104 §4.2.1, §4.2.2).

import Basics

/// The contents of a TMMBR or a TMMBN, one entry for each stream that is bounded.
///
///    0                   1                   2                   3
///    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   |                              SSRC                             |
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   | MxTBR Exp |  MxTBR Mantissa                 |Measured Overhead|  ...
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
public struct TemporaryMaximumBitrate: Equatable, Sendable {
  private static let mantissaBits = 17

  public struct Entry: Equatable, Sendable {
    /// In a request the stream to bound, in a notification whose request bounds it.
    public var ssrc: UInt32
    /// Of IP packets; written rounded down to 17 significant bits.
    public var bitrate: Bitrate
    /// Mean bytes of headers below RTP's payload, 0...511.
    public var overhead: UInt16

    public init(ssrc: UInt32, bitrate: Bitrate, overhead: UInt16) {
      self.ssrc = ssrc
      self.bitrate = bitrate
      self.overhead = min(overhead, 511)
    }
  }

  public var senderSSRC: UInt32
  /// Zero on the wire by RFC 5104 §4.2.1.2; kept as others send it.
  public var mediaSSRC: UInt32 = 0
  public var entries: [Entry]

  public init(senderSSRC: UInt32, entries: [Entry]) {
    self.senderSSRC = senderSSRC
    self.entries = entries
  }

  @_lifetime(reader: copy reader)
  init(_ reader: inout ByteReader) throws(WireError) {
    senderSSRC = try reader.u32()
    mediaSSRC = try reader.u32()
    entries = []
    while !reader.isAtEnd {
      let ssrc = try reader.u32()
      let packed = try reader.u32()
      let mantissa = Int64(packed >> 9 & 0x1_FFFF)
      let exponent = Int64(packed >> 26)
      let value = mantissa << exponent
      guard exponent < 63, value >= 0, value >> exponent == mantissa else { throw .badValue }
      entries.append(
        Entry(
          ssrc: ssrc, bitrate: Bitrate(bitsPerSecond: value), overhead: UInt16(packed & 0x1FF)))
    }
  }

  func write(to writer: inout ByteWriter) {
    writer.u32(senderSSRC)
    writer.u32(mediaSSRC)
    for entry in entries {
      let value = UInt64(max(0, entry.bitrate.bitsPerSecond))
      let bits = 64 - value.leadingZeroBitCount
      let exponent = max(0, bits - TemporaryMaximumBitrate.mantissaBits)
      writer.u32(entry.ssrc)
      writer.u32(
        UInt32(exponent) << 26 | UInt32(value >> UInt64(exponent)) << 9
          | UInt32(min(entry.overhead, 511)))
    }
  }
}

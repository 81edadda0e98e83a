// Feedback on single packets, pictures and rates (RFC 4585 §6.2, RFC 5104 §4.3.1, REMB).

import Basics

/// Asks for packets again (RFC 4585 §6.2.1).
///
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   |                  SSRC of packet sender                        |
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   |                  SSRC of media source                         |
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   |            PID                |             BLP               |  ...
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
public struct GenericNACK: Equatable, Sendable {
  /// A lost packet and, bit i of `blp`, the loss of the packet `pid + i + 1`.
  public struct Item: Equatable, Sendable {
    public var pid: UInt16
    public var blp: UInt16

    public init(pid: UInt16, blp: UInt16) {
      self.pid = pid
      self.blp = blp
    }
  }

  public var senderSSRC: UInt32
  public var mediaSSRC: UInt32
  public var items: [Item]

  public init(senderSSRC: UInt32, mediaSSRC: UInt32, items: [Item]) {
    self.senderSSRC = senderSSRC
    self.mediaSSRC = mediaSSRC
    self.items = items
  }

  /// Packs `sequenceNumbers`, which ascend (across the wrap), into as few items as go.
  public init(
    senderSSRC: UInt32, mediaSSRC: UInt32, sequenceNumbers: some Sequence<UInt16>
  ) {
    self.init(senderSSRC: senderSSRC, mediaSSRC: mediaSSRC, items: [])
    for number in sequenceNumbers {
      if let last = items.last, case let distance = number &- last.pid, distance <= 16 {
        if distance > 0 { items[items.count - 1].blp |= 1 << (distance - 1) }
      } else {
        items.append(Item(pid: number, blp: 0))
      }
    }
  }

  /// The packets asked for, item by item.
  public var sequenceNumbers: [UInt16] {
    var numbers: [UInt16] = []
    for item in items {
      numbers.append(item.pid)
      for bit in 0..<16 as Range<UInt16> where item.blp & (1 << bit) != 0 {
        numbers.append(item.pid &+ bit &+ 1)
      }
    }
    return numbers
  }

  @_lifetime(reader: copy reader)
  init(_ reader: inout ByteReader) throws(WireError) {
    senderSSRC = try reader.u32()
    mediaSSRC = try reader.u32()
    items = []
    while !reader.isAtEnd { items.append(Item(pid: try reader.u16(), blp: try reader.u16())) }
  }

  func write(to writer: inout ByteWriter) {
    writer.u32(senderSSRC)
    writer.u32(mediaSSRC)
    for item in items {
      writer.u16(item.pid)
      writer.u16(item.blp)
    }
  }
}

/// Commands key frames (RFC 5104 §4.3.1).
///
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   |                              SSRC                             |
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   | Seq nr.       |    Reserved                                   |  ...
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
public struct FullIntraRequest: Equatable, Sendable {
  public struct Entry: Equatable, Sendable {
    public var ssrc: UInt32
    /// Grows with each command; a repeated one is the same command.
    public var sequenceNumber: UInt8

    public init(ssrc: UInt32, sequenceNumber: UInt8) {
      self.ssrc = ssrc
      self.sequenceNumber = sequenceNumber
    }
  }

  public var senderSSRC: UInt32
  /// Zero on the wire by RFC 5104 §4.3.1.2; kept as others send it.
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
      entries.append(Entry(ssrc: try reader.u32(), sequenceNumber: try reader.u8()))
      _ = try reader.take(3)
    }
  }

  func write(to writer: inout ByteWriter) {
    writer.u32(senderSSRC)
    writer.u32(mediaSSRC)
    for entry in entries {
      writer.u32(entry.ssrc)
      writer.u8(entry.sequenceNumber)
      writer.u24(0)
    }
  }
}

/// The receiver's estimate of the bandwidth (draft-alvestrand-rmcat-remb-03 §2.2).
///
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   |                  SSRC of packet sender                        |
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   |                  SSRC of media source (0)                     |
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   |  Unique identifier 'R' 'E' 'M' 'B'                            |
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   |  Num SSRC     | BR Exp    |  BR Mantissa                      |
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   |   SSRC feedback ...
public struct REMB: Equatable, Sendable {
  private static let mantissaBits = 18

  public var senderSSRC: UInt32
  /// Written rounded down to 18 significant bits.
  public var bitrate: Bitrate
  /// At most 255.
  public var ssrcs: [UInt32]

  public init(senderSSRC: UInt32, bitrate: Bitrate, ssrcs: [UInt32]) {
    self.senderSSRC = senderSSRC
    self.bitrate = bitrate
    self.ssrcs = ssrcs
  }

  /// Nil for application layer feedback that is not REMB.
  @_lifetime(reader: copy reader)
  init?(_ reader: inout ByteReader) throws(WireError) {
    senderSSRC = try reader.u32()
    let mediaSSRC = try reader.u32()
    guard reader.remaining >= 8, try reader.u32() == RTCP.rembIdentifier, mediaSSRC == 0
    else { return nil }
    let count = Int(try reader.u8())
    let packed = try reader.u24()
    let mantissa = Int64(packed & 0x3_FFFF)
    let exponent = Int64(packed >> 18)
    let value = mantissa << exponent
    guard exponent < 63, value >= 0, value >> exponent == mantissa else { throw .badValue }
    bitrate = Bitrate(bitsPerSecond: value)
    ssrcs = try reader.ssrcs(count)
    guard reader.isAtEnd else { throw .badLength }
  }

  func write(to writer: inout ByteWriter) {
    precondition(ssrcs.count <= 255)
    let value = UInt64(max(0, bitrate.bitsPerSecond))
    let exponent = max(0, 64 - value.leadingZeroBitCount - REMB.mantissaBits)
    writer.u32(senderSSRC)
    writer.u32(0)
    writer.u32(RTCP.rembIdentifier)
    writer.u8(UInt8(ssrcs.count))
    writer.u24(UInt32(exponent) << 18 | UInt32(value >> UInt64(exponent)))
    for ssrc in ssrcs { writer.u32(ssrc) }
  }
}

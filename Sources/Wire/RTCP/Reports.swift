// Sender and receiver reports and source descriptions (RFC 3550 §6.4, §6.5).

import Basics

/// What a receiver says of one source (RFC 3550 §6.4.1).
///
///   +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
///   |                              SSRC                             |
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   | fraction lost |       cumulative number of packets lost       |
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   |           extended highest sequence number received           |
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   |                      interarrival jitter                      |
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   |                         last SR (LSR)                         |
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   |                   delay since last SR (DLSR)                  |
///   +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
public struct ReportBlock: Equatable, Sendable {
  public var ssrc: UInt32
  /// In 1/256 since the last report.
  public var fractionLost: UInt8
  /// -0x80_0000...0x7F_FFFF; written clamped.
  public var cumulativeLost: Int32
  public var extendedHighestSequenceNumber: UInt32
  /// In RTP timestamp units.
  public var jitter: UInt32
  /// The middle 32 bits of the NTP time of the last sender report; zero for none.
  public var lastSenderReport: UInt32
  /// In 1/65536 s.
  public var delaySinceLastSenderReport: UInt32

  public init(
    ssrc: UInt32, fractionLost: UInt8, cumulativeLost: Int32,
    extendedHighestSequenceNumber: UInt32, jitter: UInt32, lastSenderReport: UInt32,
    delaySinceLastSenderReport: UInt32
  ) {
    self.ssrc = ssrc
    self.fractionLost = fractionLost
    self.cumulativeLost = cumulativeLost
    self.extendedHighestSequenceNumber = extendedHighestSequenceNumber
    self.jitter = jitter
    self.lastSenderReport = lastSenderReport
    self.delaySinceLastSenderReport = delaySinceLastSenderReport
  }

  @_lifetime(reader: copy reader)
  init(_ reader: inout ByteReader) throws(WireError) {
    ssrc = try reader.u32()
    fractionLost = try reader.u8()
    // Sign-extends 24 bits.
    cumulativeLost = Int32(bitPattern: try reader.u24() << 8) >> 8
    extendedHighestSequenceNumber = try reader.u32()
    jitter = try reader.u32()
    lastSenderReport = try reader.u32()
    delaySinceLastSenderReport = try reader.u32()
  }

  func write(to writer: inout ByteWriter) {
    writer.u32(ssrc)
    writer.u8(fractionLost)
    writer.u24(UInt32(bitPattern: min(max(cumulativeLost, -0x80_0000), 0x7F_FFFF)))
    writer.u32(extendedHighestSequenceNumber)
    writer.u32(jitter)
    writer.u32(lastSenderReport)
    writer.u32(delaySinceLastSenderReport)
  }
}

/// RFC 3550 §6.4.1.
///
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   |                         SSRC of sender                        |
///   +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
///   |              NTP timestamp, most significant word             |
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   |             NTP timestamp, least significant word             |
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   |                         RTP timestamp                         |
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   |                     sender's packet count                     |
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   |                      sender's octet count                     |
///   +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
///   |                 report blocks, then extensions                |
public struct SenderReport: Equatable, Sendable {
  public var ssrc: UInt32
  /// 32.32 fixed-point seconds since 1900.
  public var ntp: UInt64
  public var rtpTimestamp: UInt32
  public var packetCount: UInt32
  /// Bytes of payload, without headers and padding.
  public var octetCount: UInt32
  /// At most 31.
  public var reports: [ReportBlock]
  /// Profile-specific extensions, whole words (RFC 3550 §6.4.3).
  public var profileExtension: [UInt8] = []

  public init(
    ssrc: UInt32, ntp: UInt64, rtpTimestamp: UInt32, packetCount: UInt32, octetCount: UInt32,
    reports: [ReportBlock] = []
  ) {
    self.ssrc = ssrc
    self.ntp = ntp
    self.rtpTimestamp = rtpTimestamp
    self.packetCount = packetCount
    self.octetCount = octetCount
    self.reports = reports
  }

  /// The part of `ntp` that receivers send back as `lastSenderReport`.
  public var compactNTP: UInt32 { UInt32(truncatingIfNeeded: ntp >> 16) }

  @_lifetime(reader: copy reader)
  init(_ reader: inout ByteReader, reportCount: Int) throws(WireError) {
    ssrc = try reader.u32()
    ntp = try reader.u64()
    rtpTimestamp = try reader.u32()
    packetCount = try reader.u32()
    octetCount = try reader.u32()
    reports = []
    for _ in 0..<reportCount { reports.append(try ReportBlock(&reader)) }
    profileExtension = try reader.bytes(reader.remaining)
  }

  func write(to writer: inout ByteWriter) {
    writer.u32(ssrc)
    writer.u64(ntp)
    writer.u32(rtpTimestamp)
    writer.u32(packetCount)
    writer.u32(octetCount)
    for report in reports { report.write(to: &writer) }
    writer.append(profileExtension)
  }
}

/// RFC 3550 §6.4.2: the sender's SSRC and report blocks.
public struct ReceiverReport: Equatable, Sendable {
  public var ssrc: UInt32
  /// At most 31.
  public var reports: [ReportBlock]
  /// Profile-specific extensions, whole words (RFC 3550 §6.4.3).
  public var profileExtension: [UInt8] = []

  public init(ssrc: UInt32, reports: [ReportBlock] = []) {
    self.ssrc = ssrc
    self.reports = reports
  }

  @_lifetime(reader: copy reader)
  init(_ reader: inout ByteReader, reportCount: Int) throws(WireError) {
    ssrc = try reader.u32()
    reports = []
    for _ in 0..<reportCount { reports.append(try ReportBlock(&reader)) }
    profileExtension = try reader.bytes(reader.remaining)
  }

  func write(to writer: inout ByteWriter) {
    writer.u32(ssrc)
    for report in reports { report.write(to: &writer) }
    writer.append(profileExtension)
  }
}

/// What a source says of itself (RFC 3550 §6.5).
///
///   +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
///   |                           SSRC/CSRC                           |
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   |  type, length, text ...       ... 1 to 4 zeros up to a word   |
///   +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
public struct SDESChunk: Equatable, Sendable {
  public struct Item: Equatable, Sendable {
    /// Never zero.
    public var type: UInt8
    /// UTF-8, at most 255 bytes.
    public var text: [UInt8]

    public init(type: UInt8, text: [UInt8]) {
      self.type = type
      self.text = text
    }
  }

  /// The item type of a canonical name (RFC 3550 §6.5.1).
  public static let cname: UInt8 = 1

  public var ssrc: UInt32
  public var items: [Item]

  public init(ssrc: UInt32, items: [Item]) {
    self.ssrc = ssrc
    self.items = items
  }

  /// A chunk with a canonical name alone.
  public init(ssrc: UInt32, cname: String) {
    self.init(ssrc: ssrc, items: [Item(type: SDESChunk.cname, text: Array(cname.utf8))])
  }

  @_lifetime(reader: copy reader)
  static func chunks(_ reader: inout ByteReader, count: Int) throws(WireError) -> [SDESChunk] {
    var chunks: [SDESChunk] = []
    for _ in 0..<count {
      let start = reader.offset
      var chunk = SDESChunk(ssrc: try reader.u32(), items: [])
      while case let type = try reader.u8(), type != 0 {
        let size = Int(try reader.u8())
        chunk.items.append(Item(type: type, text: try reader.bytes(size)))
      }
      _ = try reader.take(-(reader.offset - start) & 3)
      chunks.append(chunk)
    }
    return chunks
  }

  func write(to writer: inout ByteWriter) {
    writer.u32(ssrc)
    for item in items {
      let text = item.text.prefix(255)
      writer.u8(item.type)
      writer.u8(UInt8(text.count))
      writer.append(text)
    }
    writer.u8(0)
    writer.pad(to: 4)
  }
}

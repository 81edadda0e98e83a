// One record of a capture file, before its headers are read, and what reads records.

import Basics

/// How the bytes of a record begin.
enum RecordContent: Equatable {
  /// A frame of this link layer.
  case frame(LinkLayer)
  /// The payload of a datagram alone, as rtpdump and Chromium's log hold it.
  case payload(source: Address, destination: Address)
  /// A frame of a link layer that is not supported (LINKTYPE).
  case unsupported(UInt32)
}

struct CaptureRecord {
  /// Counted from 1 over the whole file, as Wireshark does.
  var number: Int
  /// Since 1970; zero where the file has no times.
  var time: Instant
  /// Index of the capturing interface over the whole file.
  var interface: Int
  var content: RecordContent
  /// Bytes of the packet on the wire.
  var originalSize: Int
  /// The captured bytes; valid until the next record is read.
  var bytes: UnsafeRawBufferPointer
}

/// Reads the records of one file format in their order.
protocol RecordSource: AnyObject {
  /// Packets read so far.
  var packetCount: Int { get }
  /// What the file says besides its packets.
  var annotations: CaptureAnnotations { get }
  /// Bytes of `annotations.keyLog`, without a copy of it.
  var secretCount: Int { get }
  /// The next record; nil at the end.
  /// - Throws: `cannotRead` with the packet's number.
  func next() throws(CaptureError) -> CaptureRecord?
}

extension RecordSource {
  var secretCount: Int { 0 }
}

/// What a capture file holds besides packets.
public struct CaptureAnnotations: Equatable, Sendable {
  public struct Comment: Equatable, Sendable {
    /// Nil for a comment on the file.
    public var packetNumber: Int?
    /// As written: hostile text.
    public var text: String
  }

  public static let commentLimit = 200

  /// At most `commentLimit`, in their order.
  public var comments: [Comment] = []
  /// Names of the interfaces of a pcapng file, empty where one has none.
  public var interfaces: [String] = []
  /// TLS secrets in NSS key log format (Decryption Secrets Blocks).
  public var keyLog: [UInt8] = []
  /// Packets that the capturing side reports as dropped by itself (Interface Statistics Blocks).
  public var droppedByCapture: UInt64 = 0

  mutating func add(_ text: String, packetNumber: Int?) {
    guard comments.count < CaptureAnnotations.commentLimit, !text.isEmpty else { return }
    comments.append(Comment(packetNumber: packetNumber, text: text))
  }
}

/// The formats that are read.
public enum CaptureFormat: String, Sendable, CaseIterable {
  case pcap, pcapng, rtpdump
  /// `RTP_DUMP` lines of a Chromium log.
  case chromiumLog
  /// What text2pcap reads.
  case hexDump

  private static let pcapMagics: [UInt32] = [
    0xA1B2_C3D4, 0xD4C3_B2A1, 0xA1B2_3C4D, 0x4D3C_B2A1, 0xA1B2_CD34, 0x34CD_B2A1,
  ]

  /// The format of a stream by its first bytes; nil for none of these.
  static func detect(_ source: ByteSource) -> CaptureFormat? {
    _ = source.fill(1 << 14)
    let bytes = source.available
    guard bytes.count >= 4 else { return nil }
    let magic = UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))
    if magic == PcapngBlock.Kind.sectionHeader { return .pcapng }
    if pcapMagics.contains(magic) { return .pcap }
    if bytes.starts(with: RTPDump.magic.utf8) { return .rtpdump }
    return TextDump.detect(bytes.prefix(1 << 14))
  }
}

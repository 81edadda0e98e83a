// Writing pcapng files (draft-ietf-opsawg-pcapng-02 §4): libpcap writes only the classic format.

import Basics
import Wire

/// Writes datagrams to a file as they come, each in an IP packet of its own. The packets ride in
/// Ethernet frames of made-up addresses: of interfaces without any (LINKTYPE_RAW), libpcap 1.10
/// reads only one in a file.
public final class PcapngWriter {
  /// One end of a link.
  public struct Interface: Equatable, Sendable {
    fileprivate let index: UInt32
  }

  /// Which way a packet goes as its interface sees it.
  public enum Direction: UInt32, Sendable {
    case inbound = 1
    case outbound = 2
  }

  private static let linkTypeEthernet: UInt16 = 1
  public static let longestSnapshot = 262_144

  private let snapshotLength: Int
  private let output: OutputFile
  private var block = PcapngBlock()
  private var interfaceCount: UInt32 = 0
  private let epoch: Int64

  /// Creates `file` or empties it.
  /// - Parameters:
  ///   - epoch: nanoseconds from 1970 to `Instant.zero`.
  ///   - snapshotLength: bytes of each packet that are written, headers included.
  /// - Throws: `cannotOpen`, `cannotWrite`.
  public init(
    _ file: String, application: String = "Assay", epoch: Int64 = 0,
    snapshotLength: Int = PcapngWriter.longestSnapshot
  ) throws(CaptureError) {
    self.snapshotLength = min(max(1, snapshotLength), PcapngWriter.longestSnapshot)
    output = try OutputFile(file)
    self.epoch = epoch
    block.begin(PcapngBlock.Kind.sectionHeader)
    block.u32(PcapngBlock.byteOrderMagic)
    block.u16(1)
    block.u16(0)
    // The section's length is not known beforehand.
    block.u64(.max)
    block.option(PcapngBlock.Option.application, application.utf8)
    try writeBlock()
  }

  /// Packets written so far.
  public private(set) var packetCount = 0
  public private(set) var bytesWritten: Int64 = 0

  /// - Throws: `cannotWrite`.
  public func addInterface(_ name: String) throws(CaptureError) -> Interface {
    block.begin(PcapngBlock.Kind.interfaceDescription)
    block.u16(PcapngWriter.linkTypeEthernet)
    block.u16(0)
    block.u32(UInt32(snapshotLength))
    block.option(PcapngBlock.Option.interfaceName, name.utf8)
    // Nanoseconds.
    block.option(PcapngBlock.Option.timestampResolution, [9])
    try writeBlock()
    defer { interfaceCount += 1 }
    return Interface(index: interfaceCount)
  }

  /// Writes one datagram. Both addresses are of one family.
  /// - Throws: `cannotWrite`, `tooLarge`.
  public func write(
    _ payload: RawSpan, from source: Address, to destination: Address, ecn: ECN = .notCapable,
    at time: Instant, on interface: Interface, _ direction: Direction? = nil, comment: String? = nil
  ) throws(CaptureError) {
    let headers = FrameHeaders(source, destination, ecn, payload)
    guard let headers else {
      throw CaptureError(
        .tooLarge, file: output.name, packetNumber: packetCount + 1,
        detail: "a UDP datagram cannot hold \(payload.byteCount) bytes")
    }
    block.begin(PcapngBlock.Kind.enhancedPacket)
    block.u32(interface.index)
    let timestamp = UInt64(bitPattern: time.nanoseconds &+ epoch)
    block.u32(UInt32(truncatingIfNeeded: timestamp >> 32))
    block.u32(UInt32(truncatingIfNeeded: timestamp))
    let size = UInt32(headers.bytes.count + payload.byteCount)
    let captured = min(Int(size), snapshotLength)
    block.u32(UInt32(captured))
    block.u32(size)
    block.append(headers.bytes.prefix(captured))
    block.append(payload.extracting(first: max(0, captured - headers.bytes.count)))
    block.pad()
    if let direction {
      block.option(
        PcapngBlock.Option.packetFlags,
        (0..<4 as Range<UInt32>).map { UInt8(truncatingIfNeeded: direction.rawValue >> (8 * $0)) })
    }
    if let comment { block.option(PcapngBlock.Option.comment, comment.utf8) }
    packetCount += 1
    try writeBlock()
  }

  /// Writes TLS secrets, lines in NSS key log format; readers use them for the packets behind.
  /// - Throws: `cannotWrite`.
  public func writeKeyLog(_ keyLog: String) throws(CaptureError) {
    block.begin(PcapngBlock.Kind.decryptionSecrets)
    block.u32(PcapngBlock.tlsKeyLog)
    block.u32(UInt32(keyLog.utf8.count))
    block.append(keyLog.utf8)
    block.pad()
    try writeBlock()
  }

  /// Writes what is buffered and closes the file; a writer that is dropped closes it
  /// unchecked.
  /// - Throws: `cannotWrite`.
  public func close() throws(CaptureError) { try output.close() }

  private func writeBlock() throws(CaptureError) {
    block.end()
    bytesWritten += Int64(block.bytes.count)
    try output.write(block.bytes)
  }
}

// Reading the datagrams of a capture file of any supported format.

import Basics
import Wire

/// The datagrams of a capture file, one after the other, in constant memory.
public struct CaptureReader: ~Copyable {
  /// What the packets read so far were.
  public struct Counts: Equatable, Sendable {
    /// Records of the file.
    public var packets = 0
    /// UDP datagrams, and packets inside TCP connections that carry media.
    public var datagrams = 0
    /// Parts of fragmented IP packets.
    public var fragments = 0
    /// Datagrams put together from fragments.
    public var reassembled = 0
    /// Datagrams whose payload the snapshot length cut short.
    public var truncated = 0
    /// Datagrams that a TURN server relays.
    public var relayed = 0
    /// Packets out of TCP connections (RFC 4571, TURN).
    public var tcpPackets = 0
    /// Places in TCP connections with media where segments are missing from the capture.
    public var tcpGaps = 0
    /// Neither UDP nor media in TCP; skipped.
    public var others = 0
    /// IP or UDP headers that contradict themselves; skipped.
    public var malformed = 0
    /// Frames of link layers that are not supported; skipped.
    public var unsupportedLink = 0
  }

  public let file: String
  public let format: CaptureFormat
  private let source: ByteSource
  private let records: any RecordSource
  private var dissection = PacketDissection()
  private var lastUnsupported: UInt32?
  /// What `next()` has still to hand out of the last record.
  private var waiting: [UDPDatagram] = []

  /// - Throws: `cannotOpen` for a file that is absent or of no supported format,
  ///   `unsupportedLinkType`.
  public init(_ file: String) throws(CaptureError) {
    let source = try ByteSource(file)
    let format = try CaptureReader.format(of: source)
    let records = try CaptureReader.records(of: source, format)
    self.file = file
    self.source = source
    self.format = format
    self.records = records
  }

  private static func format(of source: ByteSource) throws(CaptureError) -> CaptureFormat {
    if let format = CaptureFormat.detect(source) { return format }
    let detail =
      source.failure
      ?? (source.isAtEnd
        ? "the file is empty" : "the format is none of pcap, pcapng, rtpdump, hex dump, log")
    throw CaptureError(.cannotOpen, file: source.name, detail: detail)
  }

  private static func records(
    of source: ByteSource, _ format: CaptureFormat
  ) throws(CaptureError) -> any RecordSource {
    switch format {
    case .pcap: try PcapSource(source)
    case .pcapng: PcapngSource(source)
    case .rtpdump: try RTPDumpSource(source)
    case .chromiumLog, .hexDump: TextDump(source, format)
    }
  }

  /// What the packets read so far were.
  public var counts: Counts {
    let seen = dissection.counts
    return Counts(
      packets: records.packetCount, datagrams: seen.datagrams, fragments: seen.fragments,
      reassembled: seen.reassembled, truncated: seen.truncated, relayed: seen.relayed,
      tcpPackets: seen.tcpPackets, tcpGaps: dissection.tcpGaps, others: seen.others,
      malformed: seen.malformed, unsupportedLink: seen.unsupportedLink)
  }

  /// What the file has said so far besides its packets.
  public var annotations: CaptureAnnotations { records.annotations }

  /// Bytes of TLS secrets that `annotations` holds so far.
  public var secretCount: Int { records.secretCount }

  /// Bytes read so far, after decompression.
  public var bytesRead: Int64 { source.offset }

  /// The LINKTYPE of the last frame that was skipped because its link layer is not supported.
  public var unsupportedLinkType: UInt32? { lastUnsupported }

  /// Reads one record and calls `deliver` with each datagram that it holds or completes; their
  /// bytes are valid within the call.
  /// - Returns: when the record was captured; nil at the end of the file.
  /// - Throws: `cannotRead` with the number of the packet that could not be read.
  public mutating func readRecord(
    _ deliver: (CapturedDatagram, RawSpan) -> Void
  ) throws(CaptureError) -> Instant? {
    guard let record = try records.next() else { return nil }
    if case .unsupported(let linkType) = record.content { lastUnsupported = linkType }
    dissection.dissect(record, deliver)
    return record.time
  }

  /// The next datagram with a copy of its bytes, or nil at the end; packets of other kinds are
  /// counted and skipped.
  /// - Throws: `cannotRead` with the number of the packet that could not be read.
  public mutating func next() throws(CaptureError) -> UDPDatagram? {
    while waiting.isEmpty {
      var found: [UDPDatagram] = []
      guard try readRecord({ found.append(UDPDatagram($0, $1)) }) != nil else { return nil }
      waiting = found.reversed()
    }
    return waiting.removeLast()
  }

  /// All datagrams of `file`; throws what opening and reading throw.
  public static func datagrams(of file: String) throws(CaptureError) -> [UDPDatagram] {
    var reader = try CaptureReader(file)
    var datagrams: [UDPDatagram] = []
    while let datagram = try reader.next() { datagrams.append(datagram) }
    return datagrams
  }

  /// The lines of all NSS key logs in `file`; empty where there are none, as in a classic pcap.
  /// - Throws: what opening and reading throw.
  public static func embeddedKeyLog(of file: String) throws(CaptureError) -> String {
    let source = try ByteSource(file)
    guard CaptureFormat.detect(source) == .pcapng else { return "" }
    let records = PcapngSource(source)
    while try records.next() != nil {}
    return String(decoding: records.annotations.keyLog, as: UTF8.self)
  }
}

extension UDPDatagram {
  fileprivate init(_ datagram: CapturedDatagram, _ bytes: RawSpan) {
    self.init(
      time: datagram.time, source: datagram.source, destination: datagram.destination,
      ecn: datagram.ecn, payload: bytes.array,
      isTruncated: datagram.originalSize > bytes.byteCount, packetNumber: datagram.packetNumber)
  }
}

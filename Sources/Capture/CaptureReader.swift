// Reading pcap and pcapng files through libpcap.

import Basics
import CPcap

/// The UDP datagrams of a capture file, one after the other.
public struct CaptureReader: ~Copyable {
  /// What the packets read so far were.
  public struct Counts: Equatable, Sendable {
    public var packets = 0
    public var datagrams = 0
    /// Parts of fragmented IP packets; skipped.
    public var fragments = 0
    /// Datagrams whose payload the snapshot length cut short.
    public var truncated = 0
    /// Not UDP over IP; skipped.
    public var others = 0
    /// UDP over IP with broken headers; skipped.
    public var malformed = 0
  }

  public let file: String
  public private(set) var counts = Counts()
  private let pcap: OpaquePointer
  private let link: LinkLayer

  /// - Throws: `cannotOpen` for a file that is absent or no capture, `unsupportedLinkType`.
  public init(_ file: String) throws(CaptureError) {
    self.file = file
    var message = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
    guard
      let pcap = pcap_open_offline_with_tstamp_precision(
        file, UInt32(PCAP_TSTAMP_PRECISION_NANO), &message)
    else {
      throw CaptureError(.cannotOpen, file: file, detail: text(message))
    }
    let dlt = pcap_datalink(pcap)
    guard let link = LinkLayer(dlt: dlt) else {
      pcap_close(pcap)
      throw CaptureError(
        .unsupportedLinkType, file: file, detail: "link type \(name(ofDLT: dlt)) is not supported")
    }
    self.pcap = pcap
    self.link = link
  }

  deinit { pcap_close(pcap) }

  /// The next UDP datagram, or nil at the end; packets of other kinds are counted and skipped.
  /// - Throws: `cannotRead` with the number of the packet that could not be read.
  public mutating func next() throws(CaptureError) -> UDPDatagram? {
    var header: UnsafeMutablePointer<pcap_pkthdr>?
    var data: UnsafePointer<UInt8>?
    while true {
      let status = pcap_next_ex(pcap, &header, &data)
      if status == PCAP_ERROR_BREAK { return nil }
      counts.packets += 1
      guard status == 1, let header, let data else {
        throw CaptureError(
          .cannotRead, file: file, packetNumber: counts.packets,
          detail: String(cString: pcap_geterr(pcap)))
      }
      let frame = UnsafeRawBufferPointer(start: data, count: Int(header.pointee.caplen))
      if let datagram = count(frame.bytes, time: Instant(header.pointee.ts)) { return datagram }
    }
  }

  private mutating func count(_ frame: RawSpan, time: Instant) -> UDPDatagram? {
    switch FrameContent(frame, link, time: time, packetNumber: counts.packets) {
    case .datagram(let datagram):
      counts.datagrams += 1
      if datagram.isTruncated { counts.truncated += 1 }
      return datagram
    case .fragment: counts.fragments += 1
    case .other: counts.others += 1
    case .malformed: counts.malformed += 1
    }
    return nil
  }

  /// All datagrams of `file`; throws what opening and reading throw.
  public static func datagrams(of file: String) throws(CaptureError) -> [UDPDatagram] {
    var reader = try CaptureReader(file)
    var datagrams: [UDPDatagram] = []
    while let datagram = try reader.next() { datagrams.append(datagram) }
    return datagrams
  }
}

extension Instant {
  /// Of a file opened with nanosecond precision, where `tv_usec` holds nanoseconds.
  fileprivate init(_ time: timeval) {
    self.init(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_usec))
  }
}

private func text(_ message: [CChar]) -> String {
  String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

private func name(ofDLT dlt: CInt) -> String {
  pcap_datalink_val_to_name(dlt).map { String(cString: $0) } ?? String(dlt)
}

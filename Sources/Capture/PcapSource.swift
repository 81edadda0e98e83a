// Classic pcap files through libpcap, which reads them from our stream.

import Basics
import CPcap

final class PcapSource: RecordSource {
  private static let streamBufferSize = 1 << 16

  private let source: ByteSource
  private let pcap: OpaquePointer
  private let content: RecordContent
  private(set) var packetCount = 0
  let annotations = CaptureAnnotations()

  /// - Throws: `cannotOpen`, `unsupportedLinkType`.
  init(_ source: ByteSource) throws(CaptureError) {
    self.source = source
    let functions = assay_stream_functions(
      read: { cookie, buffer, size in
        guard let cookie, let buffer else { return -1 }
        return Unmanaged<ByteSource>.fromOpaque(cookie).takeUnretainedValue()
          .read(into: buffer, size)
      }, write: nil, seek: nil, close: nil)
    let cookie = Unmanaged.passUnretained(source).toOpaque()
    guard let stream = assay_open_stream(cookie, "r", functions) else {
      throw CaptureError(.cannotOpen, file: source.name, detail: "out of memory")
    }
    setvbuf(stream, nil, _IOFBF, PcapSource.streamBufferSize)
    var message = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
    guard
      let pcap = pcap_fopen_offline_with_tstamp_precision(
        stream, UInt32(PCAP_TSTAMP_PRECISION_NANO), &message)
    else {
      fclose(stream)
      throw CaptureError(.cannotOpen, file: source.name, detail: text(message))
    }
    let dlt = pcap_datalink(pcap)
    guard let link = LinkLayer(dlt: dlt) else {
      pcap_close(pcap)
      throw CaptureError(
        .unsupportedLinkType, file: source.name,
        detail: "link type \(name(ofDLT: dlt)) is not supported")
    }
    self.pcap = pcap
    content = .frame(link)
  }

  deinit { pcap_close(pcap) }

  func next() throws(CaptureError) -> CaptureRecord? {
    var header: UnsafeMutablePointer<pcap_pkthdr>?
    var data: UnsafePointer<UInt8>?
    let status = pcap_next_ex(pcap, &header, &data)
    if status == PCAP_ERROR_BREAK, source.failure == nil { return nil }
    packetCount += 1
    guard status == 1, let header, let data else {
      throw CaptureError(
        .cannotRead, file: source.name, packetNumber: packetCount,
        detail: source.failure ?? String(cString: pcap_geterr(pcap)))
    }
    return CaptureRecord(
      number: packetCount, time: Instant(header.pointee.ts), interface: 0, content: content,
      originalSize: Int(header.pointee.len),
      bytes: UnsafeRawBufferPointer(start: data, count: Int(header.pointee.caplen)))
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

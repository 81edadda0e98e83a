// rtpdump files record by record (the format stands in RTPDump.swift).

import Basics
import Wire

final class RTPDumpSource: RecordSource {
  private static let headerSize = 16
  private static let lineLimit = 1_024

  private let source: ByteSource
  private let start: Instant
  private let address: Address
  private var pending = 0
  private(set) var packetCount = 0
  let annotations = CaptureAnnotations()

  /// - Throws: `cannotOpen` where the header is cut.
  init(_ source: ByteSource) throws(CaptureError) {
    self.source = source
    guard let line = source.line(limit: RTPDumpSource.lineLimit),
      source.fill(RTPDumpSource.headerSize)
    else {
      throw CaptureError(
        .cannotOpen, file: source.name, detail: "the header of the rtpdump file is cut")
    }
    let header = source.available
    func u32(_ offset: Int) -> UInt32 {
      UInt32(bigEndian: header.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
    start = Instant(
      nanoseconds: Int64(u32(0)) * 1_000_000_000 + Int64(u32(4) % 1_000_000) * 1_000)
    let port = UInt16(truncatingIfNeeded: u32(12) >> 16)
    address =
      RTPDump.address(line[min(RTPDump.magic.utf8.count, line.count)...])
      ?? Address(IPAddress(v4: u32(8)), port: port)
    source.consume(RTPDumpSource.headerSize)
  }

  func next() throws(CaptureError) -> CaptureRecord? {
    source.consume(pending)
    pending = 0
    guard !source.isAtEnd else {
      if let failure = source.failure { throw broken(failure) }
      return nil
    }
    packetCount += 1
    guard source.fill(RTPDump.recordHeaderSize) else { throw broken("the record is cut") }
    let header = source.available
    let length = Int(UInt16(bigEndian: header.loadUnaligned(as: UInt16.self)))
    let rtpSize = Int(UInt16(bigEndian: header.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
    let offset = UInt32(bigEndian: header.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
    guard length >= RTPDump.recordHeaderSize else {
      throw broken("a record of \(length) bytes is not possible")
    }
    guard source.fill(length) else {
      throw broken(source.failure ?? "the file ends within the record")
    }
    pending = length
    let bytes = UnsafeRawBufferPointer(
      rebasing: source.available[RTPDump.recordHeaderSize..<length])
    return CaptureRecord(
      number: packetCount, time: start + .milliseconds(Int(offset)), interface: 0,
      content: .payload(source: address, destination: CapturedDatagram.unknownAddress),
      originalSize: max(rtpSize, bytes.count), bytes: bytes)
  }

  private func broken(_ detail: String) -> CaptureError {
    CaptureError(
      .cannotRead, file: source.name, packetNumber: max(1, packetCount), detail: detail)
  }
}

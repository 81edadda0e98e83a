// pcapng files (draft-ietf-opsawg-pcapng-02 §4) block by block: libpcap stops at interfaces of
// several link types, and skips comments, secrets and statistics.

import Basics

final class PcapngSource: RecordSource {
  private struct Interface {
    var content: RecordContent
    var snapshotLength: Int
    var resolution = TimestampResolution()
    /// Seconds to add to each timestamp.
    var offset: Int64 = 0
    /// Index over the whole file.
    var number: Int
  }

  private static let minimumBlockSize = 12
  /// Larger than any packet that a capturing host can write.
  private static let maximumBlockSize = 1 << 24
  private static let interfaceLimit = 65_536

  private let source: ByteSource
  private var isLittleEndian = true
  private var interfaces: [Interface] = []
  private var pending = 0
  private(set) var packetCount = 0
  private(set) var annotations = CaptureAnnotations()

  var secretCount: Int { annotations.keyLog.count }

  init(_ source: ByteSource) { self.source = source }

  func next() throws(CaptureError) -> CaptureRecord? {
    source.consume(pending)
    pending = 0
    while true {
      guard !source.isAtEnd else {
        if let failure = source.failure { throw broken(failure) }
        return nil
      }
      guard source.fill(PcapngSource.minimumBlockSize) else {
        throw broken("the file ends within a block header")
      }
      try readByteOrder()
      let kind = u32(source.available, 0)
      let size = Int(u32(source.available, 4))
      guard size >= PcapngSource.minimumBlockSize, size <= PcapngSource.maximumBlockSize else {
        throw broken("a block of \(size) bytes is not possible")
      }
      let padded = (size + 3) & ~3
      guard source.fill(padded) else {
        throw broken(source.failure ?? "the file ends within a block of \(size) bytes")
      }
      let block = UnsafeRawBufferPointer(rebasing: source.available[..<padded])
      guard Int(u32(block, padded - 4)) == size else {
        throw broken("the two lengths of a block differ")
      }
      let body = UnsafeRawBufferPointer(rebasing: block[8..<(padded - 4)])
      if let record = try read(kind, body) {
        pending = padded
        return record
      }
      source.consume(padded)
    }
  }

  /// A section header sets the byte order of what follows; its type reads the same in both.
  private func readByteOrder() throws(CaptureError) {
    guard u32(source.available, 0) == PcapngBlock.Kind.sectionHeader else { return }
    isLittleEndian = true
    if u32(source.available, 8) != PcapngBlock.byteOrderMagic {
      isLittleEndian = false
      guard u32(source.available, 8) == PcapngBlock.byteOrderMagic else {
        throw broken("a section header has no byte-order magic")
      }
    }
    interfaces = []
  }

  private func read(
    _ kind: UInt32, _ body: UnsafeRawBufferPointer
  ) throws(CaptureError) -> CaptureRecord? {
    switch kind {
    case PcapngBlock.Kind.sectionHeader:
      guard body.count >= 16 else { throw broken("a section header is too short") }
      options(body, 16) { code, value in
        if code == PcapngBlock.Option.comment { annotations.add(text(value), packetNumber: nil) }
      }
    case PcapngBlock.Kind.interfaceDescription: try readInterface(body)
    case PcapngBlock.Kind.enhancedPacket: return try readEnhancedPacket(body)
    case PcapngBlock.Kind.simplePacket: return try readSimplePacket(body)
    case PcapngBlock.Kind.obsoletePacket: return try readObsoletePacket(body)
    case PcapngBlock.Kind.decryptionSecrets: try readSecrets(body)
    case PcapngBlock.Kind.interfaceStatistics:
      options(body, 12) { code, value in
        if code == PcapngBlock.Option.droppedByInterface, value.count == 8 {
          annotations.droppedByCapture &+= u64(value, 0)
        }
      }
    default: break
    }
    return nil
  }

  private func readInterface(_ body: UnsafeRawBufferPointer) throws(CaptureError) {
    guard body.count >= 8 else { throw broken("an interface description is too short") }
    guard annotations.interfaces.count < PcapngSource.interfaceLimit else {
      throw broken("more than \(PcapngSource.interfaceLimit) interfaces")
    }
    let linkType = UInt32(u16(body, 0))
    let content = LinkLayer(linkType: linkType).map { RecordContent.frame($0) }
    var interface = Interface(
      content: content ?? .unsupported(linkType), snapshotLength: Int(u32(body, 4)),
      number: annotations.interfaces.count)
    var name = ""
    options(body, 8) { code, value in
      switch code {
      case PcapngBlock.Option.interfaceName: name = text(value)
      case PcapngBlock.Option.timestampResolution where value.count == 1:
        interface.resolution = TimestampResolution(value[0])
      case PcapngBlock.Option.timestampOffset where value.count == 8:
        interface.offset = Int64(bitPattern: u64(value, 0))
      default: break
      }
    }
    interfaces.append(interface)
    annotations.interfaces.append(name)
  }

  // MARK: - Packets

  ///   |  interface | time, high | time, low | captured length | original length | data ...
  private func readEnhancedPacket(
    _ body: UnsafeRawBufferPointer
  ) throws(CaptureError) -> CaptureRecord {
    packetCount += 1
    guard body.count >= 20 else { throw brokenPacket("its block is too short") }
    let captured = Int(u32(body, 12))
    guard captured <= body.count - 20 else {
      throw brokenPacket("\(captured) captured bytes do not fit its block")
    }
    options(body, 20 + (captured + 3) & ~3) { code, value in
      if code == PcapngBlock.Option.comment {
        annotations.add(text(value), packetNumber: packetCount)
      }
    }
    return try record(
      Int(u32(body, 0)), ticks: UInt64(u32(body, 4)) << 32 | UInt64(u32(body, 8)),
      original: Int(u32(body, 16)),
      UnsafeRawBufferPointer(rebasing: body[20..<(20 + captured)]))
  }

  ///   |  original length | data ...      of the first interface, without a time
  private func readSimplePacket(
    _ body: UnsafeRawBufferPointer
  ) throws(CaptureError) -> CaptureRecord {
    packetCount += 1
    guard body.count >= 4 else { throw brokenPacket("its block is too short") }
    let original = Int(u32(body, 0))
    var captured = min(original, body.count - 4)
    if let limit = interfaces.first?.snapshotLength, limit > 0 { captured = min(captured, limit) }
    return try record(
      0, ticks: 0, original: original, UnsafeRawBufferPointer(rebasing: body[4..<(4 + captured)]))
  }

  ///   |  interface, drops | time, high | time, low | captured length | original length | data ...
  private func readObsoletePacket(
    _ body: UnsafeRawBufferPointer
  ) throws(CaptureError) -> CaptureRecord {
    packetCount += 1
    guard body.count >= 20 else { throw brokenPacket("its block is too short") }
    let captured = Int(u32(body, 12))
    guard captured <= body.count - 20 else {
      throw brokenPacket("\(captured) captured bytes do not fit its block")
    }
    return try record(
      Int(u16(body, 0)), ticks: UInt64(u32(body, 4)) << 32 | UInt64(u32(body, 8)),
      original: Int(u32(body, 16)),
      UnsafeRawBufferPointer(rebasing: body[20..<(20 + captured)]))
  }

  private func record(
    _ index: Int, ticks: UInt64, original: Int, _ bytes: UnsafeRawBufferPointer
  ) throws(CaptureError) -> CaptureRecord {
    guard index < interfaces.count else {
      throw brokenPacket("interface \(index) is not described")
    }
    let interface = interfaces[index]
    let seconds = interface.offset.multipliedReportingOverflow(by: 1_000_000_000).partialValue
    return CaptureRecord(
      number: packetCount,
      time: Instant(nanoseconds: interface.resolution.nanoseconds(ticks) &+ seconds),
      interface: interface.number, content: interface.content, originalSize: original,
      bytes: bytes)
  }

  private func readSecrets(_ body: UnsafeRawBufferPointer) throws(CaptureError) {
    guard body.count >= 8 else { throw broken("a decryption secrets block is too short") }
    let size = Int(u32(body, 4))
    guard size <= body.count - 8 else {
      throw broken("\(size) bytes of secrets do not fit their block")
    }
    guard u32(body, 0) == PcapngBlock.tlsKeyLog,
      annotations.keyLog.count + size <= KeyLog.sizeLimit
    else { return }
    annotations.keyLog.append(contentsOf: body[8..<(8 + size)])
    if annotations.keyLog.last != UInt8(ascii: "\n") {
      annotations.keyLog.append(UInt8(ascii: "\n"))
    }
  }

  // MARK: - Fields

  /// Calls `body` with each option from `start` on; ends at the first one that overruns the block.
  private func options(
    _ block: UnsafeRawBufferPointer, _ start: Int,
    _ body: (UInt16, UnsafeRawBufferPointer) -> Void
  ) {
    var offset = start
    while offset + 4 <= block.count {
      let code = u16(block, offset)
      let size = Int(u16(block, offset + 2))
      guard code != 0, offset + 4 + size <= block.count else { return }
      body(code, UnsafeRawBufferPointer(rebasing: block[(offset + 4)..<(offset + 4 + size)]))
      offset += 4 + (size + 3) & ~3
    }
  }

  private func text(_ bytes: UnsafeRawBufferPointer) -> String {
    String(decoding: bytes, as: UTF8.self)
  }

  private func u16(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt16 {
    let value = bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)
    return isLittleEndian ? UInt16(littleEndian: value) : UInt16(bigEndian: value)
  }

  private func u32(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
    let value = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
    return isLittleEndian ? UInt32(littleEndian: value) : UInt32(bigEndian: value)
  }

  private func u64(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
    let value = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    return isLittleEndian ? UInt64(littleEndian: value) : UInt64(bigEndian: value)
  }

  private func broken(_ detail: String) -> CaptureError {
    CaptureError(.cannotRead, file: source.name, packetNumber: packetCount + 1, detail: detail)
  }

  private func brokenPacket(_ detail: String) -> CaptureError {
    CaptureError(.cannotRead, file: source.name, packetNumber: packetCount, detail: detail)
  }
}

/// What one tick of an interface's clock is: a power of ten or of two of a second (`if_tsresol`).
struct TimestampResolution {
  private var ticksPerSecond: UInt64 = 1_000_000

  init() {}

  init(_ option: UInt8) {
    let exponent = Int(option & 0x7F)
    if option & 0x80 != 0 {
      ticksPerSecond = 1 << UInt64(min(exponent, 63))
    } else {
      ticksPerSecond = (0..<min(exponent, 19)).reduce(1) { value, _ in value * 10 }
    }
  }

  func nanoseconds(_ ticks: UInt64) -> Int64 {
    let (seconds, rest) = ticks.quotientAndRemainder(dividingBy: ticksPerSecond)
    let product = rest.multipliedFullWidth(by: 1_000_000_000)
    let fraction = ticksPerSecond.dividingFullWidth(product).quotient
    return Int64(truncatingIfNeeded: seconds &* 1_000_000_000 &+ fraction)
  }
}

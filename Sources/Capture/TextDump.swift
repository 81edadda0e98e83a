// Packets as text: the RTP_DUMP lines of a Chromium log, and the hex dumps that text2pcap reads.
//
//   O 11:04:23.123 000000 80 6f 00 01 ... # RTP_DUMP         libwebrtc pc/srtp_session.cc, one line
//
//   [I|O] [date] [hh:mm:ss.frac] 000000 45 00 00 1f ...       text2pcap(1), 16 bytes on each line
//                                000010 c0 00 02 01 ...

import Basics
import Wire

final class TextDump: RecordSource {
  private static let marker = Array("RTP_DUMP".utf8)
  private static let lineLimit = 1 << 18
  private static let packetLimit = 65_535
  /// Between packets that have no time, as text2pcap counts.
  private static let step = Duration.microseconds(1)

  private let source: ByteSource
  private let isLog: Bool
  private let buffer: UnsafeMutableRawBufferPointer
  private var packet: [UInt8] = []
  private var preamble = Preamble()
  /// The first line of the packet after this one.
  private var following: (preamble: Preamble, bytes: [UInt8])?
  private var lineNumber = 0
  private var clock = DayClock()
  private(set) var packetCount = 0
  let annotations = CaptureAnnotations()

  init(_ source: ByteSource, _ format: CaptureFormat) {
    self.source = source
    isLog = format == .chromiumLog
    buffer = .allocate(byteCount: TextDump.lineLimit, alignment: 16)
  }

  deinit { buffer.deallocate() }

  /// Which kind of text `head`, the beginning of a file, is; nil for others. A log may have many
  /// other lines before its first packet.
  static func detect(_ head: Slice<UnsafeRawBufferPointer>) -> CaptureFormat? {
    let isText = head.allSatisfy { $0 >= 0x20 || $0 == 9 || $0 == 10 || $0 == 13 }
    guard isText, !head.isEmpty else { return nil }
    let lines = head.split(separator: UInt8(ascii: "\n")).prefix(200)
    for line in lines {
      let line = Array(line)
      if contains(line, marker) { return .chromiumLog }
      if let (_, offset, bytes) = hexLine(line), offset == 0, !bytes.isEmpty { return .hexDump }
    }
    // Chromium begins each line with [process:thread:date/time:level:file].
    return lines.contains { $0.first == UInt8(ascii: "[") } ? .chromiumLog : nil
  }

  func next() throws(CaptureError) -> CaptureRecord? {
    packet.removeAll(keepingCapacity: true)
    if let (preamble, bytes) = following {
      self.preamble = preamble
      packet = bytes
      following = nil
    }
    while let line = source.line(limit: TextDump.lineLimit) {
      lineNumber += 1
      if isLog, !TextDump.contains(line, TextDump.marker) { continue }
      guard let (preamble, offset, bytes) = TextDump.hexLine(line) else { continue }
      if offset == 0 {
        if packet.isEmpty {
          (self.preamble, packet) = (preamble, bytes)
          if isLog { return record() }
          continue
        }
        following = (preamble, bytes)
        return record()
      }
      // Bytes of the line before that were its text column.
      if offset < packet.count { packet.removeSubrange(offset...) }
      guard offset == packet.count, packet.count + bytes.count <= TextDump.packetLimit else {
        throw CaptureError(
          .cannotRead, file: source.name, packetNumber: packetCount + 1,
          detail: "line \(lineNumber) has offset \(offset), expected \(packet.count)")
      }
      packet += bytes
    }
    if let failure = source.failure {
      throw CaptureError(
        .cannotRead, file: source.name, packetNumber: packetCount + 1, detail: failure)
    }
    return packet.isEmpty ? nil : record()
  }

  private func record() -> CaptureRecord {
    packetCount += 1
    let time =
      preamble.time.map { clock.place($0, hasDate: preamble.hasDate) }
      ?? Instant.zero + TextDump.step * (packetCount - 1)
    buffer.copyBytes(from: packet)
    let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<packet.count])
    return CaptureRecord(
      number: packetCount, time: time, interface: 0, content: content(bytes.bytes),
      originalSize: bytes.count, bytes: bytes)
  }

  /// A payload, unless the bytes are an IP packet or an Ethernet frame that holds one.
  private func content(_ bytes: RawSpan) -> RecordContent {
    if !isLog {
      let offset = try? LinkLayer.ethernet.ipOffset(in: bytes)
      if let offset, (try? IPPacket(bytes, offset)) != nil {
        return .frame(.ethernet)
      }
      if bytes.byteCount >= 20, (try? IPPacket(bytes, 0)) != nil { return .frame(.raw) }
    }
    let (here, there) = (CapturedDatagram.localAddress, CapturedDatagram.remoteAddress)
    return preamble.isOutbound
      ? .payload(source: here, destination: there) : .payload(source: there, destination: here)
  }

  // MARK: - Lines

  /// What stands before a packet's first offset.
  struct Preamble {
    var isOutbound = false
    /// Since midnight, or since 1970 where there is a date.
    var time: Duration?
    var hasDate = false
  }

  /// The preamble, the offset and the bytes of a line; nil for a line of another kind.
  private static func hexLine(_ line: [UInt8]) -> (Preamble, Int, [UInt8])? {
    var preamble = Preamble()
    var offset: Int?
    var bytes: [UInt8] = []
    for word in line.split(whereSeparator: { $0 == 0x20 || $0 == 9 }) {
      if offset == nil {
        if word.elementsEqual("O".utf8) || word.elementsEqual("I".utf8) {
          preamble.isOutbound = word.first == UInt8(ascii: "O")
        } else if let date = date(word) {
          preamble.time = (preamble.time ?? .zero) + date
          preamble.hasDate = true
        } else if let time = timeOfDay(word) {
          preamble.time = (preamble.time ?? .zero) + time
        } else if (3...8).contains(word.count), let value = number(word) {
          offset = value
        } else {
          return nil
        }
      } else if word.count == 2, let value = number(word) {
        bytes.append(UInt8(value))
      } else {
        break
      }
    }
    return offset.map { (preamble, $0, bytes) }
  }

  private static func number(_ word: ArraySlice<UInt8>) -> Int? {
    var value = 0
    for byte in word {
      switch byte {
      case 0x30...0x39: value = value << 4 | Int(byte - 0x30)
      case 0x41...0x46: value = value << 4 | Int(byte - 0x37)
      case 0x61...0x66: value = value << 4 | Int(byte - 0x57)
      default: return nil
      }
    }
    return value
  }

  /// `hh:mm:ss` with an optional fraction.
  private static func timeOfDay(_ word: ArraySlice<UInt8>) -> Duration? {
    let fields = word.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard fields.count == 3, let hours = decimal(fields[0]), let minutes = decimal(fields[1])
    else { return nil }
    let parts = fields[2].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let seconds = decimal(parts[0]), hours < 24, minutes < 60,
      seconds < 61
    else { return nil }
    var fraction = 0
    if parts.count == 2 {
      let digits = parts[1].prefix(9)
      guard let value = digits.isEmpty ? 0 : decimal(digits) else { return nil }
      fraction = (digits.count..<9).reduce(value) { value, _ in value * 10 }
    }
    return .seconds(hours * 3_600 + minutes * 60 + seconds) + .nanoseconds(fraction)
  }

  /// `yyyy-mm-dd`, from 1970.
  private static func date(_ word: ArraySlice<UInt8>) -> Duration? {
    let fields = word.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    guard fields.count == 3, fields[0].count == 4, let year = decimal(fields[0]),
      let month = decimal(fields[1]), let day = decimal(fields[2]), year >= 1970,
      (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    // Days of the civil calendar, years beginning in March.
    let shifted = month > 2 ? year : year - 1
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
    return .seconds(days * 86_400)
  }

  private static func decimal(_ digits: ArraySlice<UInt8>) -> Int? {
    guard (1...9).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) })
    else { return nil }
    return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }

  private static func contains(_ line: [UInt8], _ word: [UInt8]) -> Bool {
    guard line.count >= word.count else { return false }
    for start in (0...(line.count - word.count)).reversed()
    where line[start] == word[0] && line[start..<(start + word.count)].elementsEqual(word) {
      return true
    }
    return false
  }
}

/// Times of day in a row that may pass midnight.
struct DayClock {
  private static let day = Duration.seconds(86_400)
  private var days = 0
  private var last: Duration?

  mutating func place(_ time: Duration, hasDate: Bool) -> Instant {
    if !hasDate, let last, last - time > DayClock.day / 2 { days += 1 }
    last = time
    return Instant.zero + time + DayClock.day * days
  }
}

// What is left of a captured RTP stream without its payloads: sizes, times, losses and order, as text.
//
//   assay-media 1
//   video VP8 90000 640x360
//   0 0 0 1100 SK0            microseconds, number, timestamp, payload bytes, what it is
//   310 1 0 874 M0
//   40021 2 3600 512 SM0

public enum CapturedMediaError: Error, Equatable, Sendable {
  /// The first line is not `assay-media 1`.
  case notMedia
  /// A line does not have the fields of its kind, or they are out of range.
  case badLine(Int)
  case noPackets
  case tooManyPackets
}

public struct CapturedMedia: Sendable, Equatable {
  public enum Kind: String, Sendable { case audio, video }

  public struct Flags: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let marker = Flags(rawValue: 1)
    /// The first packet of a frame.
    public static let start = Flags(rawValue: 2)
    /// Of a keyframe.
    public static let keyframe = Flags(rawValue: 4)
    /// No later frame needs this one.
    public static let discardable = Flags(rawValue: 8)
    /// RFC 7741's Y: needs nothing but the base layer.
    public static let layerSync = Flags(rawValue: 16)
    /// RFC 6464's V.
    public static let voice = Flags(rawValue: 32)

    static let letters: [(letter: UInt8, flag: Flags)] = [
      (0x53, .start), (0x4B, .keyframe), (0x4D, .marker), (0x44, .discardable),
      (0x59, .layerSync), (0x56, .voice),
    ]
  }

  public struct Packet: Sendable, Equatable {
    /// Microseconds from the first media packet of the capture.
    public var offset: Int64
    /// Sequence number less that of the first packet; what is missing never arrived.
    public var number: Int32
    /// RTP timestamp less that of the first packet.
    public var timestamp: Int64
    /// Bytes of payload, 1...`CapturedMedia.largestPayload`.
    public var size: UInt16
    public var flags: Flags
    /// 0...7.
    public var temporalLayer: UInt8
    /// -dBov as in RFC 6464, 0...127; nil where the packet does not say.
    public var level: UInt8?

    public init(
      offset: Int64, number: Int32, timestamp: Int64, size: UInt16, flags: Flags,
      temporalLayer: UInt8 = 0, level: UInt8? = nil
    ) {
      self.offset = offset
      self.number = number
      self.timestamp = timestamp
      self.size = size
      self.flags = flags
      self.temporalLayer = temporalLayer
      self.level = level
    }
  }

  public static let largestPayload = 1_400
  public static let packetLimit = 4_000_000
  private static let magic = "assay-media 1"
  private static let longest: Int64 = 7 * 86_400 * 1_000_000

  public var kind: Kind
  /// As it was captured: `VP8`, `opus`; letters, digits and dashes.
  public var codec: String
  /// Hz of the timestamps, 1...10,000,000.
  public var clockRate: Int64
  /// Pixels; zero of audio.
  public var width = 0
  public var height = 0
  /// In the order of arrival.
  public var packets: [Packet]

  public init(kind: Kind, codec: String, clockRate: Int64, packets: [Packet]) {
    self.kind = kind
    self.codec = codec
    self.clockRate = clockRate
    self.packets = packets
  }

  /// From the first media packet of the capture to the last of this stream.
  public var end: Duration {
    Duration(nanoseconds: (packets.last?.offset ?? 0) * 1_000)
  }

  /// Of payloads, from the first packet to the last; zero for one moment.
  public var meanBitrate: Bitrate {
    guard let first = packets.first, let last = packets.last, last.offset > first.offset
    else { return .zero }
    let bytes = packets.reduce(Int64(0)) { $0 + Int64($1.size) }
    return DataSize(bytes: bytes) / Duration(nanoseconds: (last.offset - first.offset) * 1_000)
  }

  // MARK: - Text

  public var text: String {
    var out: [UInt8] = []
    out.reserveCapacity(32 * packets.count)
    out += "\(CapturedMedia.magic)\n\(kind.rawValue) \(codec) \(clockRate)".utf8
    if kind == .video { out += " \(width)x\(height)".utf8 }
    out.append(0x0A)
    for packet in packets {
      out += "\(packet.offset) \(packet.number) \(packet.timestamp) \(packet.size) ".utf8
      for (letter, flag) in Flags.letters where packet.flags.contains(flag) { out.append(letter) }
      out +=
        (kind == .video ? "\(packet.temporalLayer)" : packet.level.map { "L\($0)" } ?? "-").utf8
      out.append(0x0A)
    }
    return String(decoding: out, as: UTF8.self)
  }

  /// Reads what `text` wrote.
  public init(parsing bytes: [UInt8]) throws(CapturedMediaError) {
    var lines = CapturedMediaLines(bytes)
    guard let first = lines.next(), String(decoding: first, as: UTF8.self) == CapturedMedia.magic
    else { throw .notMedia }
    guard let second = lines.next() else { throw .badLine(2) }
    let head = String(decoding: second, as: UTF8.self).split(separator: " ")
    guard head.count >= 3, let kind = Kind(rawValue: String(head[0])),
      head[1].utf8.count <= 32,
      head[1].utf8.allSatisfy({
        (0x30...0x39).contains($0) || (0x41...0x5A).contains($0 & 0xDF) || $0 == 0x2D
      }), let clockRate = Int64(head[2]), (1...10_000_000).contains(clockRate),
      head.count == (kind == .video ? 4 : 3)
    else { throw .badLine(2) }
    self.init(kind: kind, codec: String(head[1]), clockRate: clockRate, packets: [])
    if kind == .video {
      let size = head[3].split(separator: "x").compactMap { Int($0) }
      guard size.count == 2, size.allSatisfy({ (1...16_383).contains($0) }) else {
        throw .badLine(2)
      }
      (width, height) = (size[0], size[1])
    }
    var last: Int64 = 0
    while let line = lines.next() {
      guard !line.isEmpty else { continue }
      guard packets.count < CapturedMedia.packetLimit else { throw .tooManyPackets }
      guard let packet = CapturedMedia.packet(line, kind), packet.offset >= last else {
        throw .badLine(lines.number)
      }
      last = packet.offset
      packets.append(packet)
    }
    guard !packets.isEmpty else { throw .noPackets }
  }

  private static func packet(_ line: ArraySlice<UInt8>, _ kind: Kind) -> Packet? {
    let fields = line.split(separator: 0x20)
    guard fields.count == 5, let offset = integer(fields[0]), let number = integer(fields[1]),
      let timestamp = integer(fields[2]), let size = integer(fields[3]),
      (0...longest).contains(offset), number.magnitude < 1 << 30, timestamp.magnitude < 1 << 50,
      (1...Int64(largestPayload)).contains(size)
    else { return nil }
    var packet = Packet(
      offset: offset, number: Int32(number), timestamp: timestamp, size: UInt16(size), flags: [])
    var rest = fields[4]
    while let byte = rest.first, let known = Flags.letters.first(where: { $0.letter == byte }) {
      packet.flags.insert(known.flag)
      rest = rest.dropFirst()
    }
    switch kind {
    case .video:
      guard let layer = integer(rest), (0...7).contains(layer) else { return nil }
      packet.temporalLayer = UInt8(layer)
    case .audio where rest.elementsEqual([0x2D]): break
    case .audio:
      guard rest.first == 0x4C, let level = integer(rest.dropFirst()), (0...127).contains(level)
      else { return nil }
      packet.level = UInt8(level)
    }
    return packet
  }

  private static func integer(_ text: ArraySlice<UInt8>) -> Int64? {
    guard let first = text.first, text.count <= 17 else { return nil }
    var value: Int64 = 0
    let digits = first == 0x2D ? text.dropFirst() : text
    guard !digits.isEmpty else { return nil }
    for byte in digits {
      guard (0x30...0x39).contains(byte) else { return nil }
      value = value * 10 + Int64(byte - 0x30)
    }
    return first == 0x2D ? -value : value
  }
}

/// Lines without their ends, counted from 1.
private struct CapturedMediaLines {
  private let bytes: [UInt8]
  private var position = 0
  private(set) var number = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func next() -> ArraySlice<UInt8>? {
    guard position < bytes.count else { return nil }
    number += 1
    let end = bytes[position...].firstIndex(of: 0x0A) ?? bytes.count
    defer { position = end + 1 }
    let line = bytes[position..<end]
    return line.last == 0x0D ? line.dropLast() : line
  }
}

// RTP header extensions: which there are, under which ids, and what a packet says (RFC 8285).
// Budget: 15 ns to read a packet's extensions.
//
//   one-byte form, profile 0xBEDE           two-byte form, profile 0x100x
//    0 1 2 3 4 5 6 7 8                       0                   1
//   +-+-+-+-+-+-+-+-+- - - -                 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6
//   |  ID   |  len  | len+1 bytes           +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+- - - -
//   +-+-+-+-+-+-+-+-+- - - -                |      ID       |     length    | length bytes
//                                           +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+- - - -

import Basics

/// The extensions this stack understands.
public enum RTPExtensionKind: Int, CaseIterable, Sendable {
  case mid, rid, repairedRid
  case transportSequenceNumber, absSendTime, absCaptureTime
  case audioLevel

  /// The URI that `a=extmap` names it by.
  public var uri: String {
    switch self {
    case .mid: "urn:ietf:params:rtp-hdrext:sdes:mid"
    case .rid: "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
    case .repairedRid: "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
    case .transportSequenceNumber:
      "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
    case .absSendTime: "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
    case .absCaptureTime: "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
    case .audioLevel: "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
    }
  }

  public init?(uri: some StringProtocol) {
    for kind in RTPExtensionKind.allCases where kind.uri == uri {
      self = kind
      return
    }
    return nil
  }
}

/// The ids that a media section's `a=extmap` lines gave to extensions (RFC 8285 §5).
public struct RTPExtensionMap: Equatable, Sendable {
  /// The id of each kind by raw value; zero where it has none.
  private var ids = SIMD8<UInt8>()

  public init() {}

  /// The id of `kind`, 1...255; setting zero is setting nil.
  public subscript(kind: RTPExtensionKind) -> UInt8? {
    get {
      let id = ids[kind.rawValue]
      return id == 0 ? nil : id
    }
    set { ids[kind.rawValue] = newValue ?? 0 }
  }

  /// The kind that `id` stands for; of several the first.
  public func kind(of id: UInt8) -> RTPExtensionKind? {
    guard id != 0 else { return nil }
    for raw in 0...RTPExtensionKind.audioLevel.rawValue where ids[raw] == id {
      return RTPExtensionKind(rawValue: raw)
    }
    return nil
  }
}

/// The level of the audio in a packet (RFC 6464 §3).
public struct AudioLevel: Equatable, Sendable {
  /// In -dBov: 0 is the loudest, 127 silence.
  public var level: UInt8
  /// Whether the sender's detector heard a voice.
  public var voice: Bool

  public init(level: UInt8, voice: Bool) {
    self.level = level & 0x7F
    self.voice = voice
  }
}

/// The values in one packet's header extension, or to be written into one.
public struct RTPExtensions: Equatable, Sendable {
  public var mid: ShortName?
  public var rid: ShortName?
  public var repairedRid: ShortName?
  public var transportSequenceNumber: UInt16?
  /// 24 bit, 6.18 fixed-point seconds.
  public var absSendTime: UInt32?
  /// NTP, 32.32 fixed-point seconds.
  public var absCaptureTime: UInt64?
  /// Estimated offset of the capturer's clock, 32.32 fixed-point seconds; goes with
  /// `absCaptureTime`.
  public var captureClockOffset: Int64?
  public var audioLevel: AudioLevel?

  public init() {}

  /// Reads what `packet` says under the ids of `map`. Elements that are unknown or malformed are
  /// ignored, and so is everything behind an element that overruns the block (RFC 8285 §4.2, §4.3).
  public init(_ packet: RawSpan, _ header: RTPHeader, _ map: RTPExtensionMap) {
    guard let profile = header.extensionProfile else { return }
    var reader = ByteReader(packet, header.extensionRange)
    if profile == RTPExtensionForm.oneByteProfile {
      try? readOneByteElements(&reader, map)
    } else if profile & 0xFFF0 == RTPExtensionForm.twoByteProfile {
      try? readTwoByteElements(&reader, map)
    }
  }

  private mutating func readOneByteElements(
    _ reader: inout ByteReader, _ map: RTPExtensionMap
  ) throws(WireError) {
    while !reader.isAtEnd {
      let first = try reader.u8()
      if first == 0 { continue }
      let id = first >> 4
      if id == 0 || id == 15 { return }
      let range = try reader.take(Int(first & 0x0F) + 1)
      if let kind = map.kind(of: id) { read(kind, ByteReader(reader.span, range)) }
    }
  }

  private mutating func readTwoByteElements(
    _ reader: inout ByteReader, _ map: RTPExtensionMap
  ) throws(WireError) {
    while !reader.isAtEnd {
      let id = try reader.u8()
      if id == 0 { continue }
      let range = try reader.take(Int(try reader.u8()))
      if let kind = map.kind(of: id) { read(kind, ByteReader(reader.span, range)) }
    }
  }

  private mutating func read(_ kind: RTPExtensionKind, _ element: consuming ByteReader) {
    let range = element.offset..<element.end
    switch (kind, range.count) {
    case (.mid, _): mid = ShortName(element.span, range) ?? mid
    case (.rid, _): rid = ShortName(element.span, range) ?? rid
    case (.repairedRid, _): repairedRid = ShortName(element.span, range) ?? repairedRid
    case (.transportSequenceNumber, 2): transportSequenceNumber = try? element.u16()
    case (.absSendTime, 3): absSendTime = try? element.u24()
    case (.absCaptureTime, 8): absCaptureTime = try? element.u64()
    case (.absCaptureTime, 16):
      absCaptureTime = try? element.u64()
      captureClockOffset = (try? element.u64()).map { Int64(bitPattern: $0) }
    case (.audioLevel, 1):
      guard let byte = try? element.u8() else { return }
      audioLevel = AudioLevel(level: byte & 0x7F, voice: byte & 0x80 != 0)
    default: break
    }
  }
}

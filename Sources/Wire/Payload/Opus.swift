// The table-of-contents byte of an Opus packet (RFC 6716 §3.1, RFC 7587).
//
//    0 1 2 3 4 5 6 7
//   +-+-+-+-+-+-+-+-+
//   | config  |s| c |
//   +-+-+-+-+-+-+-+-+

import Basics

public struct OpusPacket: Equatable, Sendable {
  /// RTP clock rate of Opus, whatever it encodes (RFC 7587 §4.1).
  public static let clockRate = 48_000
  /// 120 ms at 48 kHz, the most a packet may last (RFC 6716 §3.2.5).
  public static let maximumSamples = 5_760

  /// Mode, bandwidth and frame size: 0...31 (RFC 6716 table 2).
  public var config: UInt8
  public var isStereo: Bool
  /// Frames in the packet, 1...48.
  public var frameCount: Int
  /// Bytes of the payload, the TOC included.
  public let size: Int

  /// Reads the packet that `payload`, a range of `bytes`, holds.
  /// - Throws: `truncated`, `badValue` for no frames or more than 120 ms of them.
  public init(_ bytes: RawSpan, _ payload: Range<Int>) throws(WireError) {
    var reader = ByteReader(bytes, payload)
    let toc = try reader.u8()
    config = toc >> 3
    isStereo = toc & 0x04 != 0
    size = payload.count
    switch toc & 0x03 {
    case 0: frameCount = 1
    case 1, 2: frameCount = 2
    default: frameCount = Int(try reader.u8() & 0x3F)
    }
    guard frameCount > 0, samples <= OpusPacket.maximumSamples else { throw .badValue }
  }

  /// The TOC byte of a packet with one frame.
  public static func toc(config: UInt8, isStereo: Bool) -> UInt8 {
    config << 3 | (isStereo ? 0x04 : 0)
  }

  /// What stands before the frame of a packet with one frame and `padding` bytes behind it (RFC 6716
  /// §3.2.5): 0...254.
  public static func header(of toc: UInt8, padding: UInt8) -> [UInt8] {
    [toc | 0x03, 0x41, min(padding, 254)]
  }

  /// Whether a packet is one of several frames or of padding that says that it has some.
  public static func hasPadding(_ packet: [UInt8]) -> Bool {
    packet.count > 1 && packet[0] & 0x03 == 3 && packet[1] & 0x40 != 0
  }

  /// Bytes of a packet, at most, that says nothing but that there is silence.
  public static let silenceSize = 2

  /// 20 ms of digital silence, fullband and stereo: what a server sends in place of a muted track, so
  /// that decoders fade out (LiveKit sends about 50 of them).
  public static let silence: [UInt8] = [0xF8, 0xFF, 0xFE]

  /// Whether `payload`, a range of `bytes`, is digital silence.
  public static func isSilence(_ bytes: RawSpan, _ payload: Range<Int>) -> Bool {
    payload.count == silence.count
      && silence.indices.allSatisfy { bytes.byte(at: payload.lowerBound + $0) == silence[$0] }
  }

  /// Samples of one frame at 48 kHz: 2.5 to 60 ms.
  public var samplesPerFrame: Int {
    switch config {
    case 0..<12: config & 3 == 0 ? 480 : 960 * Int(config & 3)
    case 12..<16: config & 1 == 0 ? 480 : 960
    default: 120 << Int(config & 3)
    }
  }

  /// What the packet lasts in RTP timestamp units.
  public var samples: Int { samplesPerFrame * frameCount }

  /// Nothing but silence to be made up: no frame has more than one byte (RFC 6716 §2.1.9, §3.2.1).
  public var isDTX: Bool { size <= OpusPacket.silenceSize }
}

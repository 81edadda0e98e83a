// The truth that a frame carries for the meters at the other end, inside its payload.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |                       magic  "AsSy"                           |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |                         frame number                          |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |             capture time, nanoseconds (64 bits)               |
//   |                                                               |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |     kind      |     layer     | temporal layer|   reference   |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |                        keyframe number                        |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |                       frame size, bytes                       |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |               checksum over the 28 bytes above                |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

import Basics
import Wire

/// What a frame says about itself. An SFU cannot rewrite it, so it judges what descriptors claim.
public struct FrameStamp: Sendable, Equatable {
  public enum Kind: UInt8, Sendable {
    case delta = 0
    case key = 1
    case audio = 2
  }

  public static let size = 32
  static let magic: UInt32 = 0x4173_5379

  public var kind: Kind
  /// Counts the frames of one layer, or the audio frames of one microphone.
  public var frameNumber: UInt32
  public var captureTime: Instant
  public var layer: UInt8
  public var temporalLayer: UInt8
  /// How many frames back the frame lies that this one needs; 0 for none.
  public var referenceDistance: UInt8
  /// The keyframe that this frame builds on, or is.
  public var keyframeNumber: UInt32
  /// Bytes of the whole frame.
  public var frameSize: UInt32

  public init(_ frame: EncodedFrame) {
    kind = frame.isKeyframe ? .key : .delta
    frameNumber = frame.frameNumber
    captureTime = frame.captureTime
    layer = UInt8(truncatingIfNeeded: frame.layer)
    temporalLayer = frame.temporalLayer
    referenceDistance = frame.referenceDistance
    keyframeNumber = frame.keyframeNumber
    frameSize = UInt32(clamping: frame.size)
  }

  /// The stamp of an audio frame.
  public init(audioFrame number: UInt32, captureTime: Instant, size: Int) {
    kind = .audio
    frameNumber = number
    self.captureTime = captureTime
    layer = 0
    temporalLayer = 0
    referenceDistance = 0
    keyframeNumber = 0
    frameSize = UInt32(clamping: size)
  }

  /// The stamp at `offset`; nil where none stands or its checksum is wrong.
  public init?(_ bytes: RawSpan, at offset: Int) {
    guard offset >= 0, bytes.byteCount - offset >= FrameStamp.size else { return nil }
    func word(_ index: Int) -> UInt32 {
      UInt32(
        bigEndian: bytes.unsafeLoadUnaligned(
          fromByteOffset: offset + 4 * index, as: UInt32.self))
    }
    guard word(0) == FrameStamp.magic else { return nil }
    var checksum = FrameStamp.checksumSeed
    for index in 0..<7 { checksum = FrameStamp.mix(checksum, word(index)) }
    let properties = word(4)
    guard word(7) == checksum, let kind = Kind(rawValue: UInt8(properties >> 24)) else {
      return nil
    }
    self.kind = kind
    frameNumber = word(1)
    captureTime = Instant(
      nanoseconds: Int64(bitPattern: UInt64(word(2)) << 32 | UInt64(word(3))))
    layer = UInt8(truncatingIfNeeded: properties >> 16)
    temporalLayer = UInt8(truncatingIfNeeded: properties >> 8)
    referenceDistance = UInt8(truncatingIfNeeded: properties)
    keyframeNumber = word(5)
    frameSize = word(6)
  }

  /// Appends the 32 bytes to `packet`, which has room for them.
  public func append(to packet: inout Packet) { write { packet.append($0) } }

  /// The 32 bytes.
  public var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(FrameStamp.size)
    write { bytes.append($0) }
    return bytes
  }

  private func write(_ put: (UInt8) -> Void) {
    let time = UInt64(bitPattern: captureTime.nanoseconds)
    let properties =
      UInt32(kind.rawValue) << 24 | UInt32(layer) << 16 | UInt32(temporalLayer) << 8
      | UInt32(referenceDistance)
    var checksum = FrameStamp.checksumSeed
    func putWord(_ word: UInt32) {
      checksum = FrameStamp.mix(checksum, word)
      for shift: UInt32 in [24, 16, 8, 0] { put(UInt8(truncatingIfNeeded: word >> shift)) }
    }
    putWord(FrameStamp.magic)
    putWord(frameNumber)
    putWord(UInt32(truncatingIfNeeded: time >> 32))
    putWord(UInt32(truncatingIfNeeded: time))
    putWord(properties)
    putWord(keyframeNumber)
    putWord(frameSize)
    putWord(checksum)
  }

  private static let checksumSeed: UInt32 = 0x811C_9DC5

  private static func mix(_ hash: UInt32, _ word: UInt32) -> UInt32 {
    let product = (hash ^ word) &* 0x0100_0193
    return product ^ (product >> 15)
  }
}

/// The bytes of a frame behind its stamp: any of them can be told from the frame's number and the
/// offset in the frame, so a receiver can prove that nothing was mixed up.
public struct FramePattern: Sendable, Equatable {
  private let seed: UInt64

  public init(frameNumber: UInt32, layer: UInt8) {
    seed = (UInt64(layer) << 32 | UInt64(frameNumber)) &* 0x9E37_79B9_7F4A_7C15
  }

  private func word(_ index: Int) -> UInt64 {
    let product = (seed &+ UInt64(truncatingIfNeeded: index)) &* 0xD6E8_FEB8_6659_FD93
    return product ^ (product >> 32)
  }

  /// The byte at `offset` in the frame.
  public func byte(at offset: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: word(offset >> 3) >> UInt64(8 * (offset & 7)))
  }

  /// Appends the frame's bytes of `range` to `packet`, which has room for them.
  public func append(_ range: Range<Int>, to packet: inout Packet) {
    let start = packet.count
    packet.withTailroom { room in
      var offset = range.lowerBound
      var target = start
      while offset < range.upperBound {
        if offset & 7 == 0 && range.upperBound - offset >= 8 {
          room.storeBytes(of: word(offset >> 3).littleEndian, toByteOffset: target, as: UInt64.self)
          offset += 8
          target += 8
        } else {
          room[target] = byte(at: offset)
          offset += 1
          target += 1
        }
      }
      return target
    }
  }
}

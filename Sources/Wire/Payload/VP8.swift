// The VP8 payload descriptor and the head of a frame (RFC 7741 §4.2, §4.3; RFC 6386 §9.1).
//
//       0 1 2 3 4 5 6 7
//      +-+-+-+-+-+-+-+-+
//      |X|R|N|S|R| PID | (required)
//      +-+-+-+-+-+-+-+-+
//   X: |I|L|T|K| RSV   | (optional)
//      +-+-+-+-+-+-+-+-+
//   I: |M| PictureID   | (7 bits; 15 with the next byte where M is set)
//      +-+-+-+-+-+-+-+-+
//   L: |   TL0PICIDX   |
//      +-+-+-+-+-+-+-+-+
// T/K: |TID|Y| KEYIDX  |
//      +-+-+-+-+-+-+-+-+

import Basics

public struct VP8Descriptor: Equatable, Sendable {
  /// There is a second byte (X); implied by each of the optional fields.
  public var isExtended = false
  /// No other frame refers to this one (N).
  public var isNonReference = false
  /// The payload begins a partition (S).
  public var startsPartition = false
  /// 0...7; the first partition has 0.
  public var partitionID: UInt8 = 0
  /// 0...127, or 0...32767 where `hasLongPictureID`; wraps.
  public var pictureID: UInt16?
  public var hasLongPictureID = false
  /// Counts frames of temporal layer 0; wraps. Goes with `temporalID` (RFC 7741 §4.2).
  public var tl0PicIdx: UInt8?
  /// 0...3.
  public var temporalID: UInt8?
  /// The frame needs only layer 0 (Y): a receiver may switch up here.
  public var isLayerSync = false
  /// 0...31.
  public var keyIdx: UInt8?

  public init() {}

  /// Reads the descriptor at the front of `payload`, a range of `bytes`.
  /// - Throws: `truncated`.
  public init(_ bytes: RawSpan, _ payload: Range<Int>) throws(WireError) {
    var reader = ByteReader(bytes, payload)
    let first = try reader.u8()
    isNonReference = first & 0x20 != 0
    startsPartition = first & 0x10 != 0
    partitionID = first & 0x07
    isExtended = first & 0x80 != 0
    guard isExtended else { return }
    let flags = try reader.u8()
    if flags & 0x80 != 0 {
      let value = try reader.u8()
      hasLongPictureID = value & 0x80 != 0
      pictureID =
        hasLongPictureID ? UInt16(value & 0x7F) << 8 | UInt16(try reader.u8()) : UInt16(value)
    }
    if flags & 0x40 != 0 { tl0PicIdx = try reader.u8() }
    if flags & 0x30 != 0 {
      let value = try reader.u8()
      if flags & 0x20 != 0 {
        temporalID = value >> 6
        isLayerSync = value & 0x20 != 0
      }
      if flags & 0x10 != 0 { keyIdx = value & 0x1F }
    }
  }

  private var hasSecondByte: Bool {
    isExtended || pictureID != nil || tl0PicIdx != nil || temporalID != nil || keyIdx != nil
  }

  private var pictureIDSize: Int { pictureID == nil ? 0 : hasLongPictureID ? 2 : 1 }

  /// Bytes of the descriptor.
  public var size: Int {
    guard hasSecondByte else { return 1 }
    return 2 + pictureIDSize + (tl0PicIdx == nil ? 0 : 1)
      + (temporalID == nil && keyIdx == nil ? 0 : 1)
  }

  /// Where the picture id lies, counted from the payload's first byte.
  public var pictureIDOffset: Int? { pictureID == nil ? nil : 2 }

  /// Where TL0PICIDX lies, counted from the payload's first byte.
  public var tl0PicIdxOffset: Int? { tl0PicIdx == nil ? nil : 2 + pictureIDSize }

  /// The descriptor's bytes.
  public var bytes: [UInt8] {
    var writer = ByteWriter(capacity: 6)
    writer.u8(
      (hasSecondByte ? 0x80 : 0) | (isNonReference ? 0x20 : 0) | (startsPartition ? 0x10 : 0)
        | (partitionID & 7))
    guard hasSecondByte else { return writer.bytes }
    writer.u8(
      (pictureID == nil ? 0 : 0x80) | (tl0PicIdx == nil ? 0 : 0x40)
        | (temporalID == nil ? 0 : 0x20) | (keyIdx == nil ? 0 : 0x10))
    if let pictureID {
      if hasLongPictureID {
        writer.u16(0x8000 | pictureID)
      } else {
        writer.u8(UInt8(truncatingIfNeeded: pictureID & 0x7F))
      }
    }
    if let tl0PicIdx { writer.u8(tl0PicIdx) }
    if temporalID != nil || keyIdx != nil {
      writer.u8(
        (temporalID ?? 0) << 6 | (isLayerSync ? 0x20 : 0) | (keyIdx ?? 0) & 0x1F)
    }
    return writer.bytes
  }
}

/// Where a payload descriptor numbers its picture: offsets from the payload's first byte.
public struct PictureNumbering: Sendable {
  public let pictureID: Int?
  /// The picture id has 15 bits, else 7.
  public let isLong: Bool
  public let tl0PicIdx: Int?
}

extension VP8Descriptor {
  public var numbering: PictureNumbering {
    PictureNumbering(
      pictureID: pictureIDOffset, isLong: hasLongPictureID, tl0PicIdx: tl0PicIdxOffset)
  }
}

extension Packet {
  /// Writes a picture id and TL0PICIDX over those of the VP8 payload at `offset`; `descriptor` is
  /// that payload's own. What it does not carry is not written, and a short picture id stays short.
  public mutating func rewriteVP8(
    _ descriptor: VP8Descriptor, at offset: Int, pictureID: UInt16, tl0PicIdx: UInt8
  ) {
    renumber(descriptor.numbering, at: offset, pictureID: pictureID, tl0PicIdx: tl0PicIdx)
  }

  /// The same for the payload of any codec that numbers its pictures.
  public mutating func renumber(
    _ places: PictureNumbering, at offset: Int, pictureID: UInt16, tl0PicIdx: UInt8
  ) {
    if let place = places.pictureID {
      if places.isLong {
        store(0x8000 | pictureID, at: offset + place)
      } else {
        store(UInt8(truncatingIfNeeded: pictureID & 0x7F), at: offset + place)
      }
    }
    if let place = places.tl0PicIdx { store(tl0PicIdx, at: offset + place) }
  }
}

/// The header of a frame's first partition.
///
///    0 1 2 3 4 5 6 7
///   +-+-+-+-+-+-+-+-+
///   |Size0|H| VER |P|   then Size1, Size2; in a key frame 9D 01 2A, width and height
///   +-+-+-+-+-+-+-+-+
public struct VP8FrameHeader: Equatable, Sendable {
  public var isKeyframe: Bool
  /// The frame is displayed (H).
  public var isShown: Bool
  /// In bytes, 19 bit.
  public var firstPartitionSize: Int
  /// Of a key frame whose header is whole.
  public var resolution: VideoResolution?

  /// Reads the header behind `descriptor` in `payload`; nil where no frame begins there.
  public init?(_ bytes: RawSpan, _ payload: Range<Int>, _ descriptor: VP8Descriptor) {
    guard descriptor.startsPartition, descriptor.partitionID == 0,
      descriptor.size <= payload.count
    else { return nil }
    var reader = ByteReader(
      bytes, payload.lowerBound + descriptor.size..<payload.upperBound)
    guard let size0 = try? reader.u8(), let size1 = try? reader.u8(), let size2 = try? reader.u8()
    else { return nil }
    isKeyframe = size0 & 0x01 == 0
    isShown = size0 & 0x10 != 0
    firstPartitionSize = Int(size0 >> 5) + 8 * Int(size1) + 2_048 * Int(size2)
    resolution = isKeyframe ? VP8FrameHeader.readResolution(&reader) : nil
  }

  private static func readResolution(_ reader: inout ByteReader) -> VideoResolution? {
    guard (try? reader.u24()) == 0x9D_01_2A, let width = try? reader.u16(),
      let height = try? reader.u16()
    else { return nil }
    // Little-endian, with a scale in the two highest bits.
    return VideoResolution(
      width: Int(width.byteSwapped & 0x3FFF), height: Int(height.byteSwapped & 0x3FFF))
  }
}

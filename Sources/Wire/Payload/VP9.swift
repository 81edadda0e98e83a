// The VP9 payload descriptor in flexible and non-flexible mode (RFC 9628 §4.2).
//
//          flexible (F=1)                    non-flexible (F=0)
//       0 1 2 3 4 5 6 7                   0 1 2 3 4 5 6 7
//      +-+-+-+-+-+-+-+-+                 +-+-+-+-+-+-+-+-+
//      |I|P|L|F|B|E|V|Z|                 |I|P|L|F|B|E|V|Z|
//      +-+-+-+-+-+-+-+-+                 +-+-+-+-+-+-+-+-+
//   I: |M| PICTURE ID  |              I: |M| PICTURE ID  |  (15 bits with the next byte if M)
//      +-+-+-+-+-+-+-+-+                 +-+-+-+-+-+-+-+-+
//   L: | TID |U| SID |D|              L: | TID |U| SID |D|
//      +-+-+-+-+-+-+-+-+                 +-+-+-+-+-+-+-+-+
// P,F: | P_DIFF      |N| (up to 3)       |   TL0PICIDX   |
//      +-+-+-+-+-+-+-+-+                 +-+-+-+-+-+-+-+-+
//   V: | SS ..         |              V: | SS ..         |
//      +-+-+-+-+-+-+-+-+                 +-+-+-+-+-+-+-+-+

import Basics

public struct VP9Descriptor: Equatable, Sendable {
  static let maximumReferences = 3

  /// The layer indices (L).
  public struct Layer: Equatable, Sendable {
    /// 0...7.
    public var temporalID: UInt8
    /// Frames from here on refer to no higher layer before this one (U).
    public var isSwitchingUpPoint: Bool
    /// 0...7.
    public var spatialID: UInt8
    /// The frame depends on the spatial layer below (D).
    public var dependsOnLowerSpatialLayer: Bool

    public init(
      temporalID: UInt8, isSwitchingUpPoint: Bool, spatialID: UInt8,
      dependsOnLowerSpatialLayer: Bool
    ) {
      self.temporalID = temporalID
      self.isSwitchingUpPoint = isSwitchingUpPoint
      self.spatialID = spatialID
      self.dependsOnLowerSpatialLayer = dependsOnLowerSpatialLayer
    }
  }

  /// 0...127, or 0...32767 where `hasLongPictureID`; wraps.
  public var pictureID: UInt16?
  public var hasLongPictureID = false
  /// The frame refers to earlier pictures (P).
  public var isInterPicturePredicted = false
  public var layer: Layer?
  public var isFlexible = false
  /// The frame's first packet (B).
  public var startsFrame = false
  /// The frame's last packet (E).
  public var endsFrame = false
  /// No frame of a higher spatial layer refers to this one (Z).
  public var isNotReferenceForUpperSpatialLayers = false
  /// How many pictures back the references lie, 1...127, one to three; flexible mode only.
  public var referenceDifferences: [UInt8] = []
  /// Of non-flexible mode, where it goes with `layer`; written as zero where it is missing.
  public var tl0PicIdx: UInt8?
  public var scalability: VP9Scalability?

  public init() {}

  /// Reads the descriptor at the front of `payload`, a range of `bytes`.
  /// - Throws: `truncated`, `badValue` for a fourth reference.
  public init(_ bytes: RawSpan, _ payload: Range<Int>) throws(WireError) {
    var reader = ByteReader(bytes, payload)
    let first = try reader.u8()
    isInterPicturePredicted = first & 0x40 != 0
    isFlexible = first & 0x10 != 0
    startsFrame = first & 0x08 != 0
    endsFrame = first & 0x04 != 0
    isNotReferenceForUpperSpatialLayers = first & 0x01 != 0
    if first & 0x80 != 0 {
      let value = try reader.u8()
      hasLongPictureID = value & 0x80 != 0
      pictureID =
        hasLongPictureID ? UInt16(value & 0x7F) << 8 | UInt16(try reader.u8()) : UInt16(value)
    }
    if first & 0x20 != 0 {
      let value = try reader.u8()
      layer = Layer(
        temporalID: value >> 5, isSwitchingUpPoint: value & 0x10 != 0,
        spatialID: value >> 1 & 0x07, dependsOnLowerSpatialLayer: value & 0x01 != 0)
      if !isFlexible { tl0PicIdx = try reader.u8() }
    }
    if isFlexible, isInterPicturePredicted {
      var more = true
      while more {
        guard referenceDifferences.count < VP9Descriptor.maximumReferences else {
          throw .badValue
        }
        let value = try reader.u8()
        referenceDifferences.append(value >> 1)
        more = value & 0x01 != 0
      }
    }
    if first & 0x02 != 0 { scalability = try VP9Scalability(&reader) }
  }

  /// The descriptor's bytes.
  public var bytes: [UInt8] {
    var writer = ByteWriter(capacity: 16)
    writer.u8(firstByte)
    if let pictureID {
      if hasLongPictureID {
        writer.u16(0x8000 | pictureID)
      } else {
        writer.u8(UInt8(truncatingIfNeeded: pictureID & 0x7F))
      }
    }
    if let layer {
      writer.u8(
        layer.temporalID << 5 | (layer.isSwitchingUpPoint ? 0x10 : 0)
          | (layer.spatialID & 0x07) << 1 | (layer.dependsOnLowerSpatialLayer ? 0x01 : 0))
      if !isFlexible { writer.u8(tl0PicIdx ?? 0) }
    }
    if isFlexible, isInterPicturePredicted {
      precondition((1...VP9Descriptor.maximumReferences).contains(referenceDifferences.count))
      for (index, difference) in referenceDifferences.enumerated() {
        writer.u8(difference << 1 | (index + 1 < referenceDifferences.count ? 0x01 : 0))
      }
    }
    scalability?.write(to: &writer)
    return writer.bytes
  }

  private var firstByte: UInt8 {
    var byte: UInt8 = pictureID == nil ? 0 : 0x80
    if isInterPicturePredicted { byte |= 0x40 }
    if layer != nil { byte |= 0x20 }
    if isFlexible { byte |= 0x10 }
    if startsFrame { byte |= 0x08 }
    if endsFrame { byte |= 0x04 }
    if scalability != nil { byte |= 0x02 }
    if isNotReferenceForUpperSpatialLayers { byte |= 0x01 }
    return byte
  }

  /// Bytes of the descriptor.
  public var size: Int {
    var size = 1
    if pictureID != nil { size += hasLongPictureID ? 2 : 1 }
    if layer != nil { size += isFlexible ? 1 : 2 }
    if isFlexible, isInterPicturePredicted { size += referenceDifferences.count }
    return size + (scalability?.size ?? 0)
  }

  /// A key picture begins here: the first packet of its lowest spatial layer.
  public var startsKeyframe: Bool {
    !isInterPicturePredicted && startsFrame && (layer?.spatialID ?? 0) == 0
  }

  /// Where the picture id lies, counted from the payload's first byte.
  public var pictureIDOffset: Int? { pictureID == nil ? nil : 1 }

  public var numbering: PictureNumbering {
    PictureNumbering(
      pictureID: pictureIDOffset, isLong: hasLongPictureID, tl0PicIdx: tl0PicIdxOffset)
  }

  /// Where TL0PICIDX lies, counted from the payload's first byte.
  public var tl0PicIdxOffset: Int? {
    guard tl0PicIdx != nil else { return nil }
    return 2 + (pictureID == nil ? 0 : hasLongPictureID ? 2 : 1)
  }
}

/// The scalability structure (RFC 9628 §4.2.1).
///
///        +-+-+-+-+-+-+-+-+
///   V:   | N_S |Y|G|-|-|-|
///        +-+-+-+-+-+-+-+-+              -\
///   Y:   |     WIDTH     | (16 bits)      . N_S + 1 times
///        |     HEIGHT    | (16 bits)      .
///        +-+-+-+-+-+-+-+-+              -/
///   G:   |      N_G      |
///        +-+-+-+-+-+-+-+-+              -\
///   N_G: | TID |U| R |-|-|                . N_G times
///        |    P_DIFF     | (R times)      .
///        +-+-+-+-+-+-+-+-+              -/
public struct VP9Scalability: Equatable, Sendable {
  public struct Picture: Equatable, Sendable {
    /// 0...7.
    public var temporalID: UInt8
    public var isSwitchingUpPoint: Bool
    /// At most three.
    public var referenceDifferences: [UInt8]

    public init(temporalID: UInt8, isSwitchingUpPoint: Bool, referenceDifferences: [UInt8]) {
      self.temporalID = temporalID
      self.isSwitchingUpPoint = isSwitchingUpPoint
      self.referenceDifferences = referenceDifferences
    }
  }

  /// 1...8.
  public var spatialLayerCount: Int
  /// In pixels, one for each spatial layer, or none.
  public var resolutions: [VideoResolution]
  /// The pictures of a group; nil where none is described.
  public var pictureGroup: [Picture]?

  public init(
    spatialLayerCount: Int, resolutions: [VideoResolution], pictureGroup: [Picture]?
  ) {
    precondition((1...8).contains(spatialLayerCount))
    precondition(resolutions.isEmpty || resolutions.count == spatialLayerCount)
    self.spatialLayerCount = spatialLayerCount
    self.resolutions = resolutions
    self.pictureGroup = pictureGroup
  }

  @_lifetime(reader: copy reader)
  init(_ reader: inout ByteReader) throws(WireError) {
    let first = try reader.u8()
    spatialLayerCount = Int(first >> 5) + 1
    resolutions = []
    if first & 0x10 != 0 {
      for _ in 0..<spatialLayerCount {
        let (width, height) = (Int(try reader.u16()), Int(try reader.u16()))
        resolutions.append(VideoResolution(width: width, height: height))
      }
    }
    guard first & 0x08 != 0 else { return }
    var group: [Picture] = []
    for _ in 0..<(try reader.u8()) {
      let value = try reader.u8()
      group.append(
        Picture(
          temporalID: value >> 5, isSwitchingUpPoint: value & 0x10 != 0,
          referenceDifferences: try reader.bytes(Int(value >> 2 & 0x03))))
    }
    pictureGroup = group
  }

  func write(to writer: inout ByteWriter) {
    writer.u8(
      UInt8(spatialLayerCount - 1) << 5 | (resolutions.isEmpty ? 0 : 0x10)
        | (pictureGroup == nil ? 0 : 0x08))
    for resolution in resolutions {
      writer.u16(UInt16(truncatingIfNeeded: resolution.width))
      writer.u16(UInt16(truncatingIfNeeded: resolution.height))
    }
    guard let pictureGroup else { return }
    precondition(pictureGroup.count <= 255)
    writer.u8(UInt8(pictureGroup.count))
    for picture in pictureGroup {
      let references = picture.referenceDifferences.prefix(3)
      writer.u8(
        picture.temporalID << 5 | (picture.isSwitchingUpPoint ? 0x10 : 0)
          | UInt8(references.count) << 2)
      writer.append(references)
    }
  }

  var size: Int {
    var size = 1 + 4 * resolutions.count
    if let pictureGroup {
      size += 1 + pictureGroup.reduce(0) { $0 + 1 + min(3, $1.referenceDifferences.count) }
    }
    return size
  }
}

/// The size in a VP9 keyframe's uncompressed header (VP9 bitstream specification §6.2), profile 0:
///
///     0 1 2 3 4 5 6 7   frame marker 10, profile 00, show existing, frame type (0 key), show, resilient
///    +-+-+-+-+-+-+-+-+
///    |1 0|0 0|x|0|s|e|  then 49 83 42, colour space (3), range (1), width - 1 (16), height - 1 (16)
///    +-+-+-+-+-+-+-+-+
public struct VP9KeyframeHeader: Equatable, Sendable {
  /// Pixels.
  public var resolution: VideoResolution

  /// Reads the payload behind the descriptor; nil for anything but the start of a keyframe.
  public init?(_ bytes: RawSpan, _ payload: Range<Int>, _ descriptor: VP9Descriptor) {
    let start = payload.lowerBound + descriptor.bytes.count
    guard descriptor.startsKeyframe, start + 9 <= payload.upperBound else { return nil }
    func byte(_ index: Int) -> UInt32 {
      UInt32(bytes.unsafeLoadUnaligned(fromByteOffset: start + index, as: UInt8.self))
    }
    guard byte(0) & 0xF4 == 0x80, byte(1) == 0x49, byte(2) == 0x83, byte(3) == 0x42 else {
      return nil
    }
    let isRGB = byte(4) >> 5 == 7
    guard !isRGB else { return nil }
    // Both sizes start in the middle of a byte.
    let width = (byte(4) & 0x0F) << 12 | byte(5) << 4 | byte(6) >> 4
    let height = (byte(6) & 0x0F) << 12 | byte(7) << 4 | byte(8) >> 4
    resolution = VideoResolution(width: Int(width) + 1, height: Int(height) + 1)
  }
}

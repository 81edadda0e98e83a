// Cuts frames into RTP payloads: VP8 (RFC 7741 §4, RFC 6386 §9.1) and VP9 (RFC 9628 §4).
//
//   +------------+-----------------+----------------+-----------------------+
//   | descriptor | frame header    | FrameStamp     | FramePattern ...      |  model: first packet
//   |            | key 10, delta 3 | 32             |                       |
//   +------------+-----------------+----------------+-----------------------+
//   | descriptor | FramePattern ...                                         |  model: the others
//   +------------+----------------------------------------------------------+
//   | descriptor | bytes of the codec ...                  | FrameStamp (32) |  coded: stamp at the end
//   +------------+----------------------------------------------------------+

import Basics
import Codecs
import Wire

/// Turns one frame after another of one layer into payloads of nearly equal size.
public struct VideoPacketizer: Sendable {
  /// Bytes of the RTP payload, descriptor included; at least `MediaLimits.minimumPayload`.
  public let maximumPayload: Int
  private let codec: VideoCodec
  private var pictureID: UInt16
  private var tl0PicIdx: UInt8

  private var frame: EncodedFrame?
  /// The bytes of a coded frame and its stamp; empty where the model's pattern stands for them.
  private var coded: [UInt8] = []
  private var pattern = FramePattern(frameNumber: 0, layer: 0)
  private var descriptor: [UInt8] = []
  private var offset = 0
  /// Packets of the current frame still to be written; the packet to be written next has the RTP
  /// marker bit when this is 1.
  public private(set) var packetsLeft = 0

  /// The first picture id and TL0PICIDX are drawn from `random`.
  public init(
    codec: VideoCodec = .vp8, maximumPayload: Int = 1_160, starts: StartValues = .random,
    random: RandomStream
  ) {
    precondition(maximumPayload >= MediaLimits.minimumPayload)
    self.codec = codec
    self.maximumPayload = maximumPayload
    var random = random
    pictureID = starts.first(
      UInt16(random.below(0x8000)), period: 1 << 15, margin: StartValues.pictures)
    tl0PicIdx = starts.first(
      UInt8(random.below(0x100)), period: 1 << 8, margin: StartValues.pictures)
  }

  static func headerSize(isKeyframe: Bool) -> Int { isKeyframe ? 10 : 3 }

  /// Smaller frames would have no room for header and stamp.
  static func minimumFrameSize(isKeyframe: Bool) -> Int {
    headerSize(isKeyframe: isKeyframe) + FrameStamp.size
  }

  /// Takes up `frame`; what is left of the one before is dropped.
  /// - Parameter coded: the bytes of a real encoder; nil for the model's pattern, of VP8 only.
  public mutating func begin(_ frame: EncodedFrame, coded: [UInt8]? = nil) {
    precondition(coded != nil || codec == .vp8)
    var frame = frame
    if let coded {
      frame.size = coded.count + FrameStamp.size
      self.coded = coded + FrameStamp(frame).bytes
    } else {
      frame.size = max(
        frame.size, VideoPacketizer.minimumFrameSize(isKeyframe: frame.isKeyframe))
      self.coded = []
      pattern = FramePattern(
        frameNumber: frame.frameNumber, layer: UInt8(truncatingIfNeeded: frame.layer))
    }
    pictureID = (pictureID &+ 1) & 0x7FFF
    if frame.temporalLayer == 0 { tl0PicIdx &+= 1 }
    descriptor = codec == .vp8 ? vp8Descriptor(frame) : vp9Descriptor(frame)
    let room = maximumPayload - descriptor.count
    packetsLeft = (frame.size + room - 1) / room
    offset = 0
    self.frame = frame
  }

  /// I, L and T are always present, the picture id has 15 bits.
  private func vp8Descriptor(_ frame: EncodedFrame) -> [UInt8] {
    var fields = VP8Descriptor()
    fields.isNonReference = frame.isDiscardable
    fields.pictureID = pictureID
    fields.hasLongPictureID = true
    fields.tl0PicIdx = tl0PicIdx
    fields.temporalID = frame.temporalLayer
    fields.isLayerSync = frame.isLayerSync
    return fields.bytes
  }

  /// One spatial and one temporal layer: the picture id alone.
  private func vp9Descriptor(_ frame: EncodedFrame) -> [UInt8] {
    var fields = VP9Descriptor()
    fields.pictureID = pictureID
    fields.hasLongPictureID = true
    fields.isInterPicturePredicted = !frame.isKeyframe
    return fields.bytes
  }

  /// Appends the next payload to `packet`, an RTP packet without one.
  /// - Returns: false, with nothing written, after the frame's last packet.
  public mutating func next(into packet: inout Packet) -> Bool {
    guard let frame, packetsLeft > 0 else { return false }
    // As libwebrtc splits: packets differ by one byte at most, the larger ones last.
    let end = offset + (frame.size - offset) / packetsLeft
    for (index, byte) in descriptor.enumerated() {
      packet.append(index == 0 ? byte | boundaryBits : byte)
    }
    if !coded.isEmpty {
      packet.append(coded.span.extracting(offset..<end).bytes)
    } else {
      if offset == 0 {
        VideoPacketizer.appendHeader(of: frame, to: &packet)
        FrameStamp(frame).append(to: &packet)
        offset = VideoPacketizer.minimumFrameSize(isKeyframe: frame.isKeyframe)
      }
      pattern.append(offset..<end, to: &packet)
    }
    offset = end
    packetsLeft -= 1
    return true
  }

  /// The bits of the descriptor's first byte that tell a frame's first and last packet: S of VP8,
  /// B and E of VP9.
  private var boundaryBits: UInt8 {
    switch codec {
    case .vp8: offset == 0 ? 0x10 : 0
    case .vp9: (offset == 0 ? 0x08 : 0) | (packetsLeft == 1 ? 0x04 : 0)
    }
  }

  /// The frame tag: not-key bit, version 0, shown, size of the first partition, little-endian; in a
  /// keyframe the start code, width and height follow.
  static func appendHeader(of frame: EncodedFrame, to packet: inout Packet) {
    let coded = frame.size - VideoPacketizer.headerSize(isKeyframe: frame.isKeyframe)
    let firstPartition = UInt32(min(max(coded / 4, 1), 0x7_FFFF))
    let tag = (frame.isKeyframe ? 0 : 1) | 0x10 | firstPartition << 5
    packet.append(UInt8(truncatingIfNeeded: tag))
    packet.append(UInt8(truncatingIfNeeded: tag >> 8))
    packet.append(UInt8(truncatingIfNeeded: tag >> 16))
    guard frame.isKeyframe else { return }
    packet.append(0x9D)
    packet.append(0x01)
    packet.append(0x2A)
    for dimension in [frame.width, frame.height] {
      packet.append(UInt8(truncatingIfNeeded: dimension))
      packet.append(UInt8(truncatingIfNeeded: dimension >> 8) & 0x3F)
    }
  }
}

// Cuts synthetic frames into VP8 RTP payloads (RFC 7741 §4) with frame headers (RFC 6386 §9.1).
//
//   +----------------+-----------------+----------------+-----------------------+
//   | descriptor (6) | frame header    | FrameStamp     | FramePattern ...      |  first packet
//   |                | key 10, delta 3 | 32             |                       |
//   +----------------+-----------------+----------------+-----------------------+
//   | descriptor (6) | FramePattern ...                                         |  every other one
//   +----------------+----------------------------------------------------------+

import Basics
import Wire

/// Turns one frame after another of one layer into payloads of nearly equal size.
public struct VP8Packetizer: Sendable {
  /// I, L and T are always present, the picture id has 15 bits.
  public static let descriptorSize = 6

  /// Bytes of the RTP payload, descriptor included; at least `MediaLimits.minimumPayload`.
  public let maximumPayload: Int
  private var pictureID: UInt16
  private var tl0PicIdx: UInt8

  private var frame: EncodedFrame?
  private var pattern = FramePattern(frameNumber: 0, layer: 0)
  private var descriptor: [UInt8] = []
  private var offset = 0
  /// Packets of the current frame still to be written; the packet to be written next has the RTP
  /// marker bit when this is 1.
  public private(set) var packetsLeft = 0

  /// The first picture id and TL0PICIDX are drawn from `random`.
  public init(maximumPayload: Int = 1_160, random: RandomStream) {
    precondition(maximumPayload >= MediaLimits.minimumPayload)
    self.maximumPayload = maximumPayload
    var random = random
    pictureID = UInt16(random.below(0x8000))
    tl0PicIdx = UInt8(random.below(0x100))
  }

  static func headerSize(isKeyframe: Bool) -> Int { isKeyframe ? 10 : 3 }

  /// Smaller frames would have no room for header and stamp.
  static func minimumFrameSize(isKeyframe: Bool) -> Int {
    headerSize(isKeyframe: isKeyframe) + FrameStamp.size
  }

  /// Takes up `frame`; what is left of the one before is dropped.
  public mutating func begin(_ frame: EncodedFrame) {
    var frame = frame
    frame.size = max(frame.size, VP8Packetizer.minimumFrameSize(isKeyframe: frame.isKeyframe))
    pictureID = (pictureID &+ 1) & 0x7FFF
    if frame.temporalLayer == 0 { tl0PicIdx &+= 1 }
    var fields = VP8Descriptor()
    fields.startsPartition = true
    fields.isNonReference = frame.isDiscardable
    fields.pictureID = pictureID
    fields.hasLongPictureID = true
    fields.tl0PicIdx = tl0PicIdx
    fields.temporalID = frame.temporalLayer
    fields.isLayerSync = frame.isLayerSync
    descriptor = fields.bytes
    pattern = FramePattern(
      frameNumber: frame.frameNumber, layer: UInt8(truncatingIfNeeded: frame.layer))
    let room = maximumPayload - VP8Packetizer.descriptorSize
    packetsLeft = (frame.size + room - 1) / room
    offset = 0
    self.frame = frame
  }

  /// Appends the next payload to `packet`, an RTP packet without one.
  /// - Returns: false, with nothing written, after the frame's last packet.
  public mutating func next(into packet: inout Packet) -> Bool {
    guard let frame, packetsLeft > 0 else { return false }
    // As libwebrtc splits: packets differ by one byte at most, the larger ones last.
    let end = offset + (frame.size - offset) / packetsLeft
    for (index, byte) in descriptor.enumerated() {
      // Only the first packet starts the partition (S).
      packet.append(index == 0 && offset > 0 ? byte & ~0x10 : byte)
    }
    if offset == 0 {
      appendHeader(of: frame, to: &packet)
      FrameStamp(frame).append(to: &packet)
      offset = VP8Packetizer.minimumFrameSize(isKeyframe: frame.isKeyframe)
    }
    pattern.append(offset..<end, to: &packet)
    offset = end
    packetsLeft -= 1
    return true
  }

  /// The frame tag: not-key bit, version 0, shown, size of the first partition, little-endian; in a
  /// keyframe the start code, width and height follow.
  private func appendHeader(of frame: EncodedFrame, to packet: inout Packet) {
    let coded = frame.size - VP8Packetizer.headerSize(isKeyframe: frame.isKeyframe)
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

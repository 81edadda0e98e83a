// What a receiver reads from one RTP packet of VP8 (RFC 7741) or VP9 (RFC 9628), and from the stamp in
// its payload.

import Basics
import Codecs
import Wire

/// One media packet after RTX was unwrapped.
public struct VideoPacket: Sendable, Equatable {
  /// Extended to 64 bits by the receiver of the stream.
  public var sequenceNumber: Int64
  public var timestamp: UInt32
  public var marker: Bool
  /// It came as RTX.
  public var isRetransmission: Bool
  /// First packet of a frame (S set, PID 0).
  public var isFrameStart: Bool
  public var pictureID: UInt16?
  /// It has 15 bits, else 7.
  public var hasLongPictureID: Bool
  public var tl0PicIdx: UInt8?
  public var temporalLayer: UInt8
  public var isLayerSync: Bool
  /// Of a frame start only.
  public var isKeyframe: Bool
  /// Pixels; of a keyframe's start only, else 0.
  public var width: Int
  public var height: Int
  /// Of a model's frame start, or of a coded frame's end, from a source of this module.
  public var stamp: FrameStamp?
  public var payloadSize: Int
  /// Bytes of the descriptor before the codec's own.
  public var descriptorSize: Int

  /// Reads the payload of `packet`; nil for padding alone and for what is no payload of `codec`.
  public init?(
    _ packet: RawSpan, _ header: RTPHeader, codec: VideoCodec = .vp8, sequenceNumber: Int64,
    isRetransmission: Bool
  ) {
    self.sequenceNumber = sequenceNumber
    timestamp = header.timestamp
    marker = header.marker
    self.isRetransmission = isRetransmission
    payloadSize = header.payloadRange.count
    hasLongPictureID = false
    temporalLayer = 0
    isLayerSync = false
    isFrameStart = false
    isKeyframe = false
    width = 0
    height = 0
    descriptorSize = 0
    guard payloadSize > 0 else { return nil }
    switch codec {
    case .vp8: guard readVP8(packet, header.payloadRange) else { return nil }
    case .vp9: guard readVP9(packet, header.payloadRange) else { return nil }
    }
    if marker, stamp == nil {
      stamp = FrameStamp(packet, at: header.payloadRange.upperBound - FrameStamp.size)
    }
  }

  private mutating func readVP8(_ packet: RawSpan, _ payload: Range<Int>) -> Bool {
    guard let descriptor = try? VP8Descriptor(packet, payload) else { return false }
    pictureID = descriptor.pictureID
    hasLongPictureID = descriptor.hasLongPictureID
    tl0PicIdx = descriptor.tl0PicIdx
    temporalLayer = descriptor.temporalID ?? 0
    isLayerSync = descriptor.isLayerSync
    isFrameStart = descriptor.startsPartition && descriptor.partitionID == 0
    descriptorSize = descriptor.size
    guard isFrameStart, let frame = VP8FrameHeader(packet, payload, descriptor) else {
      return true
    }
    isKeyframe = frame.isKeyframe
    width = frame.resolution?.width ?? 0
    height = frame.resolution?.height ?? 0
    let offset =
      payload.lowerBound + descriptor.size
      + VideoPacketizer.headerSize(isKeyframe: frame.isKeyframe)
    if offset + FrameStamp.size <= payload.upperBound { stamp = FrameStamp(packet, at: offset) }
    return true
  }

  private mutating func readVP9(_ packet: RawSpan, _ payload: Range<Int>) -> Bool {
    guard let descriptor = try? VP9Descriptor(packet, payload) else { return false }
    pictureID = descriptor.pictureID
    hasLongPictureID = descriptor.hasLongPictureID
    tl0PicIdx = descriptor.tl0PicIdx
    temporalLayer = descriptor.layer?.temporalID ?? 0
    isLayerSync = descriptor.layer?.isSwitchingUpPoint ?? false
    isFrameStart = descriptor.startsFrame
    isKeyframe = descriptor.startsKeyframe
    descriptorSize = descriptor.bytes.count
    if let frame = VP9KeyframeHeader(packet, payload, descriptor) {
      width = frame.resolution.width
      height = frame.resolution.height
    }
    return true
  }
}

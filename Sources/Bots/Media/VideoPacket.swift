// What a receiver reads from one VP8 RTP packet (RFC 7741) and from the stamp in its payload.

import Basics
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
  public var tl0PicIdx: UInt8?
  public var temporalLayer: UInt8
  public var isLayerSync: Bool
  /// Of a frame start only.
  public var isKeyframe: Bool
  /// Pixels; of a keyframe's start only, else 0.
  public var width: Int
  public var height: Int
  /// Of a frame start from a source of this module.
  public var stamp: FrameStamp?
  public var payloadSize: Int

  /// Reads the payload of `packet`; nil for padding alone and for what is no VP8 payload.
  public init?(
    _ packet: RawSpan, _ header: RTPHeader, sequenceNumber: Int64, isRetransmission: Bool
  ) {
    let payload = header.payloadRange
    guard !payload.isEmpty, let descriptor = try? VP8Descriptor(packet, payload) else {
      return nil
    }
    self.sequenceNumber = sequenceNumber
    timestamp = header.timestamp
    marker = header.marker
    self.isRetransmission = isRetransmission
    pictureID = descriptor.pictureID
    tl0PicIdx = descriptor.tl0PicIdx
    temporalLayer = descriptor.temporalID ?? 0
    isLayerSync = descriptor.isLayerSync
    payloadSize = payload.count
    isFrameStart = descriptor.startsPartition && descriptor.partitionID == 0
    isKeyframe = false
    width = 0
    height = 0
    stamp = nil
    guard isFrameStart, let frame = VP8FrameHeader(packet, payload, descriptor) else { return }
    isKeyframe = frame.isKeyframe
    width = frame.resolution?.width ?? 0
    height = frame.resolution?.height ?? 0
    let offset =
      payload.lowerBound + descriptor.size
      + VP8Packetizer.headerSize(isKeyframe: frame.isKeyframe)
    if offset + FrameStamp.size <= payload.upperBound { stamp = FrameStamp(packet, at: offset) }
  }
}

// What readable payloads say: frame starts, keyframes, resolutions, and codecs where it is certain.

import Results
import Wire

enum PayloadReading {
  /// The media payload inside RED (RFC 2198), else the payload itself.
  static func media(
    _ packet: RawSpan, _ payload: Range<Int>, _ codec: Codec?
  ) -> (range: Range<Int>, payloadType: UInt8?) {
    guard let codec, codec.isRED, let block = try? RED.primary(packet, payload)
    else { return (payload, nil) }
    return (block.range, block.payloadType)
  }

  /// Nil where the codec is not one whose payload descriptor is known.
  static func frame(_ packet: RawSpan, _ payload: Range<Int>, _ codec: Codec?) -> FrameContent? {
    guard let codec, !payload.isEmpty else { return nil }
    switch codec.name.lowercased() {
    case "vp8": return vp8(packet, payload)
    case "vp9": return vp9(packet, payload)
    case "h264": return h264(packet, payload)
    default: return nil
    }
  }

  private static func vp8(_ packet: RawSpan, _ payload: Range<Int>) -> FrameContent? {
    guard let descriptor = try? VP8Descriptor(packet, payload) else { return nil }
    var content = FrameContent()
    content.startsFrame = descriptor.startsPartition && descriptor.partitionID == 0
    content.temporalLayer = descriptor.temporalID ?? 0
    content.isDiscardable = descriptor.isNonReference
    content.isLayerSync = descriptor.isLayerSync
    if content.startsFrame, let header = VP8FrameHeader(packet, payload, descriptor) {
      content.isKeyframe = header.isKeyframe
      content.resolution = header.resolution
    }
    return content
  }

  private static func vp9(_ packet: RawSpan, _ payload: Range<Int>) -> FrameContent? {
    guard let descriptor = try? VP9Descriptor(packet, payload) else { return nil }
    var content = FrameContent()
    content.startsFrame = descriptor.startsFrame && (descriptor.layer?.spatialID ?? 0) == 0
    content.isKeyframe = descriptor.startsKeyframe
    content.resolution = VP9KeyframeHeader(packet, payload, descriptor)?.resolution
    return content
  }

  private static func h264(_ packet: RawSpan, _ payload: Range<Int>) -> FrameContent? {
    guard let units = try? H264Payload(packet, payload) else { return nil }
    // Which slice is the first of its picture, NAL headers do not tell.
    return FrameContent(
      startsFrame: units.begins(7) || units.begins(9), isKeyframe: units.isKeyframe)
  }

  /// The codec that a payload proves: the start code of a VP8 keyframe (RFC 6386 §9.1), or the
  /// parameter sets of H.264 in an aggregate whose sizes fill it (RFC 6184 §5.7.1). Nothing else is
  /// certain.
  static func proof(_ packet: RawSpan, _ payload: Range<Int>) -> Codec? {
    if let descriptor = try? VP8Descriptor(packet, payload),
      let header = VP8FrameHeader(packet, payload, descriptor), header.isKeyframe,
      let resolution = header.resolution, resolution.width >= 16, resolution.height >= 16
    {
      return Codec(name: "VP8", clockRate: 90_000, kind: .video, origin: .content)
    }
    if let type = packet.byte(at: payload.lowerBound), type & 0x9F == 24,
      payload.count > 8, let units = try? H264Payload(packet, payload), units.begins(7),
      units.begins(8), let unit = packet.byte(at: payload.lowerBound + 3), unit & 0x1F == 7,
      let profile = packet.byte(at: payload.lowerBound + 4),
      [66, 77, 88, 100, 110, 122, 244].contains(profile)
    {
      return Codec(name: "H264", clockRate: 90_000, kind: .video, origin: .content)
    }
    return nil
  }
}

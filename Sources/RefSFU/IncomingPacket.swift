// What a publisher's packet says, read once for all who get it. Budget: 60 ns.

import Basics
import Wire

struct IncomingPacket {
  let header: RTPHeader
  let extensions: RTPExtensions
  /// Where the payload descriptor numbers its picture.
  let numbering: PictureNumbering?
  let startsFrame: Bool
  /// Of the frame that this packet starts.
  let isKeyframe: Bool
  let temporal: Int
  let isLayerSync: Bool
  /// Size in a keyframe's header.
  let resolution: VideoResolution?
  let input: StreamRewriter.Input

  /// Nil for what is no RTP packet.
  init?(_ packet: RawSpan, layer: Int, extensions map: RTPExtensionMap, codec: CodecProfile) {
    guard let header = try? RTPHeader(packet) else { return nil }
    self.header = header
    extensions = RTPExtensions(packet, header, map)
    let payload = header.payloadRange
    var numbering: PictureNumbering?
    var startsFrame = false
    var isKeyframe = false
    var temporal = 0
    var isLayerSync = false
    var resolution: VideoResolution?
    var numbers: VP8Numbers?
    switch codec.encoding {
    case _ where payload.isEmpty: break
    case "VP8":
      guard let descriptor = try? VP8Descriptor(packet, payload) else { break }
      numbering = descriptor.numbering
      startsFrame = descriptor.startsPartition && descriptor.partitionID == 0
      temporal = Int(descriptor.temporalID ?? 0)
      isLayerSync = descriptor.isLayerSync
      numbers = VP8Numbers(descriptor)
      if startsFrame, let frame = VP8FrameHeader(packet, payload, descriptor) {
        isKeyframe = frame.isKeyframe
        resolution = frame.resolution
      }
    case "VP9":
      guard let vp9 = try? VP9Descriptor(packet, payload) else { break }
      startsFrame = vp9.startsFrame
      isKeyframe = vp9.startsKeyframe
      temporal = Int(vp9.layer?.temporalID ?? 0)
      isLayerSync = vp9.layer?.isSwitchingUpPoint ?? false
      numbering = vp9.numbering
      numbers = VP8Numbers(
        pictureID: vp9.pictureID, isLong: vp9.hasLongPictureID, tl0PictureIndex: vp9.tl0PicIdx,
        keepsGaps: true)
      resolution =
        vp9.scalability?.resolutions.last ?? VP9KeyframeHeader(packet, payload, vp9)?.resolution
    case "H264":
      guard let units = try? H264Payload(packet, payload) else { break }
      isKeyframe = units.startsDecoding
      resolution = units.parameterSet.flatMap { VideoResolution(h264: packet, $0) }
      // The first packet of an access unit cannot be told; a keyframe's parameter sets can.
      startsFrame = isKeyframe
    default:
      startsFrame = true
      isKeyframe = true
    }
    self.numbering = numbering
    self.startsFrame = startsFrame
    self.isKeyframe = isKeyframe
    self.temporal = temporal
    self.isLayerSync = isLayerSync
    self.resolution = resolution
    input = StreamRewriter.Input(
      layer: layer, sequenceNumber: header.sequenceNumber, timestamp: header.timestamp,
      marker: header.marker, isWanted: true, isPadding: payload.isEmpty, vp8: numbers)
  }
}

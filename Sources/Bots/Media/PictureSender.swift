// The real encoders behind a camera whose frames are due when `VideoSource` says so: same clock, layers,
// temporal pattern, keyframes and target rates as the model, but libvpx makes the bytes.

import Basics
import Codecs

struct PictureSender {
  private let codec: VideoCodec
  private let clips: EncodedClips
  private var encoders: [Layer?]

  private struct Layer {
    var configuration: VideoEncoder.Configuration
    var encoder: SharedVideoEncoder
  }

  init(_ codec: VideoCodec, layers: Int, clips: EncodedClips) {
    self.codec = codec
    self.clips = clips
    encoders = Array(repeating: nil, count: layers)
  }

  /// The frame's bytes; nil where libvpx made nothing of it, so that the frame is not sent.
  mutating func encode(
    _ frame: EncodedFrame, framesPerSecond: Int, bitrate: Bitrate
  ) -> [UInt8]? {
    let wanted = VideoEncoder.Configuration(
      codec: codec, width: frame.width, height: frame.height, framesPerSecond: framesPerSecond)
    if encoders[frame.layer]?.configuration != wanted {
      // A new size starts with a keyframe, as the source sees to.
      encoders[frame.layer] = Layer(
        configuration: wanted, encoder: SharedVideoEncoder(wanted, clips: clips))
    }
    return try? encoders[frame.layer]?.encoder.encode(
      FrameRequest(
        picture: frame.frameNumber, isKeyframe: frame.isKeyframe, references: frame.references,
        kilobitsPerSecond: UInt32(clamping: max(1, bitrate.bitsPerSecond / 1_000))))
  }
}

extension EncodedFrame {
  /// Its place in the temporal pattern, as the encoder is told of it.
  fileprivate var references: FrameReferences {
    if temporalLayer == 0 { return .base }
    if !isDiscardable { return .middle }
    return isLayerSync ? .baseOnly : .middleOnly
  }
}

// VP8 and VP9 decoders of libvpx.

import CVPX

/// Decodes the frames of one stream, one after another.
public final class VideoDecoder {
  private var context = vpx_codec_ctx_t()

  public init(_ codec: VideoCodec) throws(CodecError) {
    let interface = codec == .vp8 ? vpx_codec_vp8_dx() : vpx_codec_vp9_dx()
    var settings = vpx_codec_dec_cfg_t()
    settings.threads = 1
    guard assay_vpx_dec_init(&context, interface, &settings) == VPX_CODEC_OK else {
      throw .configuration
    }
  }

  deinit { vpx_codec_destroy(&context) }

  /// The picture that `frame` shows. After an error the next keyframe makes the decoder whole again.
  public func decode(_ frame: ArraySlice<UInt8>) throws(CodecError) -> Picture {
    let result = frame.withUnsafeBufferPointer {
      vpx_codec_decode(&context, $0.baseAddress, UInt32($0.count), nil, 0)
    }
    guard result == VPX_CODEC_OK else { throw .decoding }
    var iterator: vpx_codec_iter_t?
    guard let image = vpx_codec_get_frame(&context, &iterator)?.pointee,
      image.fmt == VPX_IMG_FMT_I420,
      (1...16_383).contains(image.d_w), (1...16_383).contains(image.d_h)
    else { throw .decoding }
    var picture = Picture(width: Int(image.d_w), height: Int(image.d_h))
    let colors = (picture.colorWidth, picture.colorHeight)
    VideoDecoder.copy(
      image.planes.0, stride: image.stride.0, picture.width, picture.height, to: &picture.luma)
    VideoDecoder.copy(image.planes.1, stride: image.stride.1, colors.0, colors.1, to: &picture.cb)
    VideoDecoder.copy(image.planes.2, stride: image.stride.2, colors.0, colors.1, to: &picture.cr)
    return picture
  }

  private static func copy(
    _ plane: UnsafeMutablePointer<UInt8>?, stride: Int32, _ width: Int, _ height: Int,
    to target: inout [UInt8]
  ) {
    guard let plane else { return }
    target.withUnsafeMutableBufferPointer { target in
      for row in 0..<height {
        (target.baseAddress! + row * width).update(
          from: plane + row * Int(stride), count: width)
      }
    }
  }
}

// VP8 and VP9 encoders of libvpx, set as libwebrtc sets them for a call
// (modules/video_coding/codecs/vp8/libvpx_vp8_encoder.cc, vp9/libvpx_vp9_encoder.cc).

import Basics
import CVPX

public enum VideoCodec: UInt8, Sendable, CaseIterable {
  case vp8, vp9
}

public enum CodecError: Error {
  /// The library refused the configuration.
  case configuration
  /// It could not encode, or made nothing of a picture.
  case encoding
  /// The bytes are no frame that can be decoded now.
  case decoding
}

/// What a frame may be predicted from and what it leaves behind: three temporal layers in the pattern
/// 0-2-1-2, two in 0-1. LAST holds the base, GOLDEN the layer above it.
public enum FrameReferences: UInt8, Sendable {
  /// Builds on the last base frame, and is the next one.
  case base
  /// Builds on the last base frame; nothing builds on it.
  case baseOnly
  /// Builds on the last base frame; the next frame may build on it.
  case middle
  /// Builds on the last middle frame; nothing builds on it.
  case middleOnly

  var flags: Int {
    let keepAltRef = Int(ASSAY_VP8_NO_REF_ALTREF | ASSAY_VP8_NO_UPDATE_ALTREF)
    let noLast = Int(ASSAY_VP8_NO_REF_LAST)
    let noGolden = Int(ASSAY_VP8_NO_REF_GOLDEN)
    let keepLast = Int(ASSAY_VP8_NO_UPDATE_LAST)
    let keepGolden = Int(ASSAY_VP8_NO_UPDATE_GOLDEN)
    let keepEntropy = Int(ASSAY_VP8_NO_UPDATE_ENTROPY)
    switch self {
    case .base: return keepAltRef | noGolden | keepGolden
    case .baseOnly: return keepAltRef | noGolden | keepLast | keepGolden | keepEntropy
    case .middle: return keepAltRef | noGolden | keepLast | keepEntropy
    case .middleOnly: return keepAltRef | noLast | keepLast | keepGolden | keepEntropy
    }
  }
}

/// One frame to be encoded: the picture's number in its `TestPattern`, and how.
public struct FrameRequest: Sendable, Equatable {
  public var picture: UInt32
  public var isKeyframe: Bool
  public var references: FrameReferences
  /// The target in effect, kbps.
  public var kilobitsPerSecond: UInt32

  public init(
    picture: UInt32, isKeyframe: Bool, references: FrameReferences, kilobitsPerSecond: UInt32
  ) {
    self.picture = picture
    self.isKeyframe = isKeyframe
    self.references = references
    self.kilobitsPerSecond = kilobitsPerSecond
  }
}

/// One size of one camera. Constant rate, no look-ahead, no frame is dropped, one thread.
public final class VideoEncoder {
  public struct Configuration: Hashable, Sendable {
    public var codec: VideoCodec
    public var width: Int
    public var height: Int
    public var framesPerSecond: Int

    public init(codec: VideoCodec, width: Int, height: Int, framesPerSecond: Int) {
      self.codec = codec
      self.width = width
      self.height = height
      self.framesPerSecond = framesPerSecond
    }
  }

  private let configuration: Configuration
  private let pattern: TestPattern
  private var settings = vpx_codec_enc_cfg_t()
  private var context = vpx_codec_ctx_t()
  private var frames: Int64 = 0

  public init(_ configuration: Configuration, kilobitsPerSecond: UInt32) throws(CodecError) {
    self.configuration = configuration
    pattern = TestPattern(width: configuration.width, height: configuration.height)
    let interface =
      configuration.codec == .vp8 ? vpx_codec_vp8_cx() : vpx_codec_vp9_cx()
    guard vpx_codec_enc_config_default(interface, &settings, 0) == VPX_CODEC_OK else {
      throw .configuration
    }
    applySettings(kilobitsPerSecond)
    guard assay_vpx_enc_init(&context, interface, &settings) == VPX_CODEC_OK else {
      throw .configuration
    }
    control()
  }

  deinit { vpx_codec_destroy(&context) }

  private func applySettings(_ kilobitsPerSecond: UInt32) {
    settings.g_w = UInt32(configuration.width)
    settings.g_h = UInt32(configuration.height)
    settings.g_timebase = vpx_rational_t(num: 1, den: Int32(configuration.framesPerSecond))
    settings.g_threads = 1
    settings.g_lag_in_frames = 0
    settings.g_error_resilient = configuration.codec == .vp8 ? 1 : 0
    settings.rc_end_usage = VPX_CBR
    settings.rc_target_bitrate = kilobitsPerSecond
    settings.rc_dropframe_thresh = 0
    settings.rc_resize_allowed = 0
    settings.rc_min_quantizer = 2
    settings.rc_max_quantizer = 56
    settings.rc_undershoot_pct = configuration.codec == .vp8 ? 100 : 50
    settings.rc_overshoot_pct = configuration.codec == .vp8 ? 15 : 50
    settings.rc_buf_initial_sz = 500
    settings.rc_buf_optimal_sz = 600
    settings.rc_buf_sz = 1_000
    settings.kf_mode = VPX_KF_DISABLED
  }

  private func control() {
    // A negative speed is a fixed one; a positive one looks at the clock.
    _ = assay_vpx_control(
      &context, Int32(VP8E_SET_CPUUSED.rawValue), configuration.codec == .vp8 ? -10 : -8)
    _ = assay_vpx_control(&context, Int32(VP8E_SET_STATIC_THRESHOLD.rawValue), 1)
    // Half the optimal buffer at most for a keyframe, as libwebrtc reckons it; never under 3 frames.
    let percent = max(300, Int(settings.rc_buf_optimal_sz) / 2 * configuration.framesPerSecond / 10)
    _ = assay_vpx_control(
      &context, Int32(VP8E_SET_MAX_INTRA_BITRATE_PCT.rawValue), Int32(percent))
    if configuration.codec == .vp9 {
      _ = assay_vpx_control(&context, Int32(VP9E_SET_AQ_MODE.rawValue), 3)
    }
  }

  /// The frame's bytes.
  public func encode(_ request: FrameRequest) throws(CodecError) -> [UInt8] {
    try encode(pattern.picture(request.picture), as: request)
  }

  /// The same with a picture of one's own, of the configured size.
  public func encode(
    _ picture: Picture, as request: FrameRequest
  ) throws(CodecError) -> [UInt8] {
    precondition(picture.width == configuration.width && picture.height == configuration.height)
    if settings.rc_target_bitrate != request.kilobitsPerSecond {
      settings.rc_target_bitrate = request.kilobitsPerSecond
      guard vpx_codec_enc_config_set(&context, &settings) == VPX_CODEC_OK else {
        throw .configuration
      }
    }
    guard submit(picture, request) == VPX_CODEC_OK else { throw .encoding }
    frames += 1
    return try takeFrame()
  }

  private func submit(_ picture: Picture, _ request: FrameRequest) -> vpx_codec_err_t {
    var picture = picture
    var image = vpx_image_t()
    return picture.luma.withUnsafeMutableBufferPointer { luma in
      picture.cb.withUnsafeMutableBufferPointer { cb in
        picture.cr.withUnsafeMutableBufferPointer { cr in
          vpx_img_wrap(
            &image, VPX_IMG_FMT_I420, UInt32(configuration.width), UInt32(configuration.height), 1,
            luma.baseAddress)
          image.planes = (luma.baseAddress, cb.baseAddress, cr.baseAddress, nil)
          image.stride = (
            Int32(configuration.width), Int32((configuration.width + 1) / 2),
            Int32((configuration.width + 1) / 2), 0
          )
          // A keyframe fills every reference, so flags that keep one would be ignored.
          let flags =
            request.isKeyframe ? Int(ASSAY_FORCE_KEYFRAME) : request.references.flags
          return vpx_codec_encode(&context, &image, frames, 1, flags, UInt(VPX_DL_REALTIME))
        }
      }
    }
  }

  private func takeFrame() throws(CodecError) -> [UInt8] {
    var bytes: [UInt8] = []
    var iterator: vpx_codec_iter_t?
    while let packet = vpx_codec_get_cx_data(&context, &iterator) {
      var size = 0
      guard let start = assay_vpx_frame(packet, &size) else { continue }
      bytes.append(contentsOf: UnsafeRawBufferPointer(start: start, count: size))
    }
    guard !bytes.isEmpty else { throw .encoding }
    return bytes
  }
}

// How the traces of `FrameTrace` come about: one talking head through libvpx at several rates
// (RFC 8593 §6.1).

import Basics
import Codecs

extension FrameTrace {
  /// Encodes `frames` pictures as VP8, set as for a call; the first as a keyframe.
  /// - Parameter rates: ascending.
  public static func record(
    height: Int, rates: [Bitrate], frames: Int
  ) throws(CodecError) -> FrameTrace {
    let width = height * 16 / 9
    let configuration = VideoEncoder.Configuration(
      codec: .vp8, width: width, height: height, framesPerSecond: 30)
    let targets = rates.map { UInt32($0.bitsPerSecond / 1_000) }
    var encoders: [VideoEncoder] = []
    for target in targets {
      encoders.append(try VideoEncoder(configuration, kilobitsPerSecond: target))
    }
    let scene = TalkingHead(width: width, height: height)
    var sizes: [[Int]] = Array(repeating: [], count: rates.count)
    for number in 0..<UInt32(frames) {
      let picture = scene.picture(number)
      for (index, encoder) in encoders.enumerated() {
        let request = FrameRequest(
          picture: number, isKeyframe: number == 0, references: .base,
          kilobitsPerSecond: targets[index])
        sizes[index].append(try encoder.encode(picture, as: request).count)
      }
    }
    return FrameTrace(height: height, framesPerSecond: 30, rates: rates, sizes: sizes)
  }

  /// RFC 8593 §6.2.2: steps of 200 kbps below 1 Mbps, of 300 up to 2, then of 400; of 100 for the
  /// smallest. Only rates that libvpx keeps at that height: below them its coarsest quantizer makes
  /// more, far above them its finest makes less.
  public static func rates(height: Int) -> [Bitrate] {
    switch height {
    case ..<270: return [50, 150, 250, 350].map { .kbps($0) }
    case ..<540: return [150, 350, 550, 750, 950].map { .kbps($0) }
    default:
      return [350, 550, 750, 950, 1_250, 1_550, 1_850, 2_250].map { .kbps($0) }
    }
  }
}

// A real decoder behind the jitter buffer, and a look at what it shows: each picture carries its number,
// and is compared with the original that its sender encoded.

import Basics
import Codecs
import Wire

/// What became of the frames of one track, by the height at which they were shown.
public struct RungQuality: Sendable, Equatable {
  /// Pixel lines.
  public var height: Int
  /// Pictures compared.
  public var pictures = 0
  /// Sums over them: decibels, and 0...1.
  public var psnr = 0.0
  public var ssim = 0.0
}

struct PictureReceiver {
  enum Outcome {
    case shown(PictureQuality?)
    /// The decoder refused the frame, or shows another picture than its stamp names.
    case error
  }

  /// One of so many pictures is compared with its original.
  private static let comparisonInterval = 5
  /// Packets kept for frames that are not complete.
  private static let packetLimit = 4_096

  private let codec: VideoCodec
  private var decoder: VideoDecoder?
  /// The codec's bytes of each packet by its extended sequence number; looked up, never walked through.
  private var payloads: [Int64: [UInt8]] = [:]
  private var oldest: Int64?
  private var pattern: TestPattern?
  private var decoded = 0
  private(set) var rungs: [RungQuality] = []

  init(_ codec: VideoCodec) { self.codec = codec }

  mutating func received(_ packet: RawSpan, _ header: RTPHeader, _ video: VideoPacket) {
    let payload = header.payloadRange
    let bytes = packet.extracting(
      payload.lowerBound + video.descriptorSize..<payload.upperBound)
    payloads[video.sequenceNumber] = bytes.array
    let first = min(oldest ?? video.sequenceNumber, video.sequenceNumber)
    oldest = first
    if payloads.count > PictureReceiver.packetLimit { forget(before: first + 1_024) }
  }

  /// No packets come any more.
  mutating func release() {
    decoder = nil
    payloads = [:]
    pattern = nil
  }

  private mutating func forget(before number: Int64) {
    guard let first = oldest, first < number else { return }
    for old in first..<number { payloads[old] = nil }
    oldest = number
  }

  /// Decodes a frame that is about to be shown; nil for one that no encoder made.
  mutating func show(_ frame: RenderedFrame) -> Outcome? {
    var bytes: [UInt8] = []
    for number in frame.sequenceNumbers { bytes += payloads[number] ?? [] }
    forget(before: frame.sequenceNumbers.upperBound + 1)
    guard let stamp = frame.stamp, bytes.count > FrameStamp.size,
      FrameStamp(bytes.span.bytes, at: bytes.count - FrameStamp.size) == stamp
    else { return nil }
    if decoder == nil { decoder = try? VideoDecoder(codec) }
    guard let picture = try? decoder?.decode(bytes.dropLast(FrameStamp.size)),
      TestPattern.number(in: picture) == stamp.frameNumber
    else { return .error }
    decoded += 1
    guard decoded % PictureReceiver.comparisonInterval == 1 else { return .shown(nil) }
    return .shown(compare(picture, stamp.frameNumber))
  }

  private mutating func compare(_ picture: Picture, _ number: UInt32) -> PictureQuality? {
    if pattern?.width != picture.width || pattern?.height != picture.height {
      pattern = TestPattern(width: picture.width, height: picture.height)
    }
    guard let original = pattern?.picture(number),
      let quality = PictureQuality(of: picture, against: original)
    else { return nil }
    let index =
      rungs.firstIndex { $0.height == picture.height }
      ?? {
        rungs.append(RungQuality(height: picture.height))
        return rungs.count - 1
      }()
    rungs[index].pictures += 1
    rungs[index].psnr += quality.psnr
    rungs[index].ssim += quality.ssim
    return quality
  }
}

// libvpx at work: numbers survive it, layers can be left out, histories are shared.

import Codecs
import Testing

@Suite struct VideoCodecTests {
  static let size = VideoEncoder.Configuration(
    codec: .vp8, width: 320, height: 180, framesPerSecond: 30)

  static func requests(_ count: UInt32, kbps: UInt32 = 300) -> [FrameRequest] {
    let pattern: [FrameReferences] = [.base, .baseOnly, .middle, .middleOnly]
    return (0..<count).map {
      FrameRequest(
        picture: $0, isKeyframe: $0 == 0, references: pattern[Int($0) % 4],
        kilobitsPerSecond: kbps)
    }
  }

  @Test(arguments: [(80, 48), (320, 180), (427, 240), (1_280, 720)])
  func numberCanBeReadBack(_ size: (Int, Int)) {
    let pattern = TestPattern(width: size.0, height: size.1)
    for number: UInt32 in [0, 1, 77, 65_536, .max] {
      #expect(TestPattern.number(in: pattern.picture(number)) == number)
    }
    #expect(TestPattern.number(in: Picture(width: size.0, height: size.1)) == nil)
  }

  @Test(arguments: VideoCodec.allCases)
  func picturesComeBackInOrder(_ codec: VideoCodec) throws {
    var configuration = Self.size
    configuration.codec = codec
    let encoder = try VideoEncoder(configuration, kilobitsPerSecond: 300)
    let decoder = try VideoDecoder(codec)
    let pattern = TestPattern(width: 320, height: 180)
    var psnr = 0.0
    var bytes = 0
    for var request in Self.requests(90) {
      if codec == .vp9 { request.references = .base }
      let frame = try encoder.encode(request)
      bytes += frame.count
      let picture = try decoder.decode(frame[...])
      #expect(TestPattern.number(in: picture) == request.picture)
      psnr += PictureQuality(of: picture, against: pattern.picture(request.picture))!.psnr / 90
    }
    #expect(psnr > 28 && psnr < 50)
    #expect((60_000...160_000).contains(bytes), "3 s at 300 kbps are 112,500 bytes: \(bytes)")
  }

  @Test func upperTemporalLayersCanBeLeftOut() throws {
    let encoder = try VideoEncoder(Self.size, kilobitsPerSecond: 300)
    let frames = try Self.requests(60).map { ($0, try encoder.encode($0)) }
    let lower: [[FrameReferences]] = [[.base], [.base, .middle]]
    for kept in lower {
      let decoder = try VideoDecoder(.vp8)
      for (request, frame) in frames where kept.contains(request.references) {
        let picture = try decoder.decode(frame[...])
        let original = TestPattern(width: 320, height: 180).picture(request.picture)
        #expect(PictureQuality(of: picture, against: original)!.psnr > 24)
      }
    }
  }

  @Test func aMissingBaseFrameShows() throws {
    let encoder = try VideoEncoder(Self.size, kilobitsPerSecond: 300)
    let whole = try VideoDecoder(.vp8)
    let holed = try VideoDecoder(.vp8)
    var differs = false
    for request in Self.requests(40) {
      let frame = try encoder.encode(request)
      let picture = try whole.decode(frame[...])
      guard request.picture != 8 else { continue }
      let other = try? holed.decode(frame[...])
      if request.picture > 8 { differs = differs || other != picture }
    }
    #expect(differs)
  }

  @Test func garbageIsAnErrorAndAKeyframeHeals() throws {
    let decoder = try VideoDecoder(.vp8)
    #expect(throws: CodecError.self) { try decoder.decode([1, 2, 3][...]) }
    #expect(throws: CodecError.self) { try decoder.decode([][...]) }
    let encoder = try VideoEncoder(Self.size, kilobitsPerSecond: 300)
    let frame = try encoder.encode(Self.requests(1)[0])
    #expect(TestPattern.number(in: try decoder.decode(frame[...])) == 0)
  }

  @Test func twoWithTheSameHistoryShareOneEncoderUntilTheyPart() throws {
    let clips = EncodedClips()
    var first = SharedVideoEncoder(Self.size, clips: clips)
    var second = SharedVideoEncoder(Self.size, clips: clips)
    let alone = try VideoEncoder(Self.size, kilobitsPerSecond: 300)
    let requests = Self.requests(20)
    for request in requests { #expect(try first.encode(request) == alone.encode(request)) }
    #expect(clips.encoded == 20)
    let other = try VideoEncoder(Self.size, kilobitsPerSecond: 300)
    for var request in requests {
      if request.picture >= 10 { request.kilobitsPerSecond = 150 }
      #expect(try second.encode(request) == other.encode(request))
    }
    #expect(clips.shared == 10 && clips.encoded == 30)
  }

  @Test func oldClipsGoWhenThereIsNoRoom() throws {
    let clips = EncodedClips(capacity: 4_000)
    var first = SharedVideoEncoder(Self.size, clips: clips)
    var second = SharedVideoEncoder(Self.size, clips: clips)
    for request in Self.requests(20) { _ = try first.encode(request) }
    var frames: [[UInt8]] = []
    for request in Self.requests(20) { frames.append(try second.encode(request)) }
    #expect(clips.shared == 0)
    let decoder = try VideoDecoder(.vp8)
    for frame in frames { _ = try decoder.decode(frame[...]) }
  }

  @Test func qualityIsOneForTheSameAndFallsWithNoise() {
    let original = TestPattern(width: 320, height: 180).picture(5)
    let same = PictureQuality(of: original, against: original)!
    #expect(same.psnr == 60 && same.ssim == 1)
    var worse = original
    for index in worse.luma.indices { worse.luma[index] ^= 16 }
    let quality = PictureQuality(of: worse, against: original)!
    // Every value is off by 16: 10 log10(255^2 / 16^2).
    #expect(abs(quality.psnr - 24.05) < 0.01 && quality.ssim < 0.9)
    #expect(PictureQuality(of: Picture(width: 64, height: 64), against: original) == nil)
  }
}

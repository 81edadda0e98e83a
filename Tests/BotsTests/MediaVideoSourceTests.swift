// The synthetic camera against the formulas of RFC 8593 §5.

import Basics
import Testing

@testable import Bots

@Suite struct MediaVideoSourceTests {
  private func exact(_ model: EncoderModel) -> EncoderModel {
    var model = model
    model.statistics.sizeScale = 0
    return model
  }

  @Test(arguments: [1, 2, 3], [UInt64(1), 2, 3])
  func meanRateIsTheTarget(temporalLayers: Int, seed: UInt64) {
    var sender = MediaSender(
      VideoSource.Configuration(layers: [.p720(1_000, temporalLayers: temporalLayers)]),
      seed: seed)
    sender.source.start(at: .zero)
    let frames = sender.frames(until: .seconds(60))
    let bytes = frames.reduce(0) { $0 + $1.size }
    let rate = Double(bytes) * 8 / 60
    #expect(abs(rate - 1e6) < 0.03 * 1e6, "\(rate) bit/s")
    #expect(abs(frames.count - 1_800) < 40, "\(frames.count) frames")
  }

  @Test func steadySizesAreClippedLaplacian() {
    var sender = MediaSender(.p720())
    sender.source.start(at: .zero)
    let mean = 1e6 / 8 / 30
    let deviations = sender.frames(until: .seconds(60)).dropFirst(10)
      .map { Double($0.size) / mean - 1 }
    #expect(deviations.allSatisfy { abs($0) <= 0.7502 })
    // The mean magnitude of a Laplacian is its scale.
    let magnitude = deviations.reduce(0) { $0 + abs($1) } / Double(deviations.count)
    #expect(abs(magnitude - 0.15) < 0.015, "\(magnitude)")
    #expect(deviations.contains { $0 > 0.5 } && deviations.contains { $0 < -0.5 })
  }

  @Test func intervalsAreClippedLaplacian() {
    var sender = MediaSender(VideoSource.Configuration(layers: [.p720()]))
    sender.source.start(at: .zero)
    let times = sender.frames(until: .seconds(60)).map(\.captureTime.seconds)
    let deviations = zip(times.dropFirst(), times).map { ($0 - $1) * 30 - 1 }
    let magnitude = deviations.reduce(0) { $0 + abs($1) } / Double(deviations.count)
    #expect(abs(magnitude - 0.15) < 0.015)
    #expect(deviations.allSatisfy { abs($0) < 0.5001 })
  }

  @Test func burstIsFigureTwo() {
    // 13.5 KB and seven frames that save it, so that eight together are eight mean frames.
    var sender = MediaSender(exact(.p720()))
    sender.source.start(at: .zero)
    let sizes = sender.frames(until: .milliseconds(400)).map(\.size)
    #expect(sizes[0] == 13_500)
    #expect(sizes[1...7].allSatisfy { $0 == 2_833 })
    #expect(sizes[8] == 4_167)
    let burst: Int = sizes[0..<8].reduce(0, +)
    #expect(abs(burst - 33_333) < 8)
  }

  @Test(arguments: [
    // Bounded by three mean frames, by the root law, by nine mean frames.
    (1_920, 1_080, Int64(3_000), 37_500.0), (1_920, 1_080, 1_000, 20_250),
    (3_840, 2_160, 200, 7_500),
  ])
  func keyframeSizeIsBounded(width: Int, height: Int, kbps: Int64, expected: Double) {
    var model = EncoderModel.p720(kbps)
    model.width = width
    model.height = height
    let mean = Double(kbps) * 1_000 / 8 / 30
    let size = FrameStatistics().keyframeSize(of: model, at: .kbps(kbps), meanFrame: mean)
    #expect(abs(size - expected) < 1)
  }

  @Test func reactsOncePerLatency() {
    var sender = MediaSender(exact(.p720()))
    sender.source.start(at: .zero)
    _ = sender.frames(until: .seconds(1))
    sender.source.setTargetBitrate(.kbps(500), layer: 0)
    _ = sender.frames(until: .milliseconds(1_050))
    #expect(sender.source.bitrate(layer: 0) == .kbps(500))
    sender.source.setTargetBitrate(.kbps(700), layer: 0)
    _ = sender.frames(until: .milliseconds(1_190))
    #expect(sender.source.bitrate(layer: 0) == .kbps(500))
    _ = sender.frames(until: .milliseconds(1_300))
    #expect(sender.source.bitrate(layer: 0) == .kbps(700))
  }

  @Test func abruptChangeBurstsAndKeepsTheMean() {
    var sender = MediaSender(exact(.p720(500)))
    sender.source.start(at: .zero)
    _ = sender.frames(until: .seconds(2))
    sender.source.setTargetBitrate(.kbps(1_000), layer: 0)
    let sizes = sender.frames(until: .milliseconds(2_400)).map(\.size)
    #expect(sizes[0] == 13_500)
    #expect(sizes[1] == 2_833)
    sender.source.setTargetBitrate(.kbps(1_050), layer: 0)
    _ = sender.frames(until: .milliseconds(2_600))
    let gentle = sender.frames(until: .seconds(4)).map(\.size)
    #expect(gentle.allSatisfy { $0 == 4_375 })
  }

  @Test func rateStaysInRange() {
    var sender = MediaSender(.p720())
    sender.source.start(at: .zero)
    sender.source.setTargetBitrate(.kbps(10), layer: 0)
    _ = sender.frames(until: .milliseconds(500))
    #expect(sender.source.bitrate(layer: 0) == .kbps(150))
    sender.source.setTargetBitrate(.kbps(90_000), layer: 0)
    _ = sender.frames(until: .seconds(1))
    #expect(sender.source.bitrate(layer: 0) == .kbps(2_500))
  }

  @Test func layersShareTheCaptureClock() {
    var sender = MediaSender(VideoSource.Configuration(layers: [.p180(), .p720()]))
    sender.source.start(at: .zero)
    let frames = sender.frames(until: .seconds(2))
    let low = frames.filter { $0.layer == 0 }.map(\.captureTime)
    let high = frames.filter { $0.layer == 1 }.map(\.captureTime)
    let everySecond: [Instant] = stride(from: 0, to: high.count, by: 2).map { high[$0] }
    #expect(low == everySecond)
    #expect(frames[0].isKeyframe && frames[1].isKeyframe)
    #expect(frames[0].rtpTimestamp != frames[1].rtpTimestamp)
  }

  @Test func timestampsFollowTheCapture() {
    var sender = MediaSender(.p720())
    sender.source.start(at: .milliseconds(100))
    let frames = sender.frames(until: .seconds(2))
    for frame in frames {
      let elapsed = frame.captureTime - frames[0].captureTime
      let ticks = frame.rtpTimestamp &- frames[0].rtpTimestamp
      #expect(abs(Double(ticks) - elapsed.seconds * 90_000) <= 1)
    }
  }

  @Test func temporalPatternIsDyadic() {
    var sender = MediaSender(.p720(temporalLayers: 3))
    sender.source.start(at: .zero)
    let frames = sender.frames(until: .milliseconds(300))
    #expect(frames.prefix(8).map(\.temporalLayer) == [0, 2, 1, 2, 0, 2, 1, 2])
    #expect(frames.prefix(5).map(\.referenceDistance) == [0, 1, 2, 1, 4])
    #expect(frames.prefix(4).map(\.isLayerSync) == [false, true, true, false])
    #expect(frames.prefix(4).map(\.isDiscardable) == [false, true, false, true])
  }

  @Test func keyframeRequestsHaveAMinimumInterval() {
    var sender = MediaSender(.p720())
    sender.source.start(at: .zero)
    _ = sender.frames(until: .seconds(1))
    let accepted = sender.source.requestKeyframe(layer: 0, at: .seconds(1))
    let tooSoon = sender.source.requestKeyframe(layer: 0, at: .milliseconds(1_299))
    #expect(accepted && !tooSoon)
    let frames = sender.frames(until: .milliseconds(1_290))
    #expect(frames.count { $0.isKeyframe } == 1)
    #expect(frames[0].isKeyframe && frames[0].keyframeNumber == 1)
    #expect(frames[1].keyframeNumber == 1 && frames[1].frameNumber == frames[0].frameNumber + 1)
    let again = sender.source.requestKeyframe(layer: 0, at: .milliseconds(1_300))
    #expect(again)
  }

  @Test func startedLayerBeginsWithAKeyframe() {
    var configuration = VideoSource.Configuration(layers: [.p180(), .p720()])
    configuration.alignsKeyframes = false
    var sender = MediaSender(configuration)
    sender.source.start(at: .zero)
    sender.source.setActive(false, layer: 1, at: .zero)
    let lowOnly = sender.frames(until: .seconds(1))
    #expect(lowOnly.allSatisfy { $0.layer == 0 })
    sender.source.setActive(true, layer: 1, at: .seconds(1))
    let frames = sender.frames(until: .seconds(2))
    #expect(frames.first { $0.layer == 1 }?.isKeyframe == true)
    #expect(frames.filter { $0.layer == 0 }.allSatisfy { !$0.isKeyframe })
  }

  @Test func cameraWithoutLayersSleeps() {
    var sender = MediaSender(.p720())
    sender.source.start(at: .zero)
    _ = sender.frames(until: .seconds(1))
    sender.source.setActive(false, layer: 0, at: .seconds(1))
    #expect(sender.source.nextTimeout == nil)
    sender.source.setActive(true, layer: 0, at: .seconds(5))
    let frames = sender.frames(until: .seconds(6))
    #expect(frames[0].captureTime >= .seconds(5) && frames[0].isKeyframe)
    #expect(frames.count == 30 || frames.count == 29)
  }

  @Test func cameraSwitchChangesSizeWithAKeyframe() {
    var sender = MediaSender(.p720())
    sender.source.start(at: .zero)
    let before = sender.frames(until: .seconds(1))
    sender.source.switchCamera(to: [.p180(fps: 30)])
    let after = sender.frames(until: .seconds(2))
    #expect(after[0].isKeyframe && after[0].height == 180)
    #expect(after[0].frameNumber == before.last!.frameNumber + 1)
    sender.source.stop()
    #expect(sender.source.nextTimeout == nil)
    sender.source.start(at: .seconds(3))
    let restarted = sender.frames(until: .milliseconds(3_010))
    #expect(restarted.map(\.isKeyframe) == [true])
  }

  @Test func sameSeedSameFrames() {
    func frames(_ seed: UInt64) -> [EncodedFrame] {
      var sender = MediaSender(
        VideoSource.Configuration(layers: [.p180(), .p720(temporalLayers: 3)]), seed: seed)
      sender.source.start(at: .zero)
      return sender.frames(until: .seconds(5))
    }
    #expect(frames(4) == frames(4))
    #expect(frames(4) != frames(5))
  }
}

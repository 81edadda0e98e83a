// The trace-driven and the hybrid model against the equations of RFC 8593 §6.2.1 and §7.

import Basics
import Testing

@testable import Bots

@Suite struct FrameTraceTests {
  /// Two keys 200 kbps apart, and 24 frames whose sizes tell their number.
  private let small = FrameTrace(
    height: 720, framesPerSecond: 30, rates: [.kbps(200), .kbps(400)],
    sizes: [(0..<24).map { 1_000 + $0 }, (0..<24).map { 3_000 + $0 }])

  @Test(arguments: [
    // a) Rf_min <= R_v < Rf_max: between the two vectors.
    (Int64(200), 1_005.0), (250, 1_505), (300, 2_005), (399, 2_995),
    // b) below Rf_min, never under fs_min.
    (100, 502.5), (20, 100.5), (1, 10),
    // c) from Rf_max on, never over fs_max.
    (400, 3_005), (800, 6_010), (200_000, 1e6),
  ])
  func sizesAreThoseOfTheThreeCases(kbps: Int64, expected: Double) {
    #expect(abs(small.frameSize(at: .kbps(kbps), frame: 5) - expected) < 1e-6)
  }

  @Test func itBeginsAgainBehindTheSkippedFrames() {
    var player = FrameTracePlayer(small)
    // SkipFrames is 20: 0...23, then 20...23 for ever.
    let seen = (0..<30).map { _ in Int(player.next(at: .kbps(200))) - 1_000 }
    #expect(seen == Array(0..<24) + [20, 21, 22, 23, 20, 21])
    player.restart()
    #expect(player.next(at: .kbps(200)) == 1_000)
  }

  @Test func bytesComeBack() {
    #expect(FrameTrace(bytes: small.bytes) == small)
    #expect(FrameTrace(bytes: []) == nil)
    #expect(FrameTrace(bytes: Array(small.bytes.dropLast())) == nil)
    #expect(FrameTrace(bytes: [UInt8](repeating: 255, count: 40)) == nil)
  }

  /// §6.1: two minutes at least, one keyframe, and the rates that were asked for.
  @Test(arguments: [180, 360, 720])
  func recordedTracesKeepTheirRates(height: Int) {
    let trace = FrameTrace.recorded(height: height)
    #expect(trace.height == height && trace.rates == FrameTrace.rates(height: height))
    for (rate, sizes) in zip(trace.rates, trace.sizes) {
      #expect(sizes.count >= 120 * trace.framesPerSecond)
      let made = Double(sizes.reduce(0, +) * 8 * trace.framesPerSecond) / Double(sizes.count)
      let asked = Double(rate.bitsPerSecond)
      #expect(abs(made / asked - 1) < 0.04, "\(made) bit/s of \(asked)")
    }
    #expect(FrameTrace.recorded(height: 240).height == 180)
    #expect(FrameTrace.recorded(height: 1_080).height == 720)
  }

  /// libvpx makes them still; another version of it may differ a little.
  @Test func theRecorderMakesTheRecord() throws {
    let rates = FrameTrace.rates(height: 180)
    let made = try FrameTrace.record(height: 180, rates: rates, frames: 60)
    for (new, old) in zip(made.sizes, FrameTrace.recorded(height: 180).sizes) {
      let ratio = Double(new.reduce(0, +)) / Double(old.prefix(60).reduce(0, +))
      #expect(abs(ratio - 1) < 0.1, "\(ratio)")
    }
  }

  // MARK: - In the camera

  private func camera(_ sizes: FrameSizeModel, kbps: Int64 = 1_000) -> MediaSender {
    var model = EncoderModel.p720(kbps)
    model.sizes = sizes
    return MediaSender(VideoSource.Configuration(layers: [model]))
  }

  @Test func aTraceIsPlayedAtAnEvenPace() {
    var sender = camera(.trace)
    sender.source.start(at: .zero)
    let frames = sender.frames(until: .seconds(3))
    let trace = FrameTrace.recorded(height: 720)
    for (index, frame) in frames.enumerated() {
      #expect(frame.size == Int(trace.frameSize(at: .kbps(1_000), frame: index).rounded()))
      #expect(frame.captureTime.nanoseconds == Int64(index) * 33_333_333)
    }
  }

  @Test func aTraceFollowsATargetAtOnceAndBeginsAnewWithAKeyframe() {
    var sender = camera(.trace)
    let trace = FrameTrace.recorded(height: 720)
    sender.source.start(at: .zero)
    let before = sender.frames(until: .seconds(2)).count
    sender.source.setTargetBitrate(.kbps(400), layer: 0)
    let next = sender.frames(until: .milliseconds(2_040))
    #expect(next[0].size == Int(trace.frameSize(at: .kbps(400), frame: before).rounded()))
    sender.source.setTargetBitrate(.kbps(450), layer: 0)
    let later = sender.frames(until: .milliseconds(2_080))
    let expected = trace.frameSize(at: .kbps(450), frame: before + next.count)
    #expect(later[0].size == Int(expected.rounded()))
    sender.source.requestKeyframe(layer: 0, at: .milliseconds(2_080))
    let key = sender.frames(until: .milliseconds(2_140))
    #expect(key[0].isKeyframe)
    #expect(key[0].size == Int(trace.frameSize(at: .kbps(450), frame: 0).rounded()))
  }

  /// Figure 3: K_d frames of the statistical model, the first of K_B, then the trace goes on.
  @Test func theHybridModelBurstsWhereTheTargetJumps() {
    var sender = camera(.hybrid, kbps: 500)
    let trace = FrameTrace.recorded(height: 720)
    sender.source.start(at: .zero)
    let steady = sender.frames(until: .seconds(2))
    for (index, frame) in steady.enumerated() {
      #expect(frame.size == Int(trace.frameSize(at: .kbps(500), frame: index).rounded()))
    }
    sender.source.setTargetBitrate(.kbps(1_000), layer: 0)
    let burst = sender.frames(until: .seconds(3)).map(\.size)
    #expect(burst[0] == 13_500)
    #expect(abs(burst[..<8].reduce(0, +) - 33_333) < 3_500)
    for (index, size) in burst[8...].enumerated() {
      let frame = steady.count + index
      #expect(size == Int(trace.frameSize(at: .kbps(1_000), frame: frame).rounded()))
    }
    // A step of 5 % is none, and waits for tau_v.
    sender.source.setTargetBitrate(.kbps(1_050), layer: 0)
    let gentle = sender.frames(until: .seconds(4)).map(\.size)
    let first = steady.count + burst.count - 8
    #expect(gentle[0] == Int(trace.frameSize(at: .kbps(1_050), frame: first).rounded()))
  }

  @Test(arguments: FrameSizeModel.allCases, [1, 3])
  func everyModelKeepsTheRate(sizes: FrameSizeModel, temporalLayers: Int) {
    var model = EncoderModel.p720(800, temporalLayers: temporalLayers)
    model.sizes = sizes
    model.framesPerSecond = 15
    var configuration = VideoSource.Configuration(layers: [model])
    configuration.captureRate = 15
    var sender = MediaSender(configuration)
    sender.source.start(at: .zero)
    let bytes = sender.frames(until: .seconds(100)).reduce(0) { $0 + $1.size }
    #expect(abs(Double(bytes) * 8 / 100 / 800_000 - 1) < 0.03, "\(bytes)")
  }
}

import Basics
import Testing

@testable import Bots

/// A receiver's bound makes the middle layer smaller, and its lifting as large as before.
@Suite struct BoundedEncoderTests {
  private func camera() -> VideoSource {
    func model(_ height: Int, _ kbps: Int64) -> EncoderModel {
      EncoderModel(
        width: height * 16 / 9, height: height, framesPerSecond: 30, targetBitrate: .kbps(kbps),
        minimumBitrate: .kbps(kbps / 5), maximumBitrate: .kbps(kbps * 2))
    }
    var middle = model(720, 1_400)
    middle.reducedHeight = 480
    return VideoSource(
      VideoSource.Configuration(layers: [model(360, 320), middle, model(1_080, 3_000)]),
      random: RandomStream(seed: 1, name: "camera"))
  }

  private func allFrames(_ source: inout VideoSource, until end: Instant) -> [EncodedFrame] {
    var frames: [EncodedFrame] = []
    while let due = source.nextTimeout, due <= end {
      while let frame = source.poll(at: due) { frames.append(frame) }
    }
    return frames
  }

  /// The frames of the middle layer up to `end`.
  private func frames(_ source: inout VideoSource, until end: Instant) -> [EncodedFrame] {
    allFrames(&source, until: end).filter { $0.layer == 1 }
  }

  private func rate(_ frames: [EncodedFrame], over span: Duration) -> Double {
    Double(frames.reduce(0) { $0 + $1.size }) * 8 / span.seconds / 1_000
  }

  @Test func theMiddleLayerFollowsTheBound() {
    var source = camera()
    source.start(at: .zero)
    var seen = frames(&source, until: .seconds(5.0))
    #expect(seen.allSatisfy { $0.height == 720 })
    source.setBound(.kbps(670), layer: 1)
    seen = frames(&source, until: .seconds(10.0))
    #expect(seen.first?.isKeyframe == true)
    #expect(seen.allSatisfy { $0.height == 480 && $0.width == 853 })
    #expect(abs(rate(seen, over: .seconds(5)) - 670) < 35)
    // The same bound again changes nothing.
    source.setBound(.kbps(670), layer: 1)
    #expect(frames(&source, until: .seconds(11.0)).allSatisfy { !$0.isKeyframe })
    source.setBound(nil, layer: 1)
    seen = frames(&source, until: .seconds(16.0))
    #expect(seen.first?.isKeyframe == true && seen.allSatisfy { $0.height == 720 })
    #expect(abs(rate(seen, over: .seconds(5)) - 1_400) < 70)
  }

  @Test func theOtherLayersGoOnAsTheyWere() {
    var source = camera()
    source.start(at: .zero)
    _ = allFrames(&source, until: .seconds(2.0))
    source.setBound(.kbps(670), layer: 1)
    let smaller = allFrames(&source, until: .seconds(4.0)).filter(\.isKeyframe)
    source.setBound(nil, layer: 1)
    let larger = allFrames(&source, until: .seconds(6.0)).filter(\.isKeyframe)
    #expect(smaller.map(\.layer) == [1] && larger.map(\.layer) == [1])
  }

  @Test func aMildBoundKeepsTheSize() {
    var source = camera()
    source.start(at: .zero)
    _ = frames(&source, until: .seconds(2.0))
    source.setBound(.kbps(1_000), layer: 1)
    _ = frames(&source, until: .seconds(3.0))
    let seen = frames(&source, until: .seconds(8.0))
    #expect(seen.allSatisfy { $0.height == 720 && !$0.isKeyframe })
    #expect(abs(rate(seen, over: .seconds(5)) - 1_000) < 50)
    // Congestion control may ask for more, and gets what is bounded.
    source.setTargetBitrate(.kbps(2_000), layer: 1)
    _ = frames(&source, until: .seconds(9.0))
    #expect(source.bitrate(layer: 1) == .kbps(1_000))
    source.setBound(nil, layer: 1)
    _ = frames(&source, until: .seconds(10.0))
    #expect(source.bitrate(layer: 1) == .kbps(2_000))
  }
}

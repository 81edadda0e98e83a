import Basics
import Testing

@testable import RefSFU

private func state(_ kbps: [Int64], fps: [Double] = [7.5, 15, 30, 30], isLive: Bool = true)
  -> LayerState
{
  var state = LayerState()
  state.isLive = isLive
  state.isMeasured = isLive
  for temporal in 0..<4 {
    state.bitrates[temporal] = kbps[min(temporal, kbps.count - 1)] * 1_000
    state.framesPerSecond[temporal] = fps[min(temporal, fps.count - 1)]
  }
  return state
}

private let rates: [[Int64]] = [[60, 90, 150], [200, 300, 500], [800, 1_200, 2_000]]

private func ladder(
  _ sizes: [(Int, Int)] = [(320, 180), (640, 360), (1_280, 720)], live: [Int] = [0, 1, 2]
) -> TrackLadder {
  var ladder = TrackLadder(layers: 3)
  for (index, size) in sizes.enumerated() {
    ladder.announce(layer: index, width: size.0, height: size.1, bitrate: .zero)
  }
  ladder.update(rates.enumerated().map { state($0.element, isLive: live.contains($0.offset)) })
  return ladder
}

extension TrackLadder {
  fileprivate func rungs(
    _ settings: VideoSettings = VideoSettings(), lines: Int? = nil, mayReduce: Bool = false,
    isScreen: Bool = false, at now: Instant = .zero
  ) -> [Rung] {
    rungs(for: settings, lines: lines, mayReduce: mayReduce, isScreen: isScreen, at: now)
  }
}

@Suite struct TrackLadderTests {
  struct Size: Sendable {
    var width: Int, height: Int
    var quality: Int?
    var expected: Int
  }

  @Test(arguments: [
    Size(width: 0, height: 0, expected: 2),
    Size(width: 0, height: 0, quality: 1, expected: 1),
    Size(width: 0, height: 0, quality: 9, expected: 2),
    Size(width: 160, height: 90, expected: 0),
    Size(width: 320, height: 180, expected: 0),
    Size(width: 355, height: 200, expected: 0),
    Size(width: 360, height: 201, expected: 1),
    Size(width: 640, height: 360, expected: 1),
    Size(width: 712, height: 401, expected: 2),
    Size(width: 3_840, height: 2_160, expected: 2),
    Size(width: 3_840, height: 2_160, quality: 1, expected: 1),
    Size(width: 160, height: 90, quality: 2, expected: 0),
  ])
  func theSmallestLayerThatCovers(_ size: Size) {
    let settings = VideoSettings(quality: size.quality, width: size.width, height: size.height)
    #expect(ladder().rungs(settings).last?.layer == size.expected)
    #expect(ladder().wantedLayer(for: settings, lines: nil) == size.expected)
  }

  @Test func portraitComparesWidths() {
    let tall = ladder([(180, 320), (360, 640), (720, 1_280)])
    #expect(tall.rungs(VideoSettings(width: 200, height: 800)).last?.layer == 0)
  }

  @Test func unknownSizesCountAsLarge() {
    let unknown = ladder([(0, 0), (0, 0), (0, 0)])
    #expect(unknown.rungs(VideoSettings(width: 100, height: 100)).last?.layer == 2)
  }

  @Test func whatDoesNotLiveIsNoRung() {
    #expect(ladder(live: [0, 1]).rungs().last?.layer == 1)
    #expect(ladder(live: []).rungs().isEmpty)
    #expect(ladder(live: [0, 1]).wantedLayer(for: VideoSettings(), lines: nil) == 2)
    // Too large is better than nothing.
    let low = VideoSettings(quality: 0)
    #expect(ladder(live: [1, 2]).rungs(low).map(\.layer).last == 1)
    #expect(ladder().rungs(VideoSettings(isDisabled: true)).isEmpty)
  }

  /// A layer that dynacast switched off can be had: it is switched on again, and awaited for a while.
  @Test func whatIsOffCanBeHad() {
    var ladder = ladder()
    ladder.setMaximum(0, at: .zero)
    ladder.update([state(rates[0]), state([0], isLive: false), state([0], isLive: false)])
    #expect(ladder.rungs().last?.layer == 2)
    #expect(ladder.rungs().last?.bitrate == .kbps(2_000))
    ladder.setMaximum(2, at: .seconds(10.0))
    #expect(ladder.rungs(at: .seconds(12.9)).last?.layer == 2)
    #expect(ladder.rungs(at: .seconds(13.0)).last?.layer == 0)
    // Nobody takes anything: all of it can be had.
    ladder.setMaximum(nil, at: .seconds(20.0))
    ladder.update([state([0], isLive: false), state([0], isLive: false), state([0], isLive: false)])
    #expect(ladder.rungs(at: .seconds(30.0)).last?.layer == 2)
  }

  @Test func temporalLayersAreRungs() {
    let rungs = ladder().rungs()
    #expect(rungs.map(\.layer) == [0, 0, 0, 1, 1, 1, 2, 2, 2])
    #expect(rungs.map(\.temporal) == [0, 1, 3, 0, 1, 3, 0, 1, 3])
    #expect(
      rungs.map(\.bitrate.kbps) == [60, 90, 150, 200, 300, 500, 800, 1_200, 2_000])
    #expect(
      rungs.map(\.isStopgap) == [false, false, false, true, true, false, true, true, false])
    #expect(ladder().rungs(isScreen: true).allSatisfy { !$0.isStopgap })
    for (fps, temporal) in [(30.0, 2), (20, 2), (16, 1), (15, 1), (8, 0), (1, 0), (60, 3), (0, 3)] {
      var settings = VideoSettings()
      settings.framesPerSecond = fps
      #expect(ladder().rungs(settings).last?.temporal == temporal)
    }
  }

  @Test func aCrowdGetsFewerLines() {
    let full = ladder([(640, 360), (1_280, 720), (1_920, 1_080)])
    #expect(full.rungs(lines: 480).last?.layer == 0)
    #expect(full.rungs(lines: 720).last?.layer == 1)
    #expect(full.rungs(lines: 90).last?.layer == 0)
    #expect(full.wantedLayer(for: VideoSettings(), lines: 480) == 0)
  }

  @Test func theMiddleLayerHasTwoForms() {
    var ladder = ladder([(640, 360), (1_280, 720), (1_920, 1_080)])
    #expect(ladder.rungs(mayReduce: true).allSatisfy { !$0.isReduced })
    ladder.allowReduction()
    #expect(ladder.rungs().allSatisfy { !$0.isReduced })
    let full = ladder.rungs(mayReduce: true).filter { !$0.isStopgap }
    #expect(full.map(\.layer) == [0, 0, 0, 1, 1, 2])
    #expect(full.map(\.isReduced) == [false, false, false, true, false, false])
    // Half way, as ratios go, between 150 and 500.
    #expect(abs(full[3].bitrate.kbps - 273.8) < 0.2)
    ladder.reduce()
    #expect(abs((ladder.bound ?? .zero).kbps - 273.8) < 0.2)
    let same = ladder.setSize(layer: 1, width: 1_280, height: 720)
    let smaller = ladder.setSize(layer: 1, width: 853, height: 480)
    #expect(!same && smaller)
    #expect(ladder.isReduced(1))
    ladder.update([state(rates[0]), state([100, 150, 260]), state(rates[2])])
    let rungs = ladder.rungs(mayReduce: true).filter { !$0.isStopgap && $0.layer == 1 }
    #expect(rungs.map(\.bitrate.kbps) == [260, 500])
    // A tile of 480 lines is served by the small form, where it may be.
    let tile = VideoSettings(width: 853, height: 480)
    #expect(ladder.rungs(tile, mayReduce: true).last?.isReduced == true)
    #expect(ladder.rungs(tile, mayReduce: false).last?.isReduced == false)
    ladder.liftBound()
    ladder.setSize(layer: 1, width: 1_280, height: 720)
    #expect(!ladder.isReduced(1))
  }

  @Test func oneKeyframeIsNoChangeOfRate() {
    var ladder = ladder()
    ladder.update([state([60, 90, 150]), state([400, 600, 1_000]), state(rates[2])])
    #expect(ladder.rungs().filter { $0.layer == 1 }.last?.bitrate == .kbps(625))
  }

  @Test func aBoundIsRepeatedUntilItIsUnderstood() {
    var bound = RateBound()
    func moments(from start: Double, to end: Double) -> [Double] {
      stride(from: start, to: end, by: 0.25).filter { bound.take(at: .seconds($0)) != nil }
    }
    #expect(moments(from: 0, to: 1).isEmpty)
    bound.set(.kbps(670), at: .seconds(1.0))
    #expect(moments(from: 1, to: 2) == [1, 1.5])
    bound.notified(.kbps(100))
    #expect(moments(from: 2, to: 2.5) == [2])
    // As it is written in 17 bits.
    bound.notified(Bitrate(bitsPerSecond: 669_998))
    #expect(moments(from: 2.5, to: 5).isEmpty)
    bound.set(nil, at: .seconds(5.0))
    #expect(bound.wanted == nil)
    #expect(moments(from: 5, to: 60).count == RateBound.maximumTries)
  }
}

import Basics
import Testing
import Wire

@testable import RefSFU

private func layer(
  _ width: Int, _ height: Int, kbps: [Int64] = [], fps: [Double] = [7.5, 15, 30, 30],
  isLive: Bool = true
) -> LayerState {
  var state = LayerState()
  state.isLive = isLive
  state.width = width
  state.height = height
  for temporal in 0..<4 {
    let rate = kbps.isEmpty ? 0 : kbps[min(temporal, kbps.count - 1)]
    state.bitrates[temporal] = rate * 1_000
    state.framesPerSecond[temporal] = fps[min(temporal, fps.count - 1)]
  }
  return state
}

/// 180p, 360p and 720p with three temporal layers.
private let ladder = [
  layer(320, 180, kbps: [60, 90, 150]),
  layer(640, 360, kbps: [200, 300, 500]),
  layer(1_280, 720, kbps: [800, 1_200, 2_000]),
]

private func dead(_ layers: [LayerState], _ dead: Int...) -> [LayerState] {
  var layers = layers
  for index in dead { layers[index].isLive = false }
  return layers
}

@Suite struct LayerSelectorTests {
  private func keyframe(
    _ selector: inout LayerSelector, _ layer: Int, at now: Instant = .zero
  ) -> LayerSelector.Decision {
    selector.decide(
      layer: layer, temporal: 0, startsFrame: true, isKeyframe: true, isLayerSync: false, at: now)
  }

  private func frame(
    _ selector: inout LayerSelector, _ layer: Int, temporal: Int = 0, sync: Bool = false,
    starts: Bool = true, at now: Instant = .zero
  ) -> LayerSelector.Decision {
    selector.decide(
      layer: layer, temporal: temporal, startsFrame: starts, isKeyframe: false, isLayerSync: sync,
      at: now)
  }

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
    var selector = LayerSelector()
    selector.settings = VideoSettings(
      quality: size.quality, width: size.width, height: size.height)
    _ = selector.update(ladder, at: .zero)
    #expect(selector.wanted == size.expected)
    #expect(selector.target == size.expected)
  }

  @Test func portraitComparesWidths() {
    let tall = ladder.map { layer($0.height, $0.width, kbps: [100]) }
    var selector = LayerSelector()
    selector.settings = VideoSettings(width: 200, height: 800)
    _ = selector.update(tall, at: .zero)
    #expect(selector.target == 0)
  }

  @Test func unknownSizesCountAsLarge() {
    var selector = LayerSelector()
    selector.settings = VideoSettings(width: 100, height: 100)
    _ = selector.update([layer(0, 0), layer(0, 0), layer(0, 0)], at: .zero)
    #expect(selector.target == 2)
  }

  @Test func switchesOnlyAtKeyframes() {
    var selector = LayerSelector()
    selector.settings.quality = 0
    #expect(selector.update(ladder, at: .zero) == true)
    #expect(selector.keyframeNeeded == 0)
    #expect(frame(&selector, 0) == .otherLayer)
    #expect(keyframe(&selector, 2) == .otherLayer)
    #expect(keyframe(&selector, 0) == .begin)
    #expect(selector.keyframeNeeded == nil)
    #expect(frame(&selector, 0) == .forward)
    #expect(frame(&selector, 1) == .otherLayer)
    // Up: the old layer goes on until the new one has a keyframe.
    selector.settings.quality = 2
    #expect(selector.update(ladder, at: .zero) == true)
    #expect(selector.update(ladder, at: .zero) == false)
    #expect(selector.keyframeNeeded == 2)
    #expect(selector.missedLayers == 2)
    #expect(frame(&selector, 0) == .forward)
    #expect(frame(&selector, 2) == .otherLayer)
    #expect(keyframe(&selector, 1) == .otherLayer)
    #expect(keyframe(&selector, 0) == .forward)
    let inside = selector.decide(
      layer: 2, temporal: 0, startsFrame: false, isKeyframe: true, isLayerSync: false, at: .zero)
    #expect(inside == .otherLayer)
    #expect(keyframe(&selector, 2) == .begin)
    #expect(frame(&selector, 0) == .otherLayer)
    #expect(frame(&selector, 2) == .forward)
    #expect(selector.missedLayers == 0)
  }

  @Test func aDyingLayerIsReplaced() {
    var selector = LayerSelector()
    _ = selector.update(ladder, at: .zero)
    #expect(keyframe(&selector, 2) == .begin)
    #expect(selector.update(dead(ladder, 2), at: .seconds(1.0)) == true)
    #expect(selector.keyframeNeeded == 1)
    #expect(keyframe(&selector, 1) == .begin)
    // All gone: a mute. The stream goes on when packets come back.
    #expect(selector.update(dead(ladder, 0, 1, 2), at: .seconds(2.0)) == false)
    #expect(frame(&selector, 1) == .forward)
    #expect(selector.keyframeNeeded == nil)
    #expect(selector.update(ladder, at: .seconds(3.0)) == true)
    #expect(selector.keyframeNeeded == 2)
  }

  @Test func tooLargeIsBetterThanNothing() {
    var selector = LayerSelector()
    selector.settings.quality = 0
    _ = selector.update(dead(ladder, 0), at: .zero)
    #expect(selector.target == 1)
    _ = selector.update(dead(ladder, 0, 1), at: .zero)
    #expect(selector.target == 2)
  }

  @Test func anyLowerKeyframeWillDoAfterTheGrace() {
    var selector = LayerSelector()
    _ = selector.update(ladder, at: .zero)
    #expect(keyframe(&selector, 1, at: .milliseconds(999)) == .otherLayer)
    #expect(keyframe(&selector, 1, at: .milliseconds(1_000)) == .begin)
    #expect(selector.keyframeNeeded == 2)
    #expect(keyframe(&selector, 0, at: .milliseconds(1_001)) == .otherLayer)
    #expect(keyframe(&selector, 2, at: .milliseconds(1_002)) == .begin)
    var small = LayerSelector()
    small.settings.quality = 1
    _ = small.update(ladder, at: .zero)
    #expect(keyframe(&small, 2, at: .seconds(5.0)) == .otherLayer)
  }

  struct Allowance: Sendable {
    var kbps: Int64
    var layer: Int?
    var temporal = 3
  }

  /// A rung must fit 1.1 times to be climbed.
  @Test(arguments: [
    Allowance(kbps: 5_000, layer: 2),
    Allowance(kbps: 2_200, layer: 2),
    Allowance(kbps: 2_199, layer: 2, temporal: 1),
    Allowance(kbps: 1_320, layer: 2, temporal: 1),
    // 800 kbit/s would fit with 7.5 frame/s, but a full lower layer is better.
    Allowance(kbps: 1_319, layer: 1),
    Allowance(kbps: 550, layer: 1),
    Allowance(kbps: 400, layer: 1, temporal: 1),
    Allowance(kbps: 329, layer: 0),
    Allowance(kbps: 160, layer: 0, temporal: 1),
    Allowance(kbps: 66, layer: 0, temporal: 0),
    Allowance(kbps: 65, layer: nil),
  ])
  func theAllowanceChoosesTheRung(_ row: Allowance) {
    var selector = LayerSelector()
    selector.allowance = .kbps(row.kbps)
    _ = selector.update(ladder, at: .zero)
    #expect(selector.target == row.layer)
    if row.layer != nil { #expect(selector.targetTemporal == row.temporal) }
    #expect(selector.isPaused == (row.layer == nil))
    selector.mayPause = false
    _ = selector.update(ladder, at: .zero)
    #expect(selector.target == row.layer ?? 0)
    #expect(!selector.isPaused)
  }

  @Test func theChoiceDoesNotFlap() {
    var selector = LayerSelector()
    selector.allowance = .kbps(2_300)
    _ = selector.update(ladder, at: .zero)
    #expect(selector.target == 2)
    for kbps in [2_000, 2_150, 2_001] {
      selector.allowance = .kbps(Int64(kbps))
      #expect(selector.update(ladder, at: .zero) == false)
    }
    selector.allowance = .kbps(1_000)
    _ = selector.update(ladder, at: .zero)
    #expect(selector.target == 1)
    selector.allowance = .kbps(1_300)
    #expect(selector.update(ladder, at: .zero) == false)
  }

  @Test func pausesAndDisabling() {
    var selector = LayerSelector()
    _ = selector.update(ladder, at: .zero)
    _ = keyframe(&selector, 2)
    selector.allowance = .kbps(10)
    #expect(selector.update(ladder, at: .zero) == true)
    #expect(selector.isPaused)
    #expect(selector.current == nil)
    #expect(keyframe(&selector, 2) == .otherLayer)
    selector.allowance = nil
    #expect(selector.update(ladder, at: .zero) == true)
    #expect(selector.keyframeNeeded == 2)
    _ = keyframe(&selector, 2)
    selector.settings.isDisabled = true
    #expect(selector.update(ladder, at: .zero) == true)
    #expect(selector.current == nil && selector.wanted == nil && !selector.isPaused)
    #expect(selector.keyframeNeeded == nil)
  }

  @Test func framesPerSecondChooseTheTemporalLayer() {
    for (fps, temporal) in [(30.0, 2), (20, 2), (16, 1), (15, 1), (8, 0), (1, 0), (60, 3), (0, 3)] {
      var selector = LayerSelector()
      selector.settings.framesPerSecond = fps
      _ = selector.update(ladder, at: .zero)
      #expect(selector.targetTemporal == temporal)
    }
  }

  @Test func temporalLayersRiseAtSyncFramesOneByOne() {
    var selector = LayerSelector()
    selector.settings.framesPerSecond = 7
    _ = selector.update(ladder, at: .zero)
    _ = keyframe(&selector, 2)
    #expect(frame(&selector, 2, temporal: 1, sync: true) == .unwanted)
    selector.settings.framesPerSecond = 30
    _ = selector.update(ladder, at: .zero)
    #expect(frame(&selector, 2, temporal: 2, sync: true) == .unwanted)
    #expect(frame(&selector, 2, temporal: 1) == .unwanted)
    #expect(frame(&selector, 2, temporal: 1, sync: true, starts: false) == .unwanted)
    #expect(frame(&selector, 2, temporal: 1, sync: true) == .forward)
    #expect(frame(&selector, 2, temporal: 2) == .unwanted)
    #expect(frame(&selector, 2, temporal: 2, sync: true) == .forward)
    #expect(frame(&selector, 2, temporal: 2) == .forward)
    // Down at once, at the next frame.
    selector.settings.framesPerSecond = 7
    _ = selector.update(ladder, at: .zero)
    #expect(frame(&selector, 2, temporal: 2, starts: false) == .forward)
    #expect(frame(&selector, 2, temporal: 2) == .unwanted)
    // A keyframe needs nothing before it.
    selector.settings.framesPerSecond = 0
    _ = selector.update(ladder, at: .zero)
    #expect(keyframe(&selector, 2) == .forward)
    #expect(frame(&selector, 2, temporal: 2) == .forward)
  }
}

@Suite struct LayerTrackerTests {
  private func feed(
    _ tracker: inout LayerTracker, layer: Int, from: Int, to: Int, every step: Int,
    size: Int = 1_000
  ) -> [(Int, Bool)] {
    var changes: [(Int, Bool)] = []
    for time in stride(from: from, to: to, by: step) {
      while let next = tracker.nextTimeout, next <= .milliseconds(time) {
        if tracker.handleTimeout(at: next) {
          changes.append((Int(next.milliseconds), tracker.layers[layer].isLive))
        }
      }
      let temporal = [0, 2, 1, 2][time / step % 4]
      if tracker.received(
        layer: layer, temporal: temporal, size: size, startsFrame: true, at: .milliseconds(time))
      {
        changes.append((time, true))
      }
    }
    return changes
  }

  @Test func measuresRatesOverASecond() {
    var tracker = LayerTracker(layers: 3)
    #expect(tracker.nextTimeout == nil)
    #expect(feed(&tracker, layer: 1, from: 0, to: 2_001, every: 25).count == 1)
    let state = tracker.layers[1]
    #expect(state.bitrates == SIMD4(80_000, 160_000, 320_000, 320_000))
    #expect(state.framesPerSecond == SIMD4(10, 20, 40, 40))
    #expect(state.bitrate == .kbps(320))
    #expect(!tracker.layers[0].isLive)
    tracker.setResolution(layer: 1, width: 640, height: 360)
    #expect(tracker.layers[1].shortSide == 360)
  }

  @Test func layersDieWithinACycleAndComeBack() {
    var tracker = LayerTracker(layers: 3)
    _ = feed(&tracker, layer: 2, from: 0, to: 3_000, every: 25)
    var died: Instant?
    while let next = tracker.nextTimeout {
      if tracker.handleTimeout(at: next) { died = next }
    }
    #expect(died == .milliseconds(3_500))
    #expect(!tracker.layers[2].isLive)
    #expect(tracker.layers[2].bitrate == .zero)
    let back = feed(&tracker, layer: 2, from: 10_000, to: 12_000, every: 25)
    #expect(back.map(\.0) == [11_000])
    #expect(back.map(\.1) == [true])
  }

  @Test func liveKitTakesTenSecondsToBelieve() {
    var tracker = LayerTracker(layers: 3, limits: .liveKit)
    #expect(tracker.received(layer: 2, temporal: 0, size: 1, startsFrame: true, at: .zero) == true)
    while let next = tracker.nextTimeout { _ = tracker.handleTimeout(at: next) }
    let back = feed(&tracker, layer: 2, from: 20_000, to: 32_000, every: 25)
    #expect(back.map(\.0) == [30_000])
  }

  @Test func fewPacketsAreNoUpperLayer() {
    var tracker = LayerTracker(layers: 3)
    _ = feed(&tracker, layer: 2, from: 0, to: 601, every: 200)
    #expect(!tracker.layers[2].isLive)
    var low = LayerTracker(layers: 3)
    _ = feed(&low, layer: 0, from: 0, to: 2_001, every: 400)
    #expect(low.layers[0].isLive)
    var screen = LayerTracker(layers: 1, limits: .screen)
    _ = feed(&screen, layer: 0, from: 0, to: 12_001, every: 1_900)
    #expect(screen.layers[0].isLive)
  }
}

@Suite struct KeyframeRequestTests {
  @Test func requestsMergeAndAreThrottled() {
    var requests = KeyframeRequests(layers: 3)
    #expect(requests.nextTimeout == nil)
    for _ in 0..<10 { requests.request(layer: 2, at: .zero) }
    requests.request(layer: 0, at: .zero)
    requests.request(layer: 9, at: .zero)
    #expect(requests.due(at: .zero).map(\.layer) == [0, 2])
    requests.request(layer: 2, at: .milliseconds(10))
    #expect(requests.due(at: .milliseconds(10)).isEmpty)
    requests.received(layer: 2)
    requests.received(layer: 0)
    #expect(requests.nextTimeout == nil)
    // A new need soon after waits for the throttle of its layer.
    requests.request(layer: 2, at: .milliseconds(300))
    requests.request(layer: 0, at: .milliseconds(300))
    #expect(requests.nextTimeout == .milliseconds(500))
    #expect(requests.due(at: .milliseconds(500)).map(\.layer) == [0])
    #expect(requests.due(at: .milliseconds(999)).isEmpty)
    #expect(requests.due(at: .milliseconds(1_000)).map(\.layer) == [2])
    #expect(requests.sent == 4)
  }

  @Test func unansweredRequestsAreRepeatedUnderTheirNumber() {
    var requests = KeyframeRequests(layers: 2)
    requests.request(layer: 1, at: .zero)
    var seen: [KeyframeRequests.Request] = []
    while let next = requests.nextTimeout { seen += requests.due(at: next) }
    #expect(seen.count == 11)
    #expect(seen.allSatisfy { $0.commandNumber == 1 })
    #expect(seen.map(\.isRepeat) == [false] + Array(repeating: true, count: 10))
    requests.request(layer: 1, at: .seconds(60.0))
    #expect(requests.due(at: .seconds(60.0)).first?.commandNumber == 2)
    requests.cancel(layer: 1)
    #expect(requests.nextTimeout == nil)
  }
}

@Suite struct DynacastTests {
  @Test func upgradesAtOnceDowngradesLater() {
    var state = DynacastState(layers: 3, at: .zero)
    #expect(state.maximum == 2)
    #expect(state.nextTimeout == .seconds(10.0))
    #expect(state.change(from: nil, to: 0, at: .seconds(1.0)) == false)
    #expect(state.handleTimeout(at: .seconds(9.9)) == false)
    #expect(state.handleTimeout(at: .seconds(10.0)) == true)
    #expect(state.maximum == 0)
    #expect(state.isEnabled(0) && !state.isEnabled(1))
    #expect(state.nextTimeout == nil)
    #expect(state.change(from: nil, to: 2, at: .seconds(20.0)) == true)
    #expect(state.maximum == 2)
    #expect(state.change(from: 2, to: 1, at: .seconds(21.0)) == false)
    #expect(state.nextTimeout == .seconds(26.0))
    // Back in time: nothing happens.
    #expect(state.change(from: 1, to: 2, at: .seconds(25.0)) == false)
    #expect(state.nextTimeout == nil)
    // Each layer waits for itself.
    #expect(state.change(from: 2, to: 1, at: .seconds(30.0)) == false)
    #expect(state.change(from: 1, to: nil, at: .seconds(34.0)) == false)
    #expect(state.handleTimeout(at: .seconds(35.0)) == true)
    #expect(state.maximum == 1)
    #expect(state.nextTimeout == .seconds(39.0))
    #expect(state.change(from: 0, to: nil, at: .seconds(36.0)) == false)
    #expect(state.handleTimeout(at: .seconds(39.0)) == true)
    #expect(state.maximum == 0)
    #expect(state.handleTimeout(at: .seconds(41.0)) == true)
    #expect(state.maximum == nil)
    #expect(!state.isEnabled(0))
    #expect(state.change(from: nil, to: 7, at: .seconds(50.0)) == true)
    #expect(state.maximum == 2)
    // Who comes and goes right after publication changes nothing before its delay is over.
    var young = DynacastState(layers: 2, at: .zero)
    _ = young.change(from: nil, to: 1, at: .seconds(1.0))
    _ = young.change(from: 1, to: nil, at: .seconds(2.0))
    #expect(young.nextTimeout == .seconds(10.0))
  }
}

@Suite struct LayerClockTests {
  @Test func translatesThroughSenderReports() {
    var clock = LayerClock(clockRate: 90_000)
    let second: UInt64 = 1 << 32
    #expect(clock.translate(5, from: 1, to: 1) == 5)
    clock.report(layer: 0, ntp: 100 * second, timestamp: 1_000)
    #expect(clock.translate(0, from: 2, to: 0) == nil)
    clock.report(layer: 2, ntp: 102 * second + second / 2, timestamp: .max - 89_999)
    // At 102.5 s layer 0 stands at 1,000 + 225,000; half a second later 45,000 further.
    #expect(clock.translate(.max - 44_999, from: 2, to: 0) == 271_000)
    #expect(clock.translate(271_000, from: 0, to: 2) == UInt32.max - 44_999)
    #expect(clock.translate(0, from: 0, to: 1) == nil)
    #expect(clock.translate(0, from: -1, to: 0) == nil)
  }
}

@Suite struct VP8RewriteTests {
  @Test func fieldsAreReplacedInPlace() throws {
    let pool = PacketPool()
    for isLong in [true, false] {
      for (tl0, key) in [(nil, nil), (7, nil), (7, 9), (nil, 9)] as [(UInt8?, UInt8?)] {
        var descriptor = VP8Descriptor()
        descriptor.startsPartition = true
        descriptor.pictureID = 100
        descriptor.hasLongPictureID = isLong
        descriptor.tl0PicIdx = tl0
        descriptor.temporalID = tl0.map { _ in 2 }
        descriptor.isLayerSync = tl0 != nil
        descriptor.keyIdx = key
        var packet = pool.makePacket([0xAA, 0xBB] + descriptor.bytes + [1, 2, 3])
        var numbers = VP8Numbers(descriptor)
        numbers.pictureID = isLong ? 0x7FFF : 0x7F
        numbers.tl0PictureIndex = numbers.tl0PictureIndex.map { _ in 255 }
        numbers.keyIndex = numbers.keyIndex.map { _ in 31 }
        packet.rewriteVP8(descriptor, at: 2, numbers: numbers)
        let back = try VP8Descriptor(packet.bytes, 2..<packet.count)
        #expect(VP8Numbers(back) == numbers)
        var expected = descriptor
        expected.isExtended = true
        expected.pictureID = numbers.pictureID
        expected.tl0PicIdx = numbers.tl0PictureIndex
        expected.keyIdx = numbers.keyIndex
        #expect(back == expected)
        #expect(packet.bytes.array.suffix(3) == [1, 2, 3])
        #expect(packet.bytes.array.prefix(2) == [0xAA, 0xBB])
      }
    }
  }
}

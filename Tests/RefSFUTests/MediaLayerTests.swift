import Basics
import Testing
import Wire

@testable import RefSFU

@Suite struct LayerSelectorTests {
  private static let all = LayerState.temporalLayers - 1

  private func keyframe(
    _ selector: inout LayerSelector, _ layer: Int, number: UInt16 = 0, at now: Instant = .zero
  ) -> LayerSelector.Decision {
    selector.decide(
      layer: layer, temporal: 0, startsFrame: true, isKeyframe: true, isLayerSync: false,
      number: number, isLate: false, at: now)
  }

  private func frame(
    _ selector: inout LayerSelector, _ layer: Int, temporal: Int = 0, sync: Bool = false,
    starts: Bool = true, number: UInt16 = 0, isLate: Bool = false, at now: Instant = .zero
  ) -> LayerSelector.Decision {
    selector.decide(
      layer: layer, temporal: temporal, startsFrame: starts, isKeyframe: false, isLayerSync: sync,
      number: number, isLate: isLate, at: now)
  }

  private func aim(
    _ selector: inout LayerSelector, _ layer: Int?, temporal: Int = all, at now: Instant = .zero
  ) -> Bool {
    selector.aim(at: layer, temporal: temporal, now: now)
  }

  @Test func switchesOnlyAtKeyframes() {
    var selector = LayerSelector()
    #expect(aim(&selector, 0) == true)
    #expect(selector.keyframeNeeded == 0)
    #expect(frame(&selector, 0) == .otherLayer)
    #expect(keyframe(&selector, 2) == .otherLayer)
    #expect(keyframe(&selector, 0) == .begin)
    #expect(selector.keyframeNeeded == nil)
    #expect(frame(&selector, 0) == .forward)
    #expect(frame(&selector, 1) == .otherLayer)
    // Up: the old layer goes on until the new one has a keyframe.
    #expect(aim(&selector, 2) == true)
    #expect(aim(&selector, 2) == false)
    #expect(selector.keyframeNeeded == 2)
    #expect(frame(&selector, 0) == .forward)
    #expect(frame(&selector, 2) == .otherLayer)
    #expect(keyframe(&selector, 1) == .otherLayer)
    #expect(keyframe(&selector, 0) == .forward)
    let inside = selector.decide(
      layer: 2, temporal: 0, startsFrame: false, isKeyframe: true, isLayerSync: false, number: 0,
      isLate: false, at: .zero)
    #expect(inside == .otherLayer)
    #expect(keyframe(&selector, 2) == .begin)
    #expect(frame(&selector, 0) == .otherLayer)
    #expect(frame(&selector, 2) == .forward)
  }

  /// What comes late from before a raise needs frames that were dropped then (RFC 7741 §4.2).
  @Test(arguments: [UInt16(100), 65_530]) func lateFramesAreThoseOfTheirTime(first: UInt16) {
    var selector = LayerSelector()
    _ = aim(&selector, 0, temporal: 0)
    #expect(keyframe(&selector, 0, number: first) == .begin)
    #expect(frame(&selector, 0, temporal: 2, number: first &+ 1) == .unwanted)
    _ = aim(&selector, 0, temporal: 2)
    #expect(keyframe(&selector, 0, number: first &+ 6) == .forward)
    #expect(selector.currentTemporal == 2)
    #expect(frame(&selector, 0, temporal: 2, number: first &+ 8) == .forward)
    #expect(
      frame(&selector, 0, temporal: 2, sync: true, number: first &+ 3, isLate: true) == .unwanted)
    #expect(frame(&selector, 0, temporal: 0, number: first &+ 4, isLate: true) == .forward)
    #expect(frame(&selector, 0, temporal: 2, number: first &+ 7, isLate: true) == .forward)
    // A late frame raises nothing.
    _ = aim(&selector, 0, temporal: 0)
    #expect(frame(&selector, 0, number: first &+ 9) == .forward)
    _ = aim(&selector, 0, temporal: 2)
    let sync = frame(&selector, 0, temporal: 1, sync: true, number: first &+ 8, isLate: true)
    #expect(sync == .unwanted && selector.currentTemporal == 0)
  }

  @Test func anyLowerKeyframeWillDoAfterTheGrace() {
    var selector = LayerSelector()
    _ = aim(&selector, 2)
    #expect(keyframe(&selector, 1, at: .milliseconds(999)) == .otherLayer)
    #expect(keyframe(&selector, 1, at: .milliseconds(1_000)) == .begin)
    #expect(selector.keyframeNeeded == 2)
    #expect(keyframe(&selector, 0, at: .milliseconds(1_001)) == .otherLayer)
    #expect(keyframe(&selector, 2, at: .milliseconds(1_002)) == .begin)
    var small = LayerSelector()
    _ = aim(&small, 1)
    #expect(keyframe(&small, 2, at: .seconds(5.0)) == .otherLayer)
  }

  @Test func stopsAndGoesOn() {
    var selector = LayerSelector()
    _ = aim(&selector, 2)
    _ = keyframe(&selector, 2)
    #expect(aim(&selector, nil) == true)
    #expect(selector.current == nil && selector.keyframeNeeded == nil)
    #expect(keyframe(&selector, 2) == .otherLayer)
    #expect(aim(&selector, 2) == true)
    #expect(selector.keyframeNeeded == 2)
  }

  @Test func temporalLayersRiseAtSyncFramesOneByOne() {
    var selector = LayerSelector()
    _ = aim(&selector, 2, temporal: 0)
    _ = keyframe(&selector, 2)
    #expect(frame(&selector, 2, temporal: 1, sync: true) == .unwanted)
    _ = aim(&selector, 2, temporal: 2)
    #expect(frame(&selector, 2, temporal: 2, sync: true) == .unwanted)
    #expect(frame(&selector, 2, temporal: 1) == .unwanted)
    #expect(frame(&selector, 2, temporal: 1, sync: true, starts: false) == .unwanted)
    #expect(frame(&selector, 2, temporal: 1, sync: true) == .forward)
    #expect(frame(&selector, 2, temporal: 2) == .unwanted)
    #expect(frame(&selector, 2, temporal: 2, sync: true) == .forward)
    #expect(frame(&selector, 2, temporal: 2) == .forward)
    // Down at once, at the next frame.
    _ = aim(&selector, 2, temporal: 0)
    #expect(frame(&selector, 2, temporal: 2, starts: false) == .forward)
    #expect(frame(&selector, 2, temporal: 2) == .unwanted)
    // A keyframe needs nothing before it.
    _ = aim(&selector, 2)
    #expect(keyframe(&selector, 2) == .forward)
    #expect(frame(&selector, 2, temporal: 2) == .forward)
  }

  /// The room is gone already, and the keyframe of the lower layer has yet to come.
  @Test func onTheWayDownTheBaseHasToDo() {
    var selector = LayerSelector()
    _ = aim(&selector, 2)
    _ = keyframe(&selector, 2)
    #expect(frame(&selector, 2, temporal: 2) == .forward)
    _ = aim(&selector, 1)
    #expect(frame(&selector, 2, temporal: 1) == .unwanted)
    #expect(frame(&selector, 2, temporal: 0) == .forward)
    #expect(keyframe(&selector, 1) == .begin)
    #expect(keyframe(&selector, 1) == .forward)
    #expect(frame(&selector, 1, temporal: 2) == .forward)
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
  }

  /// The rest of the cycle is too short for the packets of a good one.
  @Test func aLayerThatBeginsAnewAtTheEndOfACycleLives() {
    var tracker = LayerTracker(layers: 2)
    _ = feed(&tracker, layer: 1, from: 0, to: 2_001, every: 25)
    _ = feed(&tracker, layer: 1, from: 2_001, to: 2_450, every: 25)
    tracker.restart(layer: 1)
    let changes = feed(&tracker, layer: 1, from: 2_450, to: 3_600, every: 25)
    #expect(changes.isEmpty && tracker.layers[1].isLive)
    // Silence ends it all the same.
    _ = feed(&tracker, layer: 0, from: 3_600, to: 5_000, every: 25)
    #expect(!tracker.layers[1].isLive)
  }

  /// A keyframe of another size makes what was measured void.
  @Test func aNewSizeIsMeasuredAnew() {
    var tracker = LayerTracker(layers: 2)
    _ = feed(&tracker, layer: 1, from: 0, to: 2_001, every: 25)
    #expect(tracker.layers[1].isMeasured)
    _ = feed(&tracker, layer: 1, from: 2_001, to: 2_300, every: 25)
    tracker.restart(layer: 1)
    #expect(!tracker.layers[1].isMeasured)
    _ = feed(&tracker, layer: 1, from: 2_300, to: 2_900, every: 25, size: 500)
    #expect(!tracker.layers[1].isMeasured)
    _ = feed(&tracker, layer: 1, from: 2_900, to: 3_100, every: 25, size: 500)
    #expect(tracker.layers[1].isMeasured && abs(tracker.layers[1].bitrate.kbps - 160) < 10)
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

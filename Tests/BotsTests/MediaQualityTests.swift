// Freezes worked out by hand after the W3C definition, and the meters' samples.

import Basics
import Testing

@testable import Bots

@Suite struct MediaFreezeTests {
  struct Case: Sendable {
    var name: String
    /// Intervals between frames, milliseconds; the first frame is at 0.
    var intervals: [Int]
    /// Where the record ends, milliseconds after the last frame.
    var tail: Int
    var count: Int
    /// Milliseconds.
    var duration: Int
  }

  static let cases: [Case] = [
    // avg 40: max(120, 190) = 190.
    Case(
      name: "just below", intervals: Array(repeating: 40, count: 30) + [189], tail: 0, count: 0,
      duration: 0),
    Case(
      name: "at the limit", intervals: Array(repeating: 40, count: 30) + [190], tail: 0, count: 1,
      duration: 190),
    // avg 100: max(300, 250) = 300.
    Case(
      name: "slow, below", intervals: Array(repeating: 100, count: 30) + [299], tail: 0, count: 0,
      duration: 0),
    Case(
      name: "slow, at", intervals: Array(repeating: 100, count: 30) + [300], tail: 0, count: 1,
      duration: 300),
    // The freeze itself raises the mean: (29 x 40 + 1,960) / 30 = 104, limit 312.
    Case(
      name: "second, below", intervals: Array(repeating: 40, count: 30) + [1_960, 311], tail: 0,
      count: 1, duration: 1_960),
    Case(
      name: "second, at", intervals: Array(repeating: 40, count: 30) + [1_960, 312], tail: 0,
      count: 2, duration: 2_272),
    // Only the last 30 intervals count: the 1,960 has left the window after 30 more frames.
    Case(
      name: "forgotten",
      intervals: Array(repeating: 40, count: 30) + [1_960] + Array(repeating: 40, count: 30) + [
        190
      ],
      tail: 0, count: 2, duration: 2_150),
    Case(
      name: "unfinished, below", intervals: Array(repeating: 40, count: 30), tail: 189, count: 0,
      duration: 0),
    Case(
      name: "unfinished", intervals: Array(repeating: 40, count: 30), tail: 5_000, count: 1,
      duration: 5_000),
    Case(name: "one frame", intervals: [], tail: 60_000, count: 0, duration: 0),
    Case(name: "two frames", intervals: [40], tail: 60_000, count: 1, duration: 60_000),
  ]

  @Test(arguments: cases.indices)
  func followsTheDefinition(index: Int) {
    let test = MediaFreezeTests.cases[index]
    var meter = FreezeMeter()
    var now = Instant.seconds(3)
    meter.frameRendered(at: now)
    for interval in test.intervals {
      now += .milliseconds(interval)
      meter.frameRendered(at: now)
    }
    now += .milliseconds(test.tail)
    #expect(meter.count(at: now) == test.count, "\(test.name)")
    #expect(meter.duration(at: now) == .milliseconds(test.duration), "\(test.name)")
  }

  @Test func pauseOnPurposeIsNoFreeze() {
    var meter = FreezeMeter()
    var now = Instant.zero
    for _ in 0..<30 {
      meter.frameRendered(at: now)
      now += .milliseconds(40)
    }
    meter.suspended(at: now)
    now += .seconds(20)
    #expect(meter.count(at: now) == 0)
    meter.frameRendered(at: now)
    #expect(meter.count(at: now) == 0)
    now += .milliseconds(190)
    meter.frameRendered(at: now)
    #expect(meter.count(at: now) == 1)
  }
}

@Suite struct MediaVideoMeterTests {
  private func frame(
    at time: Instant, layer: UInt8 = 2, height: Int = 720, delay: Int = 60, key: Bool = false
  ) -> VideoBufferEvent {
    let encoded = EncodedFrame(
      layer: Int(layer), width: height * 16 / 9, height: height, isKeyframe: key,
      temporalLayer: 0, isLayerSync: false, isDiscardable: false, referenceDistance: 1,
      size: 1_000, captureTime: time - .milliseconds(delay), frameNumber: 0, keyframeNumber: 0,
      rtpTimestamp: 0)
    return .rendered(
      RenderedFrame(
        renderTime: time, jitterBufferDelay: .milliseconds(20), isKeyframe: key,
        temporalLayer: 0, width: encoded.width, height: height, size: 1_000, sequenceNumbers: 0...0,
        stamp: FrameStamp(encoded)))
  }

  /// Frames every 40 ms from `start` up to `end`, milliseconds.
  private func play(
    _ meter: inout VideoQualityMeter, _ start: Int, _ end: Int, layer: UInt8 = 2,
    height: Int = 720
  ) {
    for time in stride(from: start, to: end, by: 40) {
      let now = Instant.milliseconds(time)
      meter.record(frame(at: now, layer: layer, height: height), at: now)
    }
  }

  @Test func wholeSecondsHaveRates() {
    var meter = VideoQualityMeter()
    play(&meter, 480, 5_000)
    meter.finish(at: .seconds(5))
    #expect(meter[.framesPerSecond].values == [25, 25, 25, 25])
    #expect(meter[.framesPerSecond].times == [2, 3, 4, 5].map { $0 * 1_000_000_000 })
    #expect(meter[.frameHeight].values == [720, 720, 720, 720])
    #expect(meter[.layer].values == [2, 2, 2, 2])
    #expect(meter[.jitterBufferDelay].values == [20, 20, 20, 20])
    #expect(meter[.endToEndDelay].values.allSatisfy { $0 == 60 })
    #expect(meter[.endToEndDelay].count == 113)
    #expect(meter[.freezeCount].values == [0])
    #expect(meter[.framesDecoded].values == [0, 13, 38, 63, 88, 113])
  }

  @Test func freezeShowsInTheSecondsItLasts() {
    var meter = VideoQualityMeter()
    play(&meter, 0, 2_000)
    play(&meter, 4_400, 6_000)
    meter.finish(at: .seconds(6))
    #expect(meter[.framesPerSecond].values == [25, 0, 0, 15, 25])
    #expect(meter[.freezeCount].values.last == 1)
    let total = meter[.totalFreezesDuration]
    #expect(total.values.last == 2.44)
    // Standing since 1.96 s: 1.04 s of it by the end of the third second.
    let third = total.times.firstIndex(of: 3_000_000_000)!
    #expect(abs(total.values[third] - 1.04) < 1e-9)
  }

  @Test func freezeWithoutEndCounts() {
    var meter = VideoQualityMeter()
    play(&meter, 0, 2_000)
    meter.finish(at: .seconds(10))
    #expect(meter[.freezeCount].values.last == 1)
    #expect(meter[.totalFreezesDuration].values.last == 8.04)
    #expect(meter[.framesPerSecond].values == [25, 0, 0, 0, 0, 0, 0, 0, 0])
  }

  @Test func suspendedSecondsHaveNoRates() {
    var meter = VideoQualityMeter()
    play(&meter, 0, 2_500)
    meter.suspended(at: .milliseconds(2_500))
    play(&meter, 2_500, 2_520)
    meter.resumed(at: .milliseconds(6_200))
    play(&meter, 6_400, 8_000)
    meter.finish(at: .seconds(8))
    #expect(meter[.framesPerSecond].times == [2, 8].map { $0 * 1_000_000_000 })
    #expect(meter[.framesPerSecond].values == [25, 25])
    #expect(meter[.freezeCount].values == [0])
  }

  @Test func layerSwitchesAreCounted() {
    var meter = VideoQualityMeter()
    play(&meter, 0, 2_000, layer: 0, height: 180)
    play(&meter, 2_000, 4_000, layer: 2, height: 720)
    meter.finish(at: .seconds(4))
    #expect(meter.layerSwitches == 1)
    #expect(meter[.layerSwitches].times.last == 2_000_000_000)
    #expect(meter[.layer].values == [0, 2, 2])
    #expect(meter[.frameHeight].values == [180, 720, 720])
  }

  @Test func dropsAndErrorsAreCounted() {
    var meter = VideoQualityMeter()
    play(&meter, 0, 1_000)
    meter.record(.dropped(.incomplete, nil), at: .milliseconds(900))
    meter.record(.dropped(.decodeError, nil), at: .milliseconds(900))
    meter.finish(at: .seconds(1))
    #expect(meter[.framesDropped].values.last == 2)
    #expect(meter[.framesReceived].values.last == 27)
    #expect(meter[.decodeErrors].values == [0, 1])
    for metric in VideoMetric.allCases {
      let times = meter[metric].times
      #expect(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 }, "\(metric.name)")
    }
  }

  @Test func logsKeepOneOfSoMany() {
    var log = SampleLog(decimation: 3)
    for value in 0..<10 { log.append(Double(value), at: .milliseconds(value)) }
    #expect(log.values == [0, 3, 6, 9])
  }
}

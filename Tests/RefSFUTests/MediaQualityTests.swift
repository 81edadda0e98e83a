import Basics
import Testing

@testable import RefSFU

private func scorer(
  weight: Double = PacketLossWeight.video, rtt: Bool = true, jitter: Bool = true,
  bitrate: Bool = true
) -> ConnectionQualityScorer {
  ConnectionQualityScorer(
    lossWeight: weight, includesRTT: rtt, includesJitter: jitter, scoresBitrate: bitrate, at: .zero)
}

private func window(
  packets: Int = 1_000, lost: Int = 0, missing: Int = 0, outOfOrder: Int = 0, padding: Int = 0,
  bytes: Int = 1, rtt: Double = 0, jitter: Double = 0, lastRTCP: Instant? = nil
) -> ConnectionQualityScorer.Window {
  ConnectionQualityScorer.Window(
    packets: packets, padding: padding, lost: lost, missing: missing, outOfOrder: outOfOrder,
    bytes: bytes, rttMilliseconds: rtt, jitterMicroseconds: jitter, lastRTCP: lastRTCP)
}

@Suite struct ConnectionQualityTests {
  struct Row: Sendable {
    var window: ConnectionQualityScorer.Window
    /// The window's own score, before smoothing.
    var score: Double
  }

  /// The first window falls from 100 with factor 0.8, not below 30.
  @Test(arguments: [
    Row(window: window(), score: 100),
    Row(window: window(rtt: 80, jitter: 20_000), score: 98),
    Row(window: window(rtt: 320), score: 96),
    Row(window: window(rtt: 322), score: 95.9),
    Row(window: window(rtt: 600, jitter: 30_000), score: 76),
    Row(window: window(lost: 10), score: 90),
    Row(window: window(lost: 50), score: 50),
    Row(window: window(lost: 50, missing: 20, outOfOrder: 20), score: 90),
    Row(window: window(lost: 50, missing: 40, outOfOrder: 20), score: 100),
    Row(window: window(packets: 500, lost: 10, padding: 500), score: 90),
    Row(window: window(lost: 60, rtt: 1_320), score: 0),
    Row(window: window(lost: 900), score: 0),
  ])
  func packetScores(_ row: Row) {
    var scorer = scorer()
    scorer.update(row.window, at: .seconds(5.0))
    let expected = max(30, 0.8 * row.score + 20)
    #expect(abs(scorer.score - (row.score == 100 ? 100 : expected)) < 1e-9)
  }

  @Test func codecsWeighLoss() {
    let weights = [
      PacketLossWeight.video, PacketLossWeight.opus(hasFEC: false),
      PacketLossWeight.opus(hasFEC: true), PacketLossWeight.red(hasFEC: false),
      PacketLossWeight.red(hasFEC: true),
    ]
    for (weight, expected) in zip(weights, [10, 8, 8 / 1.5, 4, 4 / 1.5]) {
      var scorer = scorer(weight: weight)
      scorer.update(window(lost: 50), at: .seconds(5.0))
      #expect(abs(scorer.score - (100 - 0.8 * 5 * expected)) < 1e-9)
    }
  }

  @Test func delayCanBeLeftOut() {
    var scorer = scorer(rtt: false, jitter: false)
    scorer.update(window(rtt: 5_000, jitter: 1e6), at: .seconds(5.0))
    #expect(scorer.score == 100)
  }

  @Test func words() {
    let rows: [(Double, ConnectionQuality)] = [
      (100, .excellent), (80.1, .excellent), (80, .good), (40.1, .good), (40, .poor), (20.1, .poor),
      (20, .lost), (0, .lost),
    ]
    for (score, word) in rows { #expect(ConnectionQuality(score: score) == word) }
  }

  @Test func meanOpinionScores() {
    var scorer = scorer()
    #expect(scorer.meanOpinionScore == 4.5)
    // 10 % of missing bitrate and more: 1 + 0.035 x 84 + 7e-6 x 84 x 24 x 16.
    scorer.update(window(lost: 20), at: .seconds(5.0))
    #expect(abs(scorer.score - 84) < 1e-9)
    #expect(abs(scorer.meanOpinionScore - 4.1657920) < 1e-6)
  }

  @Test func bitrateScores() {
    func score(expected: Int64, bytes: Int, enabled: Bool = true) -> Double {
      var scorer = scorer(bitrate: enabled)
      scorer.expect(.kbps(expected), at: .zero)
      scorer.update(window(bytes: bytes), at: .seconds(5.0))
      return scorer.score
    }
    // 5 s at 800 kbit/s are 500,000 bytes.
    #expect(score(expected: 800, bytes: 500_000) == 100)
    #expect(score(expected: 800, bytes: 900_000) == 100)
    let half = 100 - 0.8 * 20 * 0.6931471805599453
    #expect(abs(score(expected: 800, bytes: 250_000) - half) < 1e-9)
    #expect(score(expected: 800, bytes: 0) == 30)
    #expect(score(expected: 800, bytes: 0, enabled: false) == 100)
    #expect(score(expected: 0, bytes: 0) == 100)
  }

  @Test func missedLayersAreAveragedOverTheWindow() {
    var scorer = scorer()
    scorer.miss(layers: 0, at: .zero)
    scorer.miss(layers: 2, at: .seconds(2.5))
    scorer.update(window(), at: .seconds(5.0))
    #expect(abs(scorer.score - (0.8 * 65 + 20)) < 1e-9)
    let before = scorer.score
    scorer.update(window(), at: .seconds(10.0))
    #expect(abs(scorer.score - (0.8 * 30 + 0.2 * before)) < 1e-9)
    scorer.miss(layers: -1, at: .seconds(10.0))
    let low = scorer.score
    scorer.update(window(), at: .seconds(15.0))
    #expect(abs(scorer.score - (40 + 0.6 * low)) < 1e-9)
  }

  @Test func silenceIsPoorThenLost() {
    var scorer = scorer()
    scorer.update(window(packets: 0, lastRTCP: .seconds(1.0)), at: .seconds(5.0))
    #expect(scorer.score == 40)
    #expect(scorer.quality == .poor)
    scorer.update(window(packets: 0, lastRTCP: .seconds(4.9)), at: .seconds(10.0))
    #expect(scorer.quality == .lost)
    // Muting does not find it again; media does, from the floor up.
    scorer.setMuted(true, at: .seconds(11.0))
    #expect(scorer.quality == .lost)
    scorer.setMuted(false, at: .seconds(12.0))
    scorer.update(window(), at: .seconds(15.0))
    #expect(scorer.score == 0.4 * 100 + 0.6 * 20)
    scorer.update(window(packets: 0), at: .seconds(20.0))
    #expect(scorer.score == 40)
  }

  @Test func mutesAndPauses() {
    var scorer = scorer()
    scorer.update(window(lost: 100), at: .seconds(5.0))
    #expect(scorer.score == 30)
    scorer.setMuted(true, at: .seconds(6.0))
    #expect(scorer.score == 100)
    scorer.update(window(packets: 0), at: .seconds(10.0))
    #expect(scorer.score == 100)
    // Half a window or less of unmuted time does not count.
    scorer.setMuted(false, at: .seconds(12.5))
    scorer.update(window(lost: 100), at: .seconds(15.0))
    #expect(scorer.score == 100)
    scorer.update(window(lost: 100), at: .seconds(20.0))
    #expect(scorer.score == 30)
    scorer.setLayersMuted(true, at: .seconds(21.0))
    #expect(scorer.score == 100)
    scorer.setLayersMuted(false, at: .seconds(22.0))
    scorer.setPaused(true, at: .seconds(23.0))
    #expect(scorer.quality == .poor)
    scorer.update(window(), at: .seconds(25.0))
    #expect(scorer.score == 30)
    scorer.setPaused(false, at: .seconds(26.0))
    scorer.update(window(), at: .seconds(30.0))
    #expect(scorer.score == 0.4 * 100 + 0.6 * 30)
  }

  @Test func lossWeighsLessBelowTheUsualRate() {
    var scorer = scorer()
    // 50 packet/s is the mode after ten windows; then DTX sends a quarter of that.
    for index in 1...10 {
      scorer.update(window(packets: 250), at: .seconds(Double(index) * 5))
    }
    let loss = window(packets: 62, lost: 2)
    scorer.update(loss, at: .seconds(55.0))
    let weight = 10 * (12.4 / 50).squareRoot()
    #expect(abs(scorer.score - (20 + 0.8 * (100 - 200 / 62.0 * weight))) < 1e-9)
  }

  /// 5 % of video loss is seen within two windows, and gone within 20 s.
  @Test func theWordFollowsTheLink() {
    var scorer = scorer()
    scorer.update(window(lost: 50), at: .seconds(5.0))
    #expect(scorer.quality == .good)
    scorer.update(window(lost: 50), at: .seconds(10.0))
    #expect(scorer.quality == .good)
    var now = 10.0
    while scorer.quality != .excellent, now < 60 {
      now += 5
      scorer.update(window(), at: .seconds(now))
    }
    #expect(now <= 30)
  }
}

@Suite struct ActiveSpeakersTests {
  private typealias Speakers = ActiveSpeakers<Int>

  /// Feeds 20 ms packets and collects changes as a driver would.
  private func run(
    _ speakers: inout Speakers, from start: Int, to end: Int, levels: [Int: (Int) -> UInt8?],
    _ body: (Int, Speakers.Speaker) -> Void
  ) {
    for time in stride(from: start, to: end, by: 20) {
      let now = Instant.milliseconds(time)
      while let next = speakers.nextTimeout, next < now {
        for change in speakers.changes(at: next) { body(Int(next.milliseconds), change) }
      }
      for id in levels.keys.sorted() {
        guard let level = levels[id]?(time) else { continue }
        speakers.observe(id, level: level, duration: .milliseconds(20), at: now)
      }
      if let next = speakers.nextTimeout, next <= now {
        for change in speakers.changes(at: now) { body(time, change) }
      }
    }
  }

  @Test(arguments: Array(stride(from: 2_000, to: 2_400, by: 20)))
  func onsetAndEndAreToldInTime(onset: Int) {
    var speakers = Speakers()
    var on: [Int] = []
    var off: [Int] = []
    let talk = onset..<(onset + 3_000)
    let level: (Int) -> UInt8? = { talk.contains($0) ? 30 : 90 }
    run(&speakers, from: 0, to: 8_000, levels: [1: level]) { time, change in
      if change.isSpeaking { on.append(time) } else { off.append(time) }
    }
    #expect(on.first! - onset < 350)
    #expect(off.count == 1)
    #expect(off[0] - talk.upperBound < 1_200)
  }

  @Test func noiseIsNotSpeech() {
    var speakers = Speakers()
    // Shorter than 40 % of any window, however it falls; and too quiet.
    let clicks: (Int) -> UInt8? = { $0 % 1_000 < 140 ? 10 : 80 }
    run(&speakers, from: 0, to: 10_000, levels: [1: clicks, 2: { _ in 36 }]) { time, change in
      Issue.record("\(change) at \(time)")
    }
  }

  @Test func thresholdsAreInclusive() {
    for (level, packets, expected) in [(35, 8, true), (36, 20, false), (35, 7, false)] {
      var speech = SpeechLevel()
      for index in 0..<20 {
        _ = speech.observe(
          index < packets ? UInt8(level) : 127, duration: .milliseconds(20),
          at: .milliseconds(index * 20))
      }
      #expect(speech.isSpeaking == expected)
    }
  }

  @Test func aPauseEndsItsWindow() {
    var speech = SpeechLevel()
    for index in 0..<7 {
      _ = speech.observe(20, duration: .milliseconds(20), at: .milliseconds(index * 20))
    }
    #expect(speech.observe(20, duration: .milliseconds(20), at: .milliseconds(520)) == false)
    #expect(!speech.isSpeaking)
  }

  @Test func levelsAreSmoothed() {
    var speech = SpeechLevel()
    for index in 0..<20 {
      _ = speech.observe(20, duration: .milliseconds(20), at: .milliseconds(index * 20))
    }
    // Early 0.1 x 2/3, then another two thirds of the way to 0.1.
    #expect(abs(speech.level - (0.1 * 2 / 3 + 0.1 / 3 * 2 / 3)) < 1e-9)
    for index in 20..<200 {
      _ = speech.observe(20, duration: .milliseconds(20), at: .milliseconds(index * 20))
    }
    #expect(abs(speech.level - 0.1) < 1e-3)
  }

  @Test func theLoudestComesFirst() {
    var speakers = Speakers()
    run(
      &speakers, from: 0, to: 3_000, levels: [1: { _ in 30 }, 2: { _ in 5 }, 3: { _ in 12 }]
    ) { _, _ in }
    #expect(speakers.speakers.map(\.id) == [2, 3, 1])
    #expect(speakers.speakers.map(\.level) == [0.625, 0.375, 0.125])
    #expect(speakers.changes(at: .seconds(3.0)).isEmpty)
    speakers.remove(2)
    let changes = speakers.changes(at: .seconds(3.4))
    #expect(changes.contains(Speakers.Speaker(id: 2, level: 0, isSpeaking: false)))
  }

  @Test func silenceByMuteOrDTXEndsSpeech() {
    for interval in [Int.max, 400] {
      var speakers = Speakers()
      var off: Int?
      let levels: (Int) -> UInt8? = { time in
        time < 2_000 ? 20 : time % interval == 0 ? 90 : nil
      }
      run(&speakers, from: 0, to: 5_000, levels: [1: levels]) { time, change in
        if !change.isSpeaking { off = time }
      }
      #expect((off ?? .max) <= 3_200)
    }
  }

  @Test func nobodyMeansNoTimeout() {
    var speakers = Speakers()
    speakers.observe(1, level: 90, duration: .milliseconds(20), at: .zero)
    #expect(speakers.nextTimeout == .milliseconds(400))
    speakers.remove(1)
    speakers.remove(1)
    #expect(speakers.changes(at: .milliseconds(400)) == [])
    #expect(speakers.nextTimeout == nil)
  }
}

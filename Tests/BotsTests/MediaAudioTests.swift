// Microphones with discontinuous transmission, and the audio receiver.

import Basics
import Results
import Testing
import Wire

@testable import Bots

/// One microphone's frames as packets, and a receiver.
struct AudioPair {
  var source: AudioSource
  var buffer = AudioJitterBuffer()
  var meter = AudioQualityMeter()
  var events: [AudioBufferEvent] = []
  let pool = PacketPool()

  init(_ schedule: TalkSchedule, seed: UInt64 = 1, dtx: Bool = true) {
    var configuration = AudioSource.Configuration()
    configuration.schedule = schedule
    configuration.usesDTX = dtx
    source = AudioSource(configuration, random: RandomStream(seed: seed, name: "microphone"))
    source.start(at: .zero)
  }

  mutating func frames(until end: Instant) -> [(ready: Instant, frame: AudioFrame)] {
    var frames: [(Instant, AudioFrame)] = []
    while let due = source.nextTimeout, due <= end {
      while let frame = source.poll(at: due) { frames.append((due, frame)) }
    }
    return frames
  }

  func packet(_ frame: AudioFrame) -> AudioPacket {
    var packet = pool.makePacket()
    packet.beginRTP(
      RTPFields(
        marker: frame.marker, payloadType: 111, sequenceNumber: 1, timestamp: frame.rtpTimestamp,
        ssrc: 9), extensions: RTPExtensions(), map: RTPExtensionMap())
    frame.append(to: &packet)
    return AudioPacket(packet.bytes, try! RTPHeader(packet.bytes))!
  }

  /// Runs the buffer over packets that arrive at their time.
  mutating func run(_ arrivals: [(Instant, AudioFrame)], until end: Instant) {
    for (time, frame) in arrivals.sorted(by: { $0.0 < $1.0 }) {
      handleTimeouts(until: time)
      buffer.receive(packet(frame), at: time)
      drain(at: time)
    }
    handleTimeouts(until: end)
    buffer.settle(at: end)
    drain(at: end)
    meter.finish(at: end)
  }

  mutating func handleTimeouts(until end: Instant) {
    while let due = buffer.nextTimeout, due <= end { drain(at: due) }
  }

  mutating func drain(at now: Instant) {
    while let event = buffer.poll(at: now) {
      events.append(event)
      meter.record(event)
    }
  }

  var played: [(time: Instant, stamp: FrameStamp)] {
    events.compactMap {
      if case .played(let time, _, let stamp?, _) = $0 { (time, stamp) } else { nil }
    }
  }
}

@Suite struct MediaAudioSourceTests {
  static let talk = TalkSchedule.intervals([
    Interval(start: .milliseconds(1_010), end: .milliseconds(2_000)),
    Interval(start: .milliseconds(5_000), end: .milliseconds(5_500)),
  ])

  @Test func scheduleKnowsItsChanges() {
    let talk = MediaAudioSourceTests.talk
    #expect(!talk.isTalking(at: .milliseconds(1_009)) && talk.isTalking(at: .milliseconds(1_010)))
    #expect(!talk.isTalking(at: .seconds(2)) && !talk.isTalking(at: .seconds(9)))
    #expect(talk.nextChange(after: .zero) == .milliseconds(1_010))
    #expect(talk.nextChange(after: .milliseconds(1_010)) == .seconds(2))
    #expect(talk.nextChange(after: .seconds(2)) == .seconds(5))
    #expect(talk.nextChange(after: .milliseconds(5_500)) == nil)
    #expect(TalkSchedule.always.isTalking(at: .zero) && !TalkSchedule.never.isTalking(at: .zero))
  }

  @Test func silenceIsAComfortFrameEvery400Milliseconds() {
    var pair = AudioPair(.never)
    let frames = pair.frames(until: .seconds(4))
    let expected: [Instant] = (0..<10).map { Instant.milliseconds($0 * 400 + 21) }
    #expect(frames.map(\.ready) == expected)
    #expect(frames.allSatisfy { $0.frame.isComfort && $0.frame.size == 1 && !$0.frame.marker })
    #expect(frames.allSatisfy { $0.frame.level == 127 && !$0.frame.voice })
  }

  @Test func talkIsEncodedAndHangsOver() {
    var pair = AudioPair(MediaAudioSourceTests.talk)
    let frames = pair.frames(until: .seconds(6)).map(\.frame)
    let speech = frames.filter { !$0.isComfort && $0.captureTime < .seconds(3) }
    // From the first frame that begins in talk to 200 ms after its end.
    #expect(speech.first?.captureTime == .milliseconds(1_020))
    #expect(speech.last?.captureTime == .milliseconds(2_180))
    #expect(speech.count == 59)
    #expect(speech.map(\.marker) == [true] + Array(repeating: false, count: 58))
    #expect(speech.filter(\.voice).count == 49)
    #expect(speech.filter(\.voice).allSatisfy { (20...30).contains($0.level) })
    #expect(Set(speech.filter(\.voice).map(\.level)).count > 5)
    #expect(speech.filter { !$0.voice }.allSatisfy { $0.level == 127 })
    #expect(speech.allSatisfy { (76...84).contains($0.size) })
    // Silence begins with a comfort frame, and the grid of 400 ms runs from it.
    let comfort = frames.filter { $0.isComfort && $0.captureTime > .seconds(2) }
    #expect(comfort.first?.captureTime == .milliseconds(2_200))
    #expect(comfort.dropFirst().first?.captureTime == .milliseconds(2_600))
    #expect(frames.filter(\.marker).map(\.captureTime) == [.milliseconds(1_020), .seconds(5)])
  }

  @Test func rateIsNear32Kilobits() {
    var pair = AudioPair(.always)
    let bytes = pair.frames(until: .seconds(60)).reduce(0) { $0 + $1.frame.size }
    #expect(abs(Double(bytes) * 8 / 60 - 32_000) < 320)
  }

  @Test func withoutDTXSilenceIsEncoded() {
    var pair = AudioPair(.never, dtx: false)
    let frames = pair.frames(until: .seconds(1)).map(\.frame)
    #expect(frames.count == 49 && frames.allSatisfy { !$0.isComfort && $0.level == 127 })
  }

  @Test func timestampsCountSamples() {
    var pair = AudioPair(MediaAudioSourceTests.talk)
    let frames = pair.frames(until: .seconds(6)).map(\.frame)
    for frame in frames {
      let ticks = frame.rtpTimestamp &- frames[0].rtpTimestamp
      #expect(ticks == frame.frameNumber * 960)
    }
  }

  @Test func muteEndsTheTalkspurtAndGoesOnWithComfort() {
    var pair = AudioPair(.always)
    _ = pair.frames(until: .seconds(1))
    pair.source.setMuted(true, at: .seconds(1))
    let muted = pair.frames(until: .seconds(3)).map(\.frame)
    // The hangover of 200 ms, and then a comfort frame every 400 ms.
    #expect(muted.prefix(10).allSatisfy { !$0.isComfort && $0.level == 127 })
    #expect(muted.dropFirst(10).allSatisfy { $0.isComfort })
    #expect((14...15).contains(muted.count))
    pair.source.setMuted(false, at: .seconds(3))
    let again = pair.frames(until: .seconds(4)).map(\.frame)
    #expect(again[0].captureTime == .seconds(3) && again[0].marker)
  }

  @Test func payloadIsOpus() throws {
    let pair = AudioPair(.always)
    var source = pair.source
    let frame = source.poll(at: .seconds(1))!
    var packet = pair.pool.makePacket()
    frame.append(to: &packet)
    #expect(packet.count == frame.size)
    #expect(packet.bytes.byte(at: 0) == 0x78)
    #expect(FrameStamp(packet.bytes, at: 1)?.captureTime == .zero)
  }
}

@Suite struct MediaAudioJitterBufferTests {
  private let spurts = TalkSchedule.intervals([
    Interval(start: .seconds(1), end: .seconds(11)),
    Interval(start: .seconds(13), end: .seconds(20)),
  ])

  @Test func cleanPathPlaysEverythingWithoutConcealment() {
    var pair = AudioPair(spurts)
    let frames = pair.frames(until: .seconds(22))
    pair.run(frames.map { ($0.ready + .milliseconds(30), $0.frame) }, until: .seconds(23))
    #expect(pair.played.count == frames.count { !$0.frame.isComfort })
    #expect(pair.meter.concealedSamples == 0)
    // Framing 20, encoding 1, path 30, target 20 ms once the histogram has learnt it.
    let last = pair.played.last!
    let delay = (last.time - last.stamp.captureTime).milliseconds
    #expect((71...92).contains(delay), "\(delay)")
    #expect(pair.buffer.targetDelay == .milliseconds(20))
    #expect(pair.meter[.concealment].values.allSatisfy { $0 == 0 })
  }

  @Test func silenceNeedsNoTimer() {
    var pair = AudioPair(.never)
    let frames = pair.frames(until: .seconds(5))
    pair.run(frames.map { ($0.ready, $0.frame) }, until: .seconds(5))
    #expect(pair.buffer.nextTimeout == nil && pair.events.isEmpty)
  }

  @Test func singleLossIsConcealed() {
    var pair = AudioPair(spurts)
    let frames = pair.frames(until: .seconds(22))
    var arrivals = frames.map { ($0.ready + .milliseconds(30), $0.frame) }
    // Three frames of the first spurt, one by one.
    arrivals.removeAll { [100, 200, 300].contains($0.1.frameNumber) }
    pair.run(arrivals, until: .seconds(23))
    #expect(pair.meter.concealedSamples == 3 * 960)
    #expect(pair.meter[.concealment].values.filter { $0 > 0 }.count == 3)
    #expect(pair.meter[.concealment].values.contains { abs($0 - 2) < 0.1 })
    #expect(pair.buffer.latePackets == 0)
  }

  @Test func outageInTalkIsConcealedForAsLongAsItLasts() {
    var pair = AudioPair(.always)
    let frames = pair.frames(until: .seconds(12))
    var arrivals = frames.map { ($0.ready + .milliseconds(30), $0.frame) }
    arrivals.removeAll { (250..<350).contains($0.1.frameNumber) }
    pair.run(arrivals, until: .seconds(12))
    let seconds = Double(pair.meter.concealedSamples) / 48_000
    #expect(abs(seconds - 2) < 0.1, "\(seconds)")
    // And the delay afterwards is what it was before.
    let delays = pair.played.map { ($0.time - $0.stamp.captureTime).milliseconds }
    #expect(abs(delays.last! - delays[200]) < 25, "\(delays[200]) \(delays.last!)")
  }

  @Test func outageWithoutEndIsConcealedUpToTheEnd() {
    var pair = AudioPair(.always)
    let frames = pair.frames(until: .seconds(5))
    pair.run(frames.map { ($0.ready + .milliseconds(30), $0.frame) }, until: .seconds(10))
    #expect(abs(Double(pair.meter.concealedSamples) / 48_000 - 5) < 0.15)
    #expect(pair.meter[.concealment].values.suffix(3).allSatisfy { $0 == 100 })
  }

  @Test func mutedOnPurposeIsNotConcealed() {
    var pair = AudioPair(.always)
    let frames = pair.frames(until: .seconds(5))
    for (ready, frame) in frames {
      pair.handleTimeouts(until: ready)
      pair.buffer.receive(pair.packet(frame), at: ready)
      pair.drain(at: ready)
    }
    pair.handleTimeouts(until: .milliseconds(5_100))
    pair.buffer.suspend(at: .milliseconds(5_100))
    pair.buffer.settle(at: .seconds(20))
    pair.drain(at: .seconds(20))
    #expect(pair.meter.concealedSamples <= 4 * 960)
  }

  @Test func suspendedInTalkPlaysOutAndFallsSilent() {
    var pair = AudioPair(.always)
    let frames = pair.frames(until: .seconds(5))
    for (ready, frame) in frames {
      pair.handleTimeouts(until: ready)
      pair.buffer.receive(pair.packet(frame), at: ready)
      pair.drain(at: ready)
    }
    pair.buffer.suspend(at: .seconds(5))
    pair.handleTimeouts(until: .seconds(20))
    pair.buffer.settle(at: .seconds(20))
    pair.drain(at: .seconds(20))
    #expect(pair.meter.concealedSamples == 0 && pair.played.count == frames.count)
  }

  @Test(arguments: [Int64(-3_600), 3_600])
  func jumpOfTimestampsStartsAnew(seconds: Int64) {
    var pair = AudioPair(.always)
    let frames = pair.frames(until: .seconds(20))
    let arrivals = frames.map { element -> (Instant, AudioFrame) in
      var frame = element.frame
      if element.ready > .seconds(10) {
        frame.rtpTimestamp &+= UInt32(truncatingIfNeeded: seconds * 48_000)
      }
      return (element.ready + .milliseconds(30), frame)
    }
    pair.run(arrivals, until: .milliseconds(20_020))
    #expect(Double(pair.meter.concealedSamples) / 48_000 < 1.2)
    #expect(pair.played.count > frames.count - 60)
    let last = pair.played.last!
    #expect((last.time - last.stamp.captureTime).milliseconds < 300)
  }

  @Test func targetFollowsTheJitter() {
    var pair = AudioPair(.always)
    var random = RandomStream(seed: 2, name: "jitter")
    let frames = pair.frames(until: .seconds(120))
    let arrivals = frames.map { element -> (Instant, AudioFrame) in
      let jitter = element.ready < .seconds(30) ? Int(random.below(101)) : 0
      return (element.ready + .milliseconds(30 + jitter), element.frame)
    }
    pair.run(arrivals.filter { $0.0 < .seconds(30) }, until: .seconds(29))
    #expect((100...120).contains(pair.buffer.targetDelay.milliseconds))
    let late = pair.meter.concealedSamples
    #expect(Double(late) / 48_000 < 1.5)
    pair.run(arrivals.filter { $0.0 >= .seconds(30) }, until: .seconds(121))
    #expect(pair.buffer.targetDelay == .milliseconds(20))
  }

  @Test func lostComfortFrameConcealsUntilTheNext() {
    var pair = AudioPair(spurts)
    let frames = pair.frames(until: .seconds(12.5))
    var arrivals = frames.map { ($0.ready + .milliseconds(30), $0.frame) }
    let first = arrivals.firstIndex { $0.1.isComfort && $0.1.captureTime > .seconds(11) }!
    arrivals.remove(at: first)
    pair.run(arrivals, until: .seconds(12.5))
    #expect((380...420).contains(pair.meter.concealedSamples / 48))
  }

  @Test func reorderedAndDoubledPacketsDoNoHarm() {
    var pair = AudioPair(spurts)
    let frames = pair.frames(until: .seconds(22))
    var random = RandomStream(seed: 9, name: "reorder")
    var arrivals: [(Instant, AudioFrame)] = []
    for (ready, frame) in frames {
      arrivals.append((ready + .milliseconds(30 + Int(random.below(50))), frame))
      if random.chance(0.2) { arrivals.append((ready + .milliseconds(81), frame)) }
    }
    pair.run(arrivals, until: .seconds(23))
    let numbers = pair.played.map(\.stamp.frameNumber)
    #expect(Set(numbers).count == numbers.count && numbers == numbers.sorted())
    #expect(Double(pair.meter.concealedSamples) / 48_000 < 0.4)
  }
}

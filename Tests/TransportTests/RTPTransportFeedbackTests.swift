import Basics
import Testing
import Wire

@testable import Transport

private func ms(_ n: Int) -> Instant { .milliseconds(n) }

/// What a receiver of the reports learns: arrival times in 250 us ticks, nil for lost.
private func decode(_ reports: [TransportFeedback]) -> [UInt16: Int64?] {
  var arrivals: [UInt16: Int64?] = [:]
  for report in reports {
    var time = Int64(report.referenceTime) * 256
    var number = report.baseSequenceNumber
    for packet in report.packets {
      switch packet {
      case .lost:
        if arrivals[number] == nil { arrivals[number] = .some(nil) }
      case .received(let delta):
        time += Int64(delta)
        arrivals[number] = time
      }
      number &+= 1
    }
  }
  return arrivals
}

private func size(_ report: TransportFeedback) -> Int {
  var writer = RTCPWriter()
  writer.append(.transportFeedback(report))
  return writer.count
}

@Suite struct TransportFeedbackGeneratorTests {
  @Test func reportsEveryInterval() {
    var generator = TransportFeedbackGenerator(senderSSRC: 1)
    generator.mediaSSRC = 2
    #expect(generator.nextTimeout == nil)
    generator.received(65_535, at: ms(1_000))
    #expect(generator.nextTimeout == ms(1_100))
    generator.received(2, at: ms(1_010))
    generator.received(1, at: ms(1_011))
    #expect(generator.feedback(at: ms(1_099)) == [])
    // 1,000 ms is 15 x 64 ms and 160 ticks.
    #expect(
      generator.feedback(at: ms(1_100)) == [
        TransportFeedback(
          senderSSRC: 1, mediaSSRC: 2, baseSequenceNumber: 65_535, referenceTime: 15,
          feedbackCount: 0,
          packets: [
            .received(delta: 160), .lost, .received(delta: 44), .received(delta: -4),
          ])
      ])
    #expect(generator.nextTimeout == nil)
    #expect(generator.feedback(at: ms(1_200)) == [])
    generator.received(4, at: ms(1_150))
    #expect(generator.nextTimeout == ms(1_200))
    let next = generator.feedback(at: ms(1_200))
    #expect(next.first?.baseSequenceNumber == 3)
    #expect(next.first?.feedbackCount == 1)
    #expect(next.first?.packets.count == 2)
    generator.received(5, at: ms(5_000))
    #expect(generator.nextTimeout == ms(5_100))
  }

  @Test func intervalsFollowTheBitrate() {
    var generator = TransportFeedbackGenerator(senderSSRC: 1)
    for (kbps, expected) in [(10, 250.0), (100, 108.8), (5_000, 50), (0, 250)] as [(Int, Double)] {
      generator.setSendBitrate(.kbps(Int64(kbps)))
      #expect(generator.interval.milliseconds == expected)
    }
  }

  @Test func lateArrivalsAreReportedAgainWithWhatFollows() {
    var generator = TransportFeedbackGenerator(senderSSRC: 1)
    generator.received(10, at: ms(0))
    generator.received(12, at: ms(1))
    _ = generator.feedback(at: ms(100))
    generator.received(11, at: ms(110))
    generator.received(13, at: ms(111))
    let reports = generator.feedback(at: ms(200))
    #expect(reports.first?.baseSequenceNumber == 11)
    #expect(decode(reports)[11] == 440)
    #expect(decode(reports)[12] == 4)
    #expect(decode(reports)[13] == 444)
    // The first arrival counts.
    generator.received(13, at: ms(210))
    #expect(generator.feedback(at: ms(310)).isEmpty)
  }

  @Test func jumpsStartOver() {
    var generator = TransportFeedbackGenerator(senderSSRC: 1)
    generator.received(0, at: ms(0))
    generator.received(0x7FFF, at: ms(1))
    let reports = generator.feedback(at: ms(200))
    #expect(reports.count == 1)
    #expect(reports.first?.baseSequenceNumber == 0x7FFF)
    #expect(reports.first?.packets == [.received(delta: 4)])
    // Just below the limit, everything between is lost, and cheap to say.
    generator.received(0x7FFF &+ 0x7FF0, at: ms(210))
    let gap = generator.feedback(at: ms(400))
    #expect(gap.count == 1)
    #expect(gap.first?.packets.count == 0x7FF0)
    #expect(size(gap[0]) < 40)
  }

  @Test func farTimesNeedReportsOfTheirOwn() {
    var generator = TransportFeedbackGenerator(senderSSRC: 1)
    generator.received(1, at: ms(0))
    generator.received(2, at: ms(9_000))
    generator.received(3, at: ms(9_001))
    let reports = generator.feedback(at: ms(9_100))
    #expect(reports.map(\.packets.count) == [1, 2])
    #expect(reports.map(\.feedbackCount) == [0, 1])
    #expect(decode(reports)[2] == 36_000)
  }

  /// Bursts of received and lost packets, at worst two bytes of delta each.
  @Test(arguments: [1, 2, 13, 14, 15, 40]) func largeReportsAreSplit(run: Int) {
    var generator = TransportFeedbackGenerator(senderSSRC: 1)
    var sent = 0
    for index in 0..<6_000 where run == 1 || index / run % 2 == 0 {
      generator.received(UInt16(index), at: Instant(nanoseconds: Int64(index) * 70_000_000))
      sent += 1
    }
    let reports = generator.feedback(at: .seconds(1_000.0))
    #expect(reports.count > 2)
    #expect(reports.allSatisfy { size($0) <= TransportFeedbackGenerator.maximumSize })
    // All but the last are well filled.
    #expect(reports.dropLast().allSatisfy { size($0) > 900 })
    #expect(decode(reports).values.count { $0 != nil } == sent)
  }

  @Test func theReferenceTimeWraps() {
    var generator = TransportFeedbackGenerator(senderSSRC: 1)
    // 2^23 x 64 ms is where the sign turns.
    let now = Instant.milliseconds(64 << 23)
    generator.received(1, at: now)
    let report = generator.feedback(at: now + .seconds(1)).first
    #expect(report?.referenceTime == -0x80_0000)
  }

  @Test(arguments: 0..<30) func tellsWhatArrivedAndWhen(seed: Int) throws {
    var random = RandomStream(seed: UInt64(seed), name: "feedback")
    var generator = TransportFeedbackGenerator(senderSSRC: 1)
    let spacing = random.uniform(in: 0.02...20)
    let spread = random.uniform(in: 0...80)
    let loss = random.uniform(in: 0...0.5)
    let first = UInt16(truncatingIfNeeded: random.next())
    var sent: [(number: UInt16, at: Instant)] = []
    for index in 0..<3_000 {
      let time = 10_000 + Double(index) * spacing + random.uniform() * spread
      if !random.chance(loss) { sent.append((first &+ UInt16(index), .seconds(time / 1_000))) }
    }
    sent.sort { $0.at == $1.at ? isNewer($1.number, than: $0.number) : $0.at < $1.at }
    var reports: [TransportFeedback] = []
    func collect(_ new: [TransportFeedback]) throws {
      for report in new {
        #expect(size(report) <= TransportFeedbackGenerator.maximumSize)
        var writer = RTCPWriter()
        writer.append(.transportFeedback(report))
        var back: RTCPPacket?
        try RTCPReader.read(writer.bytes.span.bytes) { back = $0 }
        #expect(back == .transportFeedback(report))
        #expect(report.packets.last != .lost)
        reports.append(report)
      }
    }
    for packet in sent {
      while let next = generator.nextTimeout, next <= packet.at {
        try collect(generator.feedback(at: next))
      }
      generator.received(packet.number, at: packet.at)
    }
    try collect(generator.feedback(at: .seconds(1_000.0)))
    let decoded = decode(reports)
    for packet in sent {
      #expect(decoded[packet.number] == packet.at.nanoseconds / 250_000)
    }
    #expect(decoded.values.count { $0 != nil } == sent.count)
    #expect(reports.map(\.feedbackCount) == (0..<reports.count).map { UInt8($0 & 255) })
  }
}

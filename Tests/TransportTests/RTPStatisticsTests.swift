import Basics
import Testing
import Wire

@testable import Transport

private func ms(_ n: Int) -> Instant { .milliseconds(n) }

@Suite struct ReceptionStatisticsTests {
  private func statistics() -> ReceptionStatistics {
    ReceptionStatistics(ssrc: 7, clockRate: 90_000)
  }

  @Test func countsAsRFC3550() {
    var stream = statistics()
    #expect(stream.reportBlock(at: ms(0)) == nil)
    for (index, number) in [65_530, 65_531, 65_534, 65_533, 0, 0, 1].enumerated() {
      stream.received(UInt16(number), timestamp: 0, payloadSize: 100, at: ms(index))
    }
    // Eight expected (65530 … 1); seven came, one of them twice.
    #expect(stream.expected == 8)
    #expect(stream.cumulativeLost == 1)
    #expect(stream.duplicates == 1)
    #expect(stream.reordered == 1)
    #expect(stream.payloadBytes == 700)
    #expect(stream.packets == 7)
    let block = stream.reportBlock(at: ms(10))
    #expect(block?.extendedHighestSequenceNumber == 0x1_0001)
    #expect(block?.fractionLost == 32)
    #expect(block?.cumulativeLost == 1)
    #expect(block?.ssrc == 7)
    #expect(block?.lastSenderReport == 0)
    // Nothing was lost since.
    stream.received(2, timestamp: 0, payloadSize: 0, at: ms(20))
    #expect(stream.reportBlock(at: ms(30))?.fractionLost == 0)
    stream.received(6, timestamp: 0, payloadSize: 0, at: ms(40))
    #expect(stream.reportBlock(at: ms(50))?.fractionLost == 192)
    // What comes late makes an interval's loss negative, which is reported as none.
    stream.received(3, timestamp: 0, payloadSize: 0, at: ms(60))
    let repaired = stream.reportBlock(at: ms(70))
    #expect(repaired?.fractionLost == 0)
    #expect(repaired?.cumulativeLost == 3)
    #expect(stream.reportBlock(at: ms(60) + .seconds(8)) != nil)
    #expect(stream.reportBlock(at: ms(61) + .seconds(8)) == nil)
  }

  @Test func lossIsClampedTo24Bits() {
    var stream = statistics()
    var number: UInt16 = 0
    for _ in 0..<3_000 {
      stream.received(number, timestamp: 0, payloadSize: 0, at: .zero)
      number &+= 3_000
    }
    #expect(stream.cumulativeLost > 0x7F_FFFF)
    #expect(stream.reportBlock(at: .zero)?.cumulativeLost == 0x7F_FFFF)
    #expect(stream.reportBlock(at: .zero)?.fractionLost == 0)
  }

  @Test func jitterFollowsA8() {
    var stream = statistics()
    // Frames every 33 ms (2,970 ticks) that come 0, 8, 0, 8 … ms late: |D| is 720 each time.
    var expected: Int64 = 0
    for index in 0..<50 {
      let late = index % 2 * 8
      stream.received(
        UInt16(index), timestamp: UInt32(index * 2_970) &- 1_000, payloadSize: 1,
        at: ms(index * 33 + late))
      if index > 0 { expected += 720 - ((expected + 8) >> 4) }
      #expect(stream.jitter == UInt32(expected >> 4))
    }
    #expect(stream.jitter > 650)
    #expect(abs(stream.jitterDuration.milliseconds - 7.6) < 0.2)
  }

  @Test func pacedFramesAndRepeatsAreNotJitter() {
    var stream = statistics()
    for index in 0..<30 {
      let timestamp = UInt32(index / 3 * 3_000)
      let time = Instant(nanoseconds: Int64(index / 3) * 33_333_334 + Int64(index % 3) * 5_000_000)
      stream.received(UInt16(index), timestamp: timestamp, payloadSize: 1, at: time)
      stream.received(UInt16(index), timestamp: timestamp, payloadSize: 1, at: time + .seconds(1))
    }
    #expect(stream.duplicates == 30)
    // Rounding alone.
    #expect(stream.jitter <= 1)
    let before = stream.jitter
    stream.received(30, timestamp: 4_000_000_000, payloadSize: 1, at: .seconds(2.0))
    #expect(stream.jitter == before)
  }

  @Test func strayNumbersAndRestarts() {
    var stream = statistics()
    #expect(stream.received(10, timestamp: 0, payloadSize: 1, at: .zero) == .inOrder)
    #expect(stream.received(3_011, timestamp: 0, payloadSize: 1, at: .zero) == .stray)
    #expect(stream.received(3_010, timestamp: 0, payloadSize: 1, at: .zero) == .gap(2_999))
    #expect(stream.received(2_010, timestamp: 0, payloadSize: 1, at: .zero) == .reordered)
    #expect(stream.received(2_010, timestamp: 0, payloadSize: 1, at: .zero) == .duplicate)
    #expect(stream.received(2_009, timestamp: 0, payloadSize: 1, at: .zero) == .stray)
    #expect(stream.received(2_010, timestamp: 0, payloadSize: 1, at: .zero) == .duplicate)
    #expect(stream.received(50_000, timestamp: 0, payloadSize: 1, at: .zero) == .stray)
    #expect(stream.received(50_001, timestamp: 0, payloadSize: 1, at: .zero) == .restarted)
    #expect(stream.received(50_002, timestamp: 0, payloadSize: 1, at: .zero) == .inOrder)
    #expect(stream.expected == 2)
    #expect(stream.cumulativeLost == 0)
  }

  @Test(arguments: 0..<10) func duplicatesAreToldFromReordering(seed: Int) {
    var random = RandomStream(seed: UInt64(seed), name: "reception")
    var stream = statistics()
    let first = UInt16(truncatingIfNeeded: random.next())
    var numbers: [(number: Int, time: Double)] = []
    for index in 0..<2_000 where !random.chance(0.1) {
      numbers.append((index, Double(index) + random.uniform() * 30))
      if random.chance(0.1) { numbers.append((index, Double(index) + random.uniform() * 200)) }
    }
    numbers.sort { $0.time == $1.time ? $0.number < $1.number : $0.time < $1.time }
    var seen = Set<Int>()
    for (number, _) in numbers {
      let arrival = stream.received(
        first &+ UInt16(number), timestamp: 0, payloadSize: 1, at: .zero)
      #expect((arrival == .duplicate) == seen.contains(number))
      seen.insert(number)
    }
    #expect(stream.duplicates == Int64(numbers.count - seen.count))
  }
}

@Suite struct SenderStatisticsTests {
  static let epoch = Duration.seconds(3_976_214_400)

  @Test func reportsExtrapolateTheTimestamp() {
    var stream = SenderStatistics(ssrc: 5, clockRate: 48_000, epoch: Self.epoch)
    #expect(stream.report(at: ms(0)) == nil)
    stream.sent(timestamp: .max - 100, payloadSize: 60, sampled: ms(1_000))
    stream.sent(timestamp: 859, payloadSize: 40, sampled: ms(1_020))
    // A retransmission or reordered packet moves nothing.
    stream.sent(timestamp: .max - 100, payloadSize: 40, sampled: ms(1_025))
    let report = stream.report(at: ms(1_030))
    #expect(report?.rtpTimestamp == 1_339)
    #expect(report?.packetCount == 3)
    #expect(report?.octetCount == 140)
    #expect(report?.ntp == NTPTime(ms(1_030), epoch: Self.epoch).value)
  }

  /// RFC 3550 §6.4.1, figure 2: A b710:8000, DLSR 0005:4000, LSR b705:2000, delay 6.125 s.
  @Test func roundTripTimeOfTheExample() {
    let arrival = NTPTime(0xb44d_b710_8000_0000)
    let now = arrival.instant(epoch: Self.epoch)
    func block(_ lastReport: UInt32, _ delay: UInt32) -> ReportBlock {
      ReportBlock(
        ssrc: 1, fractionLost: 0, cumulativeLost: 0, extendedHighestSequenceNumber: 0, jitter: 0,
        lastSenderReport: lastReport, delaySinceLastSenderReport: delay)
    }
    func rtt(_ lastReport: UInt32, _ delay: UInt32) -> Duration? {
      SenderStatistics.roundTripTime(block(lastReport, delay), at: now, epoch: Self.epoch)
    }
    #expect(rtt(0xb705_2000, 0x0005_4000) == .milliseconds(6_125))
    #expect(rtt(0, 0) == nil)
    #expect(rtt(0xb710_8000, 1) == .zero)
    #expect(rtt(0xb6d4_7FFF, 0) == nil)
  }

  @Test func bothEndsAgreeOnTheRoundTrip() {
    var sender = SenderStatistics(ssrc: 5, clockRate: 90_000, epoch: Self.epoch)
    var receiver = ReceptionStatistics(ssrc: 5, clockRate: 90_000)
    sender.sent(timestamp: 0, payloadSize: 1, sampled: ms(0))
    receiver.received(1, timestamp: 0, payloadSize: 1, at: ms(40))
    receiver.received(sender.report(at: ms(100))!, at: ms(140))
    let block = receiver.reportBlock(at: ms(1_140))!
    #expect(block.delaySinceLastSenderReport == 65_536)
    sender.received(block, at: ms(1_200))
    #expect(abs(sender.rtt!.milliseconds - 100) < 0.1)
    #expect(sender.remote == block)
  }
}

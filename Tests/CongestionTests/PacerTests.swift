// The pacer: priorities, rate, probes and padding (libwebrtc pacing_controller_unittest.cc), and
// the history that feedback is looked up in (transport_feedback_adapter_unittest.cc).

import Basics
import Testing

@testable import Congestion

@Suite struct PacerTests {
  private struct Gone: Equatable {
    var payload: Int?
    var size: Int64
    var probe: Int?
    var at: Duration
  }

  /// Lets everything go that may until `end`; padding is made as it is asked for.
  private func drain(
    _ pacer: inout Pacer<Int>, from start: Instant = .zero, until end: Instant, pads: Bool = true
  ) -> [Gone] {
    var gone: [Gone] = []
    var now = start
    while now <= end {
      while let departure = pacer.next(at: now) {
        switch consume departure {
        case .packet(let payload, let size, _, let probe):
          gone.append(
            Gone(payload: payload, size: size.bytes, probe: probe?.id, at: now - .zero))
        case .padding(let wanted, let probe):
          guard pads else {
            pacer.cannotPad(wanted, at: now)
            continue
          }
          pacer.padded(wanted, probe: probe, at: now)
          gone.append(Gone(payload: nil, size: wanted.bytes, probe: probe?.id, at: now - .zero))
        }
      }
      guard let next = pacer.nextTimeout(at: now) else { break }
      now = max(next, now + .microseconds(1))
    }
    return gone
  }

  private func pacer(_ kbps: Int64, padding: Int64 = 0) -> Pacer<Int> {
    var pacer = Pacer<Int>(pacingRate: .kbps(kbps), at: .zero)
    pacer.setRates(pacing: .kbps(kbps), padding: .kbps(padding), at: .zero)
    return pacer
  }

  @Test func theMostUrgentGoesFirst() {
    var pacer = pacer(80)
    let kinds: [PacketKind] = [.video, .padding, .videoRetransmission, .audio]
    // One packet goes at once and leaves a debt that the others wait for.
    pacer.enqueue(0, size: .bytes(1_000), kind: .video, at: .zero)
    _ = drain(&pacer, until: .zero)
    for (index, kind) in kinds.enumerated() {
      pacer.enqueue(index + 1, size: .bytes(250), kind: kind, at: .zero)
    }
    #expect(drain(&pacer, until: .milliseconds(5_000)).map(\.payload) == [4, 3, 1, 2])
  }

  @Test func audioDoesNotWait() {
    var pacer = pacer(80)
    for index in 0..<5 { pacer.enqueue(index, size: .bytes(1_000), kind: .video, at: .zero) }
    pacer.enqueue(9, size: .bytes(100), kind: .audio, at: .zero)
    let first = drain(&pacer, until: .zero)
    #expect(first.first?.payload == 9)
    let passes = pacer.passes(.bytes(100), kind: .audio, at: .zero)
    #expect(passes)
  }

  @Test func theRateIsKept() {
    var pacer = pacer(800)
    for index in 0..<100 { pacer.enqueue(index, size: .bytes(1_000), kind: .video, at: .zero) }
    let gone = drain(&pacer, until: .milliseconds(1_500))
    #expect(gone.count == 100)
    let half = gone.count { $0.at < .milliseconds(500) }
    // 50 packets, and a burst of 10 ms and one more at the front.
    #expect((50...54).contains(half))
  }

  @Test func aQueueThatIsTooLongIsDrainedFaster() {
    var pacer = pacer(80)
    for index in 0..<100 { pacer.enqueue(index, size: .bytes(1_000), kind: .video, at: .zero) }
    let gone = drain(&pacer, until: .milliseconds(2_500))
    #expect(gone.count == 100 && gone.last!.at <= .milliseconds(2_100))
  }

  @Test func withoutAQueuePacketsPass() {
    var pacer = pacer(800)
    // A burst of 10 ms, and one packet more.
    let passes = [0, 0, 10].map { milliseconds in
      pacer.passes(.bytes(1_000), kind: .video, at: .milliseconds(milliseconds))
    }
    #expect(passes == [true, false, true])
  }

  @Test func aProbeTakesWhatWaitsAndThenPadding() {
    var pacer = pacer(300)
    pacer.enqueue(0, size: .bytes(1_000), kind: .video, at: .zero)
    _ = drain(&pacer, until: .zero)
    pacer.add(ProbeCluster(id: 7, rate: .kbps(900), requestedAt: .zero))
    pacer.enqueue(1, size: .bytes(1_000), kind: .video, at: .zero)
    let probe = drain(&pacer, until: .milliseconds(200)).filter { $0.probe == 7 }
    #expect(probe.first?.size == 1 && probe[1].payload == 1)
    #expect(probe.reduce(0) { $0 + $1.size } >= 1_687)
    let span = probe.last!.at - probe.first!.at
    let rate = DataSize(bytes: probe.dropLast().reduce(0) { $0 + $1.size }) / span
    #expect(abs(rate.kbps - 900) < 45)
  }

  @Test func nothingLeavesBetweenTheBurstsOfAProbeUncounted() {
    var pacer = pacer(900)
    pacer.enqueue(0, size: .bytes(100), kind: .audio, at: .zero)
    _ = drain(&pacer, until: .zero)
    pacer.add(ProbeCluster(id: 7, rate: .kbps(900), requestedAt: .zero))
    for number in 1...12 {
      pacer.enqueue(number, size: .bytes(300), kind: .video, at: .zero)
    }
    var gone = drain(&pacer, until: .milliseconds(4))
    pacer.enqueue(13, size: .bytes(100), kind: .audio, at: .milliseconds(4))
    gone += drain(&pacer, from: .milliseconds(4), until: .milliseconds(100))
    let last = gone.lastIndex { $0.probe == 7 }!
    #expect(gone[...last].allSatisfy { $0.probe == 7 || $0.payload == 13 })
    // Sound does not wait for the next burst.
    #expect(gone.contains { $0.payload == 13 && $0.at == .milliseconds(4) })
  }

  @Test func paddingFillsUpToItsRate() {
    var pacer = pacer(1_000, padding: 400)
    pacer.enqueue(0, size: .bytes(250), kind: .video, at: .zero)
    let gone = drain(&pacer, until: .milliseconds(2_000))
    let padded = gone.filter { $0.payload == nil }.reduce(0) { $0 + $1.size }
    #expect(abs(padded - 100_000) < 3_000)
  }

  @Test func withoutAnythingToPadWithNothingSpins() {
    var pacer = pacer(1_000, padding: 400)
    pacer.enqueue(0, size: .bytes(250), kind: .video, at: .zero)
    #expect(drain(&pacer, until: .milliseconds(500), pads: false).count == 1)
  }
}

@Suite struct HistoryTests {
  private func packet(_ number: Int64, at milliseconds: Int = 0) -> SentPacket {
    SentPacket(sequenceNumber: number, size: .bytes(100), sentAt: .milliseconds(milliseconds))
  }

  private func feedback(_ entries: [(Int64, Int?)]) -> ArrivalFeedback {
    ArrivalFeedback(
      entries: entries.map {
        .init(sequenceNumber: $0.0, arrival: $0.1.map { .milliseconds($0) })
      })
  }

  @Test func aLostPacketMayStillTurnUpAReceivedOneNotTwice() {
    var history = SentPacketHistory()
    for number in 0..<4 as Range<Int64> { history.add(packet(number)) }
    var results: [PacketResult] = []
    history.take(feedback([(0, 10), (1, nil), (9, 10)]), into: &results)
    #expect(results.map(\.sent.sequenceNumber) == [0, 1])
    results = []
    history.take(feedback([(0, 10), (1, 20)]), into: &results)
    #expect(results.map(\.sent.sequenceNumber) == [1])
    #expect(results.first?.arrival == .milliseconds(20))
  }

  @Test func packetsNobodySpokeOfAreKept() {
    var history = SentPacketHistory()
    for number in 0..<5_000 as Range<Int64> { history.add(packet(number, at: Int(number))) }
    var results: [PacketResult] = []
    history.take(feedback([(0, 1), (2_500, 1), (4_999, 1)]), into: &results)
    #expect(results.count == 3)
  }

  @Test(arguments: [false, true]) func lostFeedbackTakesNoRoom(reportsLoss: Bool) {
    var history = SentPacketHistory()
    var results: [PacketResult] = []
    // 500 packets a second, a message for each ten, and every fifth message is lost.
    for number in 0..<60_000 as Range<Int64> {
      history.add(packet(number, at: Int(number) * 2))
      guard number % 10 == 9 else { continue }
      let isLost = number / 10 % 5 == 0
      guard !isLost || reportsLoss else { continue }
      let spokenOf = (number - 9)...number
      history.take(feedback(spokenOf.map { ($0, isLost ? nil : Int(number) * 2) }), into: &results)
    }
    #expect(history.capacity == 512)
    #expect(results.count == (reportsLoss ? 60_000 : 48_000))
  }

  @Test func numbersAndClocksWrap() {
    var sender = PacedSender<Int>(
      CongestionConfiguration(), firstNumber: 65_530, at: .zero)
    var numbers: [UInt16] = []
    for index in 0..<20 {
      numbers.append(
        sender.number(of: .bytes(1_000), kind: .video, at: .milliseconds(10 * index)))
    }
    #expect(numbers[5] == 65_535 && numbers[6] == 0)
    sender.received(
      base: 65_530, reference: 0xFF_FFFF, deltas: (0..<20).map { $0 == 0 ? 0 : 40 },
      at: .milliseconds(300))
    #expect(sender.controller.acknowledged.map { abs($0.kbps - 800) < 1 } ?? false)
    var clock = ArrivalClock()
    let first = clock.moment(of: 0xFF_FFFF, at: .milliseconds(1_000))
    #expect(clock.moment(of: 0, at: .milliseconds(2_000)) - first == .milliseconds(64))
    #expect(clock.moment(of: -1, at: .milliseconds(2_000)) == first)
  }
}

import Basics
import Testing

@testable import Transport

private func ms(_ n: Int) -> Instant { .milliseconds(n) }

@Suite struct NACKGeneratorTests {
  @Test func asksAfterTheFirstDelayAndBacksOff() {
    var nack = NACKGenerator(limits: .liveKit)
    #expect(nack.received(10, at: ms(0)) == .inOrder)
    #expect(nack.received(11, at: ms(5)) == .inOrder)
    #expect(nack.received(14, at: ms(10)) == .gap(2))
    #expect(nack.nextTimeout == ms(30))
    #expect(nack.due(at: ms(29)) == [])
    #expect(nack.due(at: ms(30)) == [12, 13])
    var asked: [Double] = []
    while let next = nack.nextTimeout {
      if !nack.due(at: next).isEmpty { asked.append((next - ms(30)).milliseconds) }
    }
    // 70 ms, then x1.25 each: five tries in all.
    #expect(asked == [70, 157.5, 266.875, 403.59375])
    #expect(nack.pending == 0)
    #expect(nack.unanswered == 2)
    #expect(nack.requests == 10)
  }

  @Test func intervalsStayWithinTheirLimits() {
    var nack = NACKGenerator(limits: .liveKit)
    nack.measured(rtt: .seconds(1))
    #expect(nack.rtt == .microseconds(767_500))
    _ = nack.received(1, at: ms(0))
    _ = nack.received(3, at: ms(0))
    #expect(nack.due(at: ms(20)) == [2])
    #expect(nack.nextTimeout == ms(420))
    nack.measured(rtt: .zero)
    #expect(nack.rtt == .milliseconds(70))
    for _ in 0..<50 { nack.measured(rtt: .milliseconds(1)) }
    #expect(nack.due(at: ms(420)) == [2])
    #expect(nack.nextTimeout == ms(440))
  }

  @Test(arguments: [UInt16(0), 32_766, 65_532])
  func aDecodedFrameNeedsNothingBeforeIt(first: UInt16) {
    var nack = NACKGenerator(limits: .libwebrtc)
    _ = nack.received(first, at: ms(0))
    _ = nack.received(first &+ 2, at: ms(0))
    _ = nack.received(first &+ 6, at: ms(5))
    var now = ms(5)
    for _ in 0..<4 {
      _ = nack.due(at: now)
      now = now + .milliseconds(100)
    }
    nack.clear(through: first &+ 4)
    #expect(nack.pending == 1 && nack.unanswered == 0)
    #expect(nack.due(at: now) == [first &+ 5])
    nack.clear(through: first &+ 6)
    #expect(nack.pending == 0 && nack.nextTimeout == nil)
    nack.clear(through: first)
  }

  @Test(arguments: [UInt16(0), 100, 32_760, 65_530, 65_534])
  func recoversAcrossTheWrap(first: UInt16) {
    var nack = NACKGenerator(limits: .liveKit)
    _ = nack.received(first, at: ms(0))
    #expect(nack.received(first &+ 4, at: ms(1)) == .gap(3))
    #expect(nack.received(first &+ 2, at: ms(2)) == .recovered(tries: 0))
    #expect(nack.recovered == 0)
    #expect(nack.due(at: ms(21)) == [first &+ 1, first &+ 3])
    #expect(nack.received(first &+ 1, at: ms(60)) == .recovered(tries: 1))
    #expect(nack.received(first &+ 1, at: ms(61)) == .late)
    #expect(nack.received(first &+ 3, at: ms(62)) == .recovered(tries: 1))
    #expect(nack.recovered == 2)
    #expect(nack.nextTimeout == nil)
    #expect(nack.received(first &+ 5, at: ms(63)) == .inOrder)
    // What a sender pads with is no reordering.
    #expect(nack.received(first &+ 8, at: ms(64)) == .gap(2))
    #expect(
      nack.received(first &+ 7, isRetransmission: true, at: ms(65)) == .recovered(tries: 0))
    #expect(nack.received(first &+ 6, at: ms(66)) == .recovered(tries: 0))
    #expect(nack.recovered == 3)
    #expect(nack.unanswered == 0)
  }

  @Test func fewTriesAreNotAnUnansweredRequest() {
    var nack = NACKGenerator(limits: .liveKit)
    _ = nack.received(0, at: ms(0))
    _ = nack.received(2, at: ms(0))
    for time in [20, 90] { #expect(nack.due(at: ms(time)) == [1]) }
    nack.clear()
    #expect(nack.unanswered == 0)
    _ = nack.received(4, at: ms(200))
    for _ in 0..<3 { #expect(nack.due(at: nack.nextTimeout!) == [3]) }
    nack.clear()
    #expect(nack.unanswered == 1)
  }

  @Test func theOldestAreForgottenWhenFull() {
    var nack = NACKGenerator(limits: .liveKit)
    _ = nack.received(0, at: ms(0))
    #expect(nack.received(81, at: ms(0)) == .gap(80))
    #expect(nack.received(122, at: ms(0)) == .overflow)
    #expect(nack.pending == 100)
    #expect(nack.due(at: ms(20)) == Array(21...80) + Array(82...121))
    #expect(nack.received(1_000, at: ms(30)) == .overflow)
    #expect(nack.pending == 100)
    #expect(nack.due(at: ms(50)) == Array(900...999))
  }

  @Test func libwebrtcStartsOverWhenFull() {
    var nack = NACKGenerator(limits: .libwebrtc)
    _ = nack.received(0, at: ms(0))
    #expect(nack.received(3, at: ms(0)) == .gap(2))
    #expect(nack.due(at: ms(0)) == [1, 2])
    #expect(nack.received(2_000, at: ms(1)) == .overflow)
    #expect(nack.pending == 0)
    #expect(nack.nextTimeout == nil)
    #expect(nack.received(2_002, at: ms(2)) == .gap(1))
  }

  /// A round trip of 100 ms, and answers that wait 30 ms for their turn: the first packets are asked for
  /// twice, later ones once.
  @Test func answersThatTakeLongerAreWaitedFor() {
    var nack = NACKGenerator(limits: .libwebrtc)
    nack.measured(rtt: .milliseconds(100))
    _ = nack.received(0, at: ms(0))
    var requests: [Int] = []
    for round in 0..<12 {
      let start = 1_000 * (round + 1)
      let lost = UInt16(2 * round + 1)
      let before = nack.requests
      _ = nack.received(lost &+ 1, at: ms(start))
      for time in start..<start + 130 { _ = nack.due(at: ms(time)) }
      #expect(nack.received(lost, at: ms(start + 130)) == .recovered(tries: nack.requests - before))
      requests.append(nack.requests - before)
    }
    #expect(requests.first == 2 && requests.dropFirst().allSatisfy { $0 == 1 }, "\(requests)")
  }

  @Test func bigJumpsStartOver() {
    var nack = NACKGenerator(limits: .liveKit)
    _ = nack.received(100, at: ms(0))
    _ = nack.received(102, at: ms(0))
    #expect(nack.received(1_103, at: ms(1)) == .restarted)
    #expect(nack.pending == 0)
    #expect(nack.received(1_104, at: ms(1)) == .inOrder)
    // Backwards, one stray packet is not believed; two that follow each other are.
    #expect(nack.received(40_000, at: ms(2)) == .late)
    #expect(nack.received(1_105, at: ms(2)) == .inOrder)
    #expect(nack.received(40_001, at: ms(2)) == .late)
    #expect(nack.received(40_002, at: ms(3)) == .restarted)
    #expect(nack.received(40_003, at: ms(3)) == .inOrder)
  }

  @Test func oldNumbersAreGivenUp() {
    var limits = NACKGenerator.Limits.liveKit
    limits.lifetime = .milliseconds(50)
    var nack = NACKGenerator(limits: limits)
    _ = nack.received(0, at: ms(0))
    _ = nack.received(2, at: ms(0))
    #expect(nack.due(at: ms(51)) == [])
    #expect(nack.pending == 0)
  }

  /// Against a plain list: whatever is lost, reordered and recovered, only missing numbers are
  /// asked for, each at most five times and never faster than the minimum interval.
  @Test(arguments: 0..<20) func asksOnlyForWhatIsMissing(seed: Int) {
    var random = RandomStream(seed: UInt64(seed), name: "nack")
    var nack = NACKGenerator(limits: .liveKit)
    var arrived = Set<UInt16>()
    var lastAsked: [UInt16: (at: Instant, tries: Int)] = [:]
    let first = UInt16(truncatingIfNeeded: random.next())
    var outstanding: [UInt16] = []
    for step in 0..<2_000 {
      let now = ms(step * 10)
      let number = first &+ UInt16(step)
      if step == 0 || !random.chance(0.2) {
        _ = nack.received(number, at: now)
        arrived.insert(number)
      } else {
        outstanding.append(number)
      }
      if !outstanding.isEmpty, random.chance(0.15) {
        let late = outstanding.remove(at: Int(random.below(UInt64(outstanding.count))))
        _ = nack.received(late, at: now)
        arrived.insert(late)
      }
      for asked in nack.due(at: now) {
        #expect(!arrived.contains(asked))
        if let last = lastAsked[asked] {
          #expect(now - last.at >= .milliseconds(70))
          #expect(last.tries < 5)
        }
        lastAsked[asked] = (now, (lastAsked[asked]?.tries ?? 0) + 1)
      }
    }
    #expect(nack.requests > 100)
  }
}

@Suite struct RetransmissionCacheTests {
  /// A noncopyable optional cannot stand in `#expect`.
  private func found(_ packet: consuming Packet?) -> [UInt8]? {
    guard let packet else { return nil }
    return packet.bytes.withUnsafeBytes { Array($0) }
  }

  private func fill(
    _ cache: RetransmissionCache, _ pool: PacketPool, _ numbers: some Sequence<Int>,
    every spacing: Int
  ) {
    for (index, number) in numbers.enumerated() {
      let packet = pool.makePacket([UInt8(truncatingIfNeeded: number), UInt8(number >> 8)])
      cache.store(packet, sequenceNumber: UInt16(number), at: ms(index * spacing))
    }
  }

  @Test func answersAsLiveKitDoes() {
    let pool = PacketPool()
    do {
      let cache = RetransmissionCache(pool: pool)
      fill(cache, pool, 7...7, every: 0)
      let rtt = Duration.milliseconds(30)
      func answers(_ time: Int) -> Bool {
        found(cache.packet(for: 7, at: ms(time), rtt: rtt)) == [7, 0]
      }
      #expect(answers(10))
      #expect(!answers(69))
      #expect(answers(70))
      #expect(!answers(129))
      #expect(answers(130))
      #expect(!answers(1_000))
      #expect(found(cache.packet(for: 8, at: ms(10), rtt: rtt)) == nil)
      #expect(found(cache.copy(of: 7, at: ms(2_000))) != nil)
      #expect(found(cache.copy(of: 7, at: ms(2_001))) == nil)
    }
    #expect(pool.inUse == 0)
  }

  @Test func longRoundTripsWaitAtMostTheRepeatInterval() {
    let pool = PacketPool()
    let cache = RetransmissionCache(pool: pool)
    fill(cache, pool, 7...7, every: 0)
    let rtt = Duration.seconds(1)
    #expect(found(cache.packet(for: 7, at: ms(0), rtt: rtt)) != nil)
    #expect(found(cache.packet(for: 7, at: ms(99), rtt: rtt)) == nil)
    #expect(found(cache.packet(for: 7, at: ms(100), rtt: rtt)) != nil)
  }

  @Test func growsOnlyWithTheRate() {
    let pool = PacketPool()
    do {
      let slow = RetransmissionCache(pool: pool)
      fill(slow, pool, 0..<1_000, every: 200)
      #expect(slow.count == 16)
      let fast = RetransmissionCache(pool: pool)
      fill(fast, pool, 65_000..<65_536, every: 1)
      fill(fast, pool, 0..<2_000, every: 1)
      #expect(fast.count == 512)
      #expect(found(fast.copy(of: 1_999, at: ms(2_000))) == [0xCF, 0x07])
      #expect(found(fast.copy(of: 1_488, at: ms(2_000))) != nil)
      #expect(found(fast.copy(of: 1_487, at: ms(2_000))) == nil)
      slow.removeExpired(at: ms(200 * 999))
      #expect(slow.count == 11)
    }
    #expect(pool.inUse == 0)
  }

  @Test(arguments: 0..<10) func everyYoungPacketIsFound(seed: Int) {
    let pool = PacketPool()
    var random = RandomStream(seed: UInt64(seed), name: "cache")
    do {
      let cache = RetransmissionCache(pool: pool)
      var sent: [(number: UInt16, at: Instant)] = []
      var now = Instant.zero
      var number = UInt16(truncatingIfNeeded: random.next())
      for _ in 0..<1_500 {
        now += .milliseconds(Int(random.below(15)))
        number &+= random.chance(0.05) ? UInt16(random.below(20)) : 1
        let packet = pool.makePacket([UInt8(number >> 8), UInt8(truncatingIfNeeded: number)])
        cache.store(packet, sequenceNumber: number, at: now)
        sent.append((number, now))
      }
      for (number, at) in sent.suffix(250) where now - at <= .seconds(2) {
        let bytes = found(cache.packet(for: number, at: now, rtt: .zero))
        #expect(bytes == [UInt8(number >> 8), UInt8(truncatingIfNeeded: number)])
      }
      #expect(pool.inUse == cache.count)
    }
    #expect(pool.inUse == 0)
  }
}

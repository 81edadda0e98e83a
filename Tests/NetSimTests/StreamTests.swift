// Signalling streams: what they cost in time, and how they end.
import Basics
import Testing

@testable import NetSim

/// A client on host a and an accepting server on host b.
private struct Call {
  let pair: Pair
  static let request = StreamRequest(
    kind: .webSocket, target: "/rtc?access_token=x", headers: [("host", "sfu")])

  init(_ link: LinkConfiguration, parameters: StreamParameters = .init(), accepts: Bool = true) {
    pair = Pair(there: link, back: link)
    pair.simulator.streamParameters = parameters
    if accepts {
      pair.b.onEvent = { event, _, outbox in
        if case .opened(let id, _, _) = event { outbox.send(.accept(id)) }
      }
    }
    pair.attach()
  }

  func connect(_ number: UInt32 = 1) {
    let to = pair.path.remote
    pair.simulator.withNode(on: pair.hostA) { _, _, outbox in
      outbox.send(.connect(StreamID(number), to: to, Call.request))
    }
  }

  func client(_ action: StreamAction) {
    pair.simulator.withNode(on: pair.hostA) { _, _, outbox in outbox.send(action) }
  }

  func server(_ action: StreamAction) {
    pair.simulator.withNode(on: pair.hostB) { _, _, outbox in outbox.send(action) }
  }

  func activeEnds(_ host: Int) -> Int {
    let simulator = pair.simulator
    return simulator.world.streams.ends(on: host)
      .filter { simulator.world.streams[$0]?.tcp.isActive == true }.count
  }

  func run(seconds: Double) { pair.simulator.run(until: .seconds(seconds)) }
}

private func name(_ event: StreamEvent) -> String {
  switch event {
  case .opened(let id, let request, _): "opened \(id.number) \(request.target)"
  case .accepted(let id): "accepted \(id.number)"
  case .responded(let id, let response): "responded \(id.number) \(response.status)"
  case .message(let id, let bytes, let isText):
    "\(isText ? "text" : "binary") \(id.number) \(bytes.count)"
  case .writable(let id): "writable \(id.number)"
  case .closed(let id, .closed(let code)): "closed \(id.number) \(code)"
  case .closed(let id, .lost): "lost \(id.number)"
  }
}

extension Probe {
  fileprivate var heard: [String] { events.map { "\($0.time.milliseconds) \(name($0.event))" } }
  fileprivate var words: [String] { events.map { name($0.event) } }
}

private let fast = LinkConfiguration(delay: .milliseconds(50))

@Suite struct StreamTests {
  @Test(arguments: [0, 1, 2]) func setupTakesItsRoundTrips(tlsRoundTrips: Int) {
    var parameters = StreamParameters()
    parameters.tlsRoundTrips = tlsRoundTrips
    let call = Call(fast, parameters: parameters)
    call.connect()
    call.run(seconds: 2)
    // SYN and SYN+ACK, the handshake, the request: each one round trip of 100 ms.
    let accepted = Double((2 + tlsRoundTrips) * 100)
    #expect(
      call.pair.b.heard == ["\(accepted - 50) opened \(UInt32.max) /rtc?access_token=x"])
    #expect(call.pair.a.heard == ["\(accepted) accepted 1"])
    #expect(call.pair.simulator.pool.inUse == 0)
  }

  @Test func aMessageWithinTheFirstWindowTakesItsSerialization() {
    let call = Call(LinkConfiguration(rate: .kbps(8_000), delay: .milliseconds(20)))
    call.connect()
    call.run(seconds: 1)
    call.client(.send(StreamID(1), [UInt8](repeating: 7, count: 9_000), isText: false))
    call.run(seconds: 2)
    // Record: 9000 + head 5 + TLS 17 + frame header 4 + mask 4 in 7 segments of 40 bytes overhead,
    // at a byte per microsecond.
    let expected = Instant.seconds(1) + .microseconds(9_030 + 7 * 40) + .milliseconds(20)
    #expect(call.pair.b.events.last?.time == expected)
    #expect(call.pair.b.words.last == "binary \(UInt32.max) 9000")
  }

  @Test(arguments: [(9.5, 50), (10.9, 150), (29.5, 150), (30.9, 250), (69.5, 250), (70.9, 350)])
  func slowStartDoublesEachRoundTrip(segments: Double, milliseconds: Int) {
    let call = Call(fast)
    call.connect()
    call.run(seconds: 1)
    let count = Int(segments * 1_400)
    call.client(.send(StreamID(1), [UInt8](repeating: 1, count: count), isText: true))
    call.run(seconds: 3)
    #expect(call.pair.b.heard.last == "\(Double(1_000 + milliseconds)) text \(UInt32.max) \(count)")
  }

  @Test func messagesSurviveLossInOrder() {
    let link = LinkConfiguration(
      rate: .kbps(5_000), delay: .milliseconds(20), loss: .bernoulli(0.05))
    let call = Call(link)
    call.connect()
    call.run(seconds: 5)
    #expect(call.pair.a.words == ["accepted 1"])
    for i in 0..<200 {
      let bytes = [UInt8](repeating: UInt8(i), count: 50 + i * 29)
      call.client(.send(StreamID(1), bytes, isText: false))
    }
    call.run(seconds: 60)
    var expected: [UInt8] = []
    var actual: [UInt8] = []
    for case .message(_, let bytes, _) in call.pair.b.events.map(\.event) {
      actual.append(bytes[0])
      expected.append(UInt8(actual.count - 1))
      #expect(bytes.count == 50 + (actual.count - 1) * 29)
      #expect(bytes.allSatisfy { $0 == bytes[0] })
    }
    #expect(actual.count == 200)
    #expect(actual == expected)
    #expect(call.pair.statistics.dropped[.loss] > 10)
    #expect(call.pair.simulator.pool.inUse == 0)
    // 580 kB at 5 Mbit/s take 0.95 s; NewReno at 5 % and 40 ms gives about 1.5 Mbit/s
    // (Mathis: 1.22 MSS / (RTT sqrt p)), timeouts take their toll.
    let last = call.pair.b.events.last?.time ?? .zero
    #expect(last > .seconds(6) && last < .seconds(20))
  }

  @Test func messagesSurviveEverythingAtOnce() {
    let link = LinkConfiguration(
      rate: .kbps(5_000), delay: .milliseconds(20), loss: .gilbertElliott(p: 0.02, r: 0.5),
      jitter: .normal(.milliseconds(3), reorders: true),
      reordering: Reordering(probability: 0.05), duplication: 0.05, corruption: 0.02)
    let call = Call(link)
    call.connect()
    call.run(seconds: 10)
    var sent: [[UInt8]] = []
    for i in 0..<60 {
      sent.append((0..<(i * 97)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ i) })
      call.client(.send(StreamID(1), sent[i], isText: true))
      call.server(.send(StreamID(.max), sent[i], isText: false))
    }
    call.run(seconds: 100)
    for probe in [call.pair.a, call.pair.b] {
      let received = probe.events.compactMap { event -> [UInt8]? in
        guard case .message(_, let bytes, _) = event.event else { return nil }
        return bytes
      }
      #expect(received == sent)
    }
    #expect(call.pair.simulator.dropped[.checksum] > 0)
    #expect(call.pair.statistics.duplicated > 0)
    #expect(call.pair.simulator.pool.inUse == 0)
  }

  /// Sends ten full segments at 1 s on a link that loses the chosen ones; tells when all has come.
  private func arrival(losing lost: [Int]) -> Instant? {
    let call = Call(fast)
    call.connect()
    call.run(seconds: 1)
    let sent = call.pair.statistics.entered
    call.pair.simulator.configure(call.pair.there) { $0.loss = .indices(lost.map { sent + $0 }) }
    let head = 5 + 17 + 4 + 4
    call.client(
      .send(StreamID(1), [UInt8](repeating: 1, count: 14_000 - head), isText: false))
    call.run(seconds: 20)
    return call.pair.b.events.last?.time
  }

  @Test func threeDuplicateAcksRepairALossInOneMoreRoundTrip() {
    #expect(arrival(losing: []) == .milliseconds(1_050))
    #expect(arrival(losing: [0]) == .milliseconds(1_150))
    #expect(arrival(losing: [6]) == .milliseconds(1_150))
    // Each partial acknowledgment shows one more hole.
    #expect(arrival(losing: [0, 3]) == .milliseconds(1_250))
    #expect(arrival(losing: [0, 2, 4]) == .milliseconds(1_350))
  }

  @Test func aLostTailWaitsForTheTimer() {
    // The last acknowledgment comes at 1.1 s; SRTT 0.1 s and the floor of 0.2 s follow.
    #expect(arrival(losing: [9]) == .milliseconds(1_450))
    #expect(arrival(losing: [7, 8, 9]) == .milliseconds(1_550))
    // The retransmission, which is the 11th packet, is lost too: the timer doubles.
    #expect(arrival(losing: [9, 10]) == .milliseconds(2_050))
  }

  @Test func aBulkTransferFillsItsLink() {
    let link = LinkConfiguration(
      rate: .kbps(10_000), delay: .milliseconds(10), queue: .time(.milliseconds(50)))
    let call = Call(link)
    call.connect()
    call.run(seconds: 1)
    call.client(.send(StreamID(1), [UInt8](repeating: 1, count: 5_000_000), isText: false))
    call.run(seconds: 20)
    // 5 MB and the headers of 3,572 segments: 4.11 s at best.
    let took = (call.pair.b.events.last?.time ?? .zero) - .seconds(1)
    #expect(call.pair.b.words.last == "binary \(UInt32.max) 5000000")
    #expect(took > .milliseconds(4_110) && took < .milliseconds(4_600))
    #expect(call.pair.statistics.dropped[.queueFull] > 0)
    #expect(call.pair.statistics.maximumQueueDelay <= .milliseconds(50))
  }

  @Test func theTimeoutFollowsRFC6298() {
    var rto = RetransmissionTimeout()
    #expect(rto.value == .seconds(1))
    rto.sample(.milliseconds(100))
    // SRTT 100, RTTVAR 50: 4 × 50 is the floor itself.
    #expect(rto.value == .milliseconds(300))
    rto.sample(.milliseconds(500))
    // RTTVAR = 3/4 × 50 + 1/4 × 400 = 137.5; SRTT = 7/8 × 100 + 1/8 × 500 = 150.
    #expect(rto.value == .milliseconds(700))
    rto.backOff()
    rto.backOff()
    #expect(rto.value == .milliseconds(2_800))
    for _ in 0..<40 { rto.backOff() }
    #expect(rto.value == .seconds(60))
    rto.progress()
    #expect(rto.value == .milliseconds(700))
  }

  @Test func aSYNIsRepeatedAfterOneTwoFourSeconds() {
    let call = Call(fast)
    call.pair.simulator.configure(call.pair.there) { $0.isBlackedOut = true }
    call.connect()
    call.run(seconds: 6.5)
    #expect(call.pair.statistics.entered == 3)
    call.pair.simulator.configure(call.pair.there) { $0.isBlackedOut = false }
    call.run(seconds: 10)
    #expect(call.pair.a.heard == ["7300.0 accepted 1"])
  }

  @Test func aConnectionThatIsNotMadeIsLost() {
    let call = Call(fast)
    call.pair.simulator.configure(call.pair.there) { $0.isBlackedOut = true }
    call.connect()
    call.run(seconds: 30)
    #expect(call.pair.a.heard == ["15000.0 lost 1"])
  }

  @Test func aHostWithoutANodeRefuses() {
    let call = Call(fast)
    call.pair.simulator.detach(call.pair.hostB)
    call.connect()
    call.run(seconds: 1)
    #expect(call.pair.a.heard == ["100.0 lost 1"])
  }

  @Test func aRefusalEndsTheStream() {
    let call = Call(fast, accepts: false)
    call.pair.b.onEvent = { event, _, outbox in
      guard case .opened(let id, _, _) = event else { return }
      outbox.send(.respond(id, StreamResponse(status: 401)))
    }
    call.connect()
    call.run(seconds: 1)
    #expect(call.pair.a.heard == ["300.0 responded 1 401"])
    #expect(call.pair.b.words.count == 1)
    #expect(call.activeEnds(0) == 0)
    #expect(call.activeEnds(1) == 0)
  }

  @Test(arguments: [true, false]) func aCloseReachesBothEnds(byClient: Bool) {
    let call = Call(fast)
    call.connect()
    call.run(seconds: 1)
    if byClient {
      call.client(.close(StreamID(1), code: 4_001))
    } else {
      call.server(.close(StreamID(.max), code: 4_001))
    }
    call.run(seconds: 2)
    #expect(call.pair.a.words.last == "closed 1 4001")
    #expect(call.pair.b.words.last == "closed \(UInt32.max) 4001")
    let times = [call.pair.a.events.last?.time, call.pair.b.events.last?.time]
    #expect(times == (byClient ? [1_100, 1_050] : [1_050, 1_100]).map { .milliseconds($0) })
    #expect(call.activeEnds(0) == 0)
    #expect(call.activeEnds(1) == 0)
  }

  @Test func aDyingNodeResetsItsStreams() {
    let call = Call(fast)
    call.connect()
    call.run(seconds: 1)
    call.pair.simulator.detach(call.pair.hostB)
    call.run(seconds: 2)
    #expect(call.pair.a.heard.last == "1050.0 lost 1")
  }

  @Test func aLostInterfaceEndsItsStreamsAtOnceHereAndByTimeoutThere() {
    let call = Call(fast)
    call.connect()
    call.run(seconds: 1)
    call.pair.simulator.removeInterface(named: "eth0", from: call.pair.hostA)
    call.run(seconds: 1.5)
    #expect(call.pair.a.heard.last == "1000.0 lost 1")
    call.server(.send(StreamID(.max), [1], isText: true))
    call.run(seconds: 60)
    #expect(call.pair.b.heard.last == "16500.0 lost \(UInt32.max)")
  }

  @Test func anIdleConnectionNoticesByItsProbes() {
    let call = Call(fast)
    call.connect()
    call.run(seconds: 100)
    #expect(call.pair.b.words.count == 1)
    call.pair.simulator.configure(call.pair.back) { $0.isBlackedOut = true }
    call.run(seconds: 140)
    #expect(call.pair.a.words.last == "lost 1")
  }

  @Test func aBlackoutShorterThanTheTimeoutOnlyDelays() {
    let call = Call(fast)
    call.connect()
    call.run(seconds: 1)
    call.pair.simulator.configure(call.pair.there) { $0.isBlackedOut = true }
    call.client(.send(StreamID(1), [1, 2, 3], isText: true))
    call.run(seconds: 4)
    call.pair.simulator.configure(call.pair.there) { $0.isBlackedOut = false }
    call.run(seconds: 10)
    #expect(call.pair.b.words.last == "text \(UInt32.max) 3")
    // RTO 0.3 s, doubled: tries at 1.3, 1.9, 3.1, 5.5 s.
    let time = call.pair.b.events.last?.time ?? .zero
    #expect(time > .seconds(5) && time < .seconds(6))
  }

  @Test func aFullStreamBecomesWritableAgain() {
    let call = Call(LinkConfiguration(rate: .kbps(4_000), delay: .milliseconds(10)))
    call.connect()
    call.run(seconds: 1)
    call.client(.send(StreamID(1), [UInt8](repeating: 0, count: 100_000), isText: false))
    call.run(seconds: 5)
    #expect(call.pair.a.words == ["accepted 1", "writable 1"])
  }

  @Test func theRoomOfStreamsThatAreOverIsTakenAgain() {
    let call = Call(LinkConfiguration(delay: .milliseconds(10)))
    for number in UInt32(1)...60 {
      call.connect(number)
      call.run(seconds: Double(number) * 10 - 5)
      #expect(call.pair.simulator.openStreams(of: call.pair.hostB) == 1)
      call.client(.close(StreamID(number), code: 1_000))
      call.run(seconds: Double(number) * 10)
      #expect(call.pair.simulator.openStreams(of: call.pair.hostA) == 0)
    }
    // One every ten seconds, each kept for four minutes; and the one that was made meanwhile.
    let simulator = call.pair.simulator
    #expect(simulator.world.streams.connections.count <= 26)
    let ends = simulator.world.streams.ends(on: 0).compactMap { simulator.world.streams[$0] }
    #expect(ends.allSatisfy { $0.tcp.received.bytes.capacity == 0 })
  }

  @Test func withoutAnInterfaceTheStreamIsLostAtOnce() {
    let call = Call(fast)
    call.pair.simulator.removeInterface(named: "eth0", from: call.pair.hostA)
    call.connect()
    call.run(seconds: 1)
    #expect(call.pair.a.heard == ["0.0 lost 1"])
  }

  @Test func streamsAreNumberedDownward() {
    let call = Call(fast)
    call.connect(1)
    call.connect(2)
    call.run(seconds: 1)
    let opened = call.pair.b.events.compactMap { event -> UInt32? in
      guard case .opened(let id, _, _) = event.event else { return nil }
      return id.number
    }
    #expect(opened == [.max, .max - 1])
  }
}

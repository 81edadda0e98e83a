// Trend, grouping and rate control against the published expectations of libwebrtc's
// trendline_estimator_unittest.cc, aimd_rate_control_unittest.cc and inter_arrival_unittest.cc.

import Basics
import Testing

@testable import Congestion

@Suite struct TrendlineTests {
  /// 25 packets, 20 ms apart, that arrive `pace` times as far apart.
  private func states(pace: Double) -> [BandwidthUsage] {
    var estimator = TrendlineEstimator()
    var states: [BandwidthUsage] = []
    for index in 1..<25 {
      let before = Int64(987_654_321 + pace * 20 * Double(index - 1))
      let arrival = Int64(987_654_321 + pace * 20 * Double(index))
      estimator.update(
        arrivalDelta: .milliseconds(Int(arrival - before)), sendDelta: .milliseconds(20),
        arrival: Instant(nanoseconds: arrival * 1_000_000))
      states.append(estimator.state)
    }
    return states
  }

  @Test func packetsThatKeepTheirPaceAreNormal() {
    #expect(states(pace: 1).allSatisfy { $0 == .normal })
  }

  @Test func aTenthSlowerIsOveruseAndStaysSo() {
    let states = states(pace: 1.1)
    let first = states.firstIndex { $0 != .normal }
    #expect(first != nil && states[first!...].allSatisfy { $0 == .overusing })
  }

  @Test func fasterIsUnderuseAndStaysSo() {
    let states = states(pace: 0.85)
    let first = states.firstIndex { $0 != .normal }
    #expect(first != nil && states[first!...].allSatisfy { $0 == .underusing })
  }

  @Test func theThresholdStaysWithinItsRange() {
    var estimator = TrendlineEstimator()
    var arrival = Instant.zero
    for _ in 0..<10_000 {
      arrival += .milliseconds(20)
      estimator.update(
        arrivalDelta: .milliseconds(20), sendDelta: .milliseconds(20), arrival: arrival)
    }
    #expect(estimator.threshold == 6)
  }
}

@Suite struct InterArrivalTests {
  private func add(
    _ arrivals: inout InterArrivalDelta, sent: Int, arrived: Int, system: Int? = nil
  ) -> InterArrivalDelta.Deltas? {
    arrivals.add(
      sent: .milliseconds(sent), arrival: .milliseconds(arrived),
      system: .milliseconds(system ?? arrived), size: .bytes(1_200))
  }

  @Test func groupsAreComparedOnceTheThirdBegins() {
    var arrivals = InterArrivalDelta()
    #expect(add(&arrivals, sent: 0, arrived: 17) == nil)
    #expect(add(&arrivals, sent: 6, arrived: 34) == nil)
    let deltas = add(&arrivals, sent: 12, arrived: 50)
    #expect(deltas?.send == .milliseconds(6) && deltas?.arrival == .milliseconds(17))
  }

  @Test func packetsFiveMillisecondsApartAreOneGroup() {
    var arrivals = InterArrivalDelta()
    #expect(add(&arrivals, sent: 0, arrived: 17) == nil)
    #expect(add(&arrivals, sent: 5, arrived: 30) == nil)
    #expect(add(&arrivals, sent: 20, arrived: 50) == nil)
    let deltas = add(&arrivals, sent: 40, arrived: 70)
    #expect(deltas?.send == .milliseconds(15) && deltas?.arrival == .milliseconds(20))
    #expect(deltas?.size == -1_200)
  }

  @Test func packetsThatWaitedTogetherAreOneGroup() {
    var arrivals = InterArrivalDelta()
    #expect(add(&arrivals, sent: 0, arrived: 100) == nil)
    #expect(add(&arrivals, sent: 30, arrived: 104) == nil)
    #expect(add(&arrivals, sent: 60, arrived: 108) == nil)
    #expect(add(&arrivals, sent: 90, arrived: 140) == nil)
    let deltas = add(&arrivals, sent: 120, arrived: 170)
    #expect(deltas?.send == .milliseconds(30) && deltas?.arrival == .milliseconds(32))
  }

  @Test func overtakenPacketsAreLeftOut() {
    var arrivals = InterArrivalDelta()
    #expect(add(&arrivals, sent: 100, arrived: 117) == nil)
    #expect(add(&arrivals, sent: 90, arrived: 130) == nil)
    #expect(add(&arrivals, sent: 110, arrived: 134) == nil)
    #expect(add(&arrivals, sent: 120, arrived: 150)?.send == .milliseconds(10))
  }

  @Test func aClockThatJumpsStartsAnew() {
    var arrivals = InterArrivalDelta()
    #expect(add(&arrivals, sent: 0, arrived: 17) == nil)
    #expect(add(&arrivals, sent: 10, arrived: 27) == nil)
    #expect(add(&arrivals, sent: 20, arrived: 5_000, system: 40)?.send == .milliseconds(10))
    #expect(add(&arrivals, sent: 30, arrived: 5_010, system: 50) == nil)
    #expect(add(&arrivals, sent: 40, arrived: 5_020, system: 60) == nil)
    #expect(add(&arrivals, sent: 50, arrived: 5_030, system: 70) == nil)
    #expect(add(&arrivals, sent: 60, arrived: 5_040, system: 80) != nil)
  }
}

@Suite struct RateControlTests {
  private let now = Instant.milliseconds(123_456)

  private func control(_ bps: Int64) -> AIMDRateControl {
    var control = AIMDRateControl()
    control.setEstimate(Bitrate(bitsPerSecond: bps), at: now)
    return control
  }

  /// 30 kbps: the least there is. 90 kbps at 200 ms, 60 kbps at 100 ms: 5 kbps a second.
  @Test(arguments: [(30_000, 200, 4_000), (90_000, 200, 5_000), (60_000, 100, 5_000)])
  func growthNearTheMaximum(bps: Int64, roundTrip: Int, expected: Double) {
    var control = control(bps)
    control.roundTrip = .milliseconds(roundTrip)
    #expect(abs(control.nearMaximumIncrease - expected) < 1)
  }

  @Test func theDefaultPeriodHoldsUntilADecrease() {
    var control = control(300_000)
    _ = control.update(.overusing, throughput: .kbps(300), at: now)
    #expect(abs(control.nearMaximumIncrease - 14_000) < 1_000)
    #expect(control.expectedPeriod == .seconds(3))
    control.setStart(.kbps(300))
    _ = control.update(.overusing, throughput: .kbps(280), at: now + .milliseconds(100))
    #expect(control.expectedPeriod != .seconds(3))
  }

  @Test func theEstimateStaysWithinHalfAsMuchAgainOfWhatArrives() {
    var control = control(10_000)
    for step in 0..<200 {
      _ = control.update(
        .normal, throughput: .kbps(10), at: now + .milliseconds(100) * step)
    }
    #expect(control.estimate == .kbps(25))
  }

  @Test func lessArrivingDoesNotLowerTheEstimate() {
    var control = control(100_000)
    var moment = now
    for _ in 0..<200 {
      _ = control.update(.normal, throughput: .kbps(100), at: moment)
      moment += .milliseconds(100)
    }
    let before = control.estimate
    #expect(abs(before.kbps - 160) < 2)
    #expect(control.update(.normal, throughput: .kbps(50), at: moment) == before)
  }

  @Test func theFirstRateIsTakenAfterFiveSeconds() {
    var control = AIMDRateControl()
    _ = control.update(.normal, throughput: .kbps(123), at: now)
    #expect(!control.isInitialized)
    _ = control.update(.normal, throughput: .kbps(123), at: now + .milliseconds(5_001))
    for step in 0..<100 {
      _ = control.update(.normal, throughput: nil, at: now + .milliseconds(5_001 + 100 * step))
    }
    #expect(control.estimate <= .bps(123_000 * 1.5 + 10_000))
  }

  @Test func overuseLeavesFifteenPercentAndFiveKbpsLess() {
    var control = control(500_000)
    let estimate = control.update(.overusing, throughput: .kbps(400), at: now + .seconds(1))
    #expect(estimate == .kbps(335))
    #expect(!control.isTimeToReduce(at: now + .milliseconds(1_100), throughput: .kbps(300)))
    #expect(control.isTimeToReduce(at: now + .milliseconds(1_100), throughput: .kbps(100)))
    #expect(control.isTimeToReduce(at: now + .milliseconds(1_200), throughput: .kbps(300)))
  }

  /// 80 bytes in 5 % of the rate, 200 ms at least, a second at most.
  @Test(arguments: [(1_000, 1_000), (20_000, 640), (300_000, 200)] as [(Int64, Int)])
  func remb(bps: Int64, milliseconds: Int) {
    let control = control(max(bps, 5_000))
    let interval = control.feedbackInterval
    #expect(interval == .milliseconds(milliseconds))
  }
}

@Suite struct StandingQueueTests {
  private func results(delay: Int, at now: Instant) -> [PacketResult] {
    let sent = SentPacket(
      sequenceNumber: 0, size: .bytes(1_000), sentAt: now - .milliseconds(delay))
    return [PacketResult(sent: sent, arrival: now)]
  }

  private func update(
    _ queue: inout StandingQueue, delay: Int, _ usage: BandwidthUsage, at milliseconds: Int
  ) -> Bool {
    let now = Instant.milliseconds(milliseconds)
    return queue.update(results(delay: delay, at: now), usage: usage, at: now)
  }

  @Test func aFullQueueStandsUntilHalfOfItHasGone() {
    var queue = StandingQueue()
    #expect(!update(&queue, delay: 50, .normal, at: 10_000))
    #expect(update(&queue, delay: 350, .overusing, at: 10_500))
    #expect(update(&queue, delay: 350, .normal, at: 10_600))
    #expect(queue.queue == .milliseconds(300))
    #expect(update(&queue, delay: 260, .normal, at: 10_700))
    #expect(!update(&queue, delay: 180, .normal, at: 10_800))
  }

  @Test func itStandsNoLongerThanASecond() {
    var queue = StandingQueue()
    _ = update(&queue, delay: 50, .normal, at: 10_000)
    _ = update(&queue, delay: 350, .overusing, at: 10_500)
    #expect(update(&queue, delay: 350, .normal, at: 11_500))
    #expect(!update(&queue, delay: 350, .normal, at: 11_501))
  }

  @Test func whatOveruseBuiltIsEmptied() {
    var queue = StandingQueue(drains: true)
    _ = update(&queue, delay: 50, .normal, at: 10_000)
    #expect(update(&queue, delay: 200, .overusing, at: 10_100))
    #expect(abs(queue.drain - 0.5) < 1e-9)
    #expect(update(&queue, delay: 350, .overusing, at: 10_200))
    #expect(queue.drain == 0.3)
    // While it falls the rate need not.
    #expect(!update(&queue, delay: 140, .normal, at: 10_300))
    #expect(abs(queue.drain - 0.7) < 1e-9)
    // Jitter may stand, and what stands for four seconds is somebody else's.
    _ = update(&queue, delay: 65, .normal, at: 10_400)
    #expect(queue.drain == 1)
    _ = update(&queue, delay: 350, .overusing, at: 10_500)
    _ = update(&queue, delay: 350, .normal, at: 14_500)
    #expect(queue.drain == 1)
  }

  @Test func aForwarderDrainsNothing() {
    var queue = StandingQueue()
    _ = update(&queue, delay: 50, .normal, at: 10_000)
    _ = update(&queue, delay: 350, .overusing, at: 10_100)
    #expect(queue.drain == 1)
  }

  @Test func jitterIsNoQueue() {
    var queue = StandingQueue()
    _ = update(&queue, delay: 50, .normal, at: 10_000)
    #expect(update(&queue, delay: 70, .overusing, at: 10_500))
    #expect(!update(&queue, delay: 70, .normal, at: 10_550))
  }
}

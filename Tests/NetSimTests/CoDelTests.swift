// CoDel against RFC 8289: its control law by itself, and the queue it keeps on a link.
import Basics
import Testing

@testable import NetSim

@Suite struct CoDelTests {
  private static let target = Duration.milliseconds(5)
  private static let interval = Duration.milliseconds(100)

  /// Feeds one packet each 0.1 ms whose sojourn stays at `sojourn`; tells when it drops, in ms.
  private func dropTimes(
    _ codel: inout CoDel, sojourn: Duration, backlog: Int = 100_000, from: Int, to: Int
  ) -> [Double] {
    var times: [Double] = []
    for tick in (from * 10)..<(to * 10) {
      let now = Instant.zero + .microseconds(tick * 100)
      var turn = CoDel.Turn.first
      while true {
        let wasDropping = codel.isDropping
        let decision = codel.decide(
          turn, sojourn: sojourn, backlog: backlog, canMark: false, at: now,
          target: CoDelTests.target, interval: CoDelTests.interval)
        guard decision == .drop else { break }
        times.append(now.milliseconds)
        turn = wasDropping ? .afterDrop : .afterEntry
      }
    }
    return times
  }

  @Test func dropsFollowTheControlLaw() {
    var codel = CoDel()
    let times = dropTimes(&codel, sojourn: .milliseconds(20), from: 0, to: 1_000)
    // First after one interval above the target, then interval / sqrt(count).
    var expected = [100.0]
    var next = 100.0
    var count = 1.0
    while true {
      next += 100 / count.squareRoot()
      if next >= 1_000 { break }
      expected.append(next)
      count += 1
    }
    #expect(times.count == expected.count)
    #expect(zip(times, expected).allSatisfy { abs($0 - $1) <= 0.1001 })
  }

  @Test func neverDropsBelowTargetOrWithOnePacketBehind() {
    var codel = CoDel()
    #expect(dropTimes(&codel, sojourn: .microseconds(4_999), from: 0, to: 1_000).isEmpty)
    #expect(
      dropTimes(&codel, sojourn: .milliseconds(50), backlog: 1_500, from: 1_000, to: 2_000)
        .isEmpty)
  }

  @Test func anExcursionShorterThanTheIntervalIsForgiven() {
    var codel = CoDel()
    #expect(dropTimes(&codel, sojourn: .milliseconds(20), from: 0, to: 99).isEmpty)
    #expect(dropTimes(&codel, sojourn: .milliseconds(1), from: 99, to: 101).isEmpty)
    #expect(dropTimes(&codel, sojourn: .milliseconds(20), from: 101, to: 200).isEmpty)
  }

  @Test func aSoonReturnResumesItsDropRate() {
    var codel = CoDel()
    let first = dropTimes(&codel, sojourn: .milliseconds(20), from: 0, to: 1_000)
    #expect(dropTimes(&codel, sojourn: .milliseconds(1), from: 1_000, to: 1_010).isEmpty)
    let again = dropTimes(&codel, sojourn: .milliseconds(20), from: 1_010, to: 1_200)
    #expect(first[1] - first[0] > 99)
    // The count goes on where it was: about `first.count` drops, so 100 ms / sqrt of that apart.
    let spacing = 100 / Double(first.count).squareRoot()
    #expect(abs(again[1] - again[0] - spacing) < 2)
  }

  /// 1250 bytes each so many µs on 20 Mbit/s, where one takes 500.
  private func overload(_ aqm: QueueManagement, every microseconds: Int) -> LinkStatistics {
    let link = LinkConfiguration(rate: .kbps(20_000), queue: .time(.milliseconds(300)), aqm: aqm)
    let pair = Pair(there: link)
    pair.send(12_000, size: 1_222, every: .microseconds(microseconds), until: .seconds(5))
    return pair.statistics
  }

  @Test func keepsTheStandingQueueNearItsTarget() throws {
    let codel = overload(.codel, every: 495)
    let median = try #require(codel.queueDelay.value(atQuantile: 0.5))
    #expect(median > 4_000_000 && median < 7_000_000)
    #expect(codel.dropped[.queueFull] == 0)
    #expect(overload(.dropTail, every: 495).queueDelay.maximum > 45_000_000)
  }

  @Test func holdsAgainstAFlowThatDoesNotYield() {
    // 5 % too much: the drop rate climbs by the control law until it meets the excess.
    let codel = overload(.codel, every: 475)
    #expect(codel.maximumQueueDelay < .milliseconds(60))
    #expect(codel.dropped[.queueFull] == 0)
    let dropTail = overload(.dropTail, every: 475)
    #expect(dropTail.maximumQueueDelay > .milliseconds(240))
    #expect(dropTail.dropped[.aqm] == 0)
  }

  @Test func marksWhereItWouldDrop() {
    let aqm = QueueManagement.codel(
      target: .milliseconds(5), interval: .milliseconds(100), marksECN: true)
    let link = LinkConfiguration(rate: .kbps(20_000), aqm: aqm)
    let pair = Pair(there: link)
    pair.send(
      4_000, size: 1_222, every: .microseconds(475), ecn: .ect1, until: .milliseconds(1_900))
    let marked = pair.b.arrivals.filter { $0.ecn == .congestionExperienced }
    #expect(marked.count == pair.statistics.marked)
    #expect(marked.count > 20)
    #expect(pair.statistics.dropped.total == 0)
    #expect(pair.b.arrivals.allSatisfy { $0.ecn != .notCapable })

    let deaf = Pair(there: link)
    deaf.send(4_000, size: 1_222, every: .microseconds(475), until: .milliseconds(1_900))
    #expect(deaf.statistics.marked == 0)
    #expect(deaf.statistics.dropped[.aqm] > 20)
  }
}

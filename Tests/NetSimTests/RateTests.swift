// Rates, queue limits, changes in mid-packet, pauses, and recorded traces.
import Basics
import Foundation
import TestKit
import Testing

@testable import NetSim

@Suite struct RateTests {
  @Test(arguments: [137, 1_000, 9_999] as [Int64])
  func theRateIsNeverExceeded(kbps: Int64) {
    let rate = Bitrate.kbps(kbps)
    let pair = Pair(there: LinkConfiguration(rate: rate, queue: .time(.milliseconds(300))))
    pair.send(5_000, size: 1_172, every: .microseconds(500), until: .seconds(3))
    var bytes: Int64 = 0
    for arrival in pair.b.arrivals {
      bytes += 1_200
      #expect(bytes <= (rate * (arrival.time - .zero)).bytes)
    }
    // Overloaded all the time, so nothing of the rate is wasted either.
    if kbps < 9_999 {
      #expect(bytes + 1_200 > (rate * Duration.milliseconds(2_500)).bytes)
    }
    #expect(pair.statistics.maximumQueueDelay <= .milliseconds(300))
    #expect(pair.statistics.queueDelay.maximum <= 300_000_000)
  }

  @Test func backToBackPacketsLoseNoFractionOfANanosecond() {
    // 3 bytes over 28 of overhead at 7 bit/s short of a Mbit/s.
    let pair = Pair(there: LinkConfiguration(rate: Bitrate(bitsPerSecond: 999_993)))
    pair.send(1_000, size: 4, every: .zero)
    let bits = Double(1_000 * 32 * 8)
    let exact = Instant(nanoseconds: Int64((bits * 1e9 / 999_993).rounded(.up)))
    #expect(pair.b.arrivals.last?.time == exact)
  }

  @Test func byteAndPacketLimits() {
    for (limit, expected) in [(QueueLimit.bytes(999), 8), (.packets(5), 6), (.bytes(1), 2)] {
      let pair = Pair(there: LinkConfiguration(rate: .kbps(100), queue: limit))
      // 128 bytes each, all at once: one in service, the rest in the queue.
      pair.send(20, size: 100, every: .zero)
      #expect(pair.received == Array(0..<expected))
      #expect(pair.statistics.dropped[.queueFull] == 20 - expected)
    }
  }

  @Test func timeLimitCountsUntilTransmissionBegins() {
    // 125 bytes at 1 Mbit/s, 1 ms each: waits are 0, 1 … 10 ms.
    let link = LinkConfiguration(rate: .kbps(1_000), queue: .time(.milliseconds(10)))
    let pair = Pair(there: link)
    pair.send(20, size: 97, every: .zero)
    #expect(pair.received == Array(0...10))
    #expect(pair.statistics.maximumQueueDelay == .milliseconds(10))
  }

  @Test func aChangeInMidPacketKeepsTheBitsSent() {
    // 1250 bytes = 10,000 bits.
    let pair = Pair(there: LinkConfiguration(rate: .kbps(1_000)))
    pair.send(1, size: 1_222, every: .zero, until: .milliseconds(4))
    // 4,000 bits are sent; 6,000 are left.
    pair.simulator.configure(pair.there) { $0.rate = .kbps(500) }
    pair.simulator.run(until: .milliseconds(8))
    // 2,000 more; 4,000 are left.
    pair.simulator.configure(pair.there) { $0.rate = .zero }
    pair.simulator.run(until: .milliseconds(100))
    pair.simulator.configure(pair.there) { $0.rate = .kbps(4_000) }
    pair.simulator.run(until: .seconds(1))
    #expect(pair.b.arrivals.map(\.time) == [.milliseconds(101)])
  }

  @Test func touchingALinkChangesNothing() throws {
    let trace = try CapacityTrace(milliseconds: [1, 1, 2, 4, 7])
    for link in [
      LinkConfiguration(
        rate: .kbps(1_003), delay: .milliseconds(5), loss: .gilbertElliott(p: 0.1, r: 0.5),
        jitter: .nrBPDV(), reordering: Reordering(probability: 0.1), duplication: 0.1),
      LinkConfiguration(rate: .kbps(1_003), aqm: .codel, jitter: .uniform(.milliseconds(2))),
      LinkConfiguration(trace: trace, jitter: .normal(.milliseconds(2), reorders: true)),
    ] {
      func arrivals(touching: Bool) -> [Probe.Arrival] {
        let pair = Pair(there: link)
        // Never at the very moment of an opportunity, where the order of events decides.
        pair.send(300, size: 97, every: .microseconds(907), until: .zero)
        for i in 1...2_000 {
          pair.simulator.run(until: .zero + .microseconds(i * 313))
          if touching { pair.simulator.configure(pair.there) { _ in } }
        }
        return pair.b.arrivals
      }
      let untouched = arrivals(touching: false)
      #expect(untouched.count > 200)
      #expect(arrivals(touching: true) == untouched)
    }
  }

  @Test func afterASlowPacketTheFasterOnesAreNotHeldBack() {
    let pair = Pair(there: LinkConfiguration(rate: .kbps(1), delay: .milliseconds(10)))
    // 1 s each at 1 kbit/s; a ms each at 1 Mbit/s.
    pair.send(2, size: 97, every: .zero, until: .milliseconds(500))
    pair.simulator.configure(pair.there) { $0.rate = .kbps(1_000) }
    pair.simulator.run(until: .seconds(5))
    #expect(pair.b.arrivals.map(\.time.nanoseconds) == [510_500_000, 511_500_000])
  }

  @Test func aPauseHoldsAndAResumeReleases() {
    for rate in [nil, Bitrate.kbps(1_000)] {
      let pair = Pair(there: LinkConfiguration(rate: rate))
      pair.send(5, size: 97, every: .milliseconds(10), until: .milliseconds(5))
      pair.simulator.configure(pair.there) { $0.isPaused = true }
      pair.simulator.run(until: .milliseconds(100))
      #expect(pair.received == [0])
      pair.simulator.configure(pair.there) { $0.isPaused = false }
      pair.simulator.run(until: .seconds(1))
      #expect(pair.received == [0, 1, 2, 3, 4])
      let expected = (1...4).map { Instant.milliseconds(rate == nil ? 100 : 100 + $0) }
      #expect(pair.b.arrivals.dropFirst().map(\.time) == expected)
      #expect(pair.simulator.pool.inUse == 0)
    }
  }

  @Test func aBlackoutDropsAll() {
    let pair = Pair(there: LinkConfiguration(isBlackedOut: true))
    pair.send(5, every: .milliseconds(1))
    #expect(pair.statistics.dropped[.blackout] == 5)
    #expect(pair.simulator.pool.inUse == 0)
  }

  @Test func samplesAddUp() {
    let pair = Pair(there: LinkConfiguration(rate: .kbps(1_000)), sampling: .milliseconds(1_000))
    pair.send(400, size: 97, every: .milliseconds(10), until: .milliseconds(3_500))
    let samples = pair.simulator.samples(of: pair.there)
    #expect(samples.map(\.start) == [0, 1, 2, 3].map { .seconds($0) })
    #expect(samples.map(\.bytes) == [12_500, 12_500, 12_500, 6_250 + 0])
    #expect(pair.simulator.samples(of: pair.back).map(\.bytes) == [0, 0, 0, 0])
  }

  // MARK: Traces

  @Test func anOpportunityCarriesOneMTU() throws {
    let trace = try CapacityTrace(text: "5\n5\n10\n")
    let pair = Pair(there: LinkConfiguration(trace: trace))
    // 500 bytes on the wire: three fill an opportunity, the fourth goes on with the next.
    pair.send(10, size: 472, every: .zero)
    let expected = [5, 5, 5, 5, 5, 5, 10, 10, 10, 15].map { Instant.milliseconds($0) }
    #expect(pair.b.arrivals.map(\.time) == expected)
  }

  @Test func aPacketLargerThanWhatIsLeftGoesOnWithTheNext() throws {
    let trace = try CapacityTrace(milliseconds: [10])
    let pair = Pair(there: LinkConfiguration(trace: trace))
    // 1000 bytes: the second begins in the first opportunity and ends in the second.
    pair.send(3, size: 972, every: .zero)
    #expect(
      pair.b.arrivals.map(\.time) == [.milliseconds(10), .milliseconds(20), .milliseconds(20)])
  }

  @Test func anUnusedOpportunityIsLost() throws {
    let trace = try CapacityTrace(milliseconds: [2, 4, 10])
    let pair = Pair(there: LinkConfiguration(trace: trace))
    let bytes = [UInt8](repeating: 0, count: 1_472)
    pair.a.departures = [3, 4, 11].map {
      Probe.Departure(time: .milliseconds($0), path: pair.path, bytes: bytes)
    }
    pair.attach()
    pair.simulator.run(until: .seconds(1))
    #expect(
      pair.b.arrivals.map(\.time) == [.milliseconds(4), .milliseconds(10), .milliseconds(12)])
  }

  @Test func malformedTracesAreRefused() {
    #expect(throws: TraceError.notANumber) { try CapacityTrace(text: "1\nx\n") }
    #expect(throws: TraceError.notANumber) { try CapacityTrace(text: "-1\n") }
    #expect(throws: TraceError.notANumber) { try CapacityTrace(text: "99999999999999999999\n") }
    #expect(throws: TraceError.decreasing) { try CapacityTrace(text: "3\n2\n") }
    #expect(throws: TraceError.empty) { try CapacityTrace(text: "0\n0\n") }
    #expect(throws: TraceError.empty) { try CapacityTrace(text: "") }
  }

  @Test(.enabled(if: sharedFile("traces/TMobile-LTE-short.up") != nil, needsShared))
  func aRecordedTraceIsFilledExactly() throws {
    let file = try #require(sharedFile("traces/TMobile-LTE-short.up"))
    let text = try String(contentsOfFile: file, encoding: .utf8)
    let trace = try CapacityTrace(text: text)
    let pair = Pair(there: LinkConfiguration(trace: trace, queue: .packets(100_000)))
    // Saturated with packets of one MTU, each opportunity carries one.
    pair.send(3_000, size: 1_472, every: .zero, until: .seconds(600))
    let expected = trace.moments.drop { $0 == 0 }.prefix(3_000)
    #expect(pair.b.arrivals.map { Int($0.time.milliseconds) } == Array(expected))
  }
}

// Delay distributions, reordering, duplication, corruption.
import Basics
import Foundation
import Testing

@testable import NetSim

@Suite struct DelayTests {
  static let base = Instant.milliseconds(50)

  /// One-way delays in ms of packets spaced so far apart that none waits for another.
  func delays(_ jitter: Jitter, count: Int = 4_000) -> [Double] {
    let pair = Pair(seed: 3, there: LinkConfiguration(delay: .milliseconds(50), jitter: jitter))
    pair.send(count, size: 10, every: .milliseconds(200))
    #expect(pair.received == Array(0..<count))
    return pair.b.arrivals.enumerated().map {
      $0.element.time.milliseconds - Double($0.offset) * 200
    }
  }

  @Test func uniformJitter() {
    let all = delays(.uniform(.milliseconds(20)))
    #expect(kolmogorovSmirnov(all) { min(1, max(0, ($0 - 30) / 40)) } < 1.628)
  }

  @Test func normalJitter() {
    let all = delays(.normal(.milliseconds(8)))
    #expect(kolmogorovSmirnov(all) { normalCDF(($0 - 50) / 8) } < 1.628)
  }

  /// Delays in ms of packets `spacing` ms apart that keep their order, so thin that none hangs on another:
  /// each is the most of its own delay and what is left of those before it.
  private func orderedDelays(_ jitter: Jitter, spacing: Int, everyOther stride: Int) -> [Double] {
    let pair = Pair(seed: 5, there: LinkConfiguration(delay: .milliseconds(50), jitter: jitter))
    let count = 2_000 * stride
    pair.send(count, size: 10, every: .milliseconds(spacing))
    #expect(pair.received == Array(0..<count), "packets keep their order")
    return pair.b.arrivals.enumerated().filter { $0.offset % stride == stride - 1 }.map {
      $0.element.time.milliseconds - Double($0.offset * spacing)
    }
  }

  /// docs/links.md: P(delay ≤ x) = ∏ F(x + kΔ), F being the distribution of the delay alone and Δ the time
  /// between packets.
  @Test func uniformJitterInOrderIsTheMostOfWhatIsLeft() {
    let all = orderedDelays(.uniform(.milliseconds(20)), spacing: 10, everyOther: 10)
    let ks = kolmogorovSmirnov(all) { x in
      (0..<6).reduce(1.0) { $0 * min(1, max(0, (x + 10 * Double($1) - 30) / 40)) }
    }
    #expect(ks < 1.628)
    #expect(all.min()! >= 30 && all.max()! <= 70, "order adds nothing beyond the span")
  }

  @Test func normalJitterInOrderIsTheMostOfWhatIsLeft() {
    let all = orderedDelays(.normal(.milliseconds(8)), spacing: 5, everyOther: 12)
    let ks = kolmogorovSmirnov(all) { x in
      (0..<20).reduce(1.0) { $0 * normalCDF((x + 5 * Double($1) - 50) / 8) }
    }
    #expect(ks < 1.628)
  }

  @Test func theDelayIsNeverNegative() {
    let pair = Pair(
      there: LinkConfiguration(delay: .milliseconds(1), jitter: .normal(.milliseconds(10))))
    pair.send(1_000, every: .milliseconds(100))
    let sent = (0..<1_000).map { Instant.milliseconds($0 * 100) }
    #expect(zip(pair.b.arrivals, sent).allSatisfy { $0.time >= $1 })
  }

  @Test func nrBPDVIsATruncatedGaussiansAbsoluteValue() {
    let all = delays(.nrBPDV())
    // Truncation at three deviations gathers 0.27 % of the mass in the last point.
    let ks = kolmogorovSmirnov(all) { x in
      x >= 65 ? 1 : x < 50 ? 0 : 2 * normalCDF((x - 50) / 5) - 1
    }
    #expect(ks < 1.628 + 0.0027 * 4_000.0.squareRoot())
    #expect(all.max()! <= 65.000001 && all.min()! >= 50)
    #expect(all.filter { $0 > 64.999 }.count > 0)
  }

  @Test(arguments: [1, 2, 3] as [UInt64]) func nrBPDVNeverReorders(seed: UInt64) {
    // 125 bytes at 10 Mbit/s: 100 µs each, sent every 150 µs.
    let link = LinkConfiguration(
      rate: .kbps(10_000), delay: .milliseconds(50), jitter: .nrBPDV())
    let pair = Pair(seed: seed, there: link)
    pair.send(5_000, size: 97, every: .microseconds(150))
    #expect(pair.received == Array(0..<5_000))
    let times = pair.b.arrivals.map(\.time)
    #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 >= .microseconds(100) })
  }

  @Test(arguments: [false, true]) func jitterReordersWhenAllowed(reorders: Bool) {
    for jitter: Jitter in [
      .uniform(.milliseconds(20), reorders: reorders),
      .normal(.milliseconds(8), reorders: reorders),
    ] {
      let pair = Pair(there: LinkConfiguration(delay: .milliseconds(50), jitter: jitter))
      pair.send(2_000, every: .milliseconds(1))
      #expect(pair.received.sorted() == Array(0..<2_000))
      #expect((pair.received == Array(0..<2_000)) != reorders)
    }
  }

  @Test func chosenPacketsOvertakeAsInNetem() {
    let link = LinkConfiguration(
      delay: .milliseconds(50), reordering: Reordering(probability: 0.25))
    let pair = Pair(there: link)
    pair.send(8_000, every: .milliseconds(10))
    let direct = pair.b.arrivals.filter { arrival in
      let number = arrival.bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
      return arrival.time == .milliseconds(number * 10)
    }
    #expect(binomialInterval(8_000, 0.25).contains(direct.count))
  }

  @Test func everyGapthPacketOvertakes() {
    let link = LinkConfiguration(
      delay: .milliseconds(50), reordering: Reordering(probability: 1, gap: 5))
    let pair = Pair(there: link)
    pair.send(10, every: .milliseconds(10))
    #expect(pair.received == [4, 0, 1, 2, 3, 9, 5, 6, 7, 8])
  }

  @Test func heldPacketsAreOvertaken() {
    let link = LinkConfiguration(
      delay: .milliseconds(50),
      reordering: Reordering(probability: 1, gap: 4, extraDelay: .milliseconds(15)))
    let pair = Pair(there: link)
    pair.send(8, every: .milliseconds(10))
    #expect(pair.received == [0, 1, 2, 4, 3, 5, 6, 7])
  }

  @Test func duplicatesArriveTwice() {
    let pair = Pair(there: LinkConfiguration(duplication: 0.1))
    pair.send(5_000, every: .milliseconds(1))
    let twice = pair.received.count - Set(pair.received).count
    #expect(twice == pair.statistics.duplicated)
    #expect(binomialInterval(5_000, 0.1).contains(twice))
    #expect(pair.statistics.entered + twice == pair.statistics.delivered)
    #expect(pair.simulator.pool.inUse == 0)
  }

  @Test func corruptionFlipsOneBit() {
    let pair = Pair(there: LinkConfiguration(corruption: 0.2))
    pair.send(5_000, size: 100, every: .milliseconds(1))
    let flips = zip(pair.a.departures, pair.b.arrivals).map { sent, received in
      zip(sent.bytes, received.bytes).reduce(0) { $0 + ($1.0 ^ $1.1).nonzeroBitCount }
    }
    #expect(flips.allSatisfy { $0 <= 1 })
    #expect(flips.reduce(0, +) == pair.statistics.corrupted)
    #expect(binomialInterval(5_000, 0.2).contains(pair.statistics.corrupted))
  }
}

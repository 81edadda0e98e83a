// The loss models against their formulas.
import Basics
import Testing

@testable import NetSim

@Suite struct LossTests {
  static let count = 20_000

  func run(_ loss: LossModel, seed: UInt64) -> Pair {
    let pair = Pair(seed: seed, there: LinkConfiguration(loss: loss))
    pair.send(LossTests.count, size: 4, every: .microseconds(10))
    #expect(pair.received.count == pair.statistics.delivered)
    #expect(pair.statistics.dropped[.loss] == pair.statistics.dropped.total)
    #expect(pair.statistics.entered == pair.statistics.delivered + pair.statistics.dropped.total)
    #expect(pair.simulator.pool.inUse == 0)
    return pair
  }

  @Test(arguments: [0, 0.001, 0.05, 0.3, 1], [1, 2] as [UInt64])
  func bernoulliLosesItsShare(p: Double, seed: UInt64) {
    let lost = run(.bernoulli(p), seed: seed).statistics.dropped.total
    #expect(binomialInterval(LossTests.count, p).contains(lost))
    if p == 0 { #expect(lost == 0) }
    if p == 1 { #expect(lost == LossTests.count) }
  }

  @Test func bernoulliRunsAreGeometric() {
    let runs = lossRuns(run(.bernoulli(0.3), seed: 3).received, count: LossTests.count)
    let expected = (1...20).map { 0.7 * power(0.3, $0 - 1) }
    #expect(followsChiSquare(occurrences(runs, longest: 20), expected))
  }

  @Test(arguments: [(0.01, 0.3), (0.05, 0.5), (0.01, 0.15)])
  func gilbertBurstsAreGeometric(p: Double, r: Double) {
    let pair = run(.gilbertElliott(p: p, r: r), seed: 7)
    let runs = lossRuns(pair.received, count: LossTests.count)
    let expected = (1...60).map { r * power(1 - r, $0 - 1) }
    #expect(followsChiSquare(occurrences(runs, longest: 60), expected))
    // The number of bursts: a binomial of chances to leave the good state.
    let good = LossTests.count - pair.statistics.dropped.total
    #expect(binomialInterval(good, p).contains(runs.count))
    let share = Double(pair.statistics.dropped.total) / Double(LossTests.count)
    #expect(abs(share - p / (p + r)) < 0.35 * p / (p + r))
  }

  @Test func gilbertElliottLosesInBothStates() {
    let model = LossModel.gilbertElliott(p: 0.2, r: 0.3, lossInBad: 0.6, lossInGood: 0.05)
    let lost = run(model, seed: 5).statistics.dropped.total
    let expected = 0.6 * 0.4 + 0.05 * 0.6
    // Correlation widens the binomial interval by (1 + (1-p-r)) / (1 - (1-p-r)) at most.
    let share = Double(lost) / Double(LossTests.count)
    #expect(abs(share - expected) < 2.576 * (expected * (1 - expected) * 3 / 20_000).squareRoot())
  }

  @Test func fourStateRunsMixIsolatedLossAndBursts() {
    let (p13, p31, p14) = (0.02, 0.25, 0.03)
    let pair = run(.fourState(p13: p13, p31: p31, p14: p14), seed: 11)
    let runs = lossRuns(pair.received, count: LossTests.count)
    let isolated = p14 / (p13 + p14)
    let expected = (1...60).map {
      (1 - isolated) * p31 * power(1 - p31, $0 - 1) + ($0 == 1 ? isolated : 0)
    }
    #expect(followsChiSquare(occurrences(runs, longest: 60), expected))
  }

  @Test func fourStateReachesItsStationaryShare() {
    let (p13, p31, p32, p23, p14) = (0.02, 0.1, 0.2, 0.4, 0.01)
    var state = [1.0, 0, 0, 0]
    for _ in 0..<10_000 {
      state = [
        state[0] * (1 - p13 - p14) + state[2] * p31 + state[3],
        state[1] * (1 - p23) + state[2] * p32,
        state[0] * p13 + state[1] * p23 + state[2] * (1 - p31 - p32),
        state[0] * p14,
      ]
    }
    let model = LossModel.fourState(p13: p13, p31: p31, p32: p32, p23: p23, p14: p14)
    let pair = run(model, seed: 13)
    let share = Double(pair.statistics.dropped.total) / Double(LossTests.count)
    #expect(abs(share - state[2] - state[3]) < 0.02)
    // Within a burst, losses come in runs that end by either way out.
    let runs = lossRuns(pair.received, count: LossTests.count)
    let burstRuns = p13 * state[0] + p23 * state[1]
    let isolated = p14 * state[0] / (p14 * state[0] + burstRuns)
    let expected = (1...60).map {
      (1 - isolated) * (p31 + p32) * power(1 - p31 - p32, $0 - 1) + ($0 == 1 ? isolated : 0)
    }
    #expect(followsChiSquare(occurrences(runs, longest: 60), expected))
  }

  @Test func listedPacketsAreLost() {
    let pair = Pair(there: LinkConfiguration(loss: .indices([0, 2, 3, 9])))
    pair.send(10, every: .milliseconds(1))
    #expect(pair.received == [1, 4, 5, 6, 7, 8])
  }

  @Test func aListInForceLaterStillCountsFromTheStart() {
    let pair = Pair()
    pair.send(10, every: .milliseconds(1), until: .milliseconds(3))
    pair.simulator.configure(pair.there) { $0.loss = .indices([1, 5]) }
    pair.simulator.run(until: .seconds(1))
    #expect(pair.received == [0, 1, 2, 3, 4, 6, 7, 8, 9])
  }

  @Test func aChangedLinkLeavesTheOthersDrawsAlone() {
    func received(_ loss: LossModel) -> [Int] {
      let pair = Pair(there: LinkConfiguration(loss: .bernoulli(0.2)))
      let other = pair.simulator.addLink(
        name: "other", LinkConfiguration(loss: loss, jitter: .uniform(.milliseconds(1))))
      pair.simulator.setDownlinks(of: pair.hostB, interface: "eth0", [other])
      var lostOnFirst: [Int] = []
      let tap = Drops(pair.there) { lostOnFirst.append($0) }
      pair.simulator.tap = tap
      pair.send(1_000, every: .milliseconds(1))
      return lostOnFirst
    }
    let first = received(.bernoulli(0.1))
    #expect(first == received(.gilbertElliott(p: 0.5, r: 0.5)))
    #expect(first.count > 100)
  }

  private func power(_ base: Double, _ exponent: Int) -> Double {
    (0..<exponent).reduce(1) { product, _ in product * base }
  }
}

/// Tells the numbers of the packets that a link drops.
private final class Drops: LinkTap {
  private let link: LinkID
  private let body: (Int) -> Void

  init(_ link: LinkID, _ body: @escaping (Int) -> Void) {
    self.link = link
    self.body = body
  }

  func packet(
    on link: LinkID, event: LinkEvent, path: Path, protocol: IPProtocol, bytes: RawSpan, ecn: ECN,
    at now: Instant
  ) {
    guard link == self.link, case .dropped = event else { return }
    body(bytes.withUnsafeBytes { $0.prefix(4).reduce(0) { $0 << 8 | Int($1) } })
  }
}

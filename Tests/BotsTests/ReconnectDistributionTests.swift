// Over a thousand seeds the jittered delays fit their distributions, and a mutant's do not.

import Basics
import Testing

@testable import Bots

@Suite struct ReconnectDistributions {
  static let policies: [(name: String, policy: ReconnectPolicy)] = [
    ("livekit-js", .liveKitJS), ("livekit-rust", .liveKitRust), ("five-attempts", .fiveAttempts),
    (
      "equal",
      ReconnectPolicy(
        delays: .exponential(initial: .seconds(1), factor: 2, ceiling: .seconds(8)),
        jitter: .equal, attempts: 5)
    ),
    (
      "decorrelated",
      // A ceiling that is never reached, since what it cuts off has no density.
      ReconnectPolicy(
        delays: .exponential(initial: .seconds(1), factor: 2, ceiling: .seconds(1_000_000)),
        jitter: .decorrelated, attempts: 5)
    ),
  ]

  private static let seeds = 1_000

  /// Where in its bounds each attempt's delay lies, by attempt, over all seeds: uniform if it fits.
  private func places(_ policy: ReconnectPolicy, drawing mutant: ReconnectPolicy) -> [[Double]] {
    var result = Array(repeating: [Double](), count: policy.attempts)
    for seed in 1...ReconnectDistributions.seeds {
      var random = RandomStream(seed: UInt64(seed), name: "reconnection")
      var last = Duration.zero
      for attempt in 0..<policy.attempts {
        let bounds = policy.bounds(attempt: attempt, last: last)
        let delay = mutant.delay(attempt: attempt, last: last, random: &random)
        last = delay
        guard bounds.upperBound > bounds.lowerBound else {
          if mutant == policy { #expect(delay == bounds.lowerBound) }
          continue
        }
        result[attempt].append(
          (delay - bounds.lowerBound) / (bounds.upperBound - bounds.lowerBound))
      }
    }
    return result.filter { !$0.isEmpty }
  }

  /// The Kolmogorov-Smirnov test against the uniform distribution: its p by the asymptotic series.
  private func significance(_ sample: [Double]) -> Double {
    let sorted = sample.sorted()
    let n = Double(sorted.count)
    let distance =
      sorted.enumerated().map { index, value in
        max(abs(value - Double(index) / n), abs(value - Double(index + 1) / n))
      }.max() ?? 0
    let x = (n.squareRoot() + 0.12 + 0.11 / n.squareRoot()) * distance
    var sum = 0.0
    for k in 1...100 {
      let term = RealMath.exp(-2 * Double(k * k) * x * x)
      sum += k % 2 == 1 ? term : -term
    }
    return min(1, max(0, 2 * sum))
  }

  @Test(arguments: ReconnectDistributions.policies.map(\.name))
  func fitsItsDistribution(name: String) throws {
    let policy = try #require(ReconnectDistributions.policies.first { $0.name == name }?.policy)
    let samples = places(policy, drawing: policy)
    let limit = 0.01 / Double(samples.count)
    for sample in samples {
      #expect(sample.count == ReconnectDistributions.seeds)
      #expect(significance(sample) > limit)
    }
  }

  /// Constant delays, half the jitter, and jitter that leans to one side.
  @Test(arguments: ["constant", "half", "equal"]) func rejectsAMutant(kind: String) {
    let policy = ReconnectPolicy.fiveAttempts
    var mutant = policy
    switch kind {
    case "constant":
      mutant.delays = .exponential(initial: .seconds(1), factor: 1, ceiling: .seconds(1))
    case "half":
      mutant.delays = .exponential(
        initial: .milliseconds(900), factor: 2, ceiling: .milliseconds(7_200))
    default: mutant.jitter = .equal
    }
    let samples = places(policy, drawing: mutant)
    let limit = 0.01 / Double(samples.count)
    #expect(samples.contains { significance($0) <= limit })
  }

  @Test func withoutJitterEveryDelayIsExact() {
    let policy = ReconnectPolicy(
      delays: .exponential(initial: .milliseconds(300), factor: 2, ceiling: .seconds(7)),
      jitter: .none, attempts: 10)
    for seed in 1...100 {
      var random = RandomStream(seed: UInt64(seed), name: "reconnection")
      let delays = (0..<10).map {
        policy.delay(attempt: $0, last: .zero, random: &random).milliseconds
      }
      #expect(delays == [300, 600, 1_200, 2_400, 4_800, 7_000, 7_000, 7_000, 7_000, 7_000])
    }
  }
}

// The delays of every reconnection policy, exact where there is no jitter and within its bounds where
// there is.

import Basics
import Testing

@testable import Bots

@Suite struct ReconnectPolicyTests {
  private func delays(_ policy: ReconnectPolicy, seed: UInt64) -> [Duration] {
    var random = RandomStream(seed: seed, name: "reconnection")
    var last = Duration.zero
    return (0..<policy.attempts).map { attempt in
      last = policy.delay(attempt: attempt, last: last, random: &random)
      return last
    }
  }

  @Test func exponentialWithoutJitterIsExact() {
    let policy = ReconnectPolicy(
      delays: .exponential(initial: .seconds(1), factor: 2, ceiling: .seconds(8)), jitter: .none,
      attempts: 6)
    #expect(delays(policy, seed: 1).map(\.seconds) == [1, 2, 4, 8, 8, 8])
  }

  @Test func javaScriptAddsUpToASecondFromTheThirdAttemptOn() {
    let table = [0, 300, 1_200, 2_700, 4_800, 7_000, 7_000, 7_000, 7_000, 7_000]
    for seed in 1...50 {
      let delays = delays(.liveKitJS, seed: UInt64(seed))
      #expect(delays.count == 10)
      for (index, delay) in delays.enumerated() {
        let extra = delay - .milliseconds(table[index])
        #expect(extra >= .zero && extra <= (index < 2 ? .zero : .seconds(1)))
      }
    }
  }

  @Test func fullJitterIsUniformUpToTheDelay() {
    var random = RandomStream(seed: 7, name: "full")
    let shares = (0..<2_000).map { _ in
      ReconnectPolicy.fiveAttempts.delay(attempt: 1, last: .zero, random: &random).seconds / 2
    }.sorted()
    // Kolmogorov-Smirnov against the uniform distribution at the 1 % level.
    let distance = shares.enumerated().map { index, share in
      max(abs(share - Double(index) / 2_000), abs(share - Double(index + 1) / 2_000))
    }.max()!
    #expect(distance < 1.63 / Double(2_000).squareRoot())
  }

  @Test func equalAndDecorrelatedStayInTheirBounds() {
    let exponential = ReconnectPolicy.Delays.exponential(
      initial: .seconds(1), factor: 2, ceiling: .seconds(8))
    let equal = ReconnectPolicy(delays: exponential, jitter: .equal, attempts: 5)
    let decorrelated = ReconnectPolicy(delays: exponential, jitter: .decorrelated, attempts: 5)
    for seed in 1...50 {
      for (delay, base) in zip(delays(equal, seed: UInt64(seed)), [1.0, 2, 4, 8, 8]) {
        #expect(delay.seconds >= base / 2 && delay.seconds <= base)
      }
      var last = 1.0
      for delay in delays(decorrelated, seed: UInt64(seed)) {
        #expect(delay.seconds >= 1 && delay.seconds <= min(8, max(1, last * 3)))
        last = delay.seconds
      }
    }
  }
}

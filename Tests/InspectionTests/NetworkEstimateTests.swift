// What is found of a path that is known: loss, delay variation and capacity, each from packets that went
// through it.

import Basics
import Testing

@testable import Inspection

@Suite struct NetworkEstimates {
  /// A sender of `rate` packets a second, each of `size` bytes, through a queue and a delay.
  private struct Path {
    var rate = 50.0
    var size = 200
    /// Bits a second by second of the run; nil for no limit.
    var capacity: ((Double) -> Double)?
    var queue = 0.3
    var jitter: ((inout RandomStream) -> Double) = { _ in 0 }
    var loses: ((inout RandomStream) -> Bool) = { _ in false }
    /// Relative error of the receiver's clock.
    var drift = 0.0

    func packets(_ count: Int) -> [PathPacket] {
      var random = RandomStream(seed: 9, name: "path")
      var result: [PathPacket] = []
      var free = 0.0
      var last = 0.0
      for number in 0..<count {
        let sent = Double(number) / rate
        let isLost = loses(&random)
        let variation = jitter(&random)
        guard !isLost else { continue }
        var left = sent
        if let capacity {
          let start = max(sent, free)
          guard start - sent <= queue else { continue }
          free = start + 8 * Double(size) / capacity(start)
          left = free
        }
        last = max(last, left + 0.02 + variation)
        result.append(
          PathPacket(
            time: last * (1 + drift), number: Int64(number), stream: 0, size: size,
            mediaTime: sent))
      }
      return result
    }
  }

  @Test func aPerfectPath() {
    let estimate = NetworkEstimate(Path().packets(3_000))
    #expect(estimate.loss.packets == 3_000 && estimate.loss.lost == 0)
    #expect(estimate.capacity == nil)
    #expect(estimate.variation.shape == .none)
    #expect((estimate.meanRate - 80_000).magnitude < 800)
  }

  @Test(arguments: [0.005, 0.02, 0.1]) func independentLoss(rate: Double) {
    var path = Path()
    path.loses = { $0.chance(rate) }
    let loss = NetworkEstimate(path.packets(40_000)).loss
    #expect(loss.gilbert == nil)
    #expect((loss.rate - rate).magnitude <= 2 * loss.error)
  }

  @Test(arguments: [(0.01, 0.3), (0.003, 0.1)]) func burstLoss(p: Double, r: Double) throws {
    var path = Path()
    var isBad = false
    path.loses = { random in
      isBad = isBad ? !random.chance(r) : random.chance(p)
      return isBad
    }
    let loss = NetworkEstimate(path.packets(60_000)).loss
    let found = try #require(loss.gilbert)
    #expect((found.p - p).magnitude <= 0.12 * p, "\(found)")
    #expect((found.r - r).magnitude <= 0.12 * r, "\(found)")
    #expect((loss.rate - p / (p + r)).magnitude <= max(loss.error, 0.1 * p / (p + r)))
  }

  @Test func uniformVariation() {
    var path = Path()
    path.jitter = { 0.012 * $0.uniform() }
    let variation = NetworkEstimate(path.packets(10_000)).variation
    #expect(variation.shape == .uniform)
    #expect((variation.p95 - 11.4).magnitude < 0.6, "\(variation.p95)")
    #expect(variation.error < 0.03)
  }

  @Test func normalVariation() {
    var path = Path()
    path.jitter = { random in
      let sum = (0..<12).reduce(-6.0) { sum, _ in sum + random.uniform() }
      return 0.004 + 0.001 * sum
    }
    let variation = NetworkEstimate(path.packets(10_000)).variation
    #expect(variation.shape == .normal)
    #expect((variation.deviation - 1).magnitude < 0.1, "\(variation.deviation)")
  }

  /// A clock that runs fast by 50 ppm is no queue and no variation.
  @Test func clockDriftIsTakenOut() {
    var path = Path()
    path.drift = 50e-6
    let estimate = NetworkEstimate(path.packets(50_000))
    #expect(estimate.capacity == nil)
    #expect(estimate.variation.p95 < 1, "\(estimate.variation.p95)")
  }

  /// More is sent than passes: the rate that passed is the capacity, what was lost overflowed.
  @Test func aConstantCapacity() throws {
    var path = Path()
    (path.rate, path.size) = (100, 1_200)
    path.capacity = { _ in 800_000 }
    let estimate = NetworkEstimate(path.packets(6_000))
    let capacity = try #require(estimate.capacity)
    #expect((capacity.rate - 800_000).magnitude < 0.05 * 800_000, "\(capacity.rate)")
    #expect(capacity.trace.isEmpty)
    #expect((capacity.longestQueue - 312).magnitude < 40, "\(capacity.longestQueue)")
    #expect(estimate.loss.overflowed > 900)
    #expect(estimate.loss.rate < 0.005)
  }

  /// A capacity that steps every ten seconds becomes a trace of the same steps.
  @Test func aVaryingCapacity() throws {
    var path = Path()
    (path.rate, path.size) = (100, 1_200)
    path.capacity = { Int($0 / 10) % 2 == 0 ? 800_000 : 300_000 }
    let capacity = try #require(NetworkEstimate(path.packets(6_000)).capacity)
    #expect(capacity.trace.count > 1_000)
    func rate(_ from: Int, _ to: Int) -> Double {
      8 * 1_500 * Double(capacity.trace.count { $0 >= from * 1_000 && $0 < to * 1_000 })
        / Double(to - from)
    }
    #expect((rate(3, 9) - 800_000).magnitude < 0.05 * 800_000, "\(rate(3, 9))")
    #expect((rate(13, 19) - 300_000).magnitude < 0.05 * 300_000, "\(rate(13, 19))")
  }

  @Test func nothingOrNonsenseDoesNotTrap() {
    _ = NetworkEstimate([])
    let packet = PathPacket(time: 1, number: 5, stream: 0, size: 100, mediaTime: 0)
    _ = NetworkEstimate([packet, packet, packet])
    _ = NetworkEstimate(
      [packet, PathPacket(time: 2, number: .max - 1, stream: 0, size: 1, mediaTime: -1e9)])
  }
}

// Quantiles against tables, and how often noise is called a difference.

import Basics
import Testing

@testable import Results

@Suite struct Noise {
  /// Abramowitz and Stegun, table 26.10.
  @Test(arguments: [
    (0.05, 1.0, 12.706), (0.05, 2, 4.303), (0.05, 4, 2.776), (0.05, 10, 2.228), (0.05, 30, 2.042),
    (0.01, 3, 5.841), (0.01, 20, 2.845), (0.001, 5, 6.869), (0.001, 60, 3.460),
  ]) func studentT(p: Double, freedom: Double, value: Double) {
    let quantile = StudentT.quantile(twoTailed: p, freedom: freedom)
    #expect((quantile - value).magnitude < 0.002 * value, "\(quantile)")
  }

  @Test(arguments: [(0.025, -1.959964), (0.001, -3.090232), (0.00001, -4.264891)])
  func normal(p: Double, value: Double) {
    #expect((StudentT.normalQuantile(p) - value).magnitude < 1e-5)
  }

  /// Of 400 figures without a difference, at most a few in a hundred comparisons call one.
  @Test func falseAlarms() {
    var random = RandomStream(seed: 5, name: "noise")
    let test = NoiseTest(comparisons: 400)
    var alarms = 0
    for _ in 0..<50 {
      var isAlarmed = false
      for _ in 0..<400 {
        let (a, b) = (samples(&random), samples(&random))
        let difference = (mean(a) - mean(b)).magnitude
        if let threshold = test.threshold(a, b), difference > threshold { isAlarmed = true }
      }
      if isAlarmed { alarms += 1 }
    }
    #expect(alarms <= 3, "\(alarms) of 50")
  }

  /// A shift of a quarter of 40 ms within 60 s is seen.
  @Test func aRealDifferenceIsSeen() {
    var random = RandomStream(seed: 6, name: "noise")
    let test = NoiseTest(comparisons: 400)
    let (a, b) = (samples(&random), samples(&random, shift: 10))
    #expect(mean(b) - mean(a) > (test.threshold(a, b) ?? .infinity))
    #expect(test.threshold([1, 2], [1, 2]) == nil, "too few")
  }

  private func samples(_ random: inout RandomStream, shift: Double = 0) -> [Double] {
    (0..<60).map { _ in 40 + shift + 5 * (random.uniform() + random.uniform() - 1) }
  }

  private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
}

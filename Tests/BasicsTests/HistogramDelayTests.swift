// A histogram of stalls, weighed by time.

import Basics
import Testing

struct HistogramDelayTests {
  private func stalls(_ all: [(Int64, times: Int)]) -> Histogram {
    var histogram = Histogram()
    for (value, times) in all { for _ in 0..<times { histogram.record(value) } }
    return histogram
  }

  /// Milliseconds over a run of 30 s.
  private func p99(_ histogram: Histogram) -> Double {
    histogram.delay(exceededFor: 0.01, of: 30_000)
  }

  @Test func oneLongStallWeighsItsTime() {
    let histogram = stalls([(3_000, 1), (1, 10_000)])
    #expect(histogram.value(atQuantile: 0.99) == 1, "one sample of many")
    // It was further behind than 2.7 s for 300 of its 3,000 ms.
    #expect((p99(histogram) - 2_700).magnitude < 2_700 / 50)
  }

  @Test func shortStallsTogetherCount() {
    // 600 of 3 ms: for 0.5 ms each it was more than 2.5 ms late, 300 ms in all.
    #expect((p99(stalls([(3, 600)])) - 2.5).magnitude < 0.01)
    #expect(p99(stalls([(3, 90)])) == 0, "270 ms are less than 1 % of the time")
    #expect(p99(Histogram()) == 0)
  }

  @Test func lateAllTheTime() {
    #expect(p99(stalls([(20, 1_500)])) > 19)
  }

  @Test func whatIsAboveALimitIsSummed() {
    let histogram = stalls([(3_000, 1), (40, 2), (10, 100)])
    #expect((histogram.sum(above: 10) - 3_080).magnitude < 60)
    #expect(histogram.sum(above: 5_000) == 0)
  }
}

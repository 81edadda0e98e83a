// Tests of distributions with fixed seeds: a failure is a changed model, not bad luck.
import Foundation

/// The range that a binomial count falls into with probability 99 %.
func binomialInterval(_ count: Int, _ p: Double) -> ClosedRange<Int> {
  let mean = Double(count) * p
  let width = 2.576 * (mean * (1 - p)).squareRoot() + 1
  return Int((mean - width).rounded(.down))...Int((mean + width).rounded(.up))
}

/// The Kolmogorov-Smirnov statistic times √n; below 1.628 with probability 99 %.
func kolmogorovSmirnov(_ samples: [Double], _ distribution: (Double) -> Double) -> Double {
  let sorted = samples.sorted()
  let n = Double(sorted.count)
  var largest = 0.0
  for (i, x) in sorted.enumerated() {
    let f = distribution(x)
    largest = max(largest, abs(f - Double(i) / n), abs(Double(i + 1) / n - f))
  }
  return largest * n.squareRoot()
}

/// Whether counts follow the probabilities, chi-square at 99 %. Classes expected below 5 are put
/// into the last one.
func followsChiSquare(_ counts: [Int], _ probabilities: [Double]) -> Bool {
  let n = Double(counts.reduce(0, +))
  var sum = 0.0
  var classes = 0
  var restCount = 0.0
  var restExpected = n
  for (count, p) in zip(counts, probabilities) where n * p >= 5 {
    sum += (Double(count) - n * p) * (Double(count) - n * p) / (n * p)
    classes += 1
    restExpected -= n * p
    restCount += Double(count)
  }
  if restExpected >= 5 {
    let rest = n - restCount
    sum += (rest - restExpected) * (rest - restExpected) / restExpected
    classes += 1
  }
  precondition(classes > 1, "too few samples")
  // Wilson-Hilferty approximation of the 99 % quantile.
  let k = Double(classes - 1)
  let t = 1 - 2 / (9 * k) + 2.326 * (2 / (9 * k)).squareRoot()
  return sum < k * t * t * t
}

func normalCDF(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }

/// Lengths of the runs of missing numbers in 0..<count.
func lossRuns(_ received: [Int], count: Int) -> [Int] {
  var arrived = [Bool](repeating: false, count: count)
  for number in received { arrived[number] = true }
  var runs: [Int] = []
  var run = 0
  for hasArrived in arrived {
    if hasArrived {
      if run > 0 { runs.append(run) }
      run = 0
    } else {
      run += 1
    }
  }
  return runs
}

/// How often each of 1...longest occurs.
func occurrences(_ runs: [Int], longest: Int) -> [Int] {
  var counts = [Int](repeating: 0, count: longest)
  for run in runs where run <= longest { counts[run - 1] += 1 }
  return counts
}

// Whether chance explains that two series of samples, or two counts, differ.

import Basics

/// Decides one of `comparisons` differences; the chance that any of them is called a difference
/// though there is none is `falseAlarms` (Bonferroni).
struct NoiseTest {
  static let falseAlarms = 0.01
  /// Consecutive samples of one batch: what a second holds depends on the one before. Short series
  /// have smaller ones, at least so many.
  static let batch = 5
  static let batches = 6
  /// Smaller differences matter to nobody, relative to the larger value.
  static let leastRelevant = 0.02
  /// Losses and freezes come in bursts: the variance of a count over its mean.
  static let dispersion = 4.0
  static let fewestBatches = 3

  let probability: Double

  init(comparisons: Int) {
    probability = NoiseTest.falseAlarms / Double(max(1, comparisons))
  }

  /// The difference of the means that chance explains, by Welch's test on the means of batches; nil
  /// for too few samples.
  func threshold(_ a: [Double], _ b: [Double]) -> Double? {
    let batch = min(NoiseTest.batch, max(1, min(a.count, b.count) / NoiseTest.batches))
    let (a, b) = (NoiseTest.means(a, batch), NoiseTest.means(b, batch))
    guard a.count >= NoiseTest.fewestBatches, b.count >= NoiseTest.fewestBatches else { return nil }
    let (first, second) = (NoiseTest.moments(a), NoiseTest.moments(b))
    let (errorA, errorB) = (
      first.variance / Double(a.count), second.variance / Double(b.count)
    )
    let least = NoiseTest.leastRelevant * max(first.mean.magnitude, second.mean.magnitude)
    let sum = errorA + errorB
    guard sum > 0 else { return least }
    // Welch-Satterthwaite.
    let freedom =
      sum * sum
      / (errorA * errorA / Double(a.count - 1) + errorB * errorB / Double(b.count - 1))
    let quantile = StudentT.quantile(twoTailed: probability, freedom: max(1, freedom))
    return max(least, quantile * sum.squareRoot())
  }

  /// The difference of two counts that chance explains, where each event counts `grain`.
  func threshold(counts a: Double, _ b: Double, grain: Double = 1) -> Double {
    let quantile = -StudentT.normalQuantile(probability / 2)
    let sum = a.magnitude + b.magnitude + grain
    return quantile * (NoiseTest.dispersion * grain * sum).squareRoot()
  }

  private static func means(_ samples: [Double], _ size: Int) -> [Double] {
    stride(from: 0, to: samples.count - size + 1, by: size).map { start in
      samples[start..<(start + size)].reduce(0, +) / Double(size)
    }
  }

  private static func moments(_ values: [Double]) -> (mean: Double, variance: Double) {
    let mean = values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, squares / Double(values.count - 1))
  }
}

/// Quantiles of Student's t: G. W. Hill, Algorithm 396, CACM 13 (10), 1970; better than 1 in 1,000
/// from two degrees of freedom on.
enum StudentT {
  /// The value that |t| exceeds with probability `p`, 0...1.
  static func quantile(twoTailed p: Double, freedom: Double) -> Double {
    let n = freedom.rounded(.down)
    if n < 2 {
      let angle = p * 1.5707963267948966
      return RealMath.cos(angle) / RealMath.sin(angle)
    }
    if n == 2 { return (2 / (p * (2 - p)) - 2).squareRoot() }
    let a = 1 / (n - 0.5)
    let b = 48 / (a * a)
    var c = ((20_700 * a / b - 98) * a - 16) * a + 96.36
    let d = ((94.5 / (b + c) - 3) / b + 1) * (a * 1.5707963267948966).squareRoot() * n
    var y = RealMath.pow(d * p, 2 / n)
    if y > a + 0.05 {
      let x = normalQuantile(p / 2)
      y = x * x
      if n < 5 { c += 0.3 * (n - 4.5) * (x + 0.6) }
      c = (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b + c
      y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x
      y = a * y * y
      y = y > 0.002 ? RealMath.exp(y) - 1 : 0.5 * y * y + y
    } else {
      let head = 1 / (((n + 6) / (n * y) - 0.089 * d - 0.822) * (n + 2) * 3) + 0.5 / (n + 4)
      y = (head * y - 1) * (n + 1) / (n + 2) + 1 / y
    }
    return (n * y).squareRoot()
  }

  /// The standard normal quantile of `p` below one half: P. J. Acklam's rational approximation,
  /// relative error below 1.2e-9.
  static func normalQuantile(_ p: Double) -> Double {
    if p < 0.02425 {
      let q = (-2 * RealMath.log(p)).squareRoot()
      let c = [
        -7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838, -2.549732539343734,
        4.374664141464968, 2.938163982698783,
      ]
      let d = [
        7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996, 3.754408661907416,
      ]
      return polynomial(c, q) / (polynomial(d, q) * q + 1)
    }
    let q = p - 0.5
    let r = q * q
    let a = [
      -3.969683028665376e+01, 2.209460984245205e+02, -2.759285104469687e+02,
      1.383577518672690e+02, -3.066479806614716e+01, 2.506628277459239,
    ]
    let b = [
      -5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02,
      6.680131188771972e+01, -1.328068155288572e+01,
    ]
    return polynomial(a, r) * q / (polynomial(b, r) * r + 1)
  }

  private static func polynomial(_ coefficients: [Double], _ x: Double) -> Double {
    coefficients.reduce(0) { $0 * x + $1 }
  }
}

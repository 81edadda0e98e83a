// exp, log, sin and friends built from IEEE 754 basic operations only. The C library's differ between
// processors (with and without FMA), and their last bit would reach packet times and the trace hash.

/// Elementary functions whose results are the same bits on every machine. Relative error below 1e-14.
public enum RealMath {
  private static let ln2 = 0.6931471805599453
  private static let ln2High = 6.93147180369123816490e-01
  private static let ln2Low = 1.90821492927058770002e-10

  /// Natural logarithm; NaN below zero, minus infinity at zero.
  public static func log(_ x: Double) -> Double {
    guard x > 0 else { return x == 0 ? -.infinity : .nan }
    guard x.isFinite else { return x }
    var exponent = Double(x.exponent)
    var m = x.significand
    if m > 1.4142135623730951 {
      m *= 0.5
      exponent += 1
    }
    // log m = 2 artanh s with s = (m-1)/(m+1), |s| < 0.172.
    let s = (m - 1) / (m + 1)
    let s2 = s * s
    var sum = 0.0
    var k = 21.0
    while k >= 3 {
      sum = (sum + 1 / k) * s2
      k -= 2
    }
    return exponent * ln2High + (exponent * ln2Low + 2 * s * (1 + sum))
  }

  public static func exp(_ x: Double) -> Double {
    if x.isNaN { return x }
    if x > 709.78 { return .infinity }
    if x < -745.13 { return 0 }
    let n = (x / ln2).rounded()
    let r = (x - n * ln2High) - n * ln2Low
    var sum = 1.0
    var k = 16.0
    while k >= 1 {
      sum = 1 + sum * r / k
      k -= 1
    }
    let e = Int(n)
    // Two steps, so that subnormal results do not overflow the scale.
    let half = e / 2
    return sum * Double(sign: .plus, exponent: half, significand: 1)
      * Double(sign: .plus, exponent: e - half, significand: 1)
  }

  public static func log1p(_ x: Double) -> Double {
    if x > -0.25 && x < 0.25 {
      let s = x / (2 + x)
      let s2 = s * s
      var sum = 0.0
      var k = 23.0
      while k >= 3 {
        sum = (sum + 1 / k) * s2
        k -= 2
      }
      return 2 * s * (1 + sum)
    }
    return log(1 + x)
  }

  public static func pow(_ base: Double, _ exponent: Double) -> Double {
    if exponent == 0 { return 1 }
    if base == 0 { return exponent > 0 ? 0 : .infinity }
    return exp(exponent * log(base))
  }

  public static func cos(_ x: Double) -> Double { sin(x + 1.5707963267948966) }

  /// Accurate for |x| below about 1e6.
  public static func sin(_ x: Double) -> Double {
    let pi = 3.141592653589793
    let n = (x / pi).rounded()
    var r = (x - n * 3.1415926535897931160) - n * 1.2246467991473532072e-16
    if Int64(n) & 1 != 0 { r = -r }
    let r2 = r * r
    var sum = 1.0
    var k = 23.0
    while k >= 3 {
      sum = 1 - sum * r2 / (k * (k - 1))
      k -= 2
    }
    return r * sum
  }
}

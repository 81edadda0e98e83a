// A log-linear histogram of non-negative integers in the manner of HdrHistogram: fixed memory,
// mergeable, percentiles within 1/64 (1.6 %) of the true value.

/// Counts values by magnitude, 64 equal buckets per power of two.
public struct Histogram: Sendable, Equatable {
  private static let subBucketBits = 6
  private var counts: [UInt64] = []
  public private(set) var count: UInt64 = 0
  public private(set) var sum: Double = 0
  public private(set) var minimum: Int64 = .max
  public private(set) var maximum: Int64 = 0

  public init() {}

  public var isEmpty: Bool { count == 0 }
  public var mean: Double { count == 0 ? 0 : sum / Double(count) }

  private static func bucket(of value: Int64) -> Int {
    let subBuckets = Int64(1) << subBucketBits
    if value < subBuckets { return Int(value) }
    let shift = 63 - value.leadingZeroBitCount - subBucketBits
    return (shift + 1) << subBucketBits + Int(value >> Int64(shift)) - Int(subBuckets)
  }

  /// The middle of the values that fall into `bucket`.
  private static func value(of bucket: Int) -> Int64 {
    let subBuckets = 1 << subBucketBits
    if bucket < subBuckets { return Int64(bucket) }
    let shift = Int64(bucket >> subBucketBits) - 1
    let low = Int64(bucket & (subBuckets - 1) | subBuckets) << shift
    return low + (Int64(1) << shift) / 2
  }

  /// Adds `value`; negative ones count as zero.
  public mutating func record(_ value: Int64) {
    let value = max(0, value)
    let bucket = Histogram.bucket(of: value)
    if bucket >= counts.count {
      counts.append(contentsOf: repeatElement(0, count: bucket + 1 - counts.count))
    }
    counts[bucket] += 1
    count += 1
    sum += Double(value)
    minimum = min(minimum, value)
    maximum = max(maximum, value)
  }

  public mutating func merge(_ other: Histogram) {
    if other.counts.count > counts.count {
      counts.append(contentsOf: repeatElement(0, count: other.counts.count - counts.count))
    }
    for (i, n) in other.counts.enumerated() { counts[i] += n }
    count += other.count
    sum += other.sum
    minimum = min(minimum, other.minimum)
    maximum = max(maximum, other.maximum)
  }

  /// The value below which `quantile` (0...1) of the samples lie; nil without samples.
  public func value(atQuantile quantile: Double) -> Int64? {
    guard count > 0 else { return nil }
    let rank = max(1, UInt64((quantile * Double(count)).rounded(.up)))
    var seen: UInt64 = 0
    for (bucket, n) in counts.enumerated() where n > 0 {
      seen += n
      if seen >= rank {
        return min(max(Histogram.value(of: bucket), minimum), maximum)
      }
    }
    return maximum
  }

  /// The values taken as spells of time during which a delay grew from zero to the value: the delay that
  /// was exceeded for `share` (0...1) of `total`, which is in the unit of the values. One spell of 3 s
  /// weighs as much as 3,000 of 1 ms; 0 where the spells together are shorter than that.
  public func delay(exceededFor share: Double, of total: Double) -> Double {
    let budget = share * total
    var (number, sum) = (0.0, 0.0)
    var delay = 0.0
    for (bucket, n) in counts.enumerated().reversed() where n > 0 {
      let value = Double(min(max(Histogram.value(of: bucket), minimum), maximum))
      // With the spells above this bucket the budget was met above it.
      if number > 0, delay >= value { return delay }
      number += Double(n)
      sum += Double(n) * value
      delay = (sum - budget) / number
    }
    return max(0, delay)
  }

  /// Sum of the values above `limit`.
  public func sum(above limit: Int64) -> Double {
    counts.enumerated().reduce(0) { sum, bucket in
      let value = min(max(Histogram.value(of: bucket.offset), minimum), maximum)
      return value > limit ? sum + Double(bucket.element) * Double(value) : sum
    }
  }
}

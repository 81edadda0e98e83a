// Capacity of a cellular link over time: a generator of traces in mahimahi's format (mm-link(1)).
//
// Packet deliveries are a Poisson process whose rate wanders, as in Winstein, Sivaraman and Balakrishnan,
// "Stochastic Forecasts Achieve High Throughput and Low Delay over Cellular Networks" (NSDI 2013, §3).
// The rate is a Gaussian copula: the sum of a slow and a fast Ornstein-Uhlenbeck process gives the
// autocorrelation, a table of quantiles the distribution. Outages come on top.
import Basics

/// What a cellular link's capacity is like.
public struct CellularCapacity: Sendable, Equatable {
  /// The shares of time at which `quantiles` are given.
  public static let levels = [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0]

  public var name: String
  /// Rates below which the link is for a share of the time given by `levels`; not decreasing.
  public var quantiles: [Bitrate]
  /// The share of the variance that is slow, 0...1.
  public var slowShare: Double
  /// Time constants of the autocorrelation: of the slow part (the cell, the road) and of the fast one
  /// (the other users, fading).
  public var slow: Duration
  public var fast: Duration
  /// Outages that begin in a minute, on average.
  public var outagesPerMinute: Double
  /// Lengths are log-normal above `CellularCapacity.shortestOutage`: the median, the deviation of the
  /// logarithm, and the longest.
  public var medianOutage: Duration
  public var outageSpread: Double
  public var longestOutage: Duration

  /// A gap between two opportunities from which it counts as an outage.
  public static let shortestOutage = Duration.milliseconds(200)
  /// The time for which a rate stands.
  private static let step = 20

  /// Fitted to recordings of two operators from a moving car (the traces of the NSDI 2013 paper).
  public static let profiles = [
    CellularCapacity(
      name: "lte-narrow-up", quantiles: kbps(0, 30, 660, 1_020, 1_130, 1_200, 1_300),
      slowShare: 0.62, slow: .seconds(60), fast: .milliseconds(2_200), outagesPerMinute: 2,
      medianOutage: .milliseconds(340), outageSpread: 0.8, longestOutage: .seconds(7)),
    CellularCapacity(
      name: "lte-narrow-down", quantiles: kbps(100, 1_000, 3_000, 5_700, 7_450, 9_600, 11_500),
      slowShare: 0.78, slow: .seconds(60), fast: .milliseconds(2_500), outagesPerMinute: 4,
      medianOutage: .milliseconds(680), outageSpread: 0.45, longestOutage: .milliseconds(1_500)),
    CellularCapacity(
      name: "lte-wide-up", quantiles: kbps(2_000, 2_600, 7_200, 11_600, 20_400, 27_000, 29_000),
      slowShare: 0.9, slow: .seconds(100), fast: .milliseconds(700), outagesPerMinute: 0.43,
      medianOutage: .milliseconds(700), outageSpread: 0.3, longestOutage: .seconds(1)),
    CellularCapacity(
      name: "lte-wide-down", quantiles: kbps(800, 4_000, 10_100, 14_600, 22_000, 33_600, 44_000),
      slowShare: 0, slow: .seconds(60), fast: .seconds(3), outagesPerMinute: 3.5,
      medianOutage: .milliseconds(650), outageSpread: 0.3, longestOutage: .seconds(1)),
  ]

  private static func kbps(_ values: Int64...) -> [Bitrate] { values.map { .kbps($0) } }

  /// The opportunities of `length`, the same for the same seed on every machine.
  ///
  /// - Precondition: `length` is at least a second.
  /// - Throws: `TraceError.empty` where so short a trace has no opportunity at all.
  public func trace(length: Duration, seed: UInt64) throws(TraceError) -> CapacityTrace {
    precondition(length >= .seconds(1))
    let milliseconds = Int(length.milliseconds)
    func random(_ use: String) -> RandomStream {
      RandomStream(seed: seed, name: "cell/\(name)/\(use)")
    }
    var slowPart = OrnsteinUhlenbeck(slow, step: CellularCapacity.step, random: random("slow"))
    var fastPart = OrnsteinUhlenbeck(fast, step: CellularCapacity.step, random: random("fast"))
    var outages = Outages(self, random: random("outages"))
    var deliveries = random("deliveries")
    // Credit until the next delivery of the Poisson process, in opportunities.
    var credit = deliveries.exponential(mean: 1)
    var moments: [Int] = []
    for start in stride(from: 0, to: milliseconds, by: CellularCapacity.step) {
      let level =
        slowShare.squareRoot() * slowPart.next() + (1 - slowShare).squareRoot() * fastPart.next()
      let perMillisecond =
        rate(at: CellularCapacity.normalCDF(level)) / 1_000 / Double(CapacityTrace.mtu * 8)
      for moment in start..<min(start + CellularCapacity.step, milliseconds)
      where !outages.cover(moment) {
        credit -= perMillisecond
        while credit <= 0 {
          moments.append(moment + 1)
          credit += deliveries.exponential(mean: 1)
        }
      }
    }
    return try CapacityTrace(milliseconds: moments)
  }

  /// Bits a second at a share of the time, between the quantiles.
  private func rate(at share: Double) -> Double {
    let levels = CellularCapacity.levels
    let index = levels.firstIndex { share < $0 } ?? levels.count - 1
    let (low, high) = (levels[index - 1], levels[index])
    let (from, to) = (quantiles[index - 1].bitsPerSecond, quantiles[index].bitsPerSecond)
    return Double(from) + (share - low) / (high - low) * Double(to - from)
  }

  /// Abramowitz and Stegun 26.2.17; error below 7.5e-8.
  private static func normalCDF(_ x: Double) -> Double {
    let t = 1 / (1 + 0.2316419 * abs(x))
    let terms = [1.330274429, -1.821255978, 1.781477937, -0.356563782, 0.319381530]
    let tail =
      RealMath.exp(-x * x / 2) / 2.5066282746310002 * t * terms.reduce(0) { $0 * t + $1 }
    return min(max(x < 0 ? tail : 1 - tail, 0), 1)
  }
}

/// A stationary Gaussian process of unit variance whose autocorrelation decays exponentially.
private struct OrnsteinUhlenbeck {
  private let decay: Double
  private let innovation: Double
  private var value: Double
  private var random: RandomStream

  /// - Parameter step: milliseconds between two values.
  init(_ constant: Duration, step: Int, random: RandomStream) {
    self.random = random
    decay = RealMath.exp(-Double(step) / constant.milliseconds)
    innovation = (1 - decay * decay).squareRoot()
    value = self.random.normal(standardDeviation: 1)
  }

  mutating func next() -> Double {
    value = decay * value + innovation * random.normal(standardDeviation: 1)
    return value
  }
}

/// Spans in which nothing is delivered.
private struct Outages {
  private let capacity: CellularCapacity
  private var random: RandomStream
  /// Milliseconds.
  private var start = 0.0
  private var end = 0.0

  init(_ capacity: CellularCapacity, random: RandomStream) {
    self.capacity = capacity
    self.random = random
    draw(after: 0)
  }

  private mutating func draw(after moment: Double) {
    start = moment + random.exponential(mean: 60_000 / capacity.outagesPerMinute)
    let least = CellularCapacity.shortestOutage.milliseconds
    let spread = random.normal(standardDeviation: capacity.outageSpread)
    let length = least + (capacity.medianOutage.milliseconds - least) * RealMath.exp(spread)
    end = start + min(length, capacity.longestOutage.milliseconds)
  }

  /// Whether a millisecond lies in one. Asked in order of time.
  mutating func cover(_ moment: Int) -> Bool {
    while Double(moment) >= end { draw(after: end) }
    return Double(moment) >= start
  }
}

/// Statistics of a trace, by which a model is held against a recording.
public struct CapacityTraceStatistics: Sendable, Equatable {
  /// Rates over half a second each, ascending.
  private let sorted: [Double]
  /// Rates over one second each, in order of time.
  private let perSecond: [Double]
  /// Lengths of gaps of at least `CellularCapacity.shortestOutage`, ascending.
  public let outages: [Duration]
  public let mean: Bitrate
  private let seconds: Double

  /// - Precondition: the trace is at least ten seconds long.
  public init(_ trace: CapacityTrace) {
    let length = Int(trace.period.milliseconds)
    precondition(length >= 10_000)
    func rates(over width: Int) -> [Double] {
      var counts = [Double](repeating: 0, count: length / width)
      for moment in trace.moments where (moment - 1) / width < counts.count {
        counts[max(0, moment - 1) / width] += 1
      }
      return counts.map { $0 * Double(CapacityTrace.mtu * 8) * 1_000 / Double(width) }
    }
    sorted = rates(over: 500).sorted()
    perSecond = rates(over: 1_000)
    let shortest = Int(CellularCapacity.shortestOutage.milliseconds)
    outages = zip(trace.moments.dropFirst(), trace.moments).map { $0 - $1 }
      .filter { $0 >= shortest }.sorted().map { .milliseconds($0) }
    mean = trace.meanRate
    seconds = Double(length) / 1_000
  }

  /// The rate that a share (0...1) of the half seconds stays below.
  public func quantile(_ share: Double) -> Bitrate {
    .bps(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))])
  }

  /// Of the rates of single seconds, that many seconds apart; -1...1.
  public func autocorrelation(lag: Int) -> Double {
    let mean = perSecond.reduce(0, +) / Double(perSecond.count)
    let around = perSecond.map { $0 - mean }
    let variance = around.reduce(0) { $0 + $1 * $1 }
    let products = zip(around.dropFirst(lag), around).reduce(0) { $0 + $1.0 * $1.1 }
    return variance == 0 ? 0 : products / variance
  }

  public var outagesPerMinute: Double { Double(outages.count) * 60 / seconds }
  public var medianOutage: Duration { outages.isEmpty ? .zero : outages[outages.count / 2] }
}

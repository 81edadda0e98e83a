// Moments and spans of time as integer nanoseconds, so that every machine computes the same ones.

/// A span of time in whole nanoseconds; may be negative. ±292 years.
public struct Duration: Hashable, Comparable, Sendable {
  public var nanoseconds: Int64

  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  public static let zero = Duration(nanoseconds: 0)
  public static let max = Duration(nanoseconds: .max)

  public static func nanoseconds(_ n: Int) -> Duration { Duration(nanoseconds: Int64(n)) }
  public static func microseconds(_ n: Int) -> Duration { Duration(nanoseconds: Int64(n) * 1_000) }
  public static func milliseconds(_ n: Int) -> Duration {
    Duration(nanoseconds: Int64(n) * 1_000_000)
  }
  public static func seconds(_ n: Int) -> Duration {
    Duration(nanoseconds: Int64(n) * 1_000_000_000)
  }
  /// Rounds to the nearest nanosecond; saturates, and reads NaN as zero.
  public static func seconds(_ s: Double) -> Duration { Duration(nanosecondsRounding: s * 1e9) }
  public static func milliseconds(_ ms: Double) -> Duration {
    Duration(nanosecondsRounding: ms * 1e6)
  }

  public init(nanosecondsRounding value: Double) {
    if value.isNaN {
      nanoseconds = 0
    } else {
      nanoseconds = Int64(exactly: value.rounded()) ?? (value < 0 ? .min : .max)
    }
  }

  public var seconds: Double { Double(nanoseconds) / 1e9 }
  public var milliseconds: Double { Double(nanoseconds) / 1e6 }
  public var wholeMilliseconds: Int64 { nanoseconds / 1_000_000 }
  public var wholeMicroseconds: Int64 { nanoseconds / 1_000 }

  public static func < (a: Duration, b: Duration) -> Bool { a.nanoseconds < b.nanoseconds }
  public static func + (a: Duration, b: Duration) -> Duration {
    Duration(nanoseconds: a.nanoseconds &+ b.nanoseconds)
  }
  public static func - (a: Duration, b: Duration) -> Duration {
    Duration(nanoseconds: a.nanoseconds &- b.nanoseconds)
  }
  public var magnitude: Duration { Duration(nanoseconds: abs(nanoseconds)) }
  public static prefix func - (a: Duration) -> Duration { Duration(nanoseconds: -a.nanoseconds) }
  public static func * (a: Duration, b: Int) -> Duration {
    Duration(nanoseconds: a.nanoseconds * Int64(b))
  }
  public static func * (a: Duration, b: Double) -> Duration {
    Duration(nanosecondsRounding: Double(a.nanoseconds) * b)
  }
  public static func / (a: Duration, b: Int) -> Duration {
    Duration(nanoseconds: a.nanoseconds / Int64(b))
  }
  public static func / (a: Duration, b: Duration) -> Double {
    Double(a.nanoseconds) / Double(b.nanoseconds)
  }
  public static func += (a: inout Duration, b: Duration) { a = a + b }
  public static func -= (a: inout Duration, b: Duration) { a = a - b }
}

/// A moment: nanoseconds since the start of the run (virtual clock) or of the process (wall clock).
/// "Timestamp" is kept for RTP's.
public struct Instant: Hashable, Comparable, Sendable {
  public var nanoseconds: Int64

  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  public static let zero = Instant(nanoseconds: 0)
  public static let distantFuture = Instant(nanoseconds: .max)

  public static func seconds(_ s: Double) -> Instant {
    Instant(nanoseconds: Duration.seconds(s).nanoseconds)
  }
  public static func milliseconds(_ ms: Int) -> Instant {
    Instant(nanoseconds: Int64(ms) * 1_000_000)
  }

  public var seconds: Double { Double(nanoseconds) / 1e9 }
  public var milliseconds: Double { Double(nanoseconds) / 1e6 }

  public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }
  public static func + (a: Instant, b: Duration) -> Instant {
    Instant(nanoseconds: a.nanoseconds &+ b.nanoseconds)
  }
  public static func - (a: Instant, b: Duration) -> Instant {
    Instant(nanoseconds: a.nanoseconds &- b.nanoseconds)
  }
  public static func - (a: Instant, b: Instant) -> Duration {
    Duration(nanoseconds: a.nanoseconds &- b.nanoseconds)
  }
  public static func += (a: inout Instant, b: Duration) { a = a + b }
}

/// The earlier of two moments, either of which may be absent.
public func earlier(_ a: Instant?, _ b: Instant?) -> Instant? {
  guard let a else { return b }
  guard let b else { return a }
  return min(a, b)
}

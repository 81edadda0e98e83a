// Where counters that wrap begin: sequence numbers, timestamps, picture ids, reference times.

/// How the first value of a counter is chosen.
public enum StartValues: String, Sendable, CaseIterable {
  /// Anywhere, as RFC 3550 §5.1 wants it.
  case random
  /// So that it wraps soon after the start: late enough that keys are there and SRTP's rollover counter
  /// has begun on both sides (RFC 3711 §3.3.1).
  case beforeWrap

  /// `drawn`, or the value `margin` steps before a counter is back at zero.
  /// - Parameter period: the steps in which it goes round.
  public func first<Number: UnsignedInteger & FixedWidthInteger>(
    _ drawn: Number, period: UInt64, margin: UInt64
  ) -> Number {
    self == .random ? drawn : Number(truncatingIfNeeded: period &- margin)
  }

  /// The margins of what counts packets, pictures, and time.
  public static let packets: UInt64 = 200
  public static let pictures: UInt64 = 60
  public static let time = Duration.seconds(10)
}

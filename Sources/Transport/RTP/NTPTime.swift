// Wall-clock time as RTCP carries it: 64-bit NTP timestamps and their middle 32 bits (RFC 3550 §4).
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |            seconds            |=======middle 32 bits==========|
//   |=============================  |            fraction           |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

import Basics

/// Seconds since 1900 in 32.32 fixed point. Wraps in 2036; conversions choose the era nearest to
/// the epoch they are given.
public struct NTPTime: Hashable, Sendable {
  public var value: UInt64

  /// From the start of 1900 to that of 1970 (RFC 3550 §4).
  public static let unixEpoch = Duration.seconds(2_208_988_800)

  public init(_ value: UInt64) { self.value = value }

  /// - Parameter epoch: how long after the start of 1900 `Instant.zero` lies.
  public init(_ instant: Instant, epoch: Duration) {
    let nanoseconds = epoch.nanoseconds &+ instant.nanoseconds
    let (seconds, rest) = NTPTime.floorDivide(nanoseconds, by: 1_000_000_000)
    let fraction = (UInt64(rest) << 32 + 500_000_000) / 1_000_000_000
    value = UInt64(UInt32(truncatingIfNeeded: seconds)) << 32 &+ fraction
  }

  /// The moment this time names, within 136 years of `epoch`; exact for times made from an
  /// `Instant`.
  public func instant(epoch: Duration) -> Instant {
    let difference = Int64(bitPattern: value &- NTPTime(.zero, epoch: epoch).value)
    let seconds = difference >> 32
    let fraction = Int64(difference & 0xFFFF_FFFF)
    let origin = NTPTime.floorDivide(epoch.nanoseconds, by: 1_000_000_000).rest
    // The epoch's own fraction was rounded; take it out before rounding again.
    let originFraction = Int64((UInt64(origin) << 32 + 500_000_000) / 1_000_000_000)
    let product = (fraction + originFraction) * 1_000_000_000
    return Instant(
      nanoseconds: seconds &* 1_000_000_000 &+ (product + 0x8000_0000) >> 32 &- origin)
  }

  /// The middle 32 bits, in 1/65536 s, as in a report block's LSR.
  public var middle: UInt32 { UInt32(truncatingIfNeeded: value >> 16) }

  /// Units of 1/65536 s in `duration`, rounded down and saturated at both ends (DLSR).
  public static func compact(_ duration: Duration) -> UInt32 {
    guard duration.nanoseconds > 0 else { return 0 }
    let seconds = duration.nanoseconds / 1_000_000_000
    guard seconds < 65_536 else { return .max }
    let rest = duration.nanoseconds % 1_000_000_000
    return UInt32(seconds) << 16 | UInt32(rest * 65_536 / 1_000_000_000)
  }

  /// The span of `compact` units of 1/65536 s.
  public static func duration(compact: UInt32) -> Duration {
    Duration(nanoseconds: (Int64(compact) * 1_000_000_000 + 32_768) >> 16)
  }

  private static func floorDivide(_ a: Int64, by b: Int64) -> (quotient: Int64, rest: Int64) {
    var (quotient, rest) = a.quotientAndRemainder(dividingBy: b)
    if rest < 0 {
      quotient -= 1
      rest += b
    }
    return (quotient, rest)
  }
}

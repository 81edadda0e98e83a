// Moments, SSRCs and figures as sentences write them.

import Basics

public enum Moments {
  private static let day: Int64 = 86_400_000_000_000
  /// Times before 1980 are no dates: the file had none.
  private static let firstDate = Instant(nanoseconds: 315_532_800_000_000_000)

  /// `14:32:07.123`, UTC, or `1.234 s` into a capture without dates.
  public static func text(_ time: Instant, since start: Instant?) -> String {
    guard time >= firstDate else {
      return "\(number((time - (start ?? .zero)).seconds, 3)) s"
    }
    let milliseconds = Int((time.nanoseconds % day) / 1_000_000)
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    let rest = milliseconds % 1_000
    let fraction = (rest < 10 ? "00" : rest < 100 ? "0" : "") + "\(rest)"
    let seconds = milliseconds / 1_000
    return "\(two(seconds / 3_600)):\(two(seconds / 60 % 60)):\(two(seconds % 60)).\(fraction)"
  }

  /// `0x2D1E0D7E`.
  public static func ssrc(_ ssrc: UInt32) -> String {
    let digits = String(ssrc, radix: 16, uppercase: true)
    return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
  }

  /// With so many decimals, rounded half up.
  public static func number(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite, value.magnitude < 1e15 else { return "-" }
    let scale = (0..<decimals).reduce(1.0) { scale, _ in scale * 10 }
    let scaled = Int64((value.magnitude * scale).rounded())
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard decimals > 0 else { return "\(sign)\(scaled)" }
    let fraction = String(scaled % Int64(scale))
    return "\(sign)\(scaled / Int64(scale))."
      + String(repeating: "0", count: decimals - fraction.count) + fraction
  }

  /// `4.2 s`, or `180 ms` below a second.
  public static func text(_ duration: Duration) -> String {
    duration.seconds < 1
      ? "\(number(duration.milliseconds, 0)) ms" : "\(number(duration.seconds, 1)) s"
  }
}

// How a publisher's NTP clock stands to ours, from its sender reports: what its subscribers get is
// reported in our time and keeps the publisher's relation of sound and picture (RFC 3550 §6.4.1,
// RFC 7667 §3.7).

import Basics
import Transport

/// One for all streams of a publisher, since they share its clock.
public struct SenderClock: Sendable {
  /// How long the least of the offsets holds: clocks drift.
  static let window = Duration.seconds(30)
  /// Above this the publisher's clock was set anew, in 32.32 seconds.
  private static let step: Int64 = 2 << 32

  /// Our NTP time less the publisher's at the same moment, with the least delay of the way; 32.32
  /// seconds, nil before the first report.
  public private(set) var offset: Int64?
  private var least: Int64?
  private var before: Int64?
  private var begun: Instant?

  public init() {}

  /// A report of the publisher's NTP time came in.
  public mutating func report(ntp: UInt64, at now: Instant, epoch: Duration) {
    let difference = Int64(bitPattern: NTPTime(now, epoch: epoch).value &- ntp)
    if let offset, (difference &- offset).magnitude > UInt64(SenderClock.step) {
      least = nil
      before = nil
      begun = now
    }
    if now - (begun ?? now) >= SenderClock.window {
      before = least
      least = nil
      begun = now
    }
    if begun == nil { begun = now }
    least = min(least ?? difference, difference)
    offset = min(least ?? difference, before ?? difference)
  }

  /// The offset of the capturer's clock against ours: `given` is that against the publisher's, nil
  /// where the publisher captures itself (abs-capture-time).
  public func captureOffset(_ given: Int64?) -> Int64? {
    offset.map { (given ?? 0) &- $0 }
  }
}

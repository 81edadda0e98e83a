// What a sender counts of one stream, reports of it, and learns from its receiver (RFC 3550
// §6.4.1).

import Basics
import Wire

/// Statistics of one sent SSRC.
public struct SenderStatistics: Sendable {
  public let ssrc: UInt32
  public let clockRate: UInt32
  /// How long after the start of 1900 `Instant.zero` lies.
  public let epoch: Duration
  public private(set) var packets: Int64 = 0
  public private(set) var payloadBytes: Int64 = 0
  /// The receiver's latest report block.
  public private(set) var remote: ReportBlock?
  /// The latest round-trip time that a report block told.
  public private(set) var rtt: Duration?
  private var lastTimestamp: (value: UInt32, at: Instant)?

  /// - Parameter clockRate: RTP timestamp units per second, above zero.
  public init(ssrc: UInt32, clockRate: UInt32, epoch: Duration) {
    precondition(clockRate > 0)
    self.ssrc = ssrc
    self.clockRate = clockRate
    self.epoch = epoch
  }

  /// Counts a packet.
  /// - Parameters:
  ///   - payloadSize: bytes without header and padding.
  ///   - sampled: when `timestamp` was true; for a forwarder, when it sent the packet.
  public mutating func sent(timestamp: UInt32, payloadSize: Int, sampled: Instant) {
    packets += 1
    payloadBytes += Int64(payloadSize)
    if let last = lastTimestamp, !isNewer(timestamp, than: last.value) { return }
    lastTimestamp = (timestamp, sampled)
  }

  /// The sender report for now, its RTP timestamp extrapolated from the last packet; nil before the
  /// first packet.
  public func report(at now: Instant, reports: [ReportBlock] = []) -> SenderReport? {
    guard let lastTimestamp else { return nil }
    let elapsed = (now - lastTimestamp.at).seconds * Double(clockRate)
    let ticks = Int64(exactly: elapsed.rounded()) ?? 0
    return SenderReport(
      ssrc: ssrc, ntp: NTPTime(now, epoch: epoch).value,
      rtpTimestamp: lastTimestamp.value &+ UInt32(truncatingIfNeeded: ticks),
      packetCount: UInt32(truncatingIfNeeded: packets),
      octetCount: UInt32(truncatingIfNeeded: payloadBytes), reports: reports)
  }

  /// Takes the receiver's block about this stream.
  public mutating func received(_ block: ReportBlock, at now: Instant) {
    remote = block
    rtt = SenderStatistics.roundTripTime(block, at: now, epoch: epoch) ?? rtt
  }

  /// A - LSR - DLSR; nil where the receiver has had no sender report. Clocks are coarse and
  /// receivers may err: a negative result is zero, one above a minute is nil.
  public static func roundTripTime(
    _ block: ReportBlock, at now: Instant, epoch: Duration
  ) -> Duration? {
    guard block.lastSenderReport != 0 else { return nil }
    let units =
      NTPTime(now, epoch: epoch).middle &- block.lastSenderReport
      &- block.delaySinceLastSenderReport
    if Int32(bitPattern: units) < 0 { return .zero }
    let rtt = NTPTime.duration(compact: units)
    return rtt <= maximumRoundTripTime ? rtt : nil
  }

  public static let maximumRoundTripTime = Duration.seconds(60)
}

// What a receiver counts of one stream and reports to its sender (RFC 3550 §6.4.1, §A.1, §A.3,
// §A.8).

import Basics
import Wire

/// Statistics of one received SSRC. Packets recovered from an RTX stream do not belong here: that
/// stream has its own (RFC 4588 §4).
public struct ReceptionStatistics: Sendable {
  /// What a packet was in its sequence.
  public enum Arrival: Equatable, Sendable {
    case inOrder
    /// So many numbers were skipped.
    case gap(Int)
    /// Overtaken by later ones, and new.
    case reordered
    case duplicate
    /// Far off; not counted unless the next one follows it (RFC 3550 §A.1).
    case stray
    /// The stream started over, and so did the counts.
    case restarted
  }

  /// A step of more numbers than this needs a second packet to be believed (MAX_DROPOUT).
  public static let maximumDropout: Int64 = 3_000
  /// How far back a number may lie. RFC 3550's 100 is too few for retransmissions under the same
  /// SSRC.
  public static let maximumMisorder: Int64 = 1_000
  /// A stream silent for longer has no more reports, as in libwebrtc.
  public static let inactivity = Duration.seconds(8)
  /// A transit time that changed by more says nothing of jitter, as in libwebrtc.
  /// In seconds.
  public static let maximumTransitStep: Int64 = 5

  public let ssrc: UInt32
  public let clockRate: UInt32
  /// Everything received, duplicates included.
  public private(set) var packets: Int64 = 0
  public private(set) var payloadBytes: Int64 = 0
  public private(set) var duplicates: Int64 = 0
  public private(set) var reordered: Int64 = 0
  public private(set) var restarts = 0
  public private(set) var lastArrival: Instant?

  private var base: Int64 = 0
  private var highest: Int64 = 0
  private var countSinceBase: Int64 = 0
  private var suspect: UInt16?
  private var window = ArrivalWindow()
  private var expectedBefore: Int64 = 0
  private var countBefore: Int64 = 0
  private var lastTimestamp: UInt32 = 0
  private var lastTicks: UInt32 = 0
  /// Sixteen times the jitter, as in RFC 3550 §A.8.
  private var scaledJitter: Int64 = 0
  private var lastReport: (compactNTP: UInt32, at: Instant)?

  /// - Parameter clockRate: RTP timestamp units per second, above zero.
  public init(ssrc: UInt32, clockRate: UInt32) {
    precondition(clockRate > 0)
    self.ssrc = ssrc
    self.clockRate = clockRate
  }

  /// Interarrival jitter in timestamp units (RFC 3550 §6.4.1).
  public var jitter: UInt32 { UInt32(clamping: scaledJitter >> 4) }
  public var jitterDuration: Duration {
    .seconds(Double(scaledJitter) / 16 / Double(clockRate))
  }
  /// Packets that should have come since the stream began.
  public var expected: Int64 { lastArrival == nil ? 0 : highest - base + 1 }
  /// Negative where duplicates outnumber the lost (RFC 3550 §A.3).
  public var cumulativeLost: Int64 { expected - countSinceBase }
  public var extendedHighest: UInt32 { UInt32(truncatingIfNeeded: highest) }

  @discardableResult
  public mutating func received(
    _ sequenceNumber: UInt16, timestamp: UInt32, payloadSize: Int, at now: Instant
  ) -> Arrival {
    let arrival = place(sequenceNumber)
    guard arrival != .stray else { return arrival }
    packets += 1
    countSinceBase += 1
    payloadBytes += Int64(payloadSize)
    lastArrival = now
    switch arrival {
    case .duplicate: duplicates += 1
    case .reordered: reordered += 1
    default: updateJitter(timestamp, at: now, isFirst: countSinceBase == 1)
    }
    return arrival
  }

  /// Takes a sender report of this stream, for LSR and DLSR.
  public mutating func received(_ report: SenderReport, at now: Instant) {
    lastReport = (report.compactNTP, now)
  }

  /// The report block for now; the fraction lost covers the time since the last call. Nil before
  /// the first packet and after `inactivity`.
  public mutating func reportBlock(at now: Instant) -> ReportBlock? {
    guard let lastArrival, now - lastArrival <= ReceptionStatistics.inactivity else { return nil }
    let expectedNow = expected - expectedBefore
    let lostNow = expectedNow - (countSinceBase - countBefore)
    expectedBefore = expected
    countBefore = countSinceBase
    let fraction = expectedNow > 0 && lostNow > 0 ? (lostNow << 8) / expectedNow : 0
    return ReportBlock(
      ssrc: ssrc, fractionLost: UInt8(clamping: fraction),
      cumulativeLost: Int32(min(max(cumulativeLost, -0x80_0000), 0x7F_FFFF)),
      extendedHighestSequenceNumber: extendedHighest, jitter: jitter,
      lastSenderReport: lastReport?.compactNTP ?? 0,
      delaySinceLastSenderReport: lastReport.map { NTPTime.compact(now - $0.at) } ?? 0)
  }

  private mutating func place(_ sequenceNumber: UInt16) -> Arrival {
    guard lastArrival != nil else {
      start(at: sequenceNumber)
      return .inOrder
    }
    let step = Int64(Int16(bitPattern: sequenceNumber &- UInt16(truncatingIfNeeded: highest)))
    let isFar =
      step > ReceptionStatistics.maximumDropout || step < -ReceptionStatistics.maximumMisorder
    if isFar {
      guard suspect == sequenceNumber else {
        suspect = sequenceNumber &+ 1
        return .stray
      }
      start(at: sequenceNumber)
      restarts += 1
      return .restarted
    }
    suspect = nil
    if step > 0 {
      highest += step
      window.advance(to: highest, by: step)
      return step == 1 ? .inOrder : .gap(Int(step - 1))
    }
    return window.insert(highest + step) ? .reordered : .duplicate
  }

  private mutating func start(at sequenceNumber: UInt16) {
    base = Int64(sequenceNumber)
    highest = base
    countSinceBase = 0
    expectedBefore = 0
    countBefore = 0
    suspect = nil
    window = ArrivalWindow()
    window.advance(to: base, by: 1)
  }

  private mutating func updateJitter(_ timestamp: UInt32, at now: Instant, isFirst: Bool) {
    let rate = Int64(clockRate)
    let whole = now.nanoseconds / 1_000_000_000
    let rest = now.nanoseconds % 1_000_000_000
    let ticks = UInt32(truncatingIfNeeded: whole &* rate &+ rest * rate / 1_000_000_000)
    // Packets of one frame leave together but are paced apart: only the first of each counts.
    guard isFirst || timestamp != lastTimestamp else { return }
    defer {
      lastTimestamp = timestamp
      lastTicks = ticks
    }
    guard !isFirst else { return }
    let transit = (ticks &- lastTicks) &- (timestamp &- lastTimestamp)
    let step = Int64(Int32(bitPattern: transit).magnitude)
    guard step <= rate * ReceptionStatistics.maximumTransitStep else { return }
    scaledJitter += step - ((scaledJitter + 8) >> 4)
  }
}

/// Which of the last 1,024 numbers have come.
private struct ArrivalWindow: Sendable {
  private static let size: Int64 = 1_024
  private var bits = [UInt64](repeating: 0, count: Int(size / 64))

  /// Marks `number`, the newest, `step` above the one before.
  mutating func advance(to number: Int64, by step: Int64) {
    for skipped in max(number - step + 1, number - ArrivalWindow.size + 1)...number {
      set(skipped, to: skipped == number)
    }
  }

  /// Marks `number`, which lies in the window; false when it was marked before.
  mutating func insert(_ number: Int64) -> Bool {
    let mask = UInt64(1) << UInt64(number & 63)
    guard bits[index(number)] & mask == 0 else { return false }
    bits[index(number)] |= mask
    return true
  }

  private func index(_ number: Int64) -> Int { Int((number & (ArrivalWindow.size - 1)) >> 6) }

  private mutating func set(_ number: Int64, to isMarked: Bool) {
    let mask = UInt64(1) << UInt64(number & 63)
    if isMarked { bits[index(number)] |= mask } else { bits[index(number)] &= ~mask }
  }
}

// When which packet of a transport arrived, for the sender's congestion control
// (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3; libwebrtc
// transport_sequence_number_feedback_generator.cc).

import Basics
import Wire

/// Collects arrivals by transport-wide sequence number and reports them in intervals.
public struct TransportFeedbackGenerator: Sendable {
  public static let minimumInterval = Duration.milliseconds(50)
  public static let maximumInterval = Duration.milliseconds(250)
  public static let defaultInterval = Duration.milliseconds(100)
  /// Reports may take this share of the send bitrate …
  public static let bitrateShare = 0.05
  /// … at so many bytes each, headers included.
  public static let reportSize = DataSize.bytes(68)
  /// Reported arrivals older than this are forgotten when new ones come.
  public static let backWindow = Duration.milliseconds(500)
  /// A step of more numbers than this is a sender starting over.
  public static let maximumGap: Int64 = 0x7FFE
  /// RTCP bytes of one report: below an MTU of 1,200 with SRTCP, UDP and IP around it.
  public static let maximumSize = 1_100
  private static let fixedSize = 20
  private static let deltaUnit: Int64 = 250_000
  private static let referenceUnit: Int64 = 256

  public let senderSSRC: UInt32
  private let origin: Duration
  /// Between two reports.
  public private(set) var interval = TransportFeedbackGenerator.defaultInterval
  /// A media stream of the transport; any will do.
  public var mediaSSRC: UInt32 = 0
  /// When to call `feedback`; nil while there is nothing to tell.
  public private(set) var nextTimeout: Instant?

  /// Arrivals by number & (count - 1); `distantFuture` for packets that have not come.
  private var arrivals = [Instant](repeating: .distantFuture, count: 256)
  /// The numbers that `arrivals` covers.
  private var begin: Int64 = 0
  private var end: Int64 = 0
  /// Where the next report starts.
  private var unreported: Int64?
  private var lastReport: Instant?
  private var feedbackCount: UInt8 = 0

  /// - Parameter origin: what its clock shows at the start of the run.
  public init(senderSSRC: UInt32, origin: Duration = .zero) {
    self.senderSSRC = senderSSRC
    self.origin = origin
  }

  /// The time after which the reference time, 24 bits with a sign, wraps.
  public static let wrap = Duration.milliseconds(64) * (1 << 23)

  /// Fixes the interval, clamped to its limits.
  public mutating func setInterval(_ interval: Duration) {
    self.interval = min(
      max(interval, TransportFeedbackGenerator.minimumInterval),
      TransportFeedbackGenerator.maximumInterval)
  }

  /// Spaces the reports by their share of what this end may send.
  public mutating func setSendBitrate(_ bitrate: Bitrate) {
    setInterval(
      TransportFeedbackGenerator.reportSize / (bitrate * TransportFeedbackGenerator.bitrateShare))
  }

  public mutating func received(_ sequenceNumber: UInt16, at now: Instant) {
    var number = Int64(sequenceNumber)
    if begin < end {
      let newest = end - 1
      let step = Int64(Int16(bitPattern: sequenceNumber &- UInt16(truncatingIfNeeded: newest)))
      number = newest + step
      if abs(step) > TransportFeedbackGenerator.maximumGap { restart(at: number) }
    } else {
      restart(at: number)
    }
    if unreported.map({ $0 >= end }) ?? true { forgetOld(before: number, at: now) }
    guard number >= begin || end - number <= TransportFeedbackGenerator.maximumGap else { return }
    cover(number)
    guard arrivals[index(number)] == .distantFuture else { return }
    arrivals[index(number)] = now
    unreported = min(unreported ?? number, number)
    if nextTimeout == nil {
      let earliest = (lastReport ?? now) + interval
      nextTimeout = earliest > now ? earliest : now + interval
    }
  }

  /// The reports due at `now`: none before `nextTimeout`, several when one would be too large.
  public mutating func feedback(at now: Instant) -> [TransportFeedback] {
    guard let due = nextTimeout, due <= now, var start = unreported else { return [] }
    var reports: [TransportFeedback] = []
    while start < end, let report = report(from: &start) { reports.append(report) }
    unreported = end
    lastReport = now
    nextTimeout = nil
    return reports
  }

  /// One report of what came from `start` on, which moves behind the last packet it tells of.
  private mutating func report(from start: inout Int64) -> TransportFeedback? {
    guard let first = (start..<end).first(where: { arrivals[index($0)] != .distantFuture })
    else { return nil }
    let firstTicks = ticks(of: first)
    let reference = floorDivide(firstTicks, by: TransportFeedbackGenerator.referenceUnit)
    var report = TransportFeedback(
      senderSSRC: senderSSRC, mediaSSRC: mediaSSRC,
      baseSequenceNumber: UInt16(truncatingIfNeeded: start),
      referenceTime: Int32(truncatingIfNeeded: (reference << 40) >> 40),
      feedbackCount: feedbackCount, packets: [])
    var size = ReportSize()
    var previous = reference * TransportFeedbackGenerator.referenceUnit
    var number = first
    var lost = Int(first - start)
    while number < end {
      if arrivals[index(number)] == .distantFuture {
        lost += 1
      } else {
        let arrival = ticks(of: number)
        guard let delta = Int16(exactly: arrival - previous),
          size.add(lost: lost, delta: delta) || report.packets.isEmpty
        else { break }
        report.packets.append(contentsOf: repeatElement(.lost, count: lost))
        report.packets.append(.received(delta: delta))
        previous = arrival
        lost = 0
      }
      number += 1
    }
    start += Int64(report.packets.count)
    feedbackCount &+= 1
    return report
  }

  /// Counts the bytes of a report, at worst.
  private struct ReportSize {
    private var symbols = 0
    private var runs = 0
    private var deltas = 0

    /// Adds a received packet after so many lost ones; false, and unchanged, when they do not fit.
    mutating func add(lost: Int, delta: Int16) -> Bool {
      var next = self
      if lost < 14 {
        next.symbols += lost
      } else {
        // What stands before the run ends its own chunk.
        next.runs += 2 + lost / 0x1FFF
      }
      next.symbols += 1
      next.deltas += (0...255).contains(delta) ? 1 : 2
      let chunks = (next.symbols + 6) / 7 + next.runs
      let bytes = TransportFeedbackGenerator.fixedSize + 2 * chunks + next.deltas
      guard bytes <= TransportFeedbackGenerator.maximumSize else { return false }
      self = next
      return true
    }
  }

  private func ticks(of number: Int64) -> Int64 {
    floorDivide(
      arrivals[index(number)].nanoseconds + origin.nanoseconds,
      by: TransportFeedbackGenerator.deltaUnit)
  }

  private func floorDivide(_ a: Int64, by b: Int64) -> Int64 {
    a >= 0 ? a / b : -((-a + b - 1) / b)
  }

  private func index(_ number: Int64) -> Int {
    Int(truncatingIfNeeded: number) & (arrivals.count - 1)
  }

  private mutating func restart(at number: Int64) {
    for old in begin..<end { arrivals[index(old)] = .distantFuture }
    begin = number
    end = number
    unreported = nil
    nextTimeout = nil
  }

  /// Drops what was reported and is older than the back window, up to `number`.
  private mutating func forgetOld(before number: Int64, at now: Instant) {
    while begin < min(end, number) {
      let arrival = arrivals[index(begin)]
      let isOld =
        arrival == .distantFuture || now - arrival >= TransportFeedbackGenerator.backWindow
      guard isOld else { break }
      arrivals[index(begin)] = .distantFuture
      begin += 1
    }
  }

  /// Makes room for `number` on either side.
  private mutating func cover(_ number: Int64) {
    let wanted = max(end, number + 1) - min(begin, number)
    while Int64(arrivals.count) < wanted { grow() }
    begin = min(begin, number)
    end = max(end, number + 1)
    while end - begin > TransportFeedbackGenerator.maximumGap {
      arrivals[index(begin)] = .distantFuture
      begin += 1
    }
    if let unreported, unreported < begin { self.unreported = begin }
  }

  private mutating func grow() {
    let old = arrivals
    arrivals = Array(repeating: .distantFuture, count: old.count * 2)
    for number in begin..<end {
      arrivals[index(number)] = old[Int(truncatingIfNeeded: number) & (old.count - 1)]
    }
  }
}

// The checks on one received stream: what its headers and payload descriptors say, packet by packet, and
// what its sender reports say of its clock. Budget: 40 ns a packet.

import Basics
import Results
import Transport
import Wire

struct StreamAudit {
  private struct Last {
    var sequenceNumber: Int64
    var arrival: Instant
  }

  /// A frame, by its first packet.
  struct Frame {
    var timestamp: UInt32
    var arrival: Instant
    var captured: Instant?
    var picture: PictureNumbers?
  }

  /// What a payload descriptor numbers (RFC 7741 §4.2, RFC 9628 §4.2).
  struct PictureNumbers {
    var id: UInt16?
    /// 15 bits, else 7.
    var isLong: Bool
    var temporalIndex: UInt8?
    var temporalLayer: UInt8
  }

  /// More than a sender could skip: pictures that its encoder dropped.
  private static let pictureStep = 64
  /// Two packets further apart than this show nothing of what lies between.
  private static let silence = Duration.seconds(2)
  /// Estimates of where one layer's clock stands on another's differ by what the network did.
  private static let clockTolerance = Duration.seconds(1)
  /// Where nothing tells when frames were captured, they are compared with their arrival.
  private static let arrivalTolerance = Duration.seconds(5)

  private let clockRate: Double
  private let payloadType: UInt8
  private let rtxPayloadType: UInt8?
  private let mid: ShortName?
  private var last: Last?
  private var frame: Frame?
  private(set) var clock: ReportedClock
  /// Since the last look: packets that came, reports on them.
  private var packets = 0
  /// When the first of them came.
  private var firstPacket = Instant.zero
  private var reports = 0

  init(_ identity: RemoteTrack.Identity) {
    clockRate = Double(identity.codec.clockRate)
    payloadType = identity.codec.payloadType
    rtxPayloadType = identity.codec.rtxPayloadType
    mid = ShortName(identity.mid)
    clock = ReportedClock(rate: clockRate)
  }

  /// Whether a browser takes a packet of the stream, or of its RTX stream: it demultiplexes by mid where
  /// there is one, and knows the payload types of the section.
  mutating func admits(
    _ packet: RawSpan, _ header: RTPHeader, isRTX: Bool, _ map: RTPExtensionMap, at now: Instant,
    _ audit: inout ProtocolAudit
  ) -> Bool {
    let isKnown = header.payloadType == (isRTX ? rtxPayloadType : payloadType)
    audit.check(
      .payloadType, isKnown, at: now,
      "payload type \(header.payloadType) of SSRC \(header.ssrc) was not negotiated")
    var isPlaced = true
    if map[.mid] != nil, let mid, let told = RTPExtensions(packet, header, map).mid {
      isPlaced = told == mid
      audit.check(
        .mid, isPlaced, at: now,
        "mid \(told) of SSRC \(header.ssrc), announced in section \(mid)")
    }
    return isKnown && isPlaced
  }

  /// A media packet came for the first time. Only where each comes right behind the one before it can
  /// frames be judged by each other.
  mutating func received(_ sequenceNumber: Int64, at now: Instant) {
    if packets == 0 { firstPacket = now }
    packets += 1
    let follows =
      last.map { sequenceNumber == $0.sequenceNumber + 1 && now - $0.arrival < Self.silence }
      ?? false
    if !follows { frame = nil }
    last = Last(sequenceNumber: sequenceNumber, arrival: now)
  }

  /// The packet that came last begins a picture, or is a frame of sound.
  mutating func began(
    _ next: Frame, _ ssrc: UInt32, at now: Instant, _ audit: inout ProtocolAudit
  ) {
    if let captured = next.captured { clock.showed(next.timestamp, capturedAt: captured) }
    // Spatial layers of one picture share its timestamp.
    if frame?.timestamp == next.timestamp { return }
    if let frame { compare(frame, next, ssrc, at: now, &audit) }
    frame = next
  }

  private func compare(
    _ before: Frame, _ next: Frame, _ ssrc: UInt32, at now: Instant, _ audit: inout ProtocolAudit
  ) {
    let step = Int32(bitPattern: next.timestamp &- before.timestamp)
    let elapsed = Duration.seconds(Double(step) / clockRate)
    let isStamped = before.captured != nil && next.captured != nil
    let truth =
      isStamped ? next.captured! - before.captured! : next.arrival - before.arrival
    let tolerance = isStamped ? Self.clockTolerance : Self.arrivalTolerance
    audit.check(
      .timestamp, step > 0 && (elapsed - truth).magnitude <= tolerance, at: now,
      "SSRC \(ssrc) from timestamp \(before.timestamp) to \(next.timestamp)")
    guard let old = before.picture, let new = next.picture else { return }
    if let from = old.id, let to = new.id, old.isLong == new.isLong {
      let step = (to &- from) & (new.isLong ? 0x7FFF : 0x7F)
      audit.check(
        .pictureID, step > 0 && step <= Self.pictureStep, at: now,
        "SSRC \(ssrc) from picture \(from) to \(to)")
    }
    guard let from = old.temporalIndex, let to = new.temporalIndex else { return }
    let steps = to &- from
    // Frames that were lost on the way to the SFU, or left out, take their numbers with them.
    let holds = steps <= Self.pictureStep && (steps > 0 || new.temporalLayer > 0)
    audit.check(
      .temporalIndex, holds, at: now,
      "SSRC \(ssrc) from TL0PICIDX \(from) to \(to) in temporal layer \(new.temporalLayer)")
  }

  // MARK: - Reports

  mutating func received(_ report: SenderReport, epoch: Duration, at now: Instant) {
    reports += 1
    clock.received(report, epoch: epoch, at: now)
  }

  /// Closes the time between two looks. A track that began late in it owes no report yet.
  mutating func checkReports(_ ssrc: UInt32, at now: Instant, _ audit: inout ProtocolAudit) {
    if packets >= ProtocolAudit.steadyPackets, now - firstPacket >= ProtocolAudit.reportsDue {
      audit.check(
        .senderReports, reports > 0, at: now,
        "\(packets) packets of SSRC \(ssrc) in \(ProtocolAudit.interval.seconds) s, no report")
    }
    packets = 0
    reports = 0
  }
}

/// What sender reports say of a stream's clock, against when its frames were captured.
struct ReportedClock {
  /// RTP timestamp units a second.
  private let rate: Double
  private var newest: (timestamp: UInt32, captured: Instant)?
  /// By how much reports have it that frames were captured later than they were; nil before a report on
  /// frames that say so.
  private(set) var error: Duration?
  private(set) var reportedAt: Instant?

  init(rate: Double) { self.rate = rate }

  mutating func showed(_ timestamp: UInt32, capturedAt captured: Instant) {
    newest = (timestamp, captured)
  }

  /// - Parameter epoch: Unix time at `Instant.zero`.
  mutating func received(_ report: SenderReport, epoch: Duration, at now: Instant) {
    guard let newest else { return }
    let ahead = Double(Int32(bitPattern: newest.timestamp &- report.rtpTimestamp)) / rate
    let told = NTPTime(report.ntp).instant(epoch: NTPTime.unixEpoch + epoch) + .seconds(ahead)
    error = told - newest.captured
    reportedAt = now
  }
}

extension StreamAudit.Frame {
  /// Nil for a packet that begins no picture.
  init?(_ packet: VideoPacket, at now: Instant) {
    guard packet.isFrameStart else { return nil }
    self.init(
      timestamp: packet.timestamp, arrival: now, captured: packet.stamp?.captureTime,
      picture: StreamAudit.PictureNumbers(
        id: packet.pictureID, isLong: packet.hasLongPictureID, temporalIndex: packet.tl0PicIdx,
        temporalLayer: packet.temporalLayer))
  }

  init(_ packet: AudioPacket, at now: Instant) {
    self.init(
      timestamp: packet.timestamp, arrival: now, captured: packet.stamp?.captureTime, picture: nil)
  }
}

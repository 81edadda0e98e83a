// What RTCP says of streams: reports, round trips, NACKs, keyframe requests, names, goodbyes.

import Basics
import Capture
import Results
import Wire

struct FeedbackObserver {
  private struct SentReport {
    var compactNTP: UInt32
    var time: Instant
  }

  private static let reportsPerSource = 8
  private static let sourceLimit = 8_192

  /// Recent sender reports by SSRC, which LSR fields refer to.
  private var sent: [UInt32: [SentReport]] = [:]
  private var lastFeedbackCount: [UInt32: UInt8] = [:]

  /// Counts what transport-wide feedback reports.
  mutating func add(
    _ report: TransportFeedback, to counts: inout CapturedTransport.TransportFeedbackCounts
  ) {
    counts.messages += 1
    counts.packets += report.packets.count
    counts.lost += report.packets.count { $0 == .lost }
    if let last = lastFeedbackCount[report.senderSSRC] {
      let step = report.feedbackCount &- last
      if step > 1, step < 128 { counts.missingMessages += Int(step) - 1 }
    }
    if lastFeedbackCount.count < FeedbackObserver.sourceLimit {
      lastFeedbackCount[report.senderSSRC] = report.feedbackCount
    }
  }

  mutating func receive(
    _ packet: RTCPPacket, _ datagram: CapturedDatagram, _ flow: FlowKey,
    _ inspector: CaptureInspector
  ) {
    let (time, number) = (datagram.time, datagram.packetNumber)
    switch packet {
    case .senderReport(let report):
      remember(report, time)
      inspector.sentStream(report.ssrc, by: flow)?.countSenderReport()
      add(report.reports, datagram, flow, inspector)
    case .receiverReport(let report): add(report.reports, datagram, flow, inspector)
    case .sourceDescription(let chunks):
      for chunk in chunks {
        guard let name = chunk.items.first(where: { $0.type == SDESChunk.cname }) else { continue }
        inspector.sentStream(chunk.ssrc, by: flow)?.setCNAME(
          String(decoding: name.text, as: UTF8.self))
      }
    case .bye(let ssrcs, _):
      for ssrc in ssrcs { inspector.sentStream(ssrc, by: flow)?.setGoodbye() }
      let names = ssrcs.prefix(4).map(Moments.ssrc).joined(separator: ", ")
      inspector.addEvent(time, number, "RTCP: BYE of \(names)")
    case .nack(let nack):
      inspector.reportedStream(nack.mediaSSRC, by: flow)?.countNACK(nack.sequenceNumbers.count)
    case .pictureLossIndication(_, let media):
      request(.pli, media, datagram, flow, inspector)
    case .fullIntraRequest(let request):
      for entry in request.entries { self.request(.fir, entry.ssrc, datagram, flow, inspector) }
    default: break
    }
  }

  private func request(
    _ kind: KeyframeRequest.Kind, _ ssrc: UInt32, _ datagram: CapturedDatagram, _ flow: FlowKey,
    _ inspector: CaptureInspector
  ) {
    guard let stream = inspector.reportedStream(ssrc, by: flow) else { return }
    stream.requestKeyframe(kind, at: datagram.time, packetNumber: datagram.packetNumber)
    inspector.addEvent(
      datagram.time, datagram.packetNumber, "RTCP: \(kind.rawValue) for \(Moments.ssrc(ssrc))")
  }

  private mutating func remember(_ report: SenderReport, _ time: Instant) {
    guard sent[report.ssrc] != nil || sent.count < FeedbackObserver.sourceLimit else { return }
    var reports = sent[report.ssrc] ?? []
    if reports.count == FeedbackObserver.reportsPerSource { reports.removeFirst() }
    reports.append(SentReport(compactNTP: report.compactNTP, time: time))
    sent[report.ssrc] = reports
  }

  private func add(
    _ blocks: [ReportBlock], _ datagram: CapturedDatagram, _ flow: FlowKey,
    _ inspector: CaptureInspector
  ) {
    for block in blocks {
      guard let stream = inspector.reportedStream(block.ssrc, by: flow) else { continue }
      stream.addReport(
        block, at: datagram.time, packetNumber: datagram.packetNumber,
        roundTrip: roundTrip(block, datagram.time))
    }
  }

  /// From here to the receiver and back: the report's arrival less the sender report's passing and
  /// the receiver's delay (RFC 3550 §6.4.1).
  private func roundTrip(_ block: ReportBlock, _ time: Instant) -> Duration? {
    guard block.lastSenderReport != 0,
      let report = sent[block.ssrc]?.last(where: { $0.compactNTP == block.lastSenderReport })
    else { return nil }
    let delay = Duration.seconds(Double(block.delaySinceLastSenderReport) / 65_536)
    let trip = time - report.time - delay
    return trip >= .milliseconds(-1) && trip < .seconds(60) ? max(trip, .zero) : nil
  }
}

// What was negotiated for a subscription's section, its sender reports, and the numbers that a next
// subscription on the same SSRC goes on with.

import Basics
import Results
import Transport
import Wire

extension Subscription {
  /// Applies what the subscriber answered for its section: whether it takes the stream, under which
  /// payload types, with which header extensions. Nil is a section that is not on the transport.
  func apply(_ answer: SectionAnswer?, at now: Instant) {
    guard let answer, answer.receives,
      let agreed = answer.codecs.first(where: { $0.encoding == codec.encoding })
    else {
      deactivate(at: now)
      return
    }
    codec.payloadType = agreed.payloadType
    codec.rtxPayloadType = agreed.rtxPayloadType
    if agreed.rtxPayloadType == nil { history = nil }
    extensions = SubscriberOffer.written(answer.extensions)
    activate(at: now)
  }

  /// Where the numbers of its SSRCs go on once it has ended.
  var continuation: StreamContinuation {
    var rewriter = rewriter
    rewriter.changeSource()
    return StreamContinuation(
      rewriter: rewriter, statistics: statistics, rtxSequenceNumber: rtxSequenceNumber)
  }

  /// Its sender report for now, with the publisher's relation of RTP to NTP time. Nil where nothing
  /// was sent, and for a while where the publisher has not reported yet: a guess would be taken for
  /// the truth in lip sync.
  func senderReport(at now: Instant) -> SenderReport? {
    guard var report = statistics.report(at: now) else { return nil }
    if let layer = rewriter.layer ?? rewriter.lastLayer,
      let offset = track.publisher.senderClock.offset,
      let source = track.clock.timestamp(of: layer, atNTP: report.ntp &- UInt64(bitPattern: offset))
    {
      report.rtpTimestamp = rewriter.outgoing(source)
      if mutant == .lateSenderReports, track.isVideo { report.rtpTimestamp &-= codec.clockRate / 2 }
      return report
    }
    guard let sendingSince, now - sendingSince >= SFULimits.reportPatience else { return nil }
    return report
  }
}

/// The numbers of a section's SSRCs, which go on when another track takes it: under one key they
/// must neither jump nor come again (RFC 3550 §5.1, RFC 3711 §3.3.1).
struct StreamContinuation {
  var rewriter: StreamRewriter
  var statistics: SenderStatistics
  var rtxSequenceNumber: UInt16
}

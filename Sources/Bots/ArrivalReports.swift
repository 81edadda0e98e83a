// What a bot tells the SFU about the arrival of its packets: transport-wide feedback, or REMB where
// the SFU is to do without.

import Basics
import Congestion
import Transport
import Wire

/// How a receiver lets the sender know what its link carries.
public enum BandwidthFeedback: Sendable {
  case transportWide
  /// From abs-send-time (draft-alvestrand-rmcat-remb-03).
  case maximumBitrate
}

struct ArrivalReports {
  private var feedback = TransportFeedbackGenerator(senderSSRC: Bot.reportSSRC)
  private var estimator = ReceiveSideEstimator()

  init() { feedback.setInterval(TransportFeedbackGenerator.minimumInterval) }

  var nextTimeout: Instant? { earlier(feedback.nextTimeout, estimator.nextTimeout) }

  mutating func received(
    _ extensions: RTPExtensions, ssrc: UInt32, size: DataSize, at now: Instant
  ) {
    if let number = extensions.transportSequenceNumber {
      feedback.mediaSSRC = ssrc
      feedback.received(number, at: now)
    } else if let departure = extensions.absSendTime {
      estimator.received(departure: departure, size: size, at: now)
    }
  }

  mutating func setRoundTrip(_ roundTrip: Duration) { estimator.setRoundTrip(roundTrip) }

  /// The messages due at `now`, each for a packet of its own.
  /// - Parameter ssrcs: the streams that the receiver's own estimate is about.
  mutating func due(ssrcs: @autoclosure () -> [UInt32], at now: Instant) -> [RTCPPacket] {
    var packets = feedback.feedback(at: now).map { RTCPPacket.transportFeedback($0) }
    if let bitrate = estimator.estimate(at: now) {
      packets.append(
        .receiverEstimatedMaximumBitrate(
          REMB(senderSSRC: Bot.reportSSRC, bitrate: bitrate, ssrcs: Array(ssrcs().prefix(255)))))
    }
    return packets
  }
}

extension Bot {
  /// Notes when a packet of the subscriber transport came.
  /// - Parameter index: the place of its track, where that is known.
  func noteArrival(_ packet: RawSpan, _ header: RTPHeader, of index: Int?, at now: Instant) {
    let map = index.map { remoteTracks[$0].extensions } ?? answers.extensions
    guard map[.transportSequenceNumber] != nil || map[.absSendTime] != nil else { return }
    arrivals.received(
      RTPExtensions(packet, header, map), ssrc: header.ssrc,
      size: WireOverhead.size(packet.byteCount), at: now)
  }

  func sendArrivals(at now: Instant, into outbox: inout Outbox) {
    if let roundTrip = subscriber.ice.roundTrip { arrivals.setRoundTrip(roundTrip) }
    for packet in arrivals.due(ssrcs: videoSSRCs, at: now) {
      var writer = RTCPWriter()
      writer.append(packet)
      sendRTCP(writer, onSubscriber: true, at: now, into: &outbox)
    }
  }

  private var videoSSRCs: [UInt32] {
    remoteTracks.filter { $0.identity.kind == .video && !$0.hasEnded }.map(\.identity.ssrc)
  }

  /// Loss between two receiver reports, for an SFU that sends no transport-wide feedback.
  func noteLoss(of stream: OutgoingStream, _ block: ReportBlock, at now: Instant) {
    guard let (lost, packets) = reportedLoss.take(block) else { return }
    uplink.received(lost: lost, of: packets, roundTrip: stream.statistics.rtt, at: now)
  }
}

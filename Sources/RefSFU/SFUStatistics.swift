// What the SFU counted, by the identifiers of W3C webrtc-stats (criterion 002:32).

import Basics
import Transport
import Wire

/// One participant's streams as the SFU sees them.
public struct ParticipantStatistics: Sendable {
  public var identity: String
  public var room: String
  /// What it publishes, a row for each layer.
  public var inbound: [InboundStatistics]
  /// What it is sent.
  public var outbound: [OutboundStatistics]
}

/// `inbound-rtp` of a publisher's stream.
public struct InboundStatistics: Sendable, Equatable {
  public var trackIdentifier: String
  public var ssrc: UInt32
  /// The simulcast rid; empty without simulcast.
  public var rid: String
  public var kind: String
  public var packetsReceived: Int64
  public var bytesReceived: Int64
  public var packetsLost: Int64
  /// Seconds.
  public var jitter: Double
  public var nackCount: Int
  public var pliCount: Int
}

/// `outbound-rtp` of a subscriber's stream, with what its receiver reports.
public struct OutboundStatistics: Sendable, Equatable {
  public var trackIdentifier: String
  public var publisher: String
  public var ssrc: UInt32
  public var kind: String
  public var packetsSent: Int64
  public var bytesSent: Int64
  public var retransmittedPacketsSent: Int
  public var nackCount: Int
  public var pliCount: Int
  /// From the receiver's last report; zero before the first.
  public var packetsLost: Int
  /// Seconds; nil before the first report that allows it.
  public var roundTripTime: Double?
}

extension SFU {
  /// Everybody's streams, by room and in the order of joining.
  public var statistics: [ParticipantStatistics] {
    rooms.flatMap { room in room.participants.map(\.statistics) }
  }
}

extension Participant {
  fileprivate var statistics: ParticipantStatistics {
    ParticipantStatistics(
      identity: identity, room: room.name, inbound: tracks.flatMap(\.statistics),
      outbound: subscriptions.map(\.summary))
  }
}

extension PublishedTrack {
  fileprivate var statistics: [InboundStatistics] {
    layers.enumerated().compactMap { index, layer in
      guard let ssrc = layer.ssrc, let reception = layer.reception else { return nil }
      return InboundStatistics(
        trackIdentifier: sid, ssrc: ssrc, rid: layer.rid?.description ?? "",
        kind: isVideo ? "video" : "audio", packetsReceived: reception.packets,
        bytesReceived: reception.payloadBytes, packetsLost: reception.cumulativeLost,
        jitter: reception.jitterDuration.seconds, nackCount: layer.nack.requests,
        pliCount: isVideo ? keyframes.sent(layer: index) : 0)
    }
  }
}

extension Subscription {
  fileprivate var summary: OutboundStatistics {
    OutboundStatistics(
      trackIdentifier: track.sid, publisher: track.publisher.identity, ssrc: ssrc,
      kind: track.isVideo ? "video" : "audio", packetsSent: statistics.packets,
      bytesSent: statistics.payloadBytes, retransmittedPacketsSent: copies.retransmitted,
      nackCount: nackCount, pliCount: pliCount,
      packetsLost: Int(statistics.remote?.cumulativeLost ?? 0),
      roundTripTime: statistics.rtt?.seconds)
  }
}

// Every packet of a media flow, at either end, and its feedback: the log of RFC 8868 §3.1.

import Basics
import Congestion

/// What a packet of a media flow carries.
public enum FlowPacketKind: UInt8, Sendable, CaseIterable {
  case audio, video, retransmission, padding
}

/// A packet as its sender remembers it.
public struct SentFlowPacket: Sendable, Equatable {
  public var at: Instant
  /// On the wire, with IP and UDP headers.
  public var bytes: Int32
  public var kind: FlowPacketKind
  /// For video the RTP sequence number, also where the packet is sent again; else -1.
  public var mediaNumber: Int64
}

/// What the sender of a media flow saw, by transport-wide number from the first one on.
public struct SentFlowLog: Sendable {
  public internal(set) var packets: [SentFlowPacket] = []
  /// Bytes that the encoders made.
  public internal(set) var encodedBytes = 0
  /// What congestion control asked of the encoders, whenever it changed, bit/s.
  public internal(set) var targets = SampleLog()
}

/// What the receiver of a media flow saw.
public struct ReceivedFlowLog: Sendable {
  /// Arrivals by transport-wide number; `distantFuture` for what never came.
  public internal(set) var arrivals: [Instant] = []
  /// RTCP that it sent: when, and bytes on the wire.
  public internal(set) var feedback: [(at: Instant, bytes: Int)] = []
  /// Packets that came marked Congestion Experienced.
  public internal(set) var congestionExperienced = 0

  mutating func arrived(_ number: Int64, at now: Instant) {
    guard number >= 0, number < Int64(arrivals.count + FlowLimits.largestLeap) else { return }
    while Int64(arrivals.count) <= number { arrivals.append(.distantFuture) }
    if arrivals[Int(number)] == .distantFuture { arrivals[Int(number)] = now }
  }
}

extension FlowPacketKind {
  init(_ kind: Congestion.PacketKind) {
    switch kind {
    case .audio: self = .audio
    case .video: self = .video
    case .audioRetransmission, .videoRetransmission: self = .retransmission
    case .padding: self = .padding
    }
  }
}

enum FlowLimits {
  /// IPv4 and UDP.
  static let headers = 28
  /// RTP with its extensions, SRTP's tag, UDP and IP around a payload.
  static let overhead = 68
  /// Bytes of payload in a full video packet.
  static let payload = 1_150
  /// RTP header extension with the transport-wide number, and SRTP's tag (RFC 7714 §5.1).
  static let protection = 16
  /// Transport-wide numbers that may be lost in a row.
  static let largestLeap = 32_768
  static let port: UInt16 = 50_000
  /// The encoders hear of a target anew after so long, though it is the same.
  static let targetInterval = Duration.milliseconds(200)
  static let reportInterval = Duration.seconds(1)
  static let defaultRoundTrip = Duration.milliseconds(100)

  /// What a clear packet will weigh on the wire.
  static func wireSize(of packet: borrowing Packet) -> DataSize {
    .bytes(packet.count + protection + headers)
  }
}

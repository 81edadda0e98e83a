// What a congestion controller is told: packets as they left, and what became of them
// (libwebrtc api/transport/network_types.h, revision 3710345).

import Basics

/// What a packet carries, most urgent first (libwebrtc modules/pacing/prioritized_packet_queue.cc).
public enum PacketKind: UInt8, Sendable, CaseIterable {
  case audio
  case audioRetransmission
  case videoRetransmission
  case video
  case padding
}

/// The probe that a packet is part of.
public struct ProbeMark: Sendable, Equatable {
  /// Of the probe cluster.
  public var id: Int
  /// Packets and bytes that the whole cluster has at least.
  public var minimumPackets: Int
  public var minimumSize: DataSize
  /// Only believed if its packets arrive as fast as they left.
  public var mustPass: Bool
  /// Asked for from outside, to see whether more passes: it may raise the estimate, lowers it only
  /// where less than half of it passes, and the queue that it makes is none of the media's.
  public var isTrial = false

  public init(
    id: Int, minimumPackets: Int, minimumSize: DataSize, mustPass: Bool = false
  ) {
    self.id = id
    self.minimumPackets = minimumPackets
    self.minimumSize = minimumSize
    self.mustPass = mustPass
  }
}

/// Packets to be sent at a rate above the estimate, to see whether they pass.
public struct ProbeCluster: Sendable, Equatable {
  public var id: Int
  public var rate: Bitrate
  public var duration: Duration
  /// Between two bursts of the cluster.
  public var minimumDelta: Duration
  public var minimumPackets: Int
  /// See `ProbeMark.mustPass`.
  public var mustPass = false
  /// See `ProbeMark.isTrial`.
  public var isTrial = false
  public var requestedAt: Instant

  public init(
    id: Int, rate: Bitrate, duration: Duration = .milliseconds(15),
    minimumDelta: Duration = .milliseconds(2), minimumPackets: Int = 5, requestedAt: Instant
  ) {
    self.id = id
    self.rate = rate
    self.duration = duration
    self.minimumDelta = minimumDelta
    self.minimumPackets = minimumPackets
    self.requestedAt = requestedAt
  }

  /// What its packets carry.
  public var mark: ProbeMark {
    var mark = ProbeMark(
      id: id, minimumPackets: minimumPackets, minimumSize: rate * duration, mustPass: mustPass)
    mark.isTrial = isTrial
    return mark
  }
}

/// A packet that left under a transport-wide number.
public struct SentPacket: Sendable, Equatable {
  /// Unwrapped.
  public var sequenceNumber: Int64
  /// All that the path has to carry: headers of every layer included.
  public var size: DataSize
  public var sentAt: Instant
  public var kind: PacketKind
  public var probe: ProbeMark?

  public init(
    sequenceNumber: Int64, size: DataSize, sentAt: Instant, kind: PacketKind = .video,
    probe: ProbeMark? = nil
  ) {
    self.sequenceNumber = sequenceNumber
    self.size = size
    self.sentAt = sentAt
    self.kind = kind
    self.probe = probe
  }
}

/// What one feedback message said about one packet.
public struct PacketResult: Sendable, Equatable {
  public var sent: SentPacket
  /// On the receiver's clock, moved to ours; nil for a packet reported as lost.
  public var arrival: Instant?

  public init(sent: SentPacket, arrival: Instant?) {
    self.sent = sent
    self.arrival = arrival
  }
}

/// One feedback message, by unwrapped transport-wide number.
public struct ArrivalFeedback: Sendable, Equatable {
  public struct Entry: Sendable, Equatable {
    public var sequenceNumber: Int64
    /// When it arrived; nil for lost so far.
    public var arrival: Instant?

    public init(sequenceNumber: Int64, arrival: Instant?) {
      self.sequenceNumber = sequenceNumber
      self.arrival = arrival
    }
  }

  /// In the order of their numbers.
  public var entries: [Entry]

  public init(entries: [Entry] = []) { self.entries = entries }
}

/// Moves the arrival times of transport-wide feedback onto the sender's clock: its reference time
/// counts 64 ms in 24 bits from an unknown start.
public struct ArrivalClock: Sendable {
  private static let unit: Int64 = 64_000_000
  private static let modulus: Int64 = 1 << 24
  /// The reference time of the last message, and what it stands for.
  private var last: (reference: Int32, moment: Instant)?
  /// How often the reference time has gone from the highest of 24 bits with a sign to the lowest.
  public private(set) var wraps = 0

  public init() {}

  /// - Parameters:
  ///   - reference: 24 bits, signed or not, in 64 ms.
  ///   - now: when the message came.
  /// - Returns: the moment that its deltas count from.
  public mutating func moment(of reference: Int32, at now: Instant) -> Instant {
    let reference = reference & 0xFF_FFFF
    guard let last else {
      self.last = (reference, now)
      return now
    }
    var step = Int64(reference &- last.reference) & (ArrivalClock.modulus - 1)
    if step >= ArrivalClock.modulus / 2 { step -= ArrivalClock.modulus }
    let sign: Int32 = 1 << 23
    if step > 0, last.reference & sign == 0, reference & sign != 0 { wraps += 1 }
    let moment = last.moment + Duration(nanoseconds: step * ArrivalClock.unit)
    self.last = (reference, moment)
    return moment
  }
}

/// What the delay of packets says about the use of the path.
public enum BandwidthUsage: Sendable {
  case normal
  case underusing
  case overusing
}

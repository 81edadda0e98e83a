// The packets of one sent stream, kept for retransmission (RFC 4585 §6.2.1, RFC 4588 §3).

import Basics

/// Copies of the packets sent lately, in slots of the pool. A class, since its owner is found
/// through collections and its packets must go back to the pool exactly once.
///
/// A stream that many receive is better cached once at its source, with a `SentHistory` of small
/// records for each receiver.
public final class RetransmissionCache {
  public typealias Limits = SentHistory<ParkedPacket>.Limits

  /// Keeps the pool alive until the packets are back.
  private let pool: PacketPool?
  private var history: SentHistory<ParkedPacket>

  /// - Parameter pool: the one that all packets given to `store` come from; nil where it outlives the
  ///   cache anyway, as a driver's outlives its nodes.
  public init(pool: PacketPool? = nil, limits: Limits = .video) {
    self.pool = pool
    history = SentHistory(limits: limits)
  }

  deinit { history.removeExpired(at: nil) { _ = Packet(parked: $0) } }

  /// Packets held.
  public var count: Int { history.count }

  /// Keeps a copy of `packet`, which is about to be protected in place and sent.
  public func store(_ packet: borrowing Packet, sequenceNumber: UInt16, at now: Instant) {
    history.store(packet.copy().park(), sequenceNumber: sequenceNumber, at: now) {
      _ = Packet(parked: $0)
    }
  }

  /// A copy to send in answer to a NACK; nil for a packet that is unknown, too old, answered
  /// `maximumAnswers` times, or answered a moment ago.
  public func packet(
    for sequenceNumber: UInt16, at now: Instant, rtt: Duration
  ) -> Packet? {
    history.answer(sequenceNumber, at: now, rtt: rtt).map { RetransmissionCache.copy($0) }
  }

  /// A copy whatever was answered before, for owners that apply the rules themselves.
  public func copy(of sequenceNumber: UInt16, at now: Instant) -> Packet? {
    history.record(of: sequenceNumber, at: now).map { RetransmissionCache.copy($0) }
  }

  /// Gives back packets that are too old, for streams that paused.
  public func removeExpired(at now: Instant) {
    history.removeExpired(at: now) { _ = Packet(parked: $0) }
  }

  private static func copy(_ parked: ParkedPacket) -> Packet {
    let packet = Packet(parked: parked)
    let copy = packet.copy()
    // The slot stays with the cache.
    _ = packet.park()
    return copy
  }
}

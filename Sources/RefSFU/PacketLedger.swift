// Where every packet went. Each is counted where it comes in and where it ends, so that what goes in is
// what comes out and what was dropped, by reason: a packet lost in silence leaves a gap in the sums.

import Basics
import Transport

/// Packets of one participant, or of the whole SFU with those who have left.
public struct PacketLedger: Sendable, Equatable {
  /// What transports did with the datagrams that came.
  public var arrivals = PeerTransport.Arrivals()
  public var dropped = PeerTransport.Dropped()
  public var media = Media()
  public var copies = Copies()
  public var departures = Departures()

  /// Decrypted RTP packets.
  public struct Media: Sendable, Equatable {
    /// Those on the subscriber's transport, where none belong.
    public var misplaced = 0
    /// No track has them, or they cannot be read.
    public var unrouted = 0
    /// Retransmitted in vain, or padding alone.
    public var needless = 0
    public var accepted = 0
    /// A copy for each who listens to the track.
    public var copiesDue = 0
  }

  /// What became of the copies that were due, and what subscriptions sent besides.
  public struct Copies: Sendable, Equatable {
    public var forwarded = 0
    /// Padding went out in their place, since their number was spoken for.
    public var replaced = 0
    public var unconnected = 0
    public var muted = 0
    /// Of another layer, or of a temporal layer that is left out.
    public var unwanted = 0
    /// Too late to have a number.
    public var refused = 0
    /// Padding for numbers that are spoken for.
    public var padding = 0
    public var retransmitted = 0

    var outcomes: Int { forwarded + replaced + unconnected + muted + unwanted + refused }
    var made: Int { forwarded + padding + retransmitted }
  }

  /// Packets on their way to a subscriber.
  public struct Departures: Sendable, Equatable {
    /// For probes, and up to the target.
    public var fillers = 0
    public var unconnected = 0
    /// Of streams that ended while they waited, and of who left.
    public var discarded = 0
    public var waiting = 0
    public var departed = 0
    /// That went out as datagrams.
    public var sent = 0
    /// There was no way, or no key, after all.
    public var unsent = 0
  }

  public init() {}

  public static func += (a: inout PacketLedger, b: PacketLedger) {
    a.arrivals += b.arrivals
    a.dropped += b.dropped
    a.media.misplaced += b.media.misplaced
    a.media.unrouted += b.media.unrouted
    a.media.needless += b.media.needless
    a.media.accepted += b.media.accepted
    a.media.copiesDue += b.media.copiesDue
    a.copies += b.copies
    a.departures.fillers += b.departures.fillers
    a.departures.unconnected += b.departures.unconnected
    a.departures.discarded += b.departures.discarded
    a.departures.waiting += b.departures.waiting
    a.departures.departed += b.departures.departed
    a.departures.sent += b.departures.sent
    a.departures.unsent += b.departures.unsent
  }

  /// What is missing in each sum; all are zero where every packet is accounted for.
  public var imbalances: [(name: String, packets: Int)] {
    [
      (
        "published packets",
        arrivals.rtp - media.misplaced - media.unrouted - media.needless - media.accepted
      ),
      ("copies", media.copiesDue - copies.outcomes),
      (
        "packets made for subscribers",
        copies.made + departures.fillers - departures.unconnected - departures.discarded
          - departures.waiting - departures.departed
      ),
      ("departures", departures.departed - departures.sent - departures.unsent),
    ]
  }
}

extension PacketLedger.Copies {
  static func += (a: inout Self, b: Self) {
    a.forwarded += b.forwarded
    a.replaced += b.replaced
    a.unconnected += b.unconnected
    a.muted += b.muted
    a.unwanted += b.unwanted
    a.refused += b.refused
    a.padding += b.padding
    a.retransmitted += b.retransmitted
  }
}

extension Participant {
  /// As things stand.
  var ledger: PacketLedger {
    var ledger = PacketLedger()
    ledger.arrivals = publisher.arrivals
    ledger.arrivals += subscriber.arrivals
    ledger.dropped = publisher.dropped
    ledger.dropped += subscriber.dropped
    ledger.media = mediaCounts
    ledger.copies = pastCopies
    for subscription in subscriptions { ledger.copies += subscription.copies }
    ledger.departures = departures
    ledger.departures.sent = egress.rtpSent
    ledger.departures.unsent = egress.rtpUnsent
    let waiting = downlink.sender.queuedPackets
    if hasLeft {
      ledger.departures.discarded += waiting
    } else {
      ledger.departures.waiting = waiting
    }
    return ledger
  }
}

extension SFU {
  /// Of everybody, those who have left included.
  public var ledger: PacketLedger {
    var ledger = pastLedger
    for participant in rooms.flatMap(\.participants) { ledger += participant.ledger }
    return ledger
  }

  /// What is missing in the sums of its ledger, the datagrams that it was handed among them.
  public func imbalances(of ledger: PacketLedger) -> [(name: String, packets: Int)] {
    let known = ledger.arrivals.total + Int(ledger.dropped.total) + Int(dropped.fromStranger)
    return [("datagrams", datagrams - known)] + ledger.imbalances
  }
}

/// How full the queues are that a client could make grow, and the most that each may hold.
public struct Occupancy: Sendable {
  public var name: String
  /// In `unit`.
  public var held: Double
  public var limit: Double
  public var unit: String
}

extension SFU {
  /// Of the fullest participant.
  public func occupancy(at now: Instant) -> [Occupancy] {
    var (wait, messages, data, fragments) = (Duration.zero, 0, 0, 0)
    for participant in rooms.flatMap(\.participants) {
      wait = max(wait, participant.downlink.sender.averageWait(at: now))
      messages = max(messages, participant.waitingData.count)
      data = max(data, participant.subscriber.bufferedData)
      fragments = max(fragments, participant.ufrags.count)
    }
    return [
      Occupancy(
        name: "packets before a subscriber", held: wait.seconds,
        limit: SFULimits.longestQueue.seconds, unit: "s"),
      Occupancy(
        name: "messages for a channel", held: Double(messages),
        limit: Double(SFULimits.waitingData), unit: "1"),
      Occupancy(
        name: "data of a channel", held: Double(data),
        limit: Double(SFULimits.dataBacklog + TransportLimits.dataMessageSize), unit: "B"),
      Occupancy(
        name: "ICE fragments", held: Double(fragments),
        limit: Double(SFULimits.fragmentsPerParticipant), unit: "1"),
    ]
  }
}

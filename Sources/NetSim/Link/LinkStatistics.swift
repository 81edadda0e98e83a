// What is counted on each link.
import Basics

/// Why the network did not deliver a packet.
public enum DropReason: Int, Sendable, CaseIterable {
  /// The loss model.
  case loss
  case queueFull
  /// Active queue management.
  case aqm
  case blackout
  /// The hosts are cut off from each other.
  case partition
  /// The sender does not have the address it sent from.
  case noSuchSource
  /// Nobody has the address it was sent to.
  case noSuchDestination
  /// The host has no node.
  case noNode
  /// A NAT has nobody behind the port it was sent to, or no port left.
  case noMapping
  /// A NAT lets nobody in whom its host has not sent to.
  case filtered
  /// A damaged stream segment.
  case checksum
  /// The link's filter.
  case blocked
  /// Above the link's MTU.
  case tooLarge
  /// The host sleeps.
  case suspended
  /// The host had no time for it.
  case overload
}

/// One counter per `DropReason`.
public struct DropCounts: Sendable, Equatable {
  private var counts = [Int](repeating: 0, count: DropReason.allCases.count)

  public subscript(reason: DropReason) -> Int { counts[reason.rawValue] }
  public var total: Int { counts.reduce(0, +) }
  mutating func add(_ reason: DropReason) { counts[reason.rawValue] += 1 }
}

/// Totals since the start. Bytes are bytes on the wire, with IP and UDP or TCP headers.
/// `entered + duplicated == delivered + dropped.total` once nothing is on the link.
public struct LinkStatistics: Sendable {
  public internal(set) var entered = 0
  public internal(set) var enteredBytes = 0
  public internal(set) var delivered = 0
  public internal(set) var deliveredBytes = 0
  public internal(set) var dropped = DropCounts()
  public internal(set) var duplicated = 0
  public internal(set) var corrupted = 0
  /// Packets marked Congestion Experienced by the link.
  public internal(set) var marked = 0
  /// Nanoseconds from entering to the start of transmission, of each packet transmitted.
  public internal(set) var queueDelay = Histogram()
  public internal(set) var maximumQueueDelay = Duration.zero
}

/// How long a packet waited before its transmission began.
public struct LinkWait: Sendable, Equatable {
  /// When its transmission began.
  public var at: Instant
  public var wait: Duration
}

/// What passed in one sampling interval.
public struct LinkSample: Sendable, Equatable {
  public internal(set) var start: Instant
  /// Bytes on the wire that reached the far end in the interval.
  public internal(set) var bytes = 0
  /// Those of them that came from a background host.
  public internal(set) var backgroundBytes = 0
  /// The longest wait of a packet whose transmission began in the interval.
  public internal(set) var maximumQueueDelay = Duration.zero
}

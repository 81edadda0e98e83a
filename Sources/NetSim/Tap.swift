// Where captures and traces listen to the links.
import Basics

/// One direction of a link.
public struct LinkID: Hashable, Sendable {
  public let index: Int

  /// Where packets are that found no way, and so got onto no link.
  public static let none = LinkID(index: -1)
}

/// A host: one node and its interfaces.
public struct HostID: Hashable, Sendable {
  public let index: Int
}

/// What runs over IP. A datagram's bytes are its UDP payload, a segment's begin with its header.
public enum IPProtocol: UInt8, Sendable {
  case tcp = 6
  case udp = 17
}

public enum LinkEvent: Sendable, Equatable {
  case entered
  /// Reached the far end, after propagation.
  case delivered
  case dropped(DropReason)
}

/// Sees every packet on every link, and on `LinkID.none` those that are dropped before the first. Must
/// not call the simulator.
public protocol LinkTap: AnyObject {
  /// - Parameter path: as the sender of the packet sees it.
  func packet(
    on link: LinkID, event: LinkEvent, path: Path, protocol: IPProtocol, bytes: RawSpan, ecn: ECN,
    at now: Instant)
}

// What a link lets through by kind: firewalls, black holes of large packets, one family of IP gone.
import Basics

/// Packets that a link drops by what they are. The default lets everything through. Protocols that
/// share a port are told apart by their first byte (RFC 7983 §7), so the simulator need not know them.
public struct LinkFilter: Sendable, Equatable {
  /// Datagrams whose first byte lies in one of these ranges.
  public var firstBytes: [ClosedRange<UInt8>] = []
  public var blocksDatagrams = false
  public var blocksStreams = false
  public var family: IPAddress.Family?
  /// Larger datagrams vanish without a word, in bytes on the wire; nil for no limit. Streams find the
  /// path's size out by themselves (RFC 8899).
  public var mtu: Int?

  public init() {}

  var isOpen: Bool { self == LinkFilter() }

  /// Why a packet does not pass; nil when it does.
  func objection(to flight: Flight, _ bytes: RawSpan) -> DropReason? {
    if family == flight.path.remote.ip.family { return .blocked }
    if flight.ipProtocol == .tcp { return blocksStreams ? .blocked : nil }
    if blocksDatagrams { return .blocked }
    if let mtu, Int(flight.size) > mtu { return .tooLarge }
    guard !firstBytes.isEmpty, !bytes.isEmpty else { return nil }
    let first = bytes.unsafeLoad(as: UInt8.self)
    return firstBytes.contains { $0.contains(first) } ? .blocked : nil
  }

  /// Both filters at once.
  public func union(_ other: LinkFilter) -> LinkFilter {
    var result = self
    result.firstBytes += other.firstBytes
    result.blocksDatagrams = blocksDatagrams || other.blocksDatagrams
    result.blocksStreams = blocksStreams || other.blocksStreams
    result.family = family ?? other.family
    result.mtu = [mtu, other.mtu].compactMap { $0 }.min()
    return result
  }
}

// The sizes and bounds of the simulated internet.
import Basics

enum Limits {
  static let ipv4Header = 20
  static let ipv6Header = 40
  static let udpHeader = 8
  /// Calls to one node at one instant, beyond which it is taken to spin.
  static let callsAtOneInstant = 100_000

  /// IP header bytes for `ip`, without options.
  static func ipHeader(_ ip: IPAddress) -> Int { ip.family == .v4 ? ipv4Header : ipv6Header }
}

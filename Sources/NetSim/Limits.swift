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

/// How signalling streams behave; the defaults are Linux's and Go's where they have one.
public struct StreamParameters: Sendable, Equatable {
  /// Round trips of the TLS handshake before the request: 1 is TLS 1.3, 2 is TLS 1.2, 0 is none.
  public var tlsRoundTrips = 1
  /// A connection that goes so long without an acknowledgment it waits for is lost; also one that
  /// is not made within this time.
  public var lossTimeout = Duration.seconds(15)
  /// An idle connection is probed after so long without a word from the other end; nil for never.
  public var keepAlive: Duration? = .seconds(15)
  /// A stream with more bytes than this not yet acknowledged is `writable` once it falls below.
  public var sendBufferLimit = 65_536

  public init() {}
}

extension Limits {
  static let maximumSegmentSize = 1_400
  /// RFC 6928 §2.
  static let initialWindow = 10 * maximumSegmentSize
  static let duplicateAckThreshold = 3
  /// RFC 6298 §2.1 and §2.4, with Linux's floor under the variance term.
  static let initialRTO = Duration.seconds(1)
  static let minimumRTO = Duration.milliseconds(200)
  static let maximumRTO = Duration.seconds(60)
  /// Probes of one silence follow each other so.
  static let keepAliveProbeInterval = Duration.seconds(3)
  /// Bytes of a TLS handshake's flights: ClientHello; certificates and what is with them; others.
  static let clientHello = 512
  static let serverFlight = 2_500
  static let laterFlight = 128
  /// TLS 1.3 content type and tag (RFC 8446 §5.2), beside the record header.
  static let tlsOverhead = 17
  static let longestRecord = 1 << 24
  /// Twice the longest life of a segment (RFC 9293 §3.4.2).
  static let timeWait = Duration.seconds(240)
  /// The dynamic ports of RFC 6335 §6.
  static let firstEphemeralPort: UInt16 = 49_152
  static let ephemeralPorts: UInt16 = 16_384
}

// Where and when a datagram of a capture was seen; its bytes are handed over beside it.

import Basics

public struct CapturedDatagram: Equatable, Sendable {
  public enum Transport: String, Sendable {
    case udp
    /// A packet of an RFC 4571 stream or of a TURN connection.
    case tcp
    /// The file holds payloads only.
    case none
  }

  /// Of the packet in its file, counted from 1 as Wireshark does.
  public var packetNumber: Int
  /// Since 1970, as the capture says.
  public var time: Instant
  public var source: Address
  public var destination: Address
  public var ecn: ECN
  public var transport: Transport
  /// Index of the capturing interface.
  public var interface: Int
  /// Bytes of the payload on the wire; more than there are where the snapshot length cut it.
  public var originalSize: Int
  /// Bytes of IP and transport headers.
  public var headerSize: Int
  /// The peer's address behind a TURN server (RFC 8656), where the datagram was unwrapped.
  public var relayedPeer: Address?
  /// The datagram was put together from IP fragments.
  public var isReassembled = false

  /// What stands for the ends of packets in a format without addresses.
  public static let unknownAddress = Address(IPAddress(v4: 0), port: 0)
  public static let localAddress = Address(IPAddress(v4: 0), port: 1)
  public static let remoteAddress = Address(IPAddress(v4: 0), port: 2)
}

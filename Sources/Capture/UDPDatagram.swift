// A UDP datagram as a capture holds it.

import Basics

public struct UDPDatagram: Equatable, Sendable {
  /// Since 1970, as the capture says.
  public var time: Instant
  public var source: Address
  public var destination: Address
  public var ecn: ECN
  /// The bytes captured of the payload.
  public var payload: [UInt8]
  /// The capture's snapshot length cut the payload short.
  public var isTruncated: Bool
  /// Of the packet in its file, counted from 1 as Wireshark does.
  public var packetNumber: Int

  public init(
    time: Instant, source: Address, destination: Address, ecn: ECN = .notCapable,
    payload: [UInt8], isTruncated: Bool = false, packetNumber: Int
  ) {
    self.time = time
    self.source = source
    self.destination = destination
    self.ecn = ecn
    self.payload = payload
    self.isTruncated = isTruncated
    self.packetNumber = packetNumber
  }
}

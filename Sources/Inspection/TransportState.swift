// Two addresses that talk: what passed each way, their checks, their DTLS and their keys.

import Basics
import Capture
import Results
import Wire

/// One direction between two addresses.
struct FlowKey: Hashable {
  var source: Address
  var destination: Address
  /// Behind a TURN server.
  var relayedPeer: Address?

  var reversed: FlowKey {
    FlowKey(source: destination, destination: source, relayedPeer: relayedPeer)
  }
}

/// One direction, with what its packets need at once.
final class Flow {
  let key: FlowKey
  let transport: TransportState
  let isForward: Bool
  /// Whether its RTP is certain.
  var isConfirmed: Bool
  /// In the order of appearance.
  var streams: [StreamState] = []
  var lastStream: StreamState?
  var rtcp = RTCPCounts()

  init(key: FlowKey, transport: TransportState, isForward: Bool, isConfirmed: Bool) {
    self.key = key
    self.transport = transport
    self.isForward = isForward
    self.isConfirmed = isConfirmed
  }
}

final class TransportState {
  var facts: CapturedTransport
  var association: DTLSObserver?
  var opening: SRTPOpening?
  /// Whether the key log has been asked for the association.
  var hasLookedForKeys = false
  /// Compounds that parse as a whole, and those of which only the first header does.
  var clearCompounds = 0
  var encryptedCompounds = 0
  var hasICE = false
  /// The first packet on each direction, for flows in the order of appearance.
  let firstPacket: Int

  init(_ key: FlowKey, _ datagram: CapturedDatagram) {
    facts = CapturedTransport(
      forward: CapturedTransport.Direction(source: key.source, destination: key.destination),
      backward: CapturedTransport.Direction(source: key.destination, destination: key.source),
      protocolName: datagram.transport == .none ? "" : datagram.transport.rawValue)
    facts.relayedPeer = key.relayedPeer
    firstPacket = datagram.packetNumber
  }

  /// Whether SRTP is certain: a DTLS handshake, or RTCP of which only the headers are in clear.
  var isEncrypted: Bool {
    if clearCompounds > encryptedCompounds { return false }
    return association != nil || encryptedCompounds > 0
  }
}

/// Packets by RTCP type.
struct RTCPCounts {
  /// In the order in which they are reported.
  static let names = [
    "SR", "RR", "SDES", "BYE", "APP", "NACK", "TMMBR", "TMMBN", "transport-cc", "CCFB",
    "RTPFB (other)", "PLI", "SLI", "RPSI", "FIR", "REMB", "PSFB (other)", "XR", "other",
  ]

  private var counts = [Int](repeating: 0, count: names.count)

  mutating func add(_ packetType: UInt8, _ format: UInt8, isREMB: Bool) {
    counts[RTCPCounts.index(packetType, format, isREMB)] += 1
  }

  /// RFC 3550 §12.1, RFC 4585 §9, RFC 5104 §4.3, RFC 8888 §3.1, RFC 3611 §2.
  private static func index(_ packetType: UInt8, _ format: UInt8, _ isREMB: Bool) -> Int {
    switch (packetType, format) {
    case (200, _): 0
    case (201, _): 1
    case (202, _): 2
    case (203, _): 3
    case (204, _): 4
    case (205, 1): 5
    case (205, 3): 6
    case (205, 4): 7
    case (205, 15): 8
    case (205, 11): 9
    case (205, _): 10
    case (206, 1): 11
    case (206, 2): 12
    case (206, 3): 13
    case (206, 4): 14
    case (206, 15): isREMB ? 15 : 16
    case (206, _): 16
    case (207, _): 17
    default: 18
    }
  }

  var result: [CapturedTransport.RTCPCount] {
    zip(RTCPCounts.names, counts).filter { $0.1 > 0 }
      .map { CapturedTransport.RTCPCount(type: $0.0, count: $0.1) }
  }
}

/// The headers of a compound, without reading the packets.
struct CompoundHeaders {
  enum Shape { case whole, firstOnly, malformed }

  private(set) var shape = Shape.malformed

  /// Calls `body` with packet type, format and whether it is REMB, for each packet in clear.
  init(_ bytes: RawSpan, _ body: (UInt8, UInt8, Bool) -> Void) {
    guard let first = CompoundHeaders.header(bytes, 0) else { return }
    shape = CompoundHeaders.isWhole(bytes) ? .whole : .firstOnly
    body(first.type, first.format, CompoundHeaders.isREMB(bytes, 0))
    guard shape == .whole else { return }
    var offset = first.size
    while offset < bytes.byteCount, let next = CompoundHeaders.header(bytes, offset) {
      body(next.type, next.format, CompoundHeaders.isREMB(bytes, offset))
      offset += next.size
    }
  }

  private static func isWhole(_ bytes: RawSpan) -> Bool {
    var offset = 0
    while offset < bytes.byteCount {
      guard let next = header(bytes, offset) else { return false }
      offset += next.size
    }
    return offset == bytes.byteCount
  }

  private static func header(
    _ bytes: RawSpan, _ offset: Int
  ) -> (type: UInt8, format: UInt8, size: Int)? {
    guard offset + 4 <= bytes.byteCount else { return nil }
    let first = bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
    let type = bytes.unsafeLoadUnaligned(fromByteOffset: offset + 1, as: UInt8.self)
    let words = UInt16(
      bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset + 2, as: UInt16.self))
    guard first >> 6 == 2, (192...223).contains(type) else { return nil }
    return (type, first & 0x1F, 4 * (Int(words) + 1))
  }

  private static func isREMB(_ bytes: RawSpan, _ offset: Int) -> Bool {
    guard offset + 16 <= bytes.byteCount else { return false }
    return UInt32(
      bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
      == 0x5245_4D42
  }
}

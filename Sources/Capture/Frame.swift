// Finding the UDP datagram in a captured frame (IEEE 802.3, RFC 791 §3.1, RFC 8200 §3, RFC 768).

import Basics
import CPcap
import Wire

/// What frames begin with.
enum LinkLayer {
  case ethernet
  /// An IP packet without anything before it.
  case raw
  /// "Cooked" captures of Linux, versions 1 and 2.
  case linuxCooked, linuxCooked2
  /// Four bytes of protocol family.
  case loopback

  /// Nil for a type of libpcap's (DLT) that is not supported.
  init?(dlt: CInt) {
    switch dlt {
    case DLT_EN10MB: self = .ethernet
    case DLT_RAW, DLT_IPV4, DLT_IPV6: self = .raw
    case DLT_LINUX_SLL: self = .linuxCooked
    case DLT_LINUX_SLL2: self = .linuxCooked2
    case DLT_NULL, DLT_LOOP: self = .loopback
    default: return nil
    }
  }

  /// Where the IP packet begins in `frame`; nil where it holds another protocol.
  func ipOffset(in frame: RawSpan) throws(WireError) -> Int? {
    var reader = ByteReader(frame)
    switch self {
    case .raw:
      return 0
    case .ethernet:
      _ = try reader.take(12)
    case .linuxCooked:
      _ = try reader.take(14)
    case .linuxCooked2:
      let etherType = try reader.u16()
      _ = try reader.take(18)
      return EtherType.isIP(etherType) ? reader.offset : nil
    case .loopback:
      let family = try reader.u32()
      return LinkLayer.isIP(family: family) ? reader.offset : nil
    }
    while true {
      let etherType = try reader.u16()
      if EtherType.isIP(etherType) { return reader.offset }
      guard EtherType.isVLAN(etherType) else { return nil }
      _ = try reader.take(2)
    }
  }

  /// Whether a loopback header names IPv4 or IPv6: a family of the capturing host's, in its byte
  /// order (AF_INET6 is 10 in Linux, 23 in Windows, 24, 28 and 30 in the BSDs).
  private static func isIP(family: UInt32) -> Bool {
    let small = family > 0xFFFF ? family.byteSwapped : family
    return [2, 10, 23, 24, 28, 30].contains(small)
  }
}

enum EtherType {
  static let ipv4: UInt16 = 0x0800
  static let ipv6: UInt16 = 0x86DD

  static func isIP(_ value: UInt16) -> Bool { value == ipv4 || value == ipv6 }
  /// IEEE 802.1Q, 802.1ad and the older tag of the same use.
  static func isVLAN(_ value: UInt16) -> Bool {
    value == 0x8100 || value == 0x88A8 || value == 0x9100
  }
}

/// What a frame holds.
enum FrameContent {
  case datagram(UDPDatagram)
  /// A part of a fragmented IP packet.
  case fragment
  /// Not UDP over IP.
  case other
  /// UDP over IP whose headers are cut short or contradict themselves.
  case malformed

  init(_ frame: RawSpan, _ link: LinkLayer, time: Instant, packetNumber: Int) {
    do throws(WireError) {
      guard let offset = try link.ipOffset(in: frame) else {
        self = .other
        return
      }
      let packet = try IPPacket(frame, offset)
      if packet.isFragment {
        self = .fragment
      } else if packet.protocolNumber == IPPacket.udp {
        self = .datagram(
          try UDPDatagram(frame, packet, time: time, packetNumber: packetNumber))
      } else {
        self = .other
      }
    } catch {
      self = .malformed
    }
  }
}

/// The headers of an IP packet.
struct IPPacket {
  static let udp: UInt8 = 17

  var source: IPAddress
  var destination: IPAddress
  var ecn: ECN
  /// Of what follows the headers.
  var protocolNumber: UInt8
  var isFragment: Bool
  /// Where in the frame that lies, as far as it was captured.
  var payload: Range<Int>

  init(_ frame: RawSpan, _ offset: Int) throws(WireError) {
    switch frame.byte(at: offset).map({ $0 >> 4 }) {
    case 4: self = try IPPacket(v4: frame, offset)
    case 6: self = try IPPacket(v6: frame, offset)
    case nil: throw .truncated
    default: throw .wrongProtocol
    }
  }

  ///    0                   1                   2                   3
  ///    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
  ///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  ///   |Version|  IHL  |   DSCP    |ECN|          Total Length         |
  ///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  ///   |         Identification        |Flags|      Fragment Offset    |
  ///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  ///   |  Time to Live |    Protocol   |         Header Checksum       |
  ///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  ///   |          source, then destination address, then options       |
  private init(v4 frame: RawSpan, _ offset: Int) throws(WireError) {
    var reader = ByteReader(frame, offset..<frame.byteCount)
    let headerSize = Int(try reader.u8() & 0x0F) * 4
    ecn = ECN(rawValue: try reader.u8() & 0x03)!
    let totalLength = Int(try reader.u16())
    _ = try reader.u16()
    // More fragments, or an offset.
    isFragment = try reader.u16() & 0x3FFF != 0
    _ = try reader.u8()
    protocolNumber = try reader.u8()
    _ = try reader.u16()
    source = IPAddress(v4: try reader.u32())
    destination = IPAddress(v4: try reader.u32())
    // A length of zero is left to the network card by segmentation offload.
    let size = totalLength == 0 ? frame.byteCount - offset : totalLength
    guard headerSize >= 20, size >= headerSize else { throw .badLength }
    guard offset + headerSize <= frame.byteCount else { throw .truncated }
    payload = (offset + headerSize)..<min(offset + size, frame.byteCount)
  }

  ///    0                   1                   2                   3
  ///    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
  ///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  ///   |Version|   DSCP    |ECN|           Flow Label                  |
  ///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  ///   |         Payload Length        |  Next Header  |   Hop Limit   |
  ///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  ///   |          source, then destination address, then headers       |
  private init(v6 frame: RawSpan, _ offset: Int) throws(WireError) {
    var reader = ByteReader(frame, offset..<frame.byteCount)
    ecn = ECN(rawValue: UInt8(truncatingIfNeeded: try reader.u32() >> 20 & 0x03))!
    let payloadLength = Int(try reader.u16())
    protocolNumber = try reader.u8()
    _ = try reader.u8()
    source = IPAddress(v6High: try reader.u64(), low: try reader.u64())
    destination = IPAddress(v6High: try reader.u64(), low: try reader.u64())
    let end = payloadLength == 0 ? frame.byteCount : reader.offset + payloadLength
    isFragment = false
    while let extensionSize = try IPPacket.extensionHeader(
      protocolNumber, ByteReader(frame, reader.offset..<frame.byteCount))
    {
      let start = reader.offset
      let next = try reader.u8()
      if protocolNumber == IPPacket.fragmentHeader {
        _ = try reader.u8()
        // Of an offset, or more fragments; neither makes an atomic fragment (RFC 6946).
        if try reader.u16() & 0xFFF9 != 0 { isFragment = true }
      }
      protocolNumber = next
      _ = try reader.take(start + extensionSize - reader.offset)
      if isFragment { break }
    }
    guard end >= reader.offset else { throw .badLength }
    payload = reader.offset..<min(end, frame.byteCount)
  }

  private static let fragmentHeader: UInt8 = 44

  /// The size of the extension header that `reader` stands before; nil where `number` is none's.
  private static func extensionHeader(
    _ number: UInt8, _ reader: consuming ByteReader
  ) throws(WireError) -> Int? {
    switch number {
    case fragmentHeader:
      return 8
    case 0, 43, 60, 135:
      _ = try reader.u8()
      return 8 * (Int(try reader.u8()) + 1)
    case 51:
      _ = try reader.u8()
      return 4 * (Int(try reader.u8()) + 2)
    default:
      return nil
    }
  }
}

extension UDPDatagram {
  ///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  ///   |          source port          |       destination port        |
  ///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  ///   |            length             |           checksum            |
  ///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  init(
    _ frame: RawSpan, _ packet: IPPacket, time: Instant, packetNumber: Int
  ) throws(WireError) {
    var reader = ByteReader(frame, packet.payload)
    source = Address(packet.source, port: try reader.u16())
    destination = Address(packet.destination, port: try reader.u16())
    let length = Int(try reader.u16())
    _ = try reader.u16()
    guard length == 0 || length >= 8 else { throw .badLength }
    let size = length == 0 ? reader.remaining : length - 8
    isTruncated = size > reader.remaining
    payload = try reader.bytes(min(size, reader.remaining))
    ecn = packet.ecn
    self.time = time
    self.packetNumber = packetNumber
  }
}

// What a captured frame begins with, up to its IP packet (LINKTYPE_*, IEEE 802.1Q, RFC 1661,
// RFC 2516).

import Basics
import Wire

/// What frames begin with.
enum LinkLayer: Equatable {
  case ethernet
  /// An IP packet without anything before it.
  case raw
  /// "Cooked" captures of Linux, versions 1 and 2.
  case linuxCooked, linuxCooked2
  /// Four bytes of protocol family.
  case loopback
  /// PPP, with or without HDLC's address and control bytes (RFC 1662).
  case ppp
  /// A PPPoE session header (RFC 2516 §4).
  case pppoe

  /// Nil for a LINKTYPE of a capture file that is not supported.
  init?(linkType: UInt32) {
    switch linkType {
    case 1: self = .ethernet
    case 101, 228, 229: self = .raw
    case 113: self = .linuxCooked
    case 276: self = .linuxCooked2
    case 0, 108: self = .loopback
    case 9, 50: self = .ppp
    case 51: self = .pppoe
    default: return nil
    }
  }

  /// Nil for a type of libpcap's (DLT) that is not supported. They equal the LINKTYPEs, but for raw
  /// IP.
  init?(dlt: Int32) {
    if dlt == 12 || dlt == 14 {
      self = .raw
    } else {
      self.init(linkType: UInt32(bitPattern: dlt))
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
      return try LinkLayer.ipOffset(&reader, etherType)
    case .loopback:
      let family = try reader.u32()
      return LinkLayer.isIP(family: family) ? reader.offset : nil
    case .ppp:
      return try LinkLayer.pppOffset(&reader)
    case .pppoe:
      return try LinkLayer.pppoeOffset(&reader)
    }
    return try LinkLayer.ipOffset(&reader, try reader.u16())
  }

  /// Behind an EtherType and the tags that it announces.
  private static func ipOffset(
    _ reader: inout ByteReader, _ first: UInt16
  ) throws(WireError) -> Int? {
    var etherType = first
    while EtherType.isVLAN(etherType) {
      _ = try reader.take(2)
      etherType = try reader.u16()
    }
    if EtherType.isIP(etherType) { return reader.offset }
    return etherType == EtherType.pppoeSession ? try pppoeOffset(&reader) : nil
  }

  ///   | version, type | code 0 | session id | length |  PPP protocol ...
  private static func pppoeOffset(_ reader: inout ByteReader) throws(WireError) -> Int? {
    guard try reader.u16() == 0x1100 else { return nil }
    _ = try reader.take(4)
    return try pppOffset(&reader)
  }

  /// The protocol has one byte where that is odd (RFC 1661 §6.5).
  private static func pppOffset(_ reader: inout ByteReader) throws(WireError) -> Int? {
    var first = try reader.u8()
    if first == 0xFF {
      guard try reader.u8() == 0x03 else { return nil }
      first = try reader.u8()
    }
    let number = first & 1 == 1 ? UInt16(first) : UInt16(first) << 8 | UInt16(try reader.u8())
    return number == 0x0021 || number == 0x0057 ? reader.offset : nil
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
  static let pppoeSession: UInt16 = 0x8864

  static func isIP(_ value: UInt16) -> Bool { value == ipv4 || value == ipv6 }
  /// IEEE 802.1Q, 802.1ad and the older tag of the same use.
  static func isVLAN(_ value: UInt16) -> Bool {
    value == 0x8100 || value == 0x88A8 || value == 0x9100
  }
}

// The Ethernet, IP and UDP headers before a payload, with checksums (RFC 791, RFC 8200, RFC 768).

import Basics
import Wire

struct FrameHeaders {
  /// Locally administered, not a group's.
  private static let etherAddress: [UInt8] = [0x02, 0, 0, 0, 0, 0]
  private static let etherSize = 14
  private static let hopLimit: UInt8 = 64
  private static let udpSize = 8
  private static let dontFragment: UInt16 = 0x4000

  let bytes: [UInt8]

  /// Nil for a payload too large to be counted by the headers.
  init?(_ source: Address, _ destination: Address, _ ecn: ECN, _ payload: RawSpan) {
    precondition(source.ip.family == destination.ip.family, "addresses of two families")
    let udpLength = payload.byteCount + FrameHeaders.udpSize
    guard udpLength + 20 <= Int(UInt16.max) else { return nil }
    var writer = ByteWriter(capacity: 64)
    writer.append(FrameHeaders.etherAddress)
    writer.append(FrameHeaders.etherAddress)
    switch source.ip.family {
    case .v4:
      writer.u16(EtherType.ipv4)
      writer.u8(0x45)
      writer.u8(ecn.rawValue)
      writer.u16(UInt16(20 + udpLength))
      writer.u16(0)
      writer.u16(FrameHeaders.dontFragment)
      writer.u8(FrameHeaders.hopLimit)
      writer.u8(IPPacket.udp)
      writer.u16(0)
      writer.address(source.ip)
      writer.address(destination.ip)
      var sum = InternetChecksum()
      sum.add(writer.bytes.span.bytes, from: FrameHeaders.etherSize)
      writer.patch(u16: sum.value, at: FrameHeaders.etherSize + 10)
    case .v6:
      writer.u16(EtherType.ipv6)
      writer.u32(0x6000_0000 | UInt32(ecn.rawValue) << 20)
      writer.u16(UInt16(udpLength))
      writer.u8(IPPacket.udp)
      writer.u8(FrameHeaders.hopLimit)
      writer.address(source.ip)
      writer.address(destination.ip)
    }
    writer.u16(source.port)
    writer.u16(destination.port)
    writer.u16(UInt16(udpLength))
    writer.u16(FrameHeaders.udpChecksum(source, destination, UInt16(udpLength), payload))
    bytes = writer.bytes
  }

  /// Over the pseudo-header, the header and the payload; never zero, which would say "none".
  private static func udpChecksum(
    _ source: Address, _ destination: Address, _ udpLength: UInt16, _ payload: RawSpan
  ) -> UInt16 {
    var covered = ByteWriter(capacity: 48)
    covered.address(source.ip)
    covered.address(destination.ip)
    covered.u16(UInt16(IPPacket.udp))
    covered.u16(udpLength)
    covered.u16(source.port)
    covered.u16(destination.port)
    covered.u16(udpLength)
    var sum = InternetChecksum()
    sum.add(covered.bytes.span.bytes)
    sum.add(payload)
    return sum.value == 0 ? 0xFFFF : sum.value
  }
}

/// The one's complement sum of RFC 1071.
struct InternetChecksum {
  private var sum: UInt64 = 0

  /// Adds the bytes from `start` on, an even number of them in all but the last span.
  mutating func add(_ bytes: RawSpan, from start: Int = 0) {
    var offset = start
    while offset + 1 < bytes.byteCount {
      let word = bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self)
      sum &+= UInt64(UInt16(bigEndian: word))
      offset += 2
    }
    if let last = bytes.byte(at: offset) { sum &+= UInt64(last) << 8 }
  }

  var value: UInt16 {
    var folded = sum
    while folded > 0xFFFF { folded = (folded & 0xFFFF) + (folded >> 16) }
    return ~UInt16(truncatingIfNeeded: folded)
  }
}

extension ByteWriter {
  fileprivate mutating func address(_ ip: IPAddress) {
    if ip.family == .v4 {
      u32(UInt32(truncatingIfNeeded: ip.low))
    } else {
      u64(ip.high)
      u64(ip.low)
    }
  }
}

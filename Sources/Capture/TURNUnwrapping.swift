// Taking TURN off: Send and Data indications and ChannelData (RFC 8656 §11, §12).
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |  Channel Number 0x4000-0x4FFF |            Length             |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |                   Application Data ...                        |

import Basics
import Wire

struct TURNUnwrapping {
  /// A channel between a client and its server, whichever way a packet goes.
  private struct Channel: Hashable {
    var low: Address
    var high: Address
    var number: UInt16

    init(_ a: Address, _ b: Address, _ number: UInt16) {
      (low, high) = a < b ? (a, b) : (b, a)
      self.number = number
    }
  }

  private enum Kind {
    static let sendIndication: UInt16 = 0x0016
    static let dataIndication: UInt16 = 0x0017
    static let channelBindRequest: UInt16 = 0x0009
    static let channelNumber: UInt16 = 0x000C
    static let xorPeerAddress: UInt16 = 0x0012
    static let data: UInt16 = 0x0013
  }

  private static let channelLimit = 4_096
  private static let magicCookie: UInt32 = 0x2112_A442

  private var peers: [Channel: Address] = [:]

  /// What a TURN datagram carries: where it lies, and the peer it is for or from. Nil where `bytes`
  /// is no TURN data.
  mutating func unwrap(
    _ bytes: RawSpan, _ source: Address, _ destination: Address
  ) -> (range: Range<Int>, peer: Address)? {
    guard let first = bytes.byte(at: 0) else { return nil }
    switch first {
    case 0...1: return try? indication(bytes, source, destination)
    case 0x40...0x4F: return try? channelData(bytes, source, destination)
    default: return nil
    }
  }

  private func channelData(
    _ bytes: RawSpan, _ source: Address, _ destination: Address
  ) throws(WireError) -> (range: Range<Int>, peer: Address)? {
    var reader = ByteReader(bytes)
    let number = try reader.u16()
    let length = Int(try reader.u16())
    // Over UDP, padding is optional.
    guard length >= 8, length <= reader.remaining, reader.remaining - length < 4 else { return nil }
    let range = try reader.take(length)
    if let peer = peers[Channel(source, destination, number)] { return (range, peer) }
    // The binding was not captured: only what is certainly a packet of a media transport counts.
    switch PacketKind(bytes.extracting(range)) {
    case .rtp, .rtcp, .dtls, .stun: return (range, Address(IPAddress(v4: 0), port: number))
    default: return nil
    }
  }

  private mutating func indication(
    _ bytes: RawSpan, _ source: Address, _ destination: Address
  ) throws(WireError) -> (range: Range<Int>, peer: Address)? {
    var reader = ByteReader(bytes)
    let type = try reader.u16()
    guard [Kind.sendIndication, Kind.dataIndication, Kind.channelBindRequest].contains(type)
    else { return nil }
    let length = Int(try reader.u16())
    guard try reader.u32() == TURNUnwrapping.magicCookie, length <= reader.remaining - 12
    else { return nil }
    let mask = (high: try reader.u32(), low: try reader.u64())
    var (peer, data, channel) = (nil as Address?, nil as Range<Int>?, nil as UInt16?)
    while reader.remaining >= 4 {
      let attribute = try reader.u16()
      let size = Int(try reader.u16())
      let range = try reader.take(size)
      _ = try reader.take(min(reader.remaining, -size & 3))
      var value = ByteReader(bytes, range)
      switch attribute {
      case Kind.xorPeerAddress: peer = try TURNUnwrapping.address(&value, mask)
      case Kind.data: data = range
      case Kind.channelNumber: channel = try value.u16()
      default: break
      }
    }
    guard let peer else { return nil }
    if type == Kind.channelBindRequest {
      if let channel, peers.count < TURNUnwrapping.channelLimit {
        peers[Channel(source, destination, channel)] = peer
      }
      return nil
    }
    return data.map { ($0, peer) }
  }

  /// XOR-PEER-ADDRESS (RFC 8656 §18.3, RFC 8489 §14.2).
  private static func address(
    _ reader: inout ByteReader, _ mask: (high: UInt32, low: UInt64)
  ) throws(WireError) -> Address {
    let family = try reader.u16() & 0xFF
    let port = try reader.u16() ^ UInt16(magicCookie >> 16)
    if family == 1 { return Address(IPAddress(v4: try reader.u32() ^ magicCookie), port: port) }
    guard family == 2 else { throw .badValue }
    let high = try reader.u64() ^ (UInt64(magicCookie) << 32 | UInt64(mask.high))
    return Address(IPAddress(v6High: high, low: try reader.u64() ^ mask.low), port: port)
  }
}

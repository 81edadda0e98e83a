// STUN attributes: those of RFC 8489 §14 and RFC 8445 §16.1, and libwebrtc's network cost.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |         Type                  |            Length             |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |                   Value (padded to a word)                 ....
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

import Basics

public enum STUNAttribute: Equatable, Sendable {
  case mappedAddress(Address)
  case xorMappedAddress(Address)
  case username(String)
  case realm(String)
  case nonce(String)
  case software(String)
  /// 300...699 and a phrase for people.
  case errorCode(Int, reason: String)
  case unknownAttributes([UInt16])
  case priority(UInt32)
  case useCandidate
  case iceControlled(tiebreaker: UInt64)
  case iceControlling(tiebreaker: UInt64)
  case networkCost(networkID: UInt16, cost: UInt16)
  /// Any other; also text that is not UTF-8.
  case unknown(type: UInt16, value: [UInt8])

  enum Kind {
    static let mappedAddress: UInt16 = 0x0001
    static let username: UInt16 = 0x0006
    static let messageIntegrity: UInt16 = 0x0008
    static let errorCode: UInt16 = 0x0009
    static let unknownAttributes: UInt16 = 0x000A
    static let realm: UInt16 = 0x0014
    static let nonce: UInt16 = 0x0015
    static let xorMappedAddress: UInt16 = 0x0020
    static let priority: UInt16 = 0x0024
    static let useCandidate: UInt16 = 0x0025
    static let software: UInt16 = 0x8022
    static let fingerprint: UInt16 = 0x8028
    static let iceControlled: UInt16 = 0x8029
    static let iceControlling: UInt16 = 0x802A
    static let networkCost: UInt16 = 0xC057
  }

  var type: UInt16 {
    switch self {
    case .mappedAddress: Kind.mappedAddress
    case .xorMappedAddress: Kind.xorMappedAddress
    case .username: Kind.username
    case .realm: Kind.realm
    case .nonce: Kind.nonce
    case .software: Kind.software
    case .errorCode: Kind.errorCode
    case .unknownAttributes: Kind.unknownAttributes
    case .priority: Kind.priority
    case .useCandidate: Kind.useCandidate
    case .iceControlled: Kind.iceControlled
    case .iceControlling: Kind.iceControlling
    case .networkCost: Kind.networkCost
    case .unknown(let type, _): type
    }
  }
}

extension STUNAttribute {
  /// Reads the value that `range` of `bytes` holds.
  init(
    _ type: UInt16, _ bytes: RawSpan, _ range: Range<Int>, _ transactionID: STUNTransactionID
  ) throws(WireError) {
    var reader = ByteReader(bytes, range)
    switch type {
    case Kind.mappedAddress: self = .mappedAddress(try reader.address())
    case Kind.xorMappedAddress:
      self = .xorMappedAddress(try reader.address().masked(by: transactionID))
    case Kind.username, Kind.realm, Kind.nonce, Kind.software:
      self = STUNAttribute(text: type, bytes.array(range))
      return
    case Kind.errorCode:
      let number = try reader.u32()
      let (hundreds, rest) = (Int(number >> 8 & 7), Int(number & 0xFF))
      guard (3...6).contains(hundreds), rest < 100 else { throw .badValue }
      let reason = String(decoding: try reader.bytes(reader.remaining), as: UTF8.self)
      self = .errorCode(100 * hundreds + rest, reason: reason)
    case Kind.unknownAttributes:
      var types: [UInt16] = []
      while !reader.isAtEnd { types.append(try reader.u16()) }
      self = .unknownAttributes(types)
    case Kind.priority: self = .priority(try reader.u32())
    case Kind.useCandidate: self = .useCandidate
    case Kind.iceControlled: self = .iceControlled(tiebreaker: try reader.u64())
    case Kind.iceControlling: self = .iceControlling(tiebreaker: try reader.u64())
    case Kind.networkCost:
      self = .networkCost(networkID: try reader.u16(), cost: try reader.u16())
    default:
      self = .unknown(type: type, value: bytes.array(range))
      return
    }
    guard reader.isAtEnd else { throw .badLength }
  }

  private init(text type: UInt16, _ bytes: [UInt8]) {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      self = .unknown(type: type, value: bytes)
      return
    }
    switch type {
    case Kind.username: self = .username(text)
    case Kind.realm: self = .realm(text)
    case Kind.nonce: self = .nonce(text)
    default: self = .software(text)
    }
  }

  func writeValue(to writer: inout ByteWriter, _ transactionID: STUNTransactionID) {
    switch self {
    case .mappedAddress(let address): writer.address(address)
    case .xorMappedAddress(let address): writer.address(address.masked(by: transactionID))
    case .username(let text), .realm(let text), .nonce(let text), .software(let text):
      writer.append(text.utf8)
    case .errorCode(let code, let reason):
      writer.u32(UInt32(code / 100) << 8 | UInt32(code % 100))
      writer.append(reason.utf8)
    case .unknownAttributes(let types): for type in types { writer.u16(type) }
    case .priority(let priority): writer.u32(priority)
    case .useCandidate: break
    case .iceControlled(let tiebreaker), .iceControlling(let tiebreaker): writer.u64(tiebreaker)
    case .networkCost(let networkID, let cost):
      writer.u16(networkID)
      writer.u16(cost)
    case .unknown(_, let value): writer.append(value)
    }
  }
}

/// MAPPED-ADDRESS and its kin (RFC 8489 §14.1, §14.2).
///
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   |0 0 0 0 0 0 0 0|    Family     |           Port                |
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   |                 Address (32 bits or 128 bits)                 |
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
extension ByteReader {
  @_lifetime(self: copy self)
  fileprivate mutating func address() throws(WireError) -> Address {
    let family = try u16() & 0xFF
    let port = try u16()
    switch family {
    case 1: return Address(IPAddress(v4: try u32()), port: port)
    case 2: return Address(IPAddress(v6High: try u64(), low: try u64()), port: port)
    default: throw .badValue
    }
  }
}

extension ByteWriter {
  fileprivate mutating func address(_ address: Address) {
    u16(address.ip.family == .v4 ? 1 : 2)
    u16(address.port)
    if address.ip.family == .v4 {
      u32(UInt32(truncatingIfNeeded: address.ip.low))
    } else {
      u64(address.ip.high)
      u64(address.ip.low)
    }
  }
}

extension Address {
  /// The address and port under the XOR mask of RFC 8489 §14.2, which undoes itself.
  fileprivate func masked(by id: STUNTransactionID) -> Address {
    let cookie = STUNMessage.magicCookie
    let maskedPort = port ^ UInt16(cookie >> 16)
    switch ip.family {
    case .v4:
      return Address(
        IPAddress(v4: UInt32(truncatingIfNeeded: ip.low) ^ cookie), port: maskedPort)
    case .v6:
      let high = ip.high ^ (UInt64(cookie) << 32 | UInt64(id.high))
      return Address(IPAddress(v6High: high, low: ip.low ^ id.low), port: maskedPort)
    }
  }
}

// STUN messages: the header and the attributes as a list (RFC 8489 §5).
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |0 0|     STUN Message Type     |         Message Length        |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |                         Magic Cookie                          |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |                     Transaction ID (96 bits)                  |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

import Basics

/// The 96 bits by which a response finds its request.
public struct STUNTransactionID: Hashable, Sendable {
  public var high: UInt32
  public var low: UInt64

  public init(high: UInt32, low: UInt64) {
    self.high = high
    self.low = low
  }

  public init(from random: inout RandomStream) {
    high = UInt32(truncatingIfNeeded: random.next())
    low = random.next()
  }
}

public struct STUNMessage: Equatable, Sendable {
  public static let headerSize = 20
  static let magicCookie: UInt32 = 0x2112_A442

  public enum Class: UInt16, Sendable { case request, indication, success, error }

  /// The method of a connectivity check (RFC 8489 §18.2).
  public static let binding: UInt16 = 0x001

  public var messageClass: Class
  /// 12 bit.
  public var method: UInt16
  public var transactionID: STUNTransactionID
  /// In their order, without MESSAGE-INTEGRITY and FINGERPRINT.
  public var attributes: [STUNAttribute]
  /// Where the MESSAGE-INTEGRITY attribute begins in the bytes this was read from.
  public private(set) var integrityOffset: Int?
  /// Where the FINGERPRINT attribute begins in the bytes this was read from.
  public private(set) var fingerprintOffset: Int?

  public init(
    _ messageClass: Class, method: UInt16 = STUNMessage.binding,
    transactionID: STUNTransactionID, attributes: [STUNAttribute] = []
  ) {
    self.messageClass = messageClass
    self.method = method
    self.transactionID = transactionID
    self.attributes = attributes
  }

  /// Reads a message that fills `bytes`. Attributes behind MESSAGE-INTEGRITY are not covered by it,
  /// so they are ignored, but for FINGERPRINT (RFC 8489 §14.5).
  /// - Throws: `truncated`, `wrongProtocol` (first two bits, magic cookie), `badLength`,
  ///   `badValue`.
  public init(_ bytes: RawSpan) throws(WireError) {
    var reader = ByteReader(bytes)
    let type = try reader.u16()
    let length = Int(try reader.u16())
    guard type & 0xC000 == 0, try reader.u32() == STUNMessage.magicCookie
    else { throw .wrongProtocol }
    transactionID = STUNTransactionID(high: try reader.u32(), low: try reader.u64())
    guard length == reader.remaining, length % 4 == 0 else { throw .badLength }
    messageClass = Class(rawValue: (type >> 4 & 1) | (type >> 7 & 2))!
    method = (type & 0xF) | (type >> 1 & 0x70) | (type >> 2 & 0xF80)
    attributes = []
    while !reader.isAtEnd {
      let start = reader.offset
      let attributeType = try reader.u16()
      let size = Int(try reader.u16())
      let value = try reader.take(size)
      _ = try reader.take(-size & 3)
      switch attributeType {
      case STUNAttribute.Kind.fingerprint:
        guard size == 4 else { throw .badLength }
        fingerprintOffset = fingerprintOffset ?? start
      case STUNAttribute.Kind.messageIntegrity:
        guard size == STUNMessage.integritySize else { throw .badLength }
        integrityOffset = integrityOffset ?? start
      default:
        guard integrityOffset == nil, fingerprintOffset == nil else { continue }
        attributes.append(try STUNAttribute(attributeType, bytes, value, transactionID))
      }
    }
  }

  /// Writes the header, with a length still to be set, and the attributes.
  func writeUnsigned() -> ByteWriter {
    var writer = ByteWriter()
    let classBits = messageClass.rawValue
    writer.u16(
      (method & 0xF) | (method & 0x70) << 1 | (method & 0xF80) << 2 | (classBits & 1) << 4
        | (classBits & 2) << 7)
    writer.u16(0)
    writer.u32(STUNMessage.magicCookie)
    writer.u32(transactionID.high)
    writer.u64(transactionID.low)
    for attribute in attributes {
      writer.u16(attribute.type)
      let lengthOffset = writer.count
      writer.u16(0)
      attribute.writeValue(to: &writer, transactionID)
      let size = writer.count - lengthOffset - 2
      precondition(size <= Int(UInt16.max))
      writer.patch(u16: UInt16(size), at: lengthOffset)
      writer.pad(to: 4)
    }
    return writer
  }
}

extension STUNMessage {
  /// The types of attributes that a receiver must understand and this code does not: what a 420
  /// response lists (RFC 8489 §6.3.1).
  public var unknownRequiredAttributes: [UInt16] {
    attributes.compactMap {
      if case .unknown(let type, _) = $0, type < 0x8000 { type } else { nil }
    }
  }

  public var username: String? {
    attributes.firstValue { if case .username(let name) = $0 { name } else { nil } }
  }
  public var xorMappedAddress: Address? {
    attributes.firstValue { if case .xorMappedAddress(let address) = $0 { address } else { nil } }
  }
  public var priority: UInt32? {
    attributes.firstValue { if case .priority(let priority) = $0 { priority } else { nil } }
  }
  public var usesCandidate: Bool { attributes.contains(.useCandidate) }
  /// The tiebreaker of an agent that says it is controlled.
  public var iceControlled: UInt64? {
    attributes.firstValue {
      if case .iceControlled(let tiebreaker) = $0 { tiebreaker } else { nil }
    }
  }
  /// The tiebreaker of an agent that says it is controlling.
  public var iceControlling: UInt64? {
    attributes.firstValue {
      if case .iceControlling(let tiebreaker) = $0 { tiebreaker } else { nil }
    }
  }
  /// 300...699.
  public var errorCode: Int? {
    attributes.firstValue { if case .errorCode(let code, _) = $0 { code } else { nil } }
  }
  /// libwebrtc's cost of the sender's interface, 0 the best.
  public var networkCost: UInt16? {
    attributes.firstValue { if case .networkCost(_, let cost) = $0 { cost } else { nil } }
  }
}

extension Array {
  fileprivate func firstValue<Value>(_ value: (Element) -> Value?) -> Value? {
    for element in self {
      if let found = value(element) { return found }
    }
    return nil
  }
}

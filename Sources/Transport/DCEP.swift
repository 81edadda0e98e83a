// The data channel establishment protocol's two messages (RFC 8832 §5).

import Basics
import Wire

/// What a data channel is for.
public struct DataChannelParameters: Sendable, Equatable {
  public var label: String
  /// A subprotocol, or empty.
  public var protocolName: String
  public var isOrdered: Bool
  public var reliability: DataReliability
  /// RFC 8831 §6.4; 256 is normal.
  public var priority: UInt16

  public init(
    label: String, protocolName: String = "", isOrdered: Bool = true,
    reliability: DataReliability = .reliable, priority: UInt16 = 256
  ) {
    self.label = label
    self.protocolName = protocolName
    self.isOrdered = isOrdered
    self.reliability = reliability
    self.priority = priority
  }
}

//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |  Message Type |  Channel Type |            Priority           |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                    Reliability Parameter                      |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |         Label Length          |       Protocol Length         |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// \                             Label                             /
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// \                            Protocol                           /
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

/// A DATA_CHANNEL_OPEN or DATA_CHANNEL_ACK.
enum DCEPMessage: Equatable {
  case open(DataChannelParameters)
  case ack

  /// - Throws: `WireError` where it is cut short, of an unknown kind or not UTF-8.
  init(_ bytes: RawSpan) throws(WireError) {
    var r = ByteReader(bytes)
    switch try r.u8() {
    case 2: self = .ack
    case 3:
      let type = try r.u8()
      let priority = try r.u16()
      let parameter = try r.u32()
      let labelSize = Int(try r.u16())
      let protocolSize = Int(try r.u16())
      let reliability: DataReliability
      switch type & 0x7F {
      case 0: reliability = .reliable
      case 1: reliability = .retransmits(parameter)
      case 2: reliability = .lifetime(parameter)
      default: throw .badValue
      }
      guard let label = String(validating: try r.bytes(labelSize), as: UTF8.self),
        let protocolName = String(validating: try r.bytes(protocolSize), as: UTF8.self)
      else { throw .badValue }
      self = .open(
        DataChannelParameters(
          label: label, protocolName: protocolName, isOrdered: type & 0x80 == 0,
          reliability: reliability, priority: priority))
    default: throw .badValue
    }
  }

  var encoded: [UInt8] {
    guard case .open(let channel) = self else { return [2] }
    let (type, parameter): (UInt8, UInt32) =
      switch channel.reliability {
      case .reliable: (0, 0)
      case .retransmits(let count): (1, count)
      case .lifetime(let milliseconds): (2, milliseconds)
      }
    let label = Array(channel.label.utf8.prefix(Int(UInt16.max)))
    let protocolName = Array(channel.protocolName.utf8.prefix(Int(UInt16.max)))
    var w = ByteWriter()
    w.u8(3)
    w.u8(channel.isOrdered ? type : type | 0x80)
    w.u16(channel.priority)
    w.u32(parameter)
    w.u16(UInt16(label.count))
    w.u16(UInt16(protocolName.count))
    w.append(label)
    w.append(protocolName)
    return w.bytes
  }
}

// Stamping a packet as it leaves: its transport-wide sequence number
// (draft-holmer-rmcat-transport-wide-cc-extensions-01 §2) and its departure (abs-send-time).

import Basics

/// The moment of departure in 6.18 fixed-point seconds, as abs-send-time has it.
public func absSendTime(at now: Instant) -> UInt32 {
  // 2^18 units a second; wraps every 64 s.
  let units = UInt64(now.nanoseconds % 64_000_000_000) << 18 / 1_000_000_000
  return UInt32(truncatingIfNeeded: units) & 0xFF_FFFF
}

extension Packet {
  /// Whether there is room for a transport-wide number, where `beginRTP` and `rewriteRTP` write it.
  /// Budget: 3 ns.
  public func hasTransportNumber(_ map: RTPExtensionMap) -> Bool {
    var offset = RTPHeader.fixedSize + 4
    guard let id = map[.transportSequenceNumber], count > offset + 8,
      let first = bytes.byte(at: 0), first & 0x1F == 0x10,
      bytes.byte(at: RTPHeader.fixedSize) == 0xBE
    else { return false }
    if let sent = map[.absSendTime], bytes.byte(at: offset) == sent << 4 | 2 { offset += 4 }
    return bytes.byte(at: offset) == id << 4 | 1
  }

  /// Overwrites the transport-wide number and the departure in place, where the packet's extension
  /// block has them in front, as `beginRTP` and `rewriteRTP` write them. Budget: 3 ns.
  public mutating func stampDeparture(
    number: UInt16?, absSendTime: UInt32?, map: RTPExtensionMap
  ) {
    var offset = RTPHeader.fixedSize + 4
    guard count > offset + 8, let first = bytes.byte(at: 0), first & 0x1F == 0x10,
      bytes.byte(at: RTPHeader.fixedSize) == 0xBE
    else { return }
    if let absSendTime, let id = map[.absSendTime], bytes.byte(at: offset) == id << 4 | 2 {
      store(UInt8(truncatingIfNeeded: absSendTime >> 16), at: offset + 1)
      store(UInt16(truncatingIfNeeded: absSendTime), at: offset + 2)
      offset += 4
    }
    if let number, let id = map[.transportSequenceNumber],
      bytes.byte(at: offset) == id << 4 | 1
    {
      store(number, at: offset + 1)
    }
  }
}

// Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |                     SSRC of packet sender                     |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |                      SSRC of media source                     |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |      base sequence number     |      packet status count      |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |                 reference time                | fb pkt. count |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |          packet chunk         |  ...          |  recv delta   |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

import Basics

/// Whether a packet arrived, and how long after the one before it.
public enum PacketStatus: Equatable, Sendable {
  case lost
  /// In 250 us since the arrival before it; of the first since the reference time. May be negative.
  case received(delta: Int16)

  /// Its two-bit symbol, which is also the size of its delta in bytes.
  var symbol: UInt16 {
    switch self {
    case .lost: 0
    case .received(let delta): (0...255).contains(delta) ? 1 : 2
    }
  }
}

public struct TransportFeedback: Equatable, Sendable {
  public var senderSSRC: UInt32
  public var mediaSSRC: UInt32
  public var baseSequenceNumber: UInt16
  /// In 64 ms, signed 24 bit; wraps.
  public var referenceTime: Int32
  /// Counts feedback packets, so that their loss is seen; wraps.
  public var feedbackCount: UInt8
  /// One for each sequence number from the base on; 1...65535.
  public var packets: [PacketStatus]

  public init(
    senderSSRC: UInt32, mediaSSRC: UInt32, baseSequenceNumber: UInt16, referenceTime: Int32,
    feedbackCount: UInt8, packets: [PacketStatus]
  ) {
    self.senderSSRC = senderSSRC
    self.mediaSSRC = mediaSSRC
    self.baseSequenceNumber = baseSequenceNumber
    self.referenceTime = referenceTime
    self.feedbackCount = feedbackCount
    self.packets = packets
  }

  /// - Throws: `badValue` for no packets or the reserved symbol 3, `truncated`.
  @_lifetime(reader: copy reader)
  init(_ reader: inout ByteReader) throws(WireError) {
    senderSSRC = try reader.u32()
    mediaSSRC = try reader.u32()
    baseSequenceNumber = try reader.u16()
    let count = Int(try reader.u16())
    guard count > 0 else { throw .badValue }
    // Sign-extends 24 bits.
    referenceTime = Int32(bitPattern: try reader.u24() << 8) >> 8
    feedbackCount = try reader.u8()
    var symbols: [UInt8] = []
    while symbols.count < count {
      let chunk = try reader.u16()
      PacketStatusChunk.appendSymbols(of: chunk, to: &symbols, upTo: count)
    }
    packets = []
    packets.reserveCapacity(count)
    for symbol in symbols {
      switch symbol {
      case 0: packets.append(.lost)
      case 1: packets.append(.received(delta: Int16(try reader.u8())))
      case 2: packets.append(.received(delta: Int16(bitPattern: try reader.u16())))
      default: throw .badValue
      }
    }
  }

  func write(to writer: inout ByteWriter) {
    precondition((1...Int(UInt16.max)).contains(packets.count))
    writer.u32(senderSSRC)
    writer.u32(mediaSSRC)
    writer.u16(baseSequenceNumber)
    writer.u16(UInt16(packets.count))
    writer.u24(UInt32(bitPattern: referenceTime))
    writer.u8(feedbackCount)
    var chunk = PacketStatusChunk()
    for packet in packets {
      if !chunk.canAdd(packet.symbol) { writer.u16(chunk.emit()) }
      chunk.add(packet.symbol)
    }
    while !chunk.isEmpty { writer.u16(chunk.emitLast()) }
    for case .received(let delta) in packets {
      if (0...255).contains(delta) {
        writer.u8(UInt8(delta))
      } else {
        writer.u16(UInt16(bitPattern: delta))
      }
    }
  }
}

/// The chunk being filled: symbols that a run, fourteen one-bit or seven two-bit symbols can hold.
/// It takes as many as fit before it chooses the form, as libwebrtc does, so that both write the
/// same bytes.
///
///    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5        0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+      +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   |0| S |       run length        |      |1|S|  14 or 7 symbols          |
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+      +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
struct PacketStatusChunk {
  private static let oneBitCapacity = 14
  private static let twoBitCapacity = 7
  private static let maximumRunLength = 0x1FFF

  /// The first fourteen symbols, two bits each, the first one lowest.
  private var symbols: UInt32 = 0
  private var count = 0
  private var allSame = true
  private var hasLargeDelta = false

  var isEmpty: Bool { count == 0 }

  private func symbol(_ index: Int) -> UInt16 {
    UInt16(truncatingIfNeeded: symbols >> UInt32(2 * index)) & 3
  }

  func canAdd(_ symbol: UInt16) -> Bool {
    if count < PacketStatusChunk.twoBitCapacity { return true }
    if count < PacketStatusChunk.oneBitCapacity, !hasLargeDelta, symbol != 2 { return true }
    return count < PacketStatusChunk.maximumRunLength && allSame && self.symbol(0) == symbol
  }

  mutating func add(_ symbol: UInt16) {
    if count < PacketStatusChunk.oneBitCapacity { symbols |= UInt32(symbol) << UInt32(2 * count) }
    count += 1
    allSame = allSame && symbol == self.symbol(0)
    hasLargeDelta = hasLargeDelta || symbol == 2
  }

  /// The chunk of a full set; what it does not hold stays for the next.
  mutating func emit() -> UInt16 {
    if allSame { return emitRun() }
    if count == PacketStatusChunk.oneBitCapacity { return emitOneBit() }
    return emitTwoBit()
  }

  /// A chunk when nothing follows; may have to be called again.
  mutating func emitLast() -> UInt16 {
    if allSame { return emitRun() }
    return count <= PacketStatusChunk.twoBitCapacity ? emitTwoBit() : emitOneBit()
  }

  private mutating func emitRun() -> UInt16 {
    defer { self = PacketStatusChunk() }
    return symbol(0) << 13 | UInt16(count)
  }

  private mutating func emitOneBit() -> UInt16 {
    defer { self = PacketStatusChunk() }
    return (0..<count).reduce(0x8000) { $0 | symbol($1) << UInt16(13 - $1) }
  }

  private mutating func emitTwoBit() -> UInt16 {
    let held = min(count, PacketStatusChunk.twoBitCapacity)
    let chunk = (0..<held).reduce(0xC000 as UInt16) { $0 | symbol($1) << UInt16(12 - 2 * $1) }
    let rest = self
    self = PacketStatusChunk()
    for index in held..<rest.count { add(rest.symbol(index)) }
    return chunk
  }

  /// Appends the symbols of a received `chunk`, at most until there are `limit`.
  static func appendSymbols(of chunk: UInt16, to symbols: inout [UInt8], upTo limit: Int) {
    let room = limit - symbols.count
    if chunk & 0x8000 == 0 {
      let symbol = UInt8(truncatingIfNeeded: chunk >> 13) & 3
      symbols.append(contentsOf: repeatElement(symbol, count: min(room, Int(chunk & 0x1FFF))))
    } else if chunk & 0x4000 == 0 {
      for index in 0..<min(room, oneBitCapacity) {
        symbols.append(UInt8(truncatingIfNeeded: chunk >> UInt16(13 - index)) & 1)
      }
    } else {
      for index in 0..<min(room, twoBitCapacity) {
        symbols.append(UInt8(truncatingIfNeeded: chunk >> UInt16(12 - 2 * index)) & 3)
      }
    }
  }
}

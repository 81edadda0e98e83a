// One block of a pcapng file under construction (draft-ietf-opsawg-pcapng-02 §3.1, §3.5).
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |                          Block Type                           |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |                      Block Total Length                       |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |                 Block Body (padded to words) ...              |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//   |                      Block Total Length                       |
//   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

import Basics

/// Little-endian whatever the machine, so that a run's file is the same everywhere. Its storage is
/// kept from block to block.
struct PcapngBlock {
  enum Kind {
    static let sectionHeader: UInt32 = 0x0A0D_0D0A
    static let interfaceDescription: UInt32 = 1
    static let obsoletePacket: UInt32 = 2
    static let simplePacket: UInt32 = 3
    static let interfaceStatistics: UInt32 = 5
    static let enhancedPacket: UInt32 = 6
    static let decryptionSecrets: UInt32 = 10
  }

  static let byteOrderMagic: UInt32 = 0x1A2B_3C4D
  /// "TLSK", secrets that are a key log in NSS format.
  static let tlsKeyLog: UInt32 = 0x544C_534B

  enum Option {
    static let comment: UInt16 = 1
    static let interfaceName: UInt16 = 2
    static let packetFlags: UInt16 = 2
    static let application: UInt16 = 4
    static let droppedByInterface: UInt16 = 5
    static let timestampResolution: UInt16 = 9
    static let timestampOffset: UInt16 = 14
  }

  private(set) var bytes: [UInt8] = []
  private var hasOptions = false

  mutating func begin(_ kind: UInt32) {
    bytes.removeAll(keepingCapacity: true)
    hasOptions = false
    u32(kind)
    u32(0)
  }

  mutating func end() {
    if hasOptions { u32(0) }
    let size = UInt32(bytes.count + 4)
    u32(size)
    for index in 0..<4 { bytes[4 + index] = UInt8(truncatingIfNeeded: size >> (8 * index)) }
  }

  mutating func u16(_ value: UInt16) {
    bytes.append(UInt8(truncatingIfNeeded: value))
    bytes.append(UInt8(truncatingIfNeeded: value >> 8))
  }

  mutating func u32(_ value: UInt32) {
    u16(UInt16(truncatingIfNeeded: value))
    u16(UInt16(truncatingIfNeeded: value >> 16))
  }

  mutating func u64(_ value: UInt64) {
    u32(UInt32(truncatingIfNeeded: value))
    u32(UInt32(truncatingIfNeeded: value >> 32))
  }

  mutating func append(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

  mutating func append(_ span: RawSpan) {
    span.withUnsafeBytes { bytes.append(contentsOf: $0) }
  }

  mutating func pad() {
    while bytes.count % 4 != 0 { bytes.append(0) }
  }

  /// At most 65535 bytes; what is longer is cut.
  mutating func option(_ code: UInt16, _ value: some Collection<UInt8>) {
    hasOptions = true
    let value = value.prefix(Int(UInt16.max))
    u16(code)
    u16(UInt16(value.count))
    append(value)
    pad()
  }
}

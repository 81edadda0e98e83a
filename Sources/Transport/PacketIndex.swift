// The 48-bit index of SRTP packets and its replay protection (RFC 3711 §3.3.1, §3.3.2).

/// Which of the last indices have been seen.
struct ReplayWindow {
  static let size: Int64 = 1_024

  private(set) var highest: Int64 = -1
  /// A bit for each index, by its remainder.
  private var seen = SIMD16<UInt64>.zero

  /// Whether `index` is new and not too old.
  func accepts(_ index: Int64) -> Bool {
    if index > highest { return true }
    guard highest - index < ReplayWindow.size else { return false }
    let (word, bit) = ReplayWindow.place(index)
    return seen[word] & bit == 0
  }

  mutating func accept(_ index: Int64) {
    if index > highest {
      if index - highest >= ReplayWindow.size {
        seen = .zero
      } else {
        var passed = highest + 1
        while passed < index {
          let (word, bit) = ReplayWindow.place(passed)
          seen[word] &= ~bit
          passed += 1
        }
      }
      highest = index
    }
    let (word, bit) = ReplayWindow.place(index)
    seen[word] |= bit
  }

  private static func place(_ index: Int64) -> (word: Int, bit: UInt64) {
    let remainder = Int(index & (size - 1))
    return (remainder >> 6, 1 << UInt64(remainder & 63))
  }
}

/// Extends sequence numbers of one stream by their rollover counter.
struct PacketIndex {
  private var window = ReplayWindow()

  /// The index that `sequenceNumber` most likely has; the first packet's rollover counter is zero.
  /// Of two that are equally far RFC 3711 §3.3.1 takes the one of the same rollover counter.
  func estimate(_ sequenceNumber: UInt16) -> Int64 {
    guard window.highest >= 0 else { return Int64(sequenceNumber) }
    var difference = Int64(sequenceNumber) - (window.highest & 0xFFFF)
    if difference > 0x8000 { difference -= 0x1_0000 }
    if difference < -0x8000 { difference += 0x1_0000 }
    let index = window.highest + difference
    return index >= 0 ? index : Int64(sequenceNumber)
  }

  /// The highest rollover counter.
  var rollover: Int { Int(max(0, window.highest) >> 16) }

  func accepts(_ index: Int64) -> Bool { window.accepts(index) }

  mutating func accept(_ index: Int64) { window.accept(index) }

  /// A sender may repeat an index: without RTX a retransmission is the same packet.
  mutating func advance(to index: Int64) {
    if index > window.highest { window.accept(index) }
  }
}

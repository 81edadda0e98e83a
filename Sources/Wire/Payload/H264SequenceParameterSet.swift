// The picture size in an H.264 sequence parameter set (ITU-T H.264 §7.3.2.1.1, §7.4.2.1.1).

import Basics

extension VideoResolution {
  /// The size after cropping that a sequence parameter set tells; nil where it cannot be read.
  /// - Parameter unit: the NAL unit with its header byte.
  public init?(h264 bytes: RawSpan, _ unit: Range<Int>) {
    var reader = RBSPReader(bytes, unit.dropFirst())
    do throws(WireError) {
      let profile = try reader.bits(8)
      _ = try reader.bits(16)
      _ = try reader.ue()
      var chroma = 1
      if VideoResolution.highProfiles.contains(profile) { chroma = try reader.skipChroma() }
      _ = try reader.ue()
      switch try reader.ue() {
      case 0: _ = try reader.ue()
      case 1:
        _ = try reader.bits(1)
        _ = try reader.se()
        _ = try reader.se()
        for _ in 0..<min(try reader.ue(), 256) { _ = try reader.se() }
      default: break
      }
      _ = try reader.ue()
      _ = try reader.bits(1)
      let columns = try reader.ue() + 1
      let rows = try reader.ue() + 1
      let isFrames = try reader.bits(1) == 1
      if !isFrames { _ = try reader.bits(1) }
      _ = try reader.bits(1)
      var width = columns * 16
      var height = rows * 16 * (isFrames ? 1 : 2)
      if try reader.bits(1) == 1 {
        let stepX = chroma == 1 || chroma == 2 ? 2 : 1
        let stepY = (chroma == 1 ? 2 : 1) * (isFrames ? 1 : 2)
        width -= (try reader.ue() + (try reader.ue())) * stepX
        height -= (try reader.ue() + (try reader.ue())) * stepY
      }
      guard (1...16_384).contains(width), (1...16_384).contains(height) else { return nil }
      self.init(width: width, height: height)
    } catch {
      return nil
    }
  }

  /// Profiles with the chroma fields.
  private static let highProfiles = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]
}

/// Bits of a NAL unit without its emulation prevention bytes.
private struct RBSPReader: ~Escapable {
  private let bytes: RawSpan
  private var offset: Int
  private let end: Int
  private var current = 0
  private var left = 0
  private var zeros = 0

  @_lifetime(copy bytes)
  init(_ bytes: RawSpan, _ range: Range<Int>) {
    self.bytes = bytes
    offset = range.lowerBound
    end = range.upperBound
  }

  private mutating func nextByte() throws(WireError) {
    guard offset < end, var byte = bytes.byte(at: offset) else { throw .truncated }
    if zeros >= 2, byte == 3 {
      offset += 1
      zeros = 0
      guard offset < end, let following = bytes.byte(at: offset) else { throw .truncated }
      byte = following
    }
    zeros = byte == 0 ? zeros + 1 : 0
    offset += 1
    current = Int(byte)
    left = 8
  }

  mutating func bits(_ count: Int) throws(WireError) -> Int {
    var value = 0
    for _ in 0..<count {
      if left == 0 { try nextByte() }
      left -= 1
      value = value << 1 | (current >> left & 1)
    }
    return value
  }

  /// Exp-Golomb (§9.1), at most 20 bits: no field that is read here needs more.
  mutating func ue() throws(WireError) -> Int {
    var length = 0
    while try bits(1) == 0 {
      length += 1
      guard length <= 20 else { throw .badValue }
    }
    return (1 << length) - 1 + (try bits(length))
  }

  mutating func se() throws(WireError) -> Int {
    let code = try ue()
    return code & 1 == 1 ? (code + 1) / 2 : -(code / 2)
  }

  /// - Returns: chroma_format_idc.
  mutating func skipChroma() throws(WireError) -> Int {
    let chroma = try ue()
    if chroma == 3 { _ = try bits(1) }
    _ = try ue()
    _ = try ue()
    _ = try bits(1)
    guard try bits(1) == 1 else { return chroma }
    for index in 0..<(chroma == 3 ? 12 : 8) {
      guard try bits(1) == 1 else { continue }
      var last = 8
      var next = 8
      for _ in 0..<(index < 6 ? 16 : 64) {
        if next != 0 { next = (last + (try se()) + 256) & 0xFF }
        last = next == 0 ? last : next
      }
    }
    return chroma
  }
}

// Between VP8 payload descriptors on the wire and the numbers that `StreamRewriter` maps
// (RFC 7741 §4.2).

import Basics
import Wire

extension VP8Numbers {
  public init(_ descriptor: VP8Descriptor) {
    self.init(
      pictureID: descriptor.pictureID, isLong: descriptor.hasLongPictureID,
      tl0PictureIndex: descriptor.tl0PicIdx, keyIndex: descriptor.keyIdx)
  }
}

extension VP8Descriptor {
  /// Where the byte of TID, Y and KEYIDX lies, counted from the payload's first byte.
  var keyIdxOffset: Int? { keyIdx == nil ? nil : size - 1 }
}

extension Packet {
  /// Writes `numbers` over those of the VP8 payload at `offset`, whose own `descriptor` is. Nothing
  /// moves: what the descriptor does not carry is not written.
  public mutating func rewriteVP8(
    _ descriptor: VP8Descriptor, at offset: Int, numbers: VP8Numbers
  ) {
    rewriteVP8(
      descriptor, at: offset, pictureID: numbers.pictureID ?? 0,
      tl0PicIdx: numbers.tl0PictureIndex ?? 0)
    guard let field = descriptor.keyIdxOffset, let keyIndex = numbers.keyIndex else { return }
    let temporal = (descriptor.temporalID ?? 0) << 6 | (descriptor.isLayerSync ? 0x20 : 0)
    store(temporal | keyIndex & 31, at: offset + field)
  }
}

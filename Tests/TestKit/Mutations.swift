// Damaged copies of good bytes, on which no parser may trap.

/// The prefixes of `bytes`, from the empty one to all but the last byte.
public func everyTruncation(of bytes: [UInt8]) -> some Sequence<[UInt8]> {
  (0..<bytes.count).lazy.map { Array(bytes[..<$0]) }
}

/// Copies of `bytes` with one bit turned, first byte and highest bit first.
public func everyBitFlip(of bytes: [UInt8]) -> some Sequence<[UInt8]> {
  (0..<(8 * bytes.count)).lazy.map { bit in
    var copy = bytes
    copy[bit / 8] ^= 0x80 >> UInt8(bit % 8)
    return copy
  }
}

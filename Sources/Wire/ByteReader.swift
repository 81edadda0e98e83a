// A cursor over borrowed bytes: the one place that loads integers from the network unchecked.

import Basics

/// Reads big-endian integers from a span; every read is bounds-checked and throws `truncated`.
public struct ByteReader: ~Escapable {
  public let span: RawSpan
  public private(set) var offset: Int
  public let end: Int

  @_lifetime(copy span)
  public init(_ span: RawSpan) {
    self.span = span
    offset = 0
    end = span.byteCount
  }

  /// Reads only `range`, which is clamped to the span.
  @_lifetime(copy span)
  public init(_ span: RawSpan, _ range: Range<Int>) {
    self.span = span
    offset = min(max(0, range.lowerBound), span.byteCount)
    end = min(max(offset, range.upperBound), span.byteCount)
  }

  public var remaining: Int { end - offset }
  public var isAtEnd: Bool { offset == end }

  @_lifetime(self: copy self)
  public mutating func u8() throws(WireError) -> UInt8 {
    guard end - offset >= 1 else { throw .truncated }
    defer { offset += 1 }
    return span.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
  }

  @_lifetime(self: copy self)
  public mutating func u16() throws(WireError) -> UInt16 {
    guard end - offset >= 2 else { throw .truncated }
    defer { offset += 2 }
    return UInt16(bigEndian: span.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  @_lifetime(self: copy self)
  public mutating func u24() throws(WireError) -> UInt32 {
    let high = try u8()
    return UInt32(high) << 16 | UInt32(try u16())
  }

  @_lifetime(self: copy self)
  public mutating func u32() throws(WireError) -> UInt32 {
    guard end - offset >= 4 else { throw .truncated }
    defer { offset += 4 }
    return UInt32(bigEndian: span.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  @_lifetime(self: copy self)
  public mutating func u64() throws(WireError) -> UInt64 {
    guard end - offset >= 8 else { throw .truncated }
    defer { offset += 8 }
    return UInt64(bigEndian: span.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// The range of the next `count` bytes, which are skipped.
  @_lifetime(self: copy self)
  public mutating func take(_ count: Int) throws(WireError) -> Range<Int> {
    guard count >= 0, end - offset >= count else { throw .truncated }
    defer { offset += count }
    return offset..<(offset + count)
  }

  /// The next `count` bytes as a copy.
  @_lifetime(self: copy self)
  public mutating func bytes(_ count: Int) throws(WireError) -> [UInt8] {
    let range = try take(count)
    return span.array(range)
  }
}

extension RawSpan {
  /// A copy of `range`, which must lie inside.
  public func array(_ range: Range<Int>) -> [UInt8] {
    precondition(range.lowerBound >= 0 && range.upperBound <= byteCount)
    return withUnsafeBytes { Array($0[range]) }
  }

  /// A copy of all bytes.
  public var array: [UInt8] { array(0..<byteCount) }

  /// The byte at `offset`, or nil beyond the end.
  public func byte(at offset: Int) -> UInt8? {
    guard offset >= 0, offset < byteCount else { return nil }
    return unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
  }
}

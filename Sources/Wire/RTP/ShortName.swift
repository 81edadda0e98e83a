// The short names that ride in RTP header extensions, MID and RID (RFC 8843 §15, RFC 8852 §3).

import Basics

/// A name of 1 to 16 bytes, held inline so that reading one never allocates.
public struct ShortName: Hashable, Sendable {
  public static let capacity = 16

  /// The bytes, first byte highest; what lies beyond `count` is zero.
  private var high: UInt64 = 0
  private var low: UInt64 = 0
  /// Bytes in the name, 1...16.
  public private(set) var count: Int

  /// Nil for an empty string and for one of more than 16 bytes.
  public init?(_ text: some StringProtocol) {
    guard (1...ShortName.capacity).contains(text.utf8.count) else { return nil }
    count = 0
    for byte in text.utf8 { append(byte) }
  }

  /// The bytes of `span` in `range`; nil where they are none, too many or outside.
  init?(_ span: RawSpan, _ range: Range<Int>) {
    guard (1...ShortName.capacity).contains(range.count), range.upperBound <= span.byteCount
    else { return nil }
    count = 0
    for offset in range {
      append(span.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self))
    }
  }

  private mutating func append(_ byte: UInt8) {
    if count < 8 {
      high |= UInt64(byte) << UInt64(56 - 8 * count)
    } else {
      low |= UInt64(byte) << UInt64(120 - 8 * count)
    }
    count += 1
  }

  /// The byte at `index`, which is below `count`.
  public subscript(index: Int) -> UInt8 {
    index < 8
      ? UInt8(truncatingIfNeeded: high >> UInt64(56 - 8 * index))
      : UInt8(truncatingIfNeeded: low >> UInt64(120 - 8 * index))
  }
}

extension ShortName: CustomStringConvertible {
  public var description: String {
    String(decoding: (0..<count).map { self[$0] }, as: UTF8.self)
  }
}

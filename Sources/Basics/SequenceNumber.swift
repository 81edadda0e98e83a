// Serial-number arithmetic for RTP sequence numbers and timestamps (RFC 3550 §A.1, RFC 1982).

/// Whether 16-bit `a` comes after `b`, across the wrap. Half the circle apart counts as not after
/// unless `a` is the larger number.
public func isNewer(_ a: UInt16, than b: UInt16) -> Bool {
  let difference = a &- b
  if difference == 0x8000 { return a > b }
  return difference != 0 && difference < 0x8000
}

/// Whether 32-bit RTP timestamp `a` comes after `b`, across the wrap.
public func isNewer(_ a: UInt32, than b: UInt32) -> Bool {
  let difference = a &- b
  if difference == 0x8000_0000 { return a > b }
  return difference != 0 && difference < 0x8000_0000
}

/// Extends 16-bit sequence numbers to 64 bits, choosing the value nearest to the last one.
public struct SequenceUnwrapper: Sendable {
  private var last: Int64?

  public init() {}

  public mutating func unwrap(_ value: UInt16) -> Int64 {
    let extended = peek(value)
    last = extended
    return extended
  }

  /// How often the number has gone round since the first one.
  public var cycles: Int { Int((last ?? 0) >> 16) }

  /// The extended value without remembering it.
  public func peek(_ value: UInt16) -> Int64 {
    guard let last else { return Int64(value) }
    return last + Int64(Int16(bitPattern: value &- UInt16(truncatingIfNeeded: last)))
  }
}

/// Extends 32-bit RTP timestamps to 64 bits, choosing the value nearest to the last one.
public struct TimestampUnwrapper: Sendable {
  private var last: Int64?

  public init() {}

  /// How often the timestamp has gone round since the first one.
  public var cycles: Int { Int((last ?? 0) >> 32) }

  public mutating func unwrap(_ value: UInt32) -> Int64 {
    guard let last else {
      self.last = Int64(value)
      return Int64(value)
    }
    let extended = last + Int64(Int32(bitPattern: value &- UInt32(truncatingIfNeeded: last)))
    self.last = extended
    return extended
  }
}

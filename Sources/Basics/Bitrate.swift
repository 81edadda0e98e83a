// Data sizes in bytes and rates in bit/s, whole numbers, with the arithmetic between them and time.

/// A number of bytes.
public struct DataSize: Hashable, Comparable, Sendable {
  public var bytes: Int64

  public init(bytes: Int64) { self.bytes = bytes }
  public static let zero = DataSize(bytes: 0)
  public static func bytes(_ n: Int) -> DataSize { DataSize(bytes: Int64(n)) }

  public static func < (a: DataSize, b: DataSize) -> Bool { a.bytes < b.bytes }
  public static func + (a: DataSize, b: DataSize) -> DataSize { DataSize(bytes: a.bytes + b.bytes) }
  public static func - (a: DataSize, b: DataSize) -> DataSize { DataSize(bytes: a.bytes - b.bytes) }
  public static func += (a: inout DataSize, b: DataSize) { a = a + b }
  public static func -= (a: inout DataSize, b: DataSize) { a = a - b }

  /// How long this many bytes take at `rate`, rounded down; `Duration.max` at a rate of zero.
  public static func / (size: DataSize, rate: Bitrate) -> Duration {
    guard rate.bitsPerSecond > 0 else { return .max }
    let product = size.bytes.multipliedFullWidth(by: 8_000_000_000)
    let divisor = rate.bitsPerSecond
    guard product.high < divisor, product.high >= 0 else { return .max }
    let (quotient, _) = UInt64(divisor).dividingFullWidth((UInt64(product.high), product.low))
    return Duration(nanoseconds: Int64(clamping: quotient))
  }

  /// The mean rate of this many bytes in `span`; zero for an empty span.
  public static func / (size: DataSize, span: Duration) -> Bitrate {
    guard span.nanoseconds > 0 else { return .zero }
    return Bitrate(
      bitsPerSecond: Int64(Double(size.bytes) * 8e9 / Double(span.nanoseconds)))
  }
}

/// A rate in bit/s.
public struct Bitrate: Hashable, Comparable, Sendable {
  public var bitsPerSecond: Int64

  public init(bitsPerSecond: Int64) { self.bitsPerSecond = bitsPerSecond }
  public static let zero = Bitrate(bitsPerSecond: 0)
  public static func kbps(_ n: Int64) -> Bitrate { Bitrate(bitsPerSecond: n * 1_000) }
  public static func bps(_ n: Double) -> Bitrate {
    Bitrate(bitsPerSecond: Int64(exactly: n.rounded()) ?? (n < 0 ? 0 : .max))
  }

  public var kbps: Double { Double(bitsPerSecond) / 1_000 }

  public static func < (a: Bitrate, b: Bitrate) -> Bool { a.bitsPerSecond < b.bitsPerSecond }
  public static func + (a: Bitrate, b: Bitrate) -> Bitrate {
    Bitrate(bitsPerSecond: a.bitsPerSecond + b.bitsPerSecond)
  }
  public static func - (a: Bitrate, b: Bitrate) -> Bitrate {
    Bitrate(bitsPerSecond: a.bitsPerSecond - b.bitsPerSecond)
  }
  public static func * (a: Bitrate, b: Double) -> Bitrate { .bps(Double(a.bitsPerSecond) * b) }
  public static func / (a: Bitrate, b: Bitrate) -> Double {
    Double(a.bitsPerSecond) / Double(b.bitsPerSecond)
  }

  /// How many whole bytes pass in `span`, rounded down.
  public static func * (rate: Bitrate, span: Duration) -> DataSize {
    guard rate.bitsPerSecond > 0, span.nanoseconds > 0 else { return .zero }
    let product = UInt64(rate.bitsPerSecond).multipliedFullWidth(by: UInt64(span.nanoseconds))
    guard product.high < 8_000_000_000 else { return DataSize(bytes: .max) }
    let (quotient, _) = UInt64(8_000_000_000).dividingFullWidth(product)
    return DataSize(bytes: Int64(clamping: quotient))
  }
}

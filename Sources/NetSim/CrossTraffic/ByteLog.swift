// Bytes a moment, in intervals of 200 ms: the sampling of RFC 8868 §3.
import Basics

public struct ByteLog: Sendable, Equatable {
  public static let interval = Duration.milliseconds(200)

  /// Bytes on the wire in each interval from the start of the run; it may end early.
  public private(set) var bytes: [Int] = []

  public init() {}

  public mutating func add(_ count: Int, at now: Instant) {
    let index = Int(now.nanoseconds / ByteLog.interval.nanoseconds)
    while bytes.count <= index { bytes.append(0) }
    bytes[index] += count
  }

  public var total: Int { bytes.reduce(0, +) }
}

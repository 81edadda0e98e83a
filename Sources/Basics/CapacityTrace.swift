// Delivery opportunities recorded on a real link, in mahimahi's format (mm-link(1)).

public enum TraceError: Error, Equatable {
  /// A line is not a whole number of milliseconds.
  case notANumber
  /// A moment lies before the one above it.
  case decreasing
  /// No line at all, or the last moment is zero, so that the trace would repeat for ever.
  case empty
}

/// Moments at which one MTU of bytes may leave. Repeats after its last moment.
///
/// An opportunity's bytes serve one packet after another; what finds no packet is lost, and a
/// packet that needs more goes on with the next opportunity.
public struct CapacityTrace: Sendable, Equatable {
  /// Bytes on the wire that one opportunity carries.
  public static let mtu = 1_500

  /// Milliseconds from the start, not decreasing.
  public let moments: [Int]

  public init(milliseconds: [Int]) throws(TraceError) {
    guard let last = milliseconds.last, last > 0 else { throw .empty }
    var previous = 0
    for moment in milliseconds {
      guard moment >= previous else { throw .decreasing }
      previous = moment
    }
    moments = milliseconds
  }

  /// Reads one whole number of milliseconds from each line; empty lines are skipped.
  public init(text: String) throws(TraceError) {
    var milliseconds: [Int] = []
    for line in text.utf8.split(whereSeparator: { $0 == 10 || $0 == 13 }) {
      var value = 0
      for byte in line {
        guard byte >= 48, byte <= 57, value < 1 << 50 else { throw .notANumber }
        value = value * 10 + Int(byte - 48)
      }
      milliseconds.append(value)
    }
    try self.init(milliseconds: milliseconds)
  }

  public var period: Duration { .milliseconds(moments[moments.count - 1]) }

  /// All opportunities over the whole period.
  public var meanRate: Bitrate {
    DataSize(bytes: Int64(moments.count * CapacityTrace.mtu)) / period
  }

  /// When opportunity `index` comes, counted from the trace's start.
  public func moment(_ index: Int) -> Duration {
    let (lap, within) = index.quotientAndRemainder(dividingBy: moments.count)
    return period * lap + .milliseconds(moments[within])
  }

  /// The first opportunity that comes after `elapsed`.
  public func firstIndex(after elapsed: Duration) -> Int {
    guard elapsed >= .zero else { return 0 }
    let lap = Int(elapsed.nanoseconds / period.nanoseconds)
    let within = elapsed - period * lap
    var low = 0
    var high = moments.count
    while low < high {
      let middle = (low + high) / 2
      if Duration.milliseconds(moments[middle]) > within { high = middle } else { low = middle + 1 }
    }
    // Past the last moment the next lap begins, whose first ones may lie at this very instant.
    var index = lap * moments.count + low
    while moment(index) <= elapsed { index += 1 }
    return index
  }
}

// How many packets got lost between two receiver reports of a stream (RFC 3550 §A.3).

import Wire

/// The last report of each stream. Of use where nobody reports by transport-wide numbers.
public struct ReportedLoss: Sendable {
  private var last: [UInt32: (highest: UInt32, lost: Int32)] = [:]

  public init() {}

  /// What a report adds to the last one of its stream; nil for the first, and for one that is no
  /// newer.
  public mutating func take(_ block: ReportBlock) -> (lost: Int64, packets: Int64)? {
    let now = (highest: block.extendedHighestSequenceNumber, lost: block.cumulativeLost)
    guard let before = last.updateValue(now, forKey: block.ssrc) else { return nil }
    let packets = Int64(Int32(bitPattern: now.highest &- before.highest))
    guard packets > 0 else { return nil }
    let lost = Int64(now.lost) - Int64(before.lost)
    return (min(max(lost, 0), packets), packets)
  }
}

// Putting fragmented IP packets together (RFC 791 §3.2, RFC 8200 §4.5), in bounded memory.

import Basics

/// Holds the parts of packets until they are whole.
struct FragmentReassembly {
  private struct Key: Hashable {
    var source: IPAddress
    var destination: IPAddress
    var identification: UInt32
    var protocolNumber: UInt8
  }

  private struct Pending {
    var key: Key
    var started: Instant
    var bytes: [UInt8] = []
    /// Ranges received, ascending and apart.
    var received: [Range<Int>] = []
    var totalSize: Int?

    var isWhole: Bool { totalSize.map { received == [0..<$0] } ?? false }

    mutating func add(_ range: Range<Int>) {
      var merged = range
      received.removeAll { other in
        guard other.lowerBound <= merged.upperBound, merged.lowerBound <= other.upperBound
        else { return false }
        merged = min(merged.lowerBound, other.lowerBound)..<max(merged.upperBound, other.upperBound)
        return true
      }
      let index = received.firstIndex { $0.lowerBound > merged.lowerBound } ?? received.count
      received.insert(merged, at: index)
    }
  }

  private static let packetLimit = 64
  private static let sizeLimit = 65_535
  private static let rangeLimit = 512
  /// Linux `net.ipv4.ipfrag_time`.
  private static let timeout = Duration.seconds(30)

  private var pending: [Pending] = []
  /// Packets given up because a part was missing.
  private(set) var abandoned = 0

  /// Takes one part; returns the payload of the packet that it completes.
  mutating func add(
    _ fragment: IPPacket.Fragment, of packet: IPPacket, _ frame: RawSpan, at time: Instant
  ) -> [UInt8]? {
    expire(at: time)
    let key = Key(
      source: packet.source, destination: packet.destination,
      identification: fragment.identification, protocolNumber: packet.protocolNumber)
    let range = fragment.offset..<(fragment.offset + packet.payload.count)
    guard range.upperBound <= FragmentReassembly.sizeLimit, !range.isEmpty,
      // A part cut by the snapshot length leaves a hole.
      packet.payload.count == packet.payloadSize
    else { return nil }
    let index = index(of: key, at: time)
    if pending[index].bytes.count < range.upperBound {
      let missing = range.upperBound - pending[index].bytes.count
      pending[index].bytes.append(contentsOf: repeatElement(0, count: missing))
    }
    frame.withUnsafeBytes { source in
      pending[index].bytes.replaceSubrange(range, with: source[packet.payload])
    }
    pending[index].add(range)
    if fragment.isLast { pending[index].totalSize = range.upperBound }
    if pending[index].isWhole { return pending.remove(at: index).bytes }
    if pending[index].received.count > FragmentReassembly.rangeLimit { drop(index) }
    return nil
  }

  private mutating func index(of key: Key, at time: Instant) -> Int {
    if let index = pending.firstIndex(where: { $0.key == key }) { return index }
    if pending.count == FragmentReassembly.packetLimit { drop(0) }
    pending.append(Pending(key: key, started: time))
    return pending.count - 1
  }

  private mutating func expire(at time: Instant) {
    while let first = pending.first, time - first.started > FragmentReassembly.timeout { drop(0) }
  }

  private mutating func drop(_ index: Int) {
    pending.remove(at: index)
    abandoned += 1
  }
}

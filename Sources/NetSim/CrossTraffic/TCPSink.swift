// The receiving end of a TCP bulk transfer: delayed acknowledgments (RFC 9293 §3.8.6.3, RFC 5681 §4.2)
// and a window that shrinks with what waits for a hole to be filled.
import Basics

public final class TCPSink: Node {
  /// Linux's delayed acknowledgment; RFC 9293 allows up to 500 ms.
  static let acknowledgmentDelay = Duration.milliseconds(40)

  /// What arrived, headers included.
  public private(set) var received = ByteLog()
  /// Bytes of data in order, each once.
  public private(set) var delivered = 0
  private let path: Path
  private let buffer: Int
  private var expected: Int64 = 0
  /// What came too early, apart and ascending.
  private var early: [Range<Int64>] = []
  private var waiting = 0
  private var acknowledgeAt: Instant?
  private var lastAcknowledged: Int64 = 0
  private var echo: UInt32 = 0

  /// - Parameter buffer: the most bytes that are held for a hole to be filled.
  public init(buffer: Int = 4_194_304, on path: Path) {
    self.buffer = buffer
    self.path = path
  }

  public var nextTimeout: Instant? { acknowledgeAt }

  public func receive(
    _ packet: consuming Packet, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {
    received.add(
      packet.count + Limits.ipHeader(path.remote.ip) + Limits.udpHeader, at: now)
    guard
      let segment = CrossTrafficSegment(
        packet.bytes, nearSequence: expected, nearAcknowledgment: 0)
    else { return }
    // RFC 7323 §4.3: the timestamp of what the next acknowledgment answers.
    if segment.sequence <= lastAcknowledged { echo = segment.timestamp }
    if segment.flags.contains(.syn) {
      echo = segment.timestamp
      expected = segment.sequence + 1
      early.removeAll()
      return acknowledge(
        .init(rawValue: TCPFlags.syn.rawValue | TCPFlags.ack.rawValue), at: now, into: &outbox)
    }
    let range = segment.sequence..<(segment.sequence + Int64(segment.count))
    guard range.upperBound > expected, range.lowerBound <= expected + Int64(buffer) else {
      return acknowledge(.ack, at: now, into: &outbox)
    }
    let fillsHole = !early.isEmpty
    insert(range)
    waiting += 1
    if fillsHole || !early.isEmpty || waiting >= 2 {
      acknowledge(.ack, at: now, into: &outbox)
    } else if acknowledgeAt == nil {
      acknowledgeAt = now + TCPSink.acknowledgmentDelay
    }
  }

  private func insert(_ range: Range<Int64>) {
    guard range.lowerBound <= expected else {
      var merged = range
      early.removeAll { other in
        guard other.lowerBound <= merged.upperBound, merged.lowerBound <= other.upperBound else {
          return false
        }
        merged =
          min(other.lowerBound, merged.lowerBound)..<max(other.upperBound, merged.upperBound)
        return true
      }
      let place = early.firstIndex { $0.lowerBound > merged.lowerBound } ?? early.count
      early.insert(merged, at: place)
      return
    }
    let before = expected
    expected = range.upperBound
    while let first = early.first, first.lowerBound <= expected {
      expected = max(expected, first.upperBound)
      early.removeFirst()
    }
    delivered += Int(expected - before)
  }

  private func acknowledge(_ flags: TCPFlags, at now: Instant, into outbox: inout Outbox) {
    let held = early.reduce(0) { $0 + $1.count }
    let segment = CrossTrafficSegment(
      sequence: 0, acknowledgment: expected, flags: flags, window: max(0, buffer - held),
      timestamp: now.tcpTimestamp, echo: echo)
    outbox.send(segment.packet(from: outbox.pool), on: path)
    lastAcknowledged = expected
    waiting = 0
    acknowledgeAt = nil
  }

  public func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {}

  public func interfacesChanged(
    _ interfaces: [Interface], at now: Instant, into outbox: inout Outbox
  ) {}

  public func handleTimeout(at now: Instant, into outbox: inout Outbox) {
    if let due = acknowledgeAt, due <= now { acknowledge(.ack, at: now, into: &outbox) }
  }
}

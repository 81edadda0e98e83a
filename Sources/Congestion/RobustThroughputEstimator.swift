// The rate at which packets arrive, hardened against bursts and gaps (libwebrtc
// modules/congestion_controller/goog_cc/robust_throughput_estimator.cc, revision 3710345).

import Basics

public struct RobustThroughputEstimator: Sendable {
  private struct Entry: Sendable {
    var sent: Instant
    var arrival: Instant
    var bytes: Int64
  }

  private static let windowPackets = 20
  private static let mostWindowPackets = 500
  private static let leastWindow = Duration.seconds(1)
  private static let longestWindow = Duration.seconds(5)
  private static let requiredPackets = 10
  private static let leastLatestPackets = 5
  private static let leastLatestSpan = Duration.milliseconds(50)
  private static let leastSpan = Duration.milliseconds(1)
  /// An arrival so long before the newest one means that the receiver's clock was set back.
  private static let clockStep = Duration.seconds(1)

  /// In the order of their arrival, the oldest at `head`.
  private var window: [Entry] = []
  private var head = 0
  private var latestDiscardedSend: Instant?

  public init() {}

  private var count: Int { window.count - head }

  /// - Parameter received: in the order of their arrival.
  public mutating func add(_ received: [PacketResult]) {
    for result in received {
      guard let arrival = result.arrival else { continue }
      if let last = window.last,
        last.arrival - arrival > RobustThroughputEstimator.clockStep
      {
        window.removeAll(keepingCapacity: true)
        head = 0
      }
      window.append(
        Entry(sent: result.sent.sentAt, arrival: arrival, bytes: result.sent.size.bytes))
      var index = window.count - 1
      while index > head, window[index].arrival < window[index - 1].arrival {
        window.swapAt(index, index - 1)
        index -= 1
      }
    }
    while isFirstOutside {
      latestDiscardedSend = max(latestDiscardedSend ?? window[head].sent, window[head].sent)
      head += 1
    }
    if head > RobustThroughputEstimator.mostWindowPackets {
      window.removeFirst(head)
      head = 0
    }
  }

  private var isFirstOutside: Bool {
    guard count > 0 else { return false }
    if count > RobustThroughputEstimator.mostWindowPackets { return true }
    let span = window[window.count - 1].arrival - window[head].arrival
    if span > RobustThroughputEstimator.longestWindow { return true }
    return count > RobustThroughputEstimator.windowPackets
      && span > RobustThroughputEstimator.leastWindow
  }

  /// The rate of the last moments: while a queue stands, what the path carries. Nil for too few
  /// packets. Not in libwebrtc, like the next one.
  public func latest(over span: Duration) -> Bitrate? {
    guard count >= RobustThroughputEstimator.requiredPackets else { return nil }
    let newest = window[window.count - 1].arrival
    var bytes: Int64 = 0
    var index = window.count - 1
    while index >= head, newest - window[index].arrival <= span {
      bytes += window[index].bytes
      index -= 1
    }
    guard index >= head else { return nil }
    return DataSize(bytes: bytes) / (newest - window[index].arrival)
  }

  /// The same between the first and the last packet of so long, without the wait for the first: for
  /// packets that come in bursts. Nil for few of them, or for a single burst.
  public func latest(within span: Duration) -> Bitrate? {
    guard let last = window.last else { return nil }
    var bytes: Int64 = 0
    var index = window.count - 1
    while index > head, last.arrival - window[index - 1].arrival <= span {
      bytes += window[index].bytes
      index -= 1
    }
    let elapsed = last.arrival - window[index].arrival
    guard window.count - index > RobustThroughputEstimator.leastLatestPackets,
      elapsed >= RobustThroughputEstimator.leastLatestSpan
    else { return nil }
    return DataSize(bytes: bytes) / elapsed
  }

  /// The lesser of the rates at which the window's packets left and came; nil for too few.
  public var bitrate: Bitrate? {
    guard count >= RobustThroughputEstimator.requiredPackets else { return nil }
    var largestGap = Duration.zero
    var secondGap = Duration.zero
    var received: Int64 = 0
    var sent: Int64 = 0
    var sentPackets = 0
    var firstSend = Instant.distantFuture
    var lastSend = Instant(nanoseconds: .min)
    var lastSentBytes: Int64 = 0
    var previous = window[head].arrival
    for entry in window[head...] {
      let gap = entry.arrival - previous
      previous = entry.arrival
      if gap > largestGap {
        secondGap = largestGap
        largestGap = gap
      } else if gap > secondGap {
        secondGap = gap
      }
      received += entry.bytes
      // A packet that was overtaken would stretch the time in which the others were sent.
      if let latestDiscardedSend, entry.sent < latestDiscardedSend { continue }
      if entry.sent > lastSend {
        lastSend = entry.sent
        lastSentBytes = entry.bytes
      }
      firstSend = min(firstSend, entry.sent)
      sent += entry.bytes
      sentPackets += 1
    }
    // The first packet's arrival starts the clock, the last one's departure stops it: their own
    // bytes took no time. The longest gap is taken for the second longest, so that a pause of the
    // network is not mistaken for a lower rate.
    received -= window[head].bytes
    sent -= lastSentBytes
    let span = previous - window[head].arrival - largestGap + secondGap
    let receiveRate =
      DataSize(bytes: received) / max(span, RobustThroughputEstimator.leastSpan)
    guard sentPackets >= RobustThroughputEstimator.requiredPackets else { return receiveRate }
    let sendRate =
      DataSize(bytes: sent) / max(lastSend - firstSend, RobustThroughputEstimator.leastSpan)
    return min(sendRate, receiveRate)
  }
}

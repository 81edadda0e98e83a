// Whether the queue that over-use built is still there. Not in libwebrtc: its detector sees only
// delay that grows, so it calls a drop-tail queue that is full, and stays full, normal.

import Basics

/// Compares the one-way delay with the least of the last ten seconds. After over-use the path
/// counts as over-used until half of the queue has gone, though no longer than a second, since a
/// route with a longer delay looks the same.
public struct StandingQueue: Sendable {
  private static let buckets = 10
  private static let bucketLength: Int64 = 1_000_000_000
  private static let longest = Duration.seconds(1)
  /// Less is jitter.
  private static let least = Duration.milliseconds(25)
  /// A queue so long, or longer, is emptied at the least share of the rate.
  private static let drainedWithin = Duration.milliseconds(300)
  private static let leastShare = 0.3
  /// So much may stand.
  private static let drainedTo = Duration.milliseconds(20)
  /// After over-use, then the queue is somebody else's.
  private static let drainedFor = Duration.seconds(4)
  /// Within three messages; less is no sign that the queue empties.
  private static let fall = Duration.milliseconds(2)
  private static let messages = 3

  /// The least delay of each of the last seconds, and which they are.
  private var minima: [(second: Int64, delay: Duration)] = []
  private var since: Instant?
  private var level = Duration.zero
  /// Above the least delay.
  public private(set) var queue = Duration.zero
  /// The share of the rate that empties the queue.
  public private(set) var drain = 1.0
  private var lastOveruse: Instant?
  /// Of the last messages.
  private var queues: [Duration] = []
  private let drains: Bool

  /// - Parameter drains: whether the sender follows `drain`.
  public init(drains: Bool = false) { self.drains = drains }

  /// Takes the packets of one feedback message, and what the trend says after them.
  /// - Returns: whether the queue stands.
  public mutating func update(
    _ received: [PacketResult], usage: BandwidthUsage, at now: Instant
  ) -> Bool {
    guard let delay = leastDelay(of: received) else { return since != nil }
    note(delay, second: now.nanoseconds / StandingQueue.bucketLength)
    queue = delay - (minima.lazy.map(\.delay).min() ?? delay)
    if usage == .overusing {
      since = now
      lastOveruse = now
      level = max(level, queue)
    } else if let since {
      let isOver =
        usage == .underusing || queue < level / 2 || now - since > StandingQueue.longest
      if isOver || level < StandingQueue.least { self.since = nil }
    }
    if since == nil { level = .zero }
    guard drains else { return since != nil }
    setDrain(at: now)
    // A queue that empties needs no lower rate.
    return since != nil && !isFalling()
  }

  private mutating func setDrain(at now: Instant) {
    drain = 1
    if let lastOveruse, now - lastOveruse < StandingQueue.drainedFor,
      queue > StandingQueue.drainedTo
    {
      let share = 1 - queue.seconds / StandingQueue.drainedWithin.seconds
      drain = max(StandingQueue.leastShare, share)
    } else if since == nil {
      lastOveruse = nil
    }
  }

  private mutating func isFalling() -> Bool {
    defer {
      queues.append(queue)
      if queues.count > StandingQueue.messages { queues.removeFirst() }
    }
    return queues.first.map { queue < $0 - StandingQueue.fall } ?? false
  }

  private func leastDelay(of received: [PacketResult]) -> Duration? {
    var least: Duration?
    for result in received {
      guard let arrival = result.arrival else { continue }
      let delay = arrival - result.sent.sentAt
      least = min(least ?? delay, delay)
    }
    return least
  }

  private mutating func note(_ delay: Duration, second: Int64) {
    if let last = minima.last, last.second == second {
      minima[minima.count - 1].delay = min(last.delay, delay)
      return
    }
    minima.append((second, delay))
    minima.removeAll { $0.second <= second - Int64(StandingQueue.buckets) }
  }
}

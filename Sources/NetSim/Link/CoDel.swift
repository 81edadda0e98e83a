// Controlled Delay active queue management (RFC 8289 §5), the decision part of its dequeue routine.
import Basics

/// The per-queue state of RFC 8289 §5.2. The queue asks for a decision on each packet it takes out.
struct CoDel {
  /// RFC 8289 §5.3 `maxpacket`: with no more than this behind it, a packet is never dropped.
  private static let maxPacket = 1_500

  enum Decision { case forward, drop, mark }

  /// Where a packet stands in one call of the RFC's dequeue routine.
  enum Turn {
    case first
    /// After the drop that began the drop state.
    case afterEntry
    /// After a drop within the drop state.
    case afterDrop
  }

  private var firstAboveTime: Instant?
  private var dropNext = Instant.zero
  private var count: UInt32 = 0
  private var lastCount: UInt32 = 0
  private(set) var isDropping = false

  /// What becomes of a packet just taken out.
  /// - Parameters:
  ///   - sojourn: how long it waited.
  ///   - backlog: bytes still queued behind it.
  ///   - canMark: whether it is to be marked where it would be dropped.
  mutating func decide(
    _ turn: Turn, sojourn: Duration, backlog: Int, canMark: Bool, at now: Instant,
    target: Duration, interval: Duration
  ) -> Decision {
    let isOkToDrop = isAbove(
      sojourn: sojourn, backlog: backlog, at: now, target: target, interval: interval)
    if turn == .afterEntry { return .forward }
    guard isDropping else {
      guard isOkToDrop else { return .forward }
      isDropping = true
      let delta = count &- lastCount
      count = delta > 1 && now - dropNext < interval * 16 ? delta : 1
      dropNext = controlLaw(now, interval)
      lastCount = count
      return canMark ? .mark : .drop
    }
    guard isOkToDrop else {
      isDropping = false
      return .forward
    }
    if turn == .afterDrop { dropNext = controlLaw(dropNext, interval) }
    guard now >= dropNext else { return .forward }
    count &+= 1
    guard canMark else { return .drop }
    // A marked packet goes on, so the next time is set at once (as Linux does).
    dropNext = controlLaw(dropNext, interval)
    return .mark
  }

  /// The queue ran empty.
  mutating func emptied() {
    firstAboveTime = nil
    isDropping = false
  }

  private mutating func isAbove(
    sojourn: Duration, backlog: Int, at now: Instant, target: Duration, interval: Duration
  ) -> Bool {
    if sojourn < target || backlog <= CoDel.maxPacket {
      firstAboveTime = nil
      return false
    }
    guard let firstAboveTime else {
      self.firstAboveTime = now + interval
      return false
    }
    return now >= firstAboveTime
  }

  private func controlLaw(_ time: Instant, _ interval: Duration) -> Instant {
    time + Duration(nanosecondsRounding: Double(interval.nanoseconds) / Double(count).squareRoot())
  }
}

// Whether the queue before a subscriber is somebody else's, so that giving way to it is in vain: beside TCP
// that fills a queue, an estimate that goes by delay ends at nothing (RFC 8867 §5.6 asks for the least).

import Basics

struct ContestedLink {
  /// Video has been held back for so long, and yet the queue has not become shorter.
  private static let patience = Duration.seconds(2)
  /// A queue that empties because of it loses more than this share of its length in that time.
  private static let fall = 0.25
  /// More loss is the link's own, too narrow for the least picture.
  private static let highestLoss = 0.2
  private static let firstRetry = Duration.seconds(10)
  private static let longestRetry = Duration.seconds(60)

  /// Whether the least picture is sent whatever the estimate.
  private(set) var isContested = false
  private var held: (since: Instant, queue: Duration)?
  private var nextTry = Instant.zero
  private var retry = ContestedLink.firstRetry

  /// - Parameters:
  ///   - queue: what stands on the way.
  ///   - isHeldBack: whether no video is sent though some is wanted.
  ///   - loss: of the last second, 0...1.
  mutating func update(queue: Duration, isHeldBack: Bool, loss: Double, at now: Instant) {
    if isContested {
      if loss > ContestedLink.highestLoss {
        isContested = false
        nextTry = now + retry
        retry = min(retry * 2, ContestedLink.longestRetry)
      } else if queue < SFULimits.standingQueue {
        leaveWhenCalm(at: now)
      } else {
        held = nil
      }
      return
    }
    guard isHeldBack, queue > SFULimits.standingQueue, now >= nextTry else {
      held = nil
      return
    }
    guard let held, queue > held.queue * (1 - ContestedLink.fall) else {
      held = (now, queue)
      return
    }
    guard now - held.since >= ContestedLink.patience else { return }
    isContested = true
    self.held = nil
  }
}

// Whether the queue before a subscriber is somebody else's, so that giving way to it is in vain: beside TCP
// that fills a queue, an estimate that goes by delay ends at nothing, and RFC 8867 §5.6 asks for the least.

import Basics

struct ContestedLink {
  /// For so long no video was sent, and yet the queue did not become shorter.
  private static let patience = Duration.seconds(2)
  /// A queue of ours would lose more than this share of its length in that time.
  private static let fall = 0.25
  /// The other has gone when the estimate was above the least picture for so long.
  private static let calm = Duration.seconds(5)
  /// More loss than this for longer than a moment is the link's own, too narrow for the least picture.
  private static let highestLoss = 0.2
  private static let firstRetry = Duration.seconds(10)
  private static let longestRetry = Duration.seconds(60)

  /// Whether the least picture is sent whatever the estimate.
  private(set) var isContested = false
  private var heldBack: (since: Instant, queue: Duration)?
  private var calmSince: Instant?
  private var lossySince: Instant?
  private var nextTry = Instant.zero
  private var retry = ContestedLink.firstRetry

  /// - Parameters:
  ///   - queue: what stands on the way.
  ///   - isHeldBack: whether no video is sent though some is wanted.
  ///   - isAmple: whether the estimate is above what the least picture takes.
  ///   - loss: of the last second, 0...1.
  mutating func update(
    queue: Duration, isHeldBack: Bool, isAmple: Bool, loss: Double, at now: Instant
  ) {
    if isContested {
      calmSince = isAmple ? calmSince ?? now : nil
      lossySince = loss > ContestedLink.highestLoss ? lossySince ?? now : nil
      if let lossySince, now - lossySince >= ContestedLink.patience {
        isContested = false
        nextTry = now + retry
        retry = min(retry * 2, ContestedLink.longestRetry)
      } else if let calmSince, now - calmSince >= ContestedLink.calm {
        isContested = false
        retry = ContestedLink.firstRetry
      }
    } else if !isHeldBack || queue <= SFULimits.standingQueue || now < nextTry {
      heldBack = nil
    } else if let held = heldBack, queue > held.queue * (1 - ContestedLink.fall) {
      guard now - held.since >= ContestedLink.patience else { return }
      isContested = true
      heldBack = nil
      calmSince = nil
      lossySince = nil
    } else {
      heldBack = (now, queue)
    }
  }
}

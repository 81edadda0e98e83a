// How much a TCP sender may have in flight: NewReno (RFC 5681 §3) and CUBIC (RFC 9438).
import Basics

public enum TCPCongestionControl: String, Sendable, CaseIterable { case newReno, cubic }

/// A congestion window in segments. It is told what was acknowledged and what was lost.
struct CongestionWindow {
  /// RFC 6928 §2.
  private static let initial = 10.0
  /// RFC 9438 §4.1, §4.6: C in segments/s³, and what is left of the window after a loss.
  private static let c = 0.4
  private static let cubicFactor = 0.7
  private static let renoFactor = 0.5
  /// RFC 9438 §4.3: grows the estimate of Reno's window at Reno's pace with CUBIC's factor.
  private static let alpha = 3 * (1 - cubicFactor) / (1 + cubicFactor)

  let control: TCPCongestionControl
  private(set) var segments = CongestionWindow.initial
  private(set) var threshold = Double.infinity

  // CUBIC: the window before the last loss, and the epoch of congestion avoidance since then.
  private var maximum = 0.0
  private var epoch: Instant?
  private var inflection = 0.0
  private var renoEstimate = 0.0
  /// The window at the last loss, up to which Reno's pace is slowed.
  private var prior = 0.0

  init(_ control: TCPCongestionControl) { self.control = control }

  var isInSlowStart: Bool { segments < threshold }

  /// New data was acknowledged outside of recovery.
  mutating func acknowledged(_ acked: Double, roundTrip: Duration, at now: Instant) {
    if isInSlowStart {
      // At most two for one acknowledgment, or a leap of it would burst (RFC 3465 §2.2).
      segments += min(acked, 2)
      return
    }
    switch control {
    case .newReno: segments += acked / segments
    case .cubic: growCubic(acked, roundTrip, now)
    }
  }

  private mutating func growCubic(_ acked: Double, _ roundTrip: Duration, _ now: Instant) {
    if epoch == nil {
      epoch = now
      maximum = max(maximum, segments)
      inflection = CongestionWindow.cubeRoot((maximum - segments) / CongestionWindow.c)
      renoEstimate = segments
    }
    let elapsed = (now - epoch!).seconds
    let target = min(max(cubic(elapsed + roundTrip.seconds), segments), 1.5 * segments)
    let pace = renoEstimate >= prior ? 1 : CongestionWindow.alpha
    renoEstimate += pace * acked / segments
    if cubic(elapsed) < renoEstimate {
      segments = max(segments, renoEstimate)
    } else {
      segments += (target - segments) / segments * acked
    }
  }

  /// W_cubic of RFC 9438 §4.2.
  private func cubic(_ time: Double) -> Double {
    let t = time - inflection
    return CongestionWindow.c * t * t * t + maximum
  }

  /// By Newton's method, so that the result is the same bits everywhere.
  private static func cubeRoot(_ x: Double) -> Double {
    guard x > 0 else { return 0 }
    var root = max(1, x / 3)
    for _ in 0..<60 { root -= (root * root * root - x) / (3 * root * root) }
    return root
  }

  /// Duplicate acknowledgments showed a loss; `flight` segments were out.
  mutating func lost(flight: Double) {
    reduce(flight)
    segments = threshold
  }

  /// The retransmission timer expired.
  /// - Parameter isRepeat: the same segment timed out before (RFC 5681 §3.1: one reduction).
  mutating func timedOut(flight: Double, isRepeat: Bool) {
    if !isRepeat { reduce(flight) }
    segments = 1
  }

  private mutating func reduce(_ flight: Double) {
    switch control {
    case .newReno: threshold = max(flight * CongestionWindow.renoFactor, 2)
    case .cubic:
      // Fast convergence (RFC 9438 §4.7): leave room for a newcomer.
      maximum =
        segments < maximum ? segments * (1 + CongestionWindow.cubicFactor) / 2 : segments
      prior = segments
      threshold = max(flight * CongestionWindow.cubicFactor, 2)
      epoch = nil
    }
  }
}

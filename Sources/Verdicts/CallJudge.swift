// Whether a call succeeded (definition D2): joined in time, stayed, and saw what it wanted.

import Basics
import Results
import Scenario

struct CallJudge {
  private let seat: Evidence.Participant
  private let evidence: Evidence
  private let store: MetricStore
  private let faults: [FaultWindow]

  /// The product leaves these open; they are ours.
  private static let joinLimit = Duration.seconds(10)
  private static let window = Duration.seconds(5)
  private static let liveShare = 0.99

  init(
    _ seat: Evidence.Participant, in evidence: Evidence, store: MetricStore, faults: [FaultWindow]
  ) {
    self.seat = seat
    self.evidence = evidence
    self.store = store
    self.faults = faults
  }

  func hasSucceeded(_ session: SessionRecord) -> Bool {
    guard let connected = session.connected,
      connected - session.requested <= CallJudge.joinLimit, hasStayed
    else { return false }
    return store.peers(of: seat.member.identity, metric: "framesPerSecond", kind: .video)
      .allSatisfy(isLive)
  }

  /// Still there, or gone of its own will.
  private var hasStayed: Bool {
    guard case .disconnected(let reason) = seat.record.state else { return true }
    return reason == .left
  }

  /// Whether nearly all windows show a frame. Those that a fault reaches into count only when they do;
  /// those without a word about the picture count as dark only where it should be there without any
  /// doubt.
  private func isLive(_ peer: String) -> Bool {
    let strikes = faults.filter { $0.strikes(seat.member.identity) || $0.strikes(peer) }
    let isCertain =
      evidence.participant(peer).map { evidence.scenario.certainlySees(seat, $0) } ?? false
    let end = Instant.zero + evidence.scenario.duration
    let start = firstChance(to: peer, end: end)
    var shown = [Bool?](
      repeating: nil, count: max(0, Int((end - start) / CallJudge.window)))
    for span in seat.record.pictures(of: peer) where span.state != .idle {
      var second = span.from + .seconds(1)
      while second <= span.to {
        let window = Int((second - start - .nanoseconds(1)) / CallJudge.window)
        if second > start, shown.indices.contains(window) {
          shown[window] = (shown[window] ?? false) || span.state == .moving
        }
        second += .seconds(1)
      }
    }
    let judged = shown.enumerated().compactMap { index, isLive -> Bool? in
      if isLive == true { return true }
      let begin = start + CallJudge.window * index
      let isStruck = strikes.contains { $0.begin < begin + CallJudge.window && $0.heal > begin }
      return isStruck || (isLive == nil && !isCertain) ? nil : false
    }
    return Double(judged.count { $0 }) >= CallJudge.liveShare * Double(judged.count)
  }

  /// When both had time to join.
  private func firstChance(to peer: String, end: Instant) -> Instant {
    let joins = max(seat.member.joins, evidence.participant(peer)?.member.joins ?? .zero)
    return min(joins + CallJudge.joinLimit, seat.record.firstFrame ?? end)
  }
}

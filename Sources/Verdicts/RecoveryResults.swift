// What a result tells of coming back: every loss with its attempts, and how soon media was back.

import Basics
import Results
import Scenario

extension ResultAssembly {
  private static let reconnectionLimit = 10_000

  func fillRecovery(_ result: inout RunResult) {
    let faults = FaultWindow.all(of: evidence.scenario)
    let losses = evidence.participants.flatMap { reconnections(of: $0, faults) }
    let order = losses.indices.sorted { (losses[$0].lost, $0) < (losses[$1].lost, $1) }
    result.reconnections = order.prefix(ResultAssembly.reconnectionLimit).map { losses[$0] }
    result.recoveries = recoveries()
  }

  // MARK: - Connection

  private func reconnections(
    of seat: Evidence.Participant, _ faults: [FaultWindow]
  ) -> [ReconnectionSummary] {
    let identity = seat.member.identity
    let policy = seat.group.policy
    let sleeps = faults.filter { $0.isSleep && $0.strikes(identity) }
    let all = seat.record.reconnections
    return all.enumerated().map { index, reconnection in
      var summary = ReconnectionSummary(
        participant: identity, lost: reconnection.lost.seconds, back: reconnection.back?.seconds,
        outcome: outcome(of: reconnection, isLast: index + 1 == all.count, seat.record.state))
      summary.attempts = reconnection.waits.judged(by: policy, sleeps).compactMap { judged in
        guard let until = judged.wait.until else { return nil }
        return .init(
          waited: (until - judged.wait.from).seconds,
          allowed: judged.allowed.map { $0.lowerBound.seconds...$0.upperBound.seconds },
          isViolation: judged.isViolation)
      }
      return summary
    }
  }

  private func outcome(
    of reconnection: ReconnectionRecord, isLast: Bool, _ state: ConnectionState
  ) -> ReconnectionSummary.Outcome {
    if reconnection.back != nil { return reconnection.wasResumed ? .resumed : .rejoined }
    if isLast, case .disconnected(.gaveUp) = state { return .gaveUp }
    return .open
  }

  // MARK: - Media

  private struct Times {
    var fromHeal: [Double] = []
    var fromLoss = 0.0
    var gap = 0.0

    mutating func add(_ fromHeal: [Double], _ fromLoss: [Double], _ gaps: [Double]) {
      self.fromHeal += fromHeal
      self.fromLoss = max(self.fromLoss, fromLoss.max() ?? 0)
      gap = max(gap, gaps.max() ?? 0)
    }
  }

  private func recoveries() -> [MediaRecovery] {
    var all = Times()
    var seen: [String: Times] = [:]
    var shown: [String: Times] = [:]
    for seat in evidence.participants {
      let viewer = seat.member.identity
      let values = { (metric: String, peer: String) in
        store.samples(participant: viewer, metric: metric, peer: peer, kind: nil)?.values ?? []
      }
      for peer in store.peers(of: viewer, metric: "assay.mediaBackFromHeal", kind: nil) {
        let fromHeal = values("assay.mediaBackFromHeal", peer)
        let fromLoss = values("assay.mediaBackFromLoss", peer)
        let gaps = values("assay.mediaGap", peer)
        all.add(fromHeal, fromLoss, gaps)
        seen[viewer, default: Times()].add(fromHeal, fromLoss, gaps)
        shown[peer, default: Times()].add(fromHeal, fromLoss, gaps)
      }
    }
    let everybody = summary("", .pair, all)
    return [everybody].compactMap { $0 }
      + evidence.participants.flatMap { seat in
        let name = seat.member.identity
        return [summary(name, .subscriber, seen[name]), summary(name, .publisher, shown[name])]
          .compactMap { $0 }
      }
  }

  private func summary(
    _ name: String, _ side: MediaRecovery.Side, _ times: Times?
  ) -> MediaRecovery? {
    guard let times, let most = times.fromHeal.max() else { return nil }
    let sorted = times.fromHeal.sorted()
    return MediaRecovery(
      participant: name, side: side, count: sorted.count,
      fromHealP95: sorted.nearestRank(95), fromHealMaximum: most,
      fromLossMaximum: times.fromLoss, gapMaximum: times.gap)
  }
}

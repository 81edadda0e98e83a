// Rules about faults and coming back, for every run that has any.

import Basics
import Results
import Scenario

extension Rules {
  func reconnectionRules() -> [Assertion] {
    [
      none(
        "rule/connection-states", "assay.illegalTransitions", "criterion 001:23",
        "a client goes from one connection state only to those that may follow"),
      none(
        "rule/backoff", "assay.backoffViolations", "criterion 001:22",
        "attempts to come back wait as the policy says, and end when it does"),
      none(
        "rule/state-after-resume", "assay.staleStateDuration", "LiveKit SyncState",
        "mute, subscriptions and sizes are what they are meant to be, also after a fault"),
      none(
        "rule/data-once", "assay.dataDuplicated", "LiveKit reliable data",
        "nobody gets a message twice"),
      none(
        "rule/data-order", "assay.dataOutOfOrder", "LiveKit reliable data",
        "messages come in the order in which they were sent"),
      none(
        "rule/data-delivered", "assay.dataLate", "LiveKit reliable data",
        "reliable messages come, ten seconds after whatever held them up at the latest"),
      bounded(
        "rule/disconnected-removed", "assay.zombieDuration", limit: Rules.ghostLimit,
        "RFC 7675 §5.1",
        "who is gone without a word is taken out of the room"),
      bounded(
        "rule/presence", "assay.presenceError", limit: Rules.presenceLimit, "criterion 003:24",
        "presence is counted without the time for which somebody was cut off"),
      bounded(
        "rule/disconnect-notified", "assay.disconnectNotifyDelay",
        limit: Rules.tellingLimit.milliseconds,
        "criterion 003:466",
        "the others are told when somebody's connection is lost, and when it is found again"),
      liveness(),
    ]
  }

  /// Consent that runs out, the grace after it, and as much again.
  private static let ghostLimit = 90.0
  /// In seconds, over all stays (criterion 003:24).
  private static let presenceLimit = 1.0
  /// Of silence, and of what ends it (criterion 003:466).
  static let tellingLimit = Duration.seconds(5)
  /// A join and the wait for a keyframe, with time to spare; the longest wait between two attempts
  /// comes on top.
  private static let livenessSlack = Duration.seconds(22)
  /// How long those of LiveKit's policies are given.
  static let livenessPatience = livenessSlack + usualWait
  /// The longest wait between two attempts of LiveKit's clients: 7 s and up to 1 s of jitter.
  private static let usualWait = Duration.seconds(8)

  /// The longest wait between two attempts that the policy of any of these has, or LiveKit's.
  static func longestWait(of seats: [Evidence.Participant]) -> Duration {
    seats.map(\.group.policy.longestDelay).reduce(usualWait, max)
  }

  func bounded(
    _ id: String, _ metric: String, limit: Double, _ source: String, _ meaning: String
  ) -> Assertion {
    let individuals = measured(metric).map { who, samples in
      let most = samples.values.max()!
      return Assertion.Individual(
        participant: who, observed: most, samples: samples.values.count,
        verdict: most <= limit ? .pass : .fail)
    }
    var result = assertion(id, metric, .max, .atMost, limit: limit, individuals, source)
    result.reason = sentence(result, meaning, source)
    return result
  }

  /// After a fault heals, all who saw each other before see each other again.
  private func liveness() -> Assertion {
    let metric = "assay.mediaBackFromHeal"
    let end = evidence.end
    var individuals: [Assertion.Individual] = []
    for seat in evidence.participants {
      let identity = seat.member.identity
      for peer in store.peers(of: identity, metric: metric, kind: nil) {
        guard
          let samples = store.samples(
            participant: identity, metric: metric, peer: peer, kind: nil)
        else { continue }
        let both = [seat, evidence.participant(peer)].compactMap { $0 }
        let limit = (Rules.livenessSlack + Rules.longestWait(of: both)).milliseconds
        // A run that ends too early proves nothing.
        let judged = zip(samples.times, samples.values).filter { time, value in
          time < end.nanoseconds || value >= limit
        }
        guard let most = judged.map(\.1).max() else { continue }
        individuals.append(
          .init(
            participant: "\(identity)<\(peer)", observed: most, samples: judged.count,
            verdict: most <= limit ? .pass : .fail))
      }
    }
    var result = assertion(
      "rule/liveness", metric, .max, .atMost, limit: Rules.livenessPatience.milliseconds,
      individuals, "definition D3")
    result.reason = sentence(
      result, "after a fault everybody sees those whom they saw before", "definition D3")
    return result
  }
}

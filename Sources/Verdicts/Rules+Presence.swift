// Rules about who is there at all, and whom media reaches: whatever a scenario expects, it is not carried out
// where somebody never joined, or never saw anything.

import Basics
import Results
import Scenario

extension Rules {
  private static let presenceSource = "Assay liveness"

  /// Every participant joins that the plan lets in and that no fault strikes while it does.
  func allJoined() -> Assertion {
    let faults = FaultWindow.all(of: evidence.scenario)
    var individuals: [Assertion.Individual] = []
    for seat in evidence.participants where !isToBeRefused(seat) {
      let stays = due.plan.presence(of: seat.member.identity)
      let verdict: Verdict
      if seat.record.hasConnected {
        verdict = .pass
      } else if !letsThrough(seat) || stays.isEmpty {
        continue
      } else {
        let own = faults.filter { $0.strikes(seat.member.identity) }
        let free = stays.filter { stay in
          !own.contains { $0.begin < stay.start + DueMedia.joinLimit && $0.heal > stay.start }
        }
        guard let first = free.first else { continue }
        let hadTime = free.contains {
          min($0.end, evidence.end) - $0.start >= DueMedia.joinLimit
        }
        // Who leaves again before it is in, as planned, need not have been.
        guard hadTime || first.end >= evidence.end else { continue }
        verdict = hadTime ? .fail : .inconclusive
      }
      individuals.append(
        .init(
          participant: seat.member.identity, observed: verdict == .pass ? 1 : 0, samples: 1,
          verdict: verdict))
    }
    var result = assertion(
      "rule/all-joined", "assay.joined", .max, .atLeast, limit: 1, individuals,
      Rules.presenceSource)
    result.reason = sentence(
      result, "every participant of the scenario joins", Rules.presenceSource)
    guard result.verdict != .fail,
      let early = individuals.first(where: { $0.verdict == .inconclusive })
    else { return result }
    result.verdict = .inconclusive
    result.reason =
      "The run is over before \(early.participant) had \(Int(DueMedia.joinLimit.seconds)) s to join."
    return result
  }

  /// Whether the room is full by the plan, or an expectation has it kept out.
  private func isToBeRefused(_ seat: Evidence.Participant) -> Bool {
    let identity = seat.member.identity
    return due.plan.isRefused(identity)
      || evidence.scenario.expectations.contains { expectation in
        guard expectation.metric.name == "assay.joined", expectation.statistic == .max,
          expectation.subjects.contains(where: { $0.identity == identity })
        else { return false }
        return !expectation.comparison.holds(1, expectation.limit)
      }
  }

  /// Media that is due only for less than this, outside faults, may be missed.
  private static let mediaMinimum = Duration.seconds(3)

  /// For every pair and source of which media is due for a while, without a fault or the time that coming
  /// back from it takes, some arrives.
  func mediaReceived() -> Assertion {
    let faults = FaultWindow.all(of: evidence.scenario)
    var individuals: [Assertion.Individual] = []
    for seat in evidence.participants {
      let viewer = seat.member.identity
      let received = received(by: seat)
      for other in evidence.participants
      where other.member.room == seat.member.room && other.member.identity != viewer {
        let publisher = other.member.identity
        for source in due.sources(of: publisher) {
          let hasMedia = received.contains("\(publisher) \(source.rawValue)")
          guard hasMedia || isDue(seat, other, source, faults) else { continue }
          individuals.append(
            .init(
              participant: "\(viewer)<\(publisher)", observed: hasMedia ? 1 : 0, samples: 1,
              verdict: hasMedia ? .pass : .fail))
        }
      }
    }
    var result = assertion(
      "rule/media-received", "packetsReceived", .min, .atLeast, limit: 1, individuals,
      Rules.presenceSource)
    result.reason = sentence(
      result, "media arrives for every pair of whom one is to see or hear the other",
      Rules.presenceSource)
    return result
  }

  /// What a participant has had media of: `ada camera`. Where a track's source is not known, every one of its
  /// kind.
  private func received(by seat: Evidence.Participant) -> Set<String> {
    var received: Set<String> = []
    func note(_ publisher: String, _ source: MediaSource?, _ kind: TrackKind) {
      for each in MediaSource.allCases where each == source ?? each && each.kind == kind {
        received.insert("\(publisher) \(each.rawValue)")
      }
    }
    for track in seat.record.inbound {
      let packets = track.values.first { $0.metric == "packetsReceived" }?.value ?? 0
      if packets > 0 { note(track.publisher, MediaSource(rawValue: track.source), track.kind) }
    }
    // A record may have samples and no totals.
    for series in seat.record.series where !series.peer.isEmpty {
      guard let kind = series.kind, !series.samples.times.isEmpty,
        ["framesPerSecond", "assay.endToEndDelay", "assay.audioEndToEndDelay"]
          .contains(series.metric)
      else { continue }
      note(series.peer, series.source, kind)
    }
    return received
  }

  private func isDue(
    _ viewer: Evidence.Participant, _ publisher: Evidence.Participant, _ source: MediaSource,
    _ faults: [FaultWindow]
  ) -> Bool {
    let identities = (viewer.member.identity, publisher.member.identity)
    guard letsThrough(viewer), letsThrough(publisher) else { return false }
    var due = due.intervals(identities.0, source, of: identities.1, isTalk: true)
    for fault in faults where fault.strikes(identities.0) || fault.strikes(identities.1) {
      due = due.removing(from: fault.begin, to: fault.heal + Rules.livenessPatience)
    }
    return due.contains { $0.duration >= Rules.mediaMinimum }
  }
}

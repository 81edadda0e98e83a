// Events that were due, whether they came or not: joins, returns, mutes seen, messages.

import Basics
import Results
import Scenario

extension Measurement {
  /// Each join of the plan asks, and connects in time.
  mutating func noteJoins(of seat: Evidence.Participant) {
    let identity = seat.member.identity
    for stay in due.plan.presence(of: identity) {
      let session = seat.record.sessions.first {
        $0.requested >= stay.start && $0.requested < stay.end
      }
      let latest = min(stay.start + DueMedia.joinLimit, stay.end, end)
      // A run that ends too early, or somebody who leaves again at once, proves nothing.
      let isDue = latest == stay.start + DueMedia.joinLimit
      if isDue || session?.connected != nil {
        store.note(
          "assay.connectTime", of: identity, at: session?.connected ?? latest,
          isMissing: session?.connected == nil)
      }
      if isDue || session != nil {
        store.note(
          "assay.joinRequestsPer100ms", of: identity, at: session?.requested ?? latest,
          isMissing: session == nil)
      }
    }
  }

  /// Whoever was to be seen, or heard, before a fault is due a return from it.
  mutating func noteRecoveries(of seat: Evidence.Participant, _ faults: [FaultWindow]) {
    guard !faults.isEmpty else { return }
    let viewer = seat.member.identity
    var known: Set<String> = []
    for recovery in seat.record.recoveries {
      known.insert("\(recovery.publisher) \(recovery.begin.nanoseconds)")
    }
    for other in evidence.participants
    where other.member.room == seat.member.room && other.member.identity != viewer {
      let publisher = other.member.identity
      let struck = FaultWindow.merged(faults, striking: viewer, or: publisher)
      guard !struck.isEmpty else { continue }
      let media = due.sources(of: publisher).map { source in
        (kind: source.kind, intervals: due.intervals(viewer, source, of: publisher))
      }
      var before = Instant.zero - Measurement.returnPatience
      for fault in struck {
        defer { before = fault.heal }
        guard fault.heal < end else { continue }
        let isKnown = known.contains("\(publisher) \(fault.begin.nanoseconds)")
        // Nobody need be seen between two faults that follow each other.
        guard isKnown || fault.begin - before > Measurement.returnPatience,
          let kind = Scenario.MediaKind.allCases.first(where: { kind in
            media.contains { $0.kind == kind && isDue($0.intervals, before: fault.begin) }
          }),
          isKnown || wants(seat, other, lost(fault, publisher, kind))
        else { continue }
        for metric in ["assay.mediaBackFromLoss", "assay.mediaBackFromHeal", "assay.mediaGap"] {
          store.note(
            metric, of: viewer, peer: publisher, kind: kind, at: fault.heal, isMissing: !isKnown)
        }
      }
    }
  }

  /// The longest that somebody may need to come back (definition D3), and a little.
  private static let returnPatience = Rules.livenessPatience

  private func lost(
    _ fault: FaultWindow, _ publisher: String, _ kind: Scenario.MediaKind
  ) -> MediaRecoveryRecord {
    MediaRecoveryRecord(
      publisher: publisher, kind: kind, begin: fault.begin, heal: fault.heal, back: nil,
      gap: end - fault.begin)
  }

  /// Whether media was due for some time in the last seconds before a moment.
  private func isDue(_ intervals: [Interval], before moment: Instant) -> Bool {
    let start = moment - Measurement.recoveryMemory
    var (low, high) = (0, intervals.count)
    while low < high {
      let middle = (low + high) / 2
      if intervals[middle].end <= start { low = middle + 1 } else { high = middle }
    }
    guard low < intervals.count else { return false }
    return min(intervals[low].end, moment) - max(intervals[low].start, start)
      > DueMedia.talkSettling * 2
  }

  /// A mute of what was sent is due to be seen by whoever receives it, unless one leaves before.
  mutating func noteMute(_ request: MuteChange, seenBy seat: Evidence.Participant) {
    guard let source = request.source else { return }
    let (viewer, publisher) = (seat.member.identity, request.identity)
    let span = Interval(start: request.at, end: request.at + DueMedia.settling)
    let sent = due.plan.sends(publisher, source)
    // What changes nothing is not told.
    let isChange = sent.contains { request.isMuted ? $0.end == request.at : $0.start == request.at }
    guard isChange, span.end <= end,
      due.plan.receives(viewer, source, of: publisher).overlap(with: span) == span.duration,
      due.plan.presence(of: publisher).overlap(with: span) == span.duration
    else { return }
    let seen = seat.record.mutes.first {
      $0.identity == publisher && $0.source == source && $0.isMuted == request.isMuted
        && $0.at >= request.at
    }
    store.note(
      "assay.muteDelay", of: viewer, peer: publisher, kind: source.kind,
      at: seen?.at ?? span.end, isMissing: seen == nil)
  }

  /// Messages of `sender` that were due, and those that it was to send and did not.
  mutating func noteMessages(
    from sender: Evidence.Participant, to receiver: Evidence.Participant, _ sent: [SentMessage],
    overdue: [Instant]
  ) {
    let (name, identity) = (sender.member.identity, receiver.member.identity)
    let unsent = unsent(by: sender, sent)
    for metric in [
      "assay.dataDelay", "assay.dataDuplicated", "assay.dataOutOfOrder", "assay.dataLost",
      "assay.dataLate",
    ] {
      // What did not come in time is counted by the other two.
      let isCounted = metric == "assay.dataLost" || metric == "assay.dataLate"
      for moment in unsent + (isCounted ? [] : overdue) {
        store.note(metric, of: identity, peer: name, at: moment, isMissing: true)
      }
    }
  }

  /// When it was in the room, by the plan and by what it knew, and sent nothing.
  private func unsent(by sender: Evidence.Participant, _ sent: [SentMessage]) -> [Instant] {
    guard let data = sender.group.data else { return [] }
    let joined = store.entries(sender.member.identity, "assay.joined", nil, nil)
    let there = Set(
      joined.flatMap { samples in
        zip(samples.times, samples.values).filter { $0.1 > 0 }.map { $0.0 / DueMedia.second }
      })
    let stays = due.plan.awake(
      due.plan.presence(of: sender.member.identity), sender.member.identity)
    let known = Set(sent.map(\.at))
    var missing: [Instant] = []
    var at = max(data.from, sender.member.joins)
    while at < min(data.until, sender.group.leaveAt ?? data.until, end) {
      let second = at.nanoseconds / DueMedia.second
      if !known.contains(at), stays.contains(where: { $0.start <= at && at < $0.end }),
        (second - 1...second + 1).allSatisfy(there.contains)
      {
        missing.append(at)
      }
      at += data.every
    }
    return missing
  }
}

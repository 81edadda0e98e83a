// What faults did to people: how long until they were back, what they lost, what they believed.

import Basics
import Results
import Scenario

extension Measurement {
  // MARK: - Media

  /// From the loss and from the healing to the first frame that was captured after it, for each who was
  /// seen before; and the longest time without a frame between. Pictures tell, or talk where there are
  /// none.
  mutating func measureRecovery(of seat: Evidence.Participant) {
    let identity = seat.member.identity
    for recovery in seat.record.recoveries {
      guard let other = evidence.participant(recovery.publisher) else { continue }
      let pictures = store.samples(
        participant: identity, metric: "assay.endToEndDelay", peer: other.member.identity,
        kind: .video)
      let kind: Scenario.MediaKind = pictures?.times.isEmpty ?? true ? .audio : .video
      guard recovery.kind == kind, wants(seat, other, recovery) else { continue }
      record(recovery, identity, other.member.identity)
      returns[identity, default: Returns()].down.append(recovery)
      returns[other.member.identity, default: Returns()].up.append(recovery)
    }
  }

  private mutating func record(
    _ recovery: MediaRecoveryRecord, _ identity: String, _ peer: String
  ) {
    // Never back counts as back at the end of the run.
    let back = recovery.back ?? end
    let figures = [
      ("assay.mediaBackFromHeal", back - recovery.heal),
      ("assay.mediaBackFromLoss", back - recovery.begin),
      ("assay.mediaGap", recovery.gap),
    ]
    for (metric, value) in figures {
      var samples = MetricSamples()
      samples.append(value.milliseconds, at: back)
      store.add(samples, participant: identity, metric: metric, peer: peer, kind: recovery.kind)
    }
  }

  /// Whether both are to be in the room from the healing on, and the publisher is to be seen, or
  /// heard, until it was: nobody chose otherwise meanwhile.
  func wants(
    _ viewer: Evidence.Participant, _ publisher: Evidence.Participant,
    _ recovery: MediaRecoveryRecord
  ) -> Bool {
    let heal = recovery.heal
    for seat in [viewer, publisher] {
      guard let first = seat.record.sessions.first, first.requested <= heal else {
        return false
      }
      if case .disconnected(let reason) = seat.record.state {
        // Who gave up before the healing could not come back; who gave up after it should have.
        let departed = seat.record.stateChanges.last?.at ?? heal
        switch reason {
        case .left, .dismissed: return false
        default: if departed <= heal { return false }
        }
      }
    }
    let last = min(recovery.back ?? end, heal + Rules.livenessPatience)
    guard
      !evidence.scenario.changesView(
        of: publisher.member.identity, by: viewer.member.identity, recovery.kind,
        in: (recovery.begin - Measurement.recoveryMemory)...last)
    else { return false }
    let mutes = evidence.record.muteRequests.filter { $0.identity == publisher.member.identity }
    let isMuted = { (source: Scenario.Source) in
      mutes.last { $0.source == source && $0.at <= heal + .seconds(1) }?.isMuted
        ?? false
    }
    return publisher.group.publish.contains { $0.kind == recovery.kind && !isMuted($0) }
  }

  // MARK: - Connection

  mutating func measureReconnections(_ seat: Evidence.Participant, _ faults: [FaultWindow]) {
    let identity = seat.member.identity
    let reconnections = seat.record.reconnections
    let attempts = reconnections.reduce(0) { $0 + $1.attempts.count }
    add(Double(attempts), "assay.reconnectAttempts", identity, at: end)
    for reconnection in reconnections {
      for metric in ["assay.resumed", "assay.reconnectFromLoss", "assay.reconnectFromHeal"] {
        store.note(
          metric, of: identity, at: reconnection.back ?? end, isMissing: reconnection.back == nil)
      }
      guard let connected = reconnection.back else { continue }
      add(reconnection.wasResumed ? 1 : 0, "assay.resumed", identity, at: connected)
      let fault = faults.last { $0.begin <= reconnection.lost && $0.strikes(identity) }
      let shown = fault.map { returns[identity]?.shown(after: $0, until: end) ?? [] } ?? []
      let back = shown.reduce(connected, max)
      add((back - reconnection.lost).milliseconds, "assay.reconnectFromLoss", identity, at: back)
      if let fault {
        let sinceHeal = max(.zero, back - max(fault.heal, reconnection.lost))
        add(sinceHeal.milliseconds, "assay.reconnectFromHeal", identity, at: back)
      }
    }
    let policy = seat.group.policy
    let sleeps = faults.filter { $0.isSleep && $0.strikes(identity) }
    let waits = reconnections.map(\.waits) + seat.record.sessions.map(\.waits)
    let violations = waits.reduce(0) { count, waits in
      count + waits.judged(by: policy, sleeps).count { $0.isViolation }
    }
    var early = 0
    if case .disconnected(.gaveUp(let attempts, _, _)) = seat.record.state,
      attempts < policy.attempts
    {
      early = 1
    }
    add(Double(violations + early), "assay.backoffViolations", identity, at: end)
  }

  mutating func measureState(of seat: Evidence.Participant) {
    let identity = seat.member.identity
    let illegal = seat.record.stateChanges.illegalTransitions
    add(Double(illegal), "assay.illegalTransitions", identity, at: end)
    add(Double(seat.record.staleStateSeconds), "assay.staleStateDuration", identity, at: end)
    add(Double(seat.record.zombieSeconds), "assay.zombieDuration", identity, at: end)
  }

  /// How many asked to join in the same tenth of a second, of each who did.
  mutating func measureJoins() {
    let width = Duration.milliseconds(100).nanoseconds
    var asked: [(identity: String, at: Instant)] = []
    for seat in evidence.participants {
      let observations = seat.record
      let moments =
        observations.sessions.flatMap { [$0.requested] + $0.waits.compactMap(\.until) }
        + observations.reconnections.flatMap(\.attempts)
      asked += moments.map { (seat.member.identity, $0) }
    }
    var bins: [Int64: Int] = [:]
    for join in asked { bins[join.at.nanoseconds / width, default: 0] += 1 }
    for join in asked.sorted(by: { $0.at < $1.at }) {
      let count = bins[join.at.nanoseconds / width] ?? 0
      add(Double(count), "assay.joinRequestsPer100ms", join.identity, at: join.at)
    }
  }

  /// What the SFU counted as presence against what came from the participant (criterion 003:24);
  /// nothing where the SFU that counted is gone, or is not ours.
  mutating func measurePresence() {
    let isWhole = !evidence.scenario.events.contains { $0.action.strikesEverybody }
    guard isWhole else { return }
    for seat in evidence.participants {
      let identity = seat.member.identity
      let stays = stays(of: seat)
      guard !stays.isEmpty else { continue }
      let certain = HeardSpans(seat.record.datagramsAtServer)
      let possible = HeardSpans(seat.record.everythingAtServer)
      var (counted, least, most) = (Duration.zero, Duration.zero, Duration.zero)
      var free = Instant.zero
      for stay in stays.sorted(by: { $0.joinedAt < $1.joinedAt }) {
        counted += stay.active
        // Nobody is there twice at a time.
        let span = max(stay.joinedAt, free)...max(stay.leftAt ?? end, stay.joinedAt, free)
        free = span.upperBound
        least += certain.presence(in: span, isOver: stay.leftAt != nil)
        most += possible.presence(in: span, isOver: stay.leftAt != nil)
      }
      // Until a check comes from the new address behind a NAT, what comes from it is a stranger's.
      if wasRebound(seat) { least = .zero }
      let error = max(counted - most, least - counted, .zero)
      add(error.seconds, "assay.presenceError", identity, at: end)
    }
  }

  /// As the SFU wrote them down; none where it is gone, or is not ours.
  func stays(of seat: Evidence.Participant) -> [ServerRecord.Stay] {
    (evidence.record.server?.stays ?? []).filter {
      $0.identity == seat.member.identity && $0.room == seat.member.room
    }
  }

  func wasRebound(_ seat: Evidence.Participant) -> Bool {
    evidence.scenario.events.contains { event in
      event.action == .rebindNAT
        && event.target.identities?.contains(seat.member.identity) == true
    }
  }

  // MARK: - Messages

  mutating func measureMessages() {
    let sent = evidence.record.messages
    for receiver in evidence.participants {
      for sender in evidence.participants
      where sender.member.room == receiver.member.room && sender.group.data != nil
        && sender.member.identity != receiver.member.identity
      {
        measureMessages(from: sender, to: receiver, sent)
      }
    }
  }

  /// A message must arrive that was sent while its receiver had been in for a second and was to stay.
  private mutating func measureMessages(
    from sender: Evidence.Participant, to receiver: Evidence.Participant, _ all: [SentMessage]
  ) {
    let (name, identity) = (sender.member.identity, receiver.member.identity)
    let sent = all.filter { $0.sender == name }
    let sessions = receiver.record.sessions
    let expected = sent.filter { message in
      message.isReliable && message.at + .seconds(5) <= end
        && sessions.contains { session in
          session.connected.map { $0 + .seconds(1) <= message.at } ?? false
            && (session.ended.map { $0 > message.at + .seconds(5) } ?? true)
        }
    }
    let arrivals = receiver.record.messages.filter { $0.sender == name }.map {
      (number: $0.number, at: $0.at)
    }
    let fate = MessageFate(
      expected: expected.map(\.number),
      sent: Dictionary(uniqueKeysWithValues: sent.map { ($0.number, $0.at) }), arrivals: arrivals)
    let overdue = DueMessages(evidence, from: sender, to: receiver).overdue(sent, arrivals)
    noteMessages(from: sender, to: receiver, sent, overdue: overdue)
    guard !all.isEmpty else { return }
    for (metric, value) in [
      ("assay.dataLost", fate.lost), ("assay.dataLate", overdue.count),
      ("assay.dataDuplicated", fate.doubled),
      // The lossy channel promises no order.
      ("assay.dataOutOfOrder", sender.group.data?.isReliable == true ? fate.outOfOrder : 0),
    ] {
      add(Double(value), metric, identity, peer: name, at: end)
    }
    var delays = MetricSamples()
    for delay in fate.delays { delays.append(delay.milliseconds, at: delay.at) }
    store.add(delays, participant: identity, metric: "assay.dataDelay", peer: name)
  }

  // MARK: - Samples

  /// Of the run, which may have been interrupted.
  var end: Instant { evidence.end }

  /// Who was shown within this time before a fault was seen before it.
  static let recoveryMemory = Duration.seconds(5)

  mutating func add(
    _ value: Double, _ metric: String, _ identity: String, peer: String = "", at moment: Instant
  ) {
    var samples = MetricSamples()
    samples.append(value, at: moment)
    store.add(samples, participant: identity, metric: metric, peer: peer)
  }
}

/// How what one person sees, and what others see of that person, came back from faults.
struct Returns {
  var down: [MediaRecoveryRecord] = []
  var up: [MediaRecoveryRecord] = []

  /// The first frame or talk that was shown after `fault` in each direction that had any before;
  /// none until `end` counts as at the end.
  func shown(after fault: FaultWindow, until end: Instant) -> [Instant] {
    [down, up].compactMap { direction in
      direction.filter { $0.begin <= fault.begin && $0.heal >= fault.heal }
        .map { $0.back ?? end }.min()
    }
  }
}

/// An attempt that was made, and what the policy allowed.
struct JudgedWait {
  var wait: AttemptWait
  /// From `wait.from`; nil for one that the SFU asked for.
  var allowed: ClosedRange<Duration>?
  var isViolation = false
}

extension [AttemptWait] {
  /// Timers are kept to the nanosecond; what a wait is longer than drawn would be a stream that took
  /// its time to break, and there is none.
  private var tolerance: Duration { .milliseconds(1) }

  /// Which attempts were made outside the policy: too soon, too late, or too many. Who slept when one
  /// was due makes it on waking up.
  func judged(by policy: ReconnectPolicy, _ sleeps: [FaultWindow]) -> [JudgedWait] {
    var last = Duration.zero
    return compactMap { wait in
      guard let until = wait.until else { return nil }
      guard let number = wait.number else { return JudgedWait(wait: wait) }
      let bounds = policy.bounds(attempt: number, last: last)
      let earliest = wait.from + bounds.lowerBound
      var latest = wait.from + bounds.upperBound
      for sleep in sleeps where sleep.begin <= latest { latest = Swift.max(latest, sleep.heal) }
      last = Swift.min(until - wait.from, bounds.upperBound)
      return JudgedWait(
        wait: wait, allowed: bounds.lowerBound...(latest - wait.from),
        isViolation: number >= policy.attempts || until + tolerance < earliest
          || until > latest + tolerance)
    }
  }
}

// From a record to the metrics of the catalogue.

import Basics
import Results
import Scenario

/// Fills the store of a finished run.
struct Measurement {
  let evidence: Evidence
  let due: DueMedia
  var store: MetricStore
  /// By identity.
  var returns: [String: Returns] = [:]
  private var muteRequests: [MuteChange] { evidence.record.muteRequests }
  let flows: FlowMeasurement

  init(_ evidence: Evidence) {
    self.evidence = evidence
    due = DueMedia(evidence)
    store = MetricStore(due)
    flows = FlowMeasurement(evidence)
    let faults = FaultWindow.all(of: evidence.scenario)
    for seat in evidence.participants { measure(seat, faults) }
    for seat in evidence.participants { measureReconnections(seat, faults) }
    measureMessages()
    measureJoins()
    measurePresence()
    measureAbsences()
    measureRights()
    measureIsolation()
    measureMuteNotices()
    flows.fill(&store)
    measureSharing()
  }

  private mutating func measure(_ seat: Evidence.Participant, _ faults: [FaultWindow]) {
    let identity = seat.member.identity
    store.setPresence(presence(of: seat), of: identity)
    store.setPublishers(publishers(for: seat), of: identity)
    store.setSources(sources(for: seat), of: identity)
    for series in seat.record.series {
      var samples = series.samples
      if series.metric == "assay.packetsAfterMute" { samples = whileMuted(samples, series.peer) }
      store.add(
        samples, participant: identity, metric: series.metric,
        peer: series.peer, kind: series.kind, source: series.source)
    }
    measureSession(seat)
    noteJoins(of: seat)
    measureRecovery(of: seat)
    noteRecoveries(of: seat, faults)
    measureCall(seat, faults)
    measureState(of: seat)
    measureMutes(seat)
    measureSpeakers(seat)
    measureMutedSpeakers(seat)
    measureGaps(seat)
    measureRepeats(seat)
    measureSteps(seat)
    measureWraps(seat)
  }

  private func presence(of seat: Evidence.Participant) -> [Int64] {
    let joined = seat.record.series.first { $0.metric == "assay.joined" }?.samples
    return zip(joined?.times ?? [], joined?.values ?? []).filter { $0.1 > 0 }.map(\.0)
  }

  /// Who publishes in the same room, visible to this participant and wanted by it.
  private func publishers(
    for seat: Evidence.Participant
  ) -> [(identity: String, kind: Scenario.MediaKind)] {
    guard seat.group.grants.canSubscribe, seat.group.subscribe != .none else { return [] }
    var result: [(identity: String, kind: Scenario.MediaKind)] = []
    for other in evidence.participants
    where other.member.room == seat.member.room && other.member.identity != seat.member.identity {
      for track in other.record.outbound where track.packetsSent > 0 || other.group.mayEverPublish {
        if case .only(let selection) = seat.group.subscribe,
          track.mediaSource.map({ !selection.includes($0, of: other.member.identity) }) ?? true
        {
          continue
        }
        let kind = track.kind
        if !result.contains(where: { $0 == (other.member.identity, kind) }) {
          result.append((other.member.identity, kind))
        }
      }
    }
    return result
  }

  /// What each publisher in the same room sends, or would.
  private func sources(for seat: Evidence.Participant) -> [String: [MediaSource]] {
    var result: [String: [MediaSource]] = [:]
    for other in evidence.participants
    where other.member.room == seat.member.room && other.member.identity != seat.member.identity {
      var sources = other.group.mayEverPublish ? other.group.publish : []
      for track in other.record.outbound where track.packetsSent > 0 {
        guard let source = track.mediaSource, !sources.contains(source) else { continue }
        sources.append(source)
      }
      if case .only(let selection) = seat.group.subscribe {
        sources.removeAll { !selection.includes($0, of: other.member.identity) }
      }
      if !sources.isEmpty { result[other.member.identity] = sources }
    }
    return result
  }

  /// Of a running total only what came while `publisher` wanted to be muted: sound may be back before
  /// the word of it is.
  private func whileMuted(_ total: MetricSamples, _ publisher: String) -> MetricSamples {
    let wishes = muteRequests.filter { $0.identity == publisher && $0.source == .microphone }
    var result = MetricSamples()
    var (before, counted) = (0.0, 0.0)
    for (time, value) in zip(total.times, total.values) {
      let at = Instant(nanoseconds: time)
      if wishes.last(where: { $0.at <= at })?.isMuted ?? true { counted += value - before }
      before = value
      result.append(counted, at: at)
    }
    return result
  }

  private mutating func measureSession(_ seat: Evidence.Participant) {
    let identity = seat.member.identity
    for session in seat.record.sessions {
      guard let connected = session.connected else { continue }
      var samples = MetricSamples()
      samples.append((connected - session.requested).milliseconds, at: connected)
      store.add(samples, participant: identity, metric: "assay.connectTime")
    }
    if let first = seat.record.firstFrame, let requested = seat.record.sessions.first?.requested {
      var samples = MetricSamples()
      samples.append((first - requested).milliseconds, at: first)
      store.add(samples, participant: identity, metric: "assay.timeToFirstFrame")
    }
  }

  /// Definition D2: in within 10 s, not thrown out, and every wanted video live in 99 % of its windows
  /// of 5 s.
  private mutating func measureCall(_ seat: Evidence.Participant, _ faults: [FaultWindow]) {
    guard let session = seat.record.sessions.first else { return }
    let end = Instant.zero + evidence.scenario.duration
    var samples = MetricSamples()
    let judge = CallJudge(seat, in: evidence, store: store, faults: faults)
    samples.append(judge.hasSucceeded(session) ? 1 : 0, at: end)
    store.add(samples, participant: seat.member.identity, metric: "assay.callSuccess")
  }

  /// From the request to the moment at which this participant saw it.
  private mutating func measureMutes(_ seat: Evidence.Participant) {
    for request in muteRequests where request.identity != seat.member.identity {
      noteMute(request, seenBy: seat)
      let seen = seat.record.mutes.first {
        $0.identity == request.identity && $0.source == request.source
          && $0.isMuted == request.isMuted && $0.at >= request.at
      }
      guard let seen else { continue }
      var samples = MetricSamples()
      samples.append((seen.at - request.at).milliseconds, at: seen.at)
      store.add(
        samples, participant: seat.member.identity, metric: "assay.muteDelay",
        peer: request.identity, kind: request.source == .microphone ? .audio : .video,
        source: request.source)
    }
  }

  private mutating func measureSpeakers(_ seat: Evidence.Participant) {
    let judge = SpeakerJudge(evidence, seat, due.plan)
    let end = Instant.zero + evidence.scenario.duration
    for (at, delay) in judge.onsets {
      var samples = MetricSamples()
      samples.append(delay.milliseconds, at: at)
      store.add(
        samples, participant: seat.member.identity, metric: "assay.speakingIndicatorOnset")
    }
    for (at, isMissing) in judge.spells {
      for metric in [
        "assay.speakingIndicatorOnset", "assay.speakingIndicatorPrecision",
        "assay.speakingIndicatorRecall",
      ] {
        store.note(metric, of: seat.member.identity, at: at, isMissing: isMissing)
      }
    }
    if let precision = judge.precision {
      var samples = MetricSamples()
      samples.append(precision * 100, at: end)
      store.add(
        samples, participant: seat.member.identity, metric: "assay.speakingIndicatorPrecision")
    }
    if let recall = judge.recall {
      var samples = MetricSamples()
      samples.append(recall * 100, at: end)
      store.add(
        samples, participant: seat.member.identity, metric: "assay.speakingIndicatorRecall")
    }
  }

  /// How the picture followed the capacity of this participant's link.
  private mutating func measureSteps(_ seat: Evidence.Participant) {
    let identity = seat.member.identity
    let judge = LadderJudge(evidence: evidence, store: store)
    for (publisher, source, steps) in judge.steps(of: seat) {
      var down = MetricSamples()
      var up = MetricSamples()
      var switches = MetricSamples()
      for step in steps {
        let time = step.settled.milliseconds
        if step.isDown { down.append(time, at: step.at) } else { up.append(time, at: step.at) }
        switches.append(Double(step.switches), at: step.at)
      }
      let series = [
        ("assay.stepDownTime", down), ("assay.stepUpTime", up),
        ("assay.switchesPerStep", switches),
      ]
      for (metric, samples) in series where !samples.times.isEmpty {
        store.add(
          samples, participant: identity, metric: metric, peer: publisher, kind: .video,
          source: source)
      }
    }
  }

  private mutating func measureWraps(_ seat: Evidence.Participant) {
    let wraps = seat.record.counters
    for (metric, count) in [
      ("assay.sequenceNumberWraps", wraps.sequenceNumbers),
      ("assay.timestampWraps", wraps.timestamps), ("assay.rolloverCount", wraps.rollovers),
      ("assay.pictureIdWraps", wraps.pictureIDs),
      ("assay.referenceTimeWraps", wraps.referenceTimes),
    ] {
      var samples = MetricSamples()
      samples.append(Double(count), at: evidence.end)
      store.add(samples, participant: seat.member.identity, metric: metric)
    }
  }

  /// Of the reference SFU: others may send a lost packet again as it was.
  private mutating func measureRepeats(_ seat: Evidence.Participant) {
    guard evidence.record.server != nil, let duplicates = seat.record.duplicateSequenceNumbers
    else { return }
    var samples = MetricSamples()
    samples.append(
      Double(duplicates), at: Instant.zero + evidence.scenario.duration)
    store.add(samples, participant: seat.member.identity, metric: "assay.duplicateSequenceNumbers")
  }

  /// Streams of publishers from whom nothing was lost on the way to the SFU.
  private mutating func measureGaps(_ seat: Evidence.Participant) {
    let end = Instant.zero + evidence.scenario.duration
    for stream in seat.record.streams {
      guard let publisher = evidence.participant(stream.publisher),
        evidence.isUplinkClean(of: publisher),
        let gaps = stream.skippedSequenceNumbers
      else { continue }
      var samples = MetricSamples()
      samples.append(Double(gaps), at: end)
      store.add(
        samples, participant: seat.member.identity, metric: "assay.sequenceGaps",
        peer: stream.publisher, kind: stream.kind)
    }
  }
}

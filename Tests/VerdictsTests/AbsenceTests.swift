// No data is never a pass, in no part of the window in which it was due.

import Basics
import Results
import Scenario
import Testing

@testable import Scenario
@testable import Verdicts

@Suite struct EveryMetricOfTheCatalogue {
  /// Whom and what a metric is asked of in the complete record.
  private static func subject(of metric: Metric) -> (
    of: Scenario.Expectation.Subject, from: String?
  ) {
    switch metric.scope {
    case .flow: return (.init(.flow, "m-1"), nil)
    case .link: return (.init(.link, "bottleneck.up"), nil)
    case .pair:
      let from = metric.name == "assay.sequenceGaps" ? "ada" : "bob"
      return (.init(identity: "dora", room: "main"), from)
    case .participant:
      let own = [
        "assay.connectTime": "carl", "assay.joinRequestsPer100ms": "carl",
        "assay.reconnectFromLoss": "bob", "assay.reconnectFromHeal": "bob",
        "assay.resumed": "bob", "assay.reconnectAttempts": "bob",
      ]
      return (.init(identity: own[metric.name] ?? "dora", room: "main"), nil)
    }
  }

  /// - Parameter limits: by metric; zero for the others.
  private static func judged(
    _ record: RunRecord, limits: [String: Double] = [:]
  ) throws -> [String: Assertion] {
    var scenario = try CompleteRecord.scenario()
    scenario.expectations = MetricCatalogue.all.map { metric in
      let (of, from) = subject(of: metric)
      let statistic: Scenario.Statistic =
        metric.kind == .counter ? .sum : metric.lowerIsBetter ? .max : .min
      var expectation = Scenario.Expectation(
        id: metric.name, of: of.identity, subjects: [of], metric: metric, statistic: statistic,
        comparison: metric.lowerIsBetter ? .atMost : .atLeast, limit: limits[metric.name] ?? 0,
        unit: metric.unit)
      expectation.from = from.map { [.init(identity: $0, room: "main")] }
      return expectation
    }
    let assertions = Judgement(of: record, for: scenario).assertions
    return Dictionary(assertions.map { ($0.id, $0) }) { first, _ in first }
  }

  private static let observed = Result {
    try judged(CompleteRecord.record(isWhole: true)).compactMapValues(\.observed)
  }
  /// Held to what it has itself, and not a bit more.
  private static let complete = Result {
    try judged(CompleteRecord.record(isWhole: true), limits: observed.get())
  }
  private static let halved = Result {
    try judged(CompleteRecord.record(isWhole: false), limits: observed.get())
  }

  /// Faults that a run of one room without changed rights cannot have, and steps of a capacity that does
  /// not change: of these nothing was due, which is no pass either.
  private static let neverDue: Set = [
    "assay.unauthorisedMedia", "assay.unauthorisedMessages", "assay.foreignRoom",
    "assay.mutesUntold", "assay.speakingAfterMute", "assay.stepDownTime", "assay.stepUpTime",
    "assay.switchesPerStep",
  ]

  @Test(arguments: neverDue) func isNoPassWhereNothingWasDue(_ name: String) throws {
    #expect(try Self.complete.get()[name]?.verdict == .inconclusive)
  }

  @Test(arguments: MetricCatalogue.all.map(\.name).filter { !neverDue.contains($0) })
  func doesNotPassWithoutHalfOfWhatWasDue(_ name: String) throws {
    #expect(try Self.observed.get()[name] != nil, "the record has no samples of it")
    let complete = try #require(try Self.complete.get()[name])
    #expect(complete.verdict == .pass, "\(complete.reason)")
    #expect(complete.expected == nil, "\(complete.reason)")
    let halved = try #require(try Self.halved.get()[name])
    #expect([.fail, .inconclusive].contains(halved.verdict), "\(halved.reason)")
  }
}

/// Two participants for a minute, of whom one's camera is watched by the other.
@Suite struct MissingMedia {
  private static func scenario(_ expectation: String, events: String = "") throws -> Scenario {
    let text = """
      assay: 1
      duration: 60s
      participants:
        ann: { publish: [camera, microphone] }
        bea: {}
      \(events)
      expect:
        - { id: x, of: bea, from: ann, \(expectation) }

      """
    return try ScenarioFile.parse(Array(text.utf8), file: "inline")[0].scenario
  }

  /// - Parameter gone: the seconds in which ann's tracks are not there.
  private static func record(gone: ClosedRange<Int>?) -> RunRecord {
    var record = RunRecord(end: .seconds(60))
    let session = SessionRecord(
      requested: .zero, connected: .milliseconds(100), ended: nil, waits: [])
    record.participants = ["ann", "bea"].map {
      var participant = ParticipantRecord(identity: $0, group: $0, room: "main")
      participant.state = .connected
      participant.sessions = [session]
      var joined = MetricSamples()
      for second in 1...60 { joined.append(1, at: .seconds(Double(second))) }
      participant.series = [
        SampleSeries(metric: "assay.joined", peer: "", kind: nil, source: nil, samples: joined)
      ]
      return participant
    }
    record.participants[0].outbound = [
      OutboundTrack(source: "camera", kind: .video, packetsSent: 1),
      OutboundTrack(source: "microphone", kind: .audio, packetsSent: 1),
    ]
    var (rate, delay, freezes) = (MetricSamples(), MetricSamples(), MetricSamples())
    var (frozen, concealed) = (MetricSamples(), MetricSamples())
    freezes.append(0, at: .seconds(1))
    frozen.append(0, at: .seconds(1))
    for second in 1...60 where !(gone?.contains(second) ?? false) {
      let end = Instant.seconds(Double(second))
      rate.append(30, at: end)
      concealed.append(0, at: end)
      for frame in 0..<30 { delay.append(50, at: end - .milliseconds(Double(33 * (29 - frame)))) }
    }
    record.participants[1].series += [
      ("framesPerSecond", TrackKind.video, rate), ("assay.endToEndDelay", .video, delay),
      ("freezeCount", .video, freezes), ("totalFreezesDuration", .video, frozen),
      ("assay.audioConcealment", .audio, concealed),
    ].map {
      SampleSeries(
        metric: $0.0, peer: "ann", kind: $0.1, source: $0.1 == .video ? .camera : .microphone,
        samples: $0.2)
    }
    return record
  }

  private static func judged(
    _ expectation: String, gone: ClosedRange<Int>?, events: String = ""
  ) throws -> Assertion {
    let scenario = try scenario(expectation, events: events)
    return Judgement(of: record(gone: gone), for: scenario).assertions[0]
  }

  private static let expectations = [
    "metric: framesPerSecond, stat: p10, over: 20, window: 25s..50s",
    "metric: assay.endToEndDelay, stat: p95, under: 100ms, window: 25s..50s",
    "metric: assay.audioConcealment, stat: p95, under: 2%, window: 25s..50s",
    "metric: freezeCount, equals: 0", "metric: totalFreezesDuration, stat: max, under: 1s",
    "metric: freezeCount, equals: 0, window: 42s..50s",
  ]

  /// A publisher that the SFU dropped for a while, or twice as long.
  @Test(arguments: expectations) func aDroppedPublisherFails(_ text: String) throws {
    #expect(try Self.judged(text, gone: nil).verdict == .pass)
    let short = try Self.judged(text, gone: 36...45)
    #expect(short.verdict == .fail, "\(short.reason)")
    #expect(try Self.judged(text, gone: 30...50).verdict == .fail)
  }

  @Test func theReportSaysHowManySamplesAreMissing() throws {
    let judged = try Self.judged(
      "metric: framesPerSecond, stat: p10, over: 20, window: 25s..50s", gone: 36...45)
    #expect(judged.expected == 25 && judged.samples == 15)
    #expect(judged.reason.contains("expected 25, got 15 samples"), "\(judged.reason)")
    // A delay has as many samples missing as the seconds with frames had.
    let delay = try Self.judged(
      "metric: assay.endToEndDelay, stat: p95, under: 100ms, window: 25s..50s", gone: 36...45)
    #expect(delay.expected == 750 && delay.samples == 450, "\(delay.reason)")
    #expect(delay.observed == nil)
  }

  /// One gap, however long, is one freeze of its length.
  @Test func aGapIsOneFreeze() throws {
    #expect(try Self.judged("metric: freezeCount, atMost: 0", gone: 36...45).observed == 1)
    #expect(
      try Self.judged("metric: totalFreezesDuration, atMost: 0s", gone: 36...45).observed == 10)
  }

  /// Nothing is due while the scenario has it so.
  @Test(
    arguments: [
      "events: [{ at: 34s, participant: ann, do: cameraOff, for: 12s }]",
      "events: [{ at: 34s, participant: ann, do: leave, for: 12s }]",
      "events: [{ at: 34s, participant: bea, do: unsubscribe, for: 12s }]",
      "events: [{ at: 34s, participant: bea, do: leave, for: 12s }]",
      "events: [{ at: 34s, participant: bea, do: suspend, for: 12s }]",
      "events: [{ at: 34s, participant: bea, do: view, size: hidden }, "
        + "{ at: 46s, participant: bea, do: view, size: 720p }]",
      "events: [{ at: 34s, room: main, do: removeParticipant, who: [ann] }, "
        + "{ at: 46s, participant: ann, do: join }]",
    ]) func plannedAbsenceIsNotDue(_ events: String) throws
  {
    let text = "metric: framesPerSecond, stat: p10, over: 20, window: 25s..58s"
    let judged = try Self.judged(text, gone: 36...48, events: events)
    #expect(judged.verdict == .pass, "\(judged.reason)")
    #expect(judged.expected == nil)
  }

  @Test func aPauseThatTheSFUAnnouncesIsNotDue() throws {
    let text = "metric: framesPerSecond, stat: p10, over: 20, window: 25s..58s"
    var record = Self.record(gone: 36...45)
    record.participants[1].pauses = [
      PauseRecord(
        publisher: "ann", source: .camera,
        intervals: [Interval(start: .seconds(34.5), end: .seconds(44.2))])
    ]
    let judgement = Judgement(of: record, for: try Self.scenario(text))
    #expect(judgement.assertions[0].verdict == .pass, "\(judgement.assertions[0].reason)")
  }

  /// The worst value of a rate is no proof that it stays low.
  @Test func aBoundOnTheOtherSideIsOpen() throws {
    let text = "metric: framesPerSecond, stat: max, atMost: 30, window: 25s..50s"
    #expect(try Self.judged(text, gone: nil).verdict == .pass)
    #expect(try Self.judged(text, gone: 36...45).verdict == .inconclusive)
  }
}

// A metric is trusted once it was seen to move: bounds that nothing can meet must fail, for each.

import Basics
import Bots
import RefSFU
import Results
import Testing

@testable import Lab
@testable import Scenario
@testable import Verdicts

/// The measurements of finished runs, kept for all tests.
private struct Measured {
  let scenario: Scenario
  let store: MetricStore

  init(_ text: String) throws {
    scenario = try ScenarioFile.parse(Array(text.utf8), file: "test.yaml")[0].scenario
    let world = try World(scenario, seed: scenario.seed)
    let arrivals = ArrivalTap(link: world.sfuDownlink, next: nil)
    let tap = EgressTap(world, next: arrivals)
    world.simulator.tap = tap
    var director = Director(world: world)
    _ = try Runner.play(Timeline(scenario), by: &director, in: world)
    let end = Instant.zero + scenario.duration
    for seat in world.seats { seat.bot.finish(at: end) }
    world.finishFlows(at: end)
    let record = Recording(world: world, egress: tap, arrivals: arrivals, director: director)
      .record(queues: [], memory: [])
    store = Measurement(Evidence(record, of: scenario)).store
  }

  /// Everybody, every flow or every shared link, as the metric asks.
  func subjects(of metric: Metric) -> [Scenario.Expectation.Subject] {
    switch metric.scope {
    case .participant, .pair:
      scenario.members.map { .init(identity: $0.identity, room: $0.room) }
    case .flow: scenario.flows.flatMap(\.names).map { .init(.flow, $0) }
    case .link: scenario.links.map { .init(.link, "\($0.name).up") }
    }
  }

  /// Judges an expectation on everybody who has samples.
  func judge(
    _ metric: Metric, _ comparison: Assertion.Comparison, _ limit: Double,
    window: Scenario.Expectation.Window? = nil
  ) -> Assertion {
    let statistic: Scenario.Statistic = metric.lowerIsBetter ? .max : .min
    var expectation = Scenario.Expectation(
      id: metric.name, of: "all",
      subjects: subjects(of: metric), metric: metric, statistic: statistic, comparison: comparison,
      limit: limit,
      unit: statistic.unit(of: metric))
    expectation.across = .worst
    expectation.window = window
    return expectation.judged(by: store, duration: scenario.duration)
  }
}

@Suite struct MetricsMove {
  /// Loss, an outage, a mute, a reconnection, talk in turns, tiles that grow and a link that
  /// narrows: something for every metric.
  private static let rough = """
    assay: 1
    name: rough
    duration: 14s
    links:
      home: { rate: 20Mbps, delay: 10ms }
      narrow: { rate: 20Mbps, delay: 10ms }
      bad: { rate: 3Mbps, delay: 25ms, jitter: { nrBPDV: { std: 5ms } }, loss: 15% }
    participants:
      ada: { link: home, join: { at: 1s }, publish: [camera, microphone], \(smallCamera), \
    talk: { turns: { each: 2s, gap: 2s, from: 3s } } }
      rider: { link: bad, join: { at: 1s }, publish: [camera, microphone], \(smallCamera), \
    talk: { turns: { each: 2s, gap: 2s, from: 5s } }, view: 180p }
      painter: { link: home, join: { at: 1s }, publish: [camera], \(realCamera) }
      late: { link: home, join: { at: 13s } }
      tutor: { link: home, join: { at: 1s }, publish: [camera], camera: { \
    layers: [{ height: 360p, fps: 10fps, bitrate: 300kbps }, \
    { height: 720p, fps: 10fps, bitrate: 1Mbps }] } }
      pupil: { link: narrow, join: { at: 1s }, subscribe: { from: [tutor] }, view: 360p }
    events:
      - { at: 4s, link: narrow.down, set: { rate: 100kbps }, for: 1s }
      - { at: 6s, participant: pupil, do: view, of: tutor, size: 720p }
      - { at: 5s, participant: rider, do: view, of: ada, size: 360p }
      - { at: 7s, participant: rider, do: mute, for: 2s }
      - { at: 9s, link: bad, do: blackout, for: 1500ms }
      - { at: 10s, participant: ada, do: loseSignalling, for: 1s }

    """

  /// Two flows and datagrams on one link, a pause, and a link that becomes narrow.
  private static let shared = """
    assay: 1
    name: shared
    crypto: cleartext
    duration: 45s
    links:
      bottleneck: { up: { rate: 1500kbps, delay: 10ms, loss: 2% }, down: { delay: 10ms } }
    flows:
      s: { count: 2, via: [bottleneck], media: {}, start: 1s }
      background: { via: [bottleneck], udp: { rate: 100kbps }, start: 1s }
    events:
      - { at: 25s, flow: s-2, do: pause, for: 3s }
      - { at: 36s, link: bottleneck.up, set: { loss: 100% }, for: 1s }
      - { at: 38s, link: bottleneck.up, set: { rate: 500kbps } }

    """

  private static let sharedRun = Result { try Measured(shared) }

  /// The first of the runs that has it.
  private static func run(for metric: Metric) throws -> Measured {
    switch metric.scope {
    case .participant, .pair:
      let all = try runs.get()
      return all.first { run in
        run.scenario.members.contains { member in
          run.store.samples(
            participant: member.identity, metric: metric.name, peer: nil, kind: nil) != nil
        }
      } ?? all[0]
    case .flow, .link: return try sharedRun.get()
    }
  }

  /// What only a broken SFU brings about.
  private static func broken(_ mutant: Mutant) -> String {
    let trap = Mutants.traps.first { $0.mutant == mutant }!
    return trap.scenario(with: mutant)
  }

  private static let runs = Result {
    [
      try Measured(rough), try Measured(broken(.noRetransmission)),
      try Measured(broken(.wrongSSRC)), try Measured(broken(.wrongMid)),
      try Measured(broken(.switchWithoutKeyframe)),
      try Measured(broken(.sequenceGapAtSwitch)), try Measured(broken(.audioAfterMute)),
      try Measured(broken(.reusesSequenceNumbers)), try Measured(broken(.dataForgotten)),
      try Measured(broken(.ignoresCanSubscribe)), try Measured(broken(.ignoresCanPublish)),
      // Lost with the server; doubled, and out of order.
      try Measured(talk("at: 8s, sfu: all, do: crash, for: 3s")),
      try Measured(
        talk("at: 8s, participant: ada, do: loseSignalling, for: 2s", .dataReplayedTwice)),
      try Measured(talk("at: 8s, participant: ada, do: loseSignalling, for: 2s", .dataSwapped)),
      // Sent what was unsubscribed from.
      try Measured(
        talk(
          "at: 5s, participant: ada, do: unsubscribe, from: bob }\n"
            + "  - { at: 8s, participant: ada, do: loseSignalling, for: 2s", .stateNotRestored)),
      try Measured(brokenClients), try Measured(broken(.crossesRooms)),
      try Measured(broken(.ignoresCanPublishData)), try Measured(broken(.hidesRemoteMute)),
      try Measured(broken(.ignoresDemotion)), try Measured(broken(.speakerAfterMute)),
      try Measured(steps),
    ]
  }

  /// A viewer of one camera whose link narrows, and widens again.
  private static let steps = """
    assay: 1
    name: steps
    duration: 40s
    links:
      home: { rate: 20Mbps, delay: 10ms }
      narrow: { rate: 3Mbps, delay: 10ms }
    participants:
      ada: { link: home, publish: [camera], camera: { layers: [ \
    { height: 360p, bitrate: 500kbps }, { height: 720p, bitrate: 1500kbps }] } }
      grace: { link: narrow, role: viewer }
    events:
      - { at: 12s, link: narrow.down, set: { rate: 900kbps } }
      - { at: 24s, link: narrow.down, set: { rate: 3Mbps } }

    """

  /// Two who send each other messages, and what happens to them.
  private static func talk(_ event: String, _ mutant: Mutant? = nil) -> String {
    """
    assay: 1
    name: talk
    duration: 24s
    \(mutant.map { "sfu: { mutant: \($0) }" } ?? "")
    links:
      home: { rate: 20Mbps, delay: 10ms }
    participants:
      ada: { link: home, join: { at: 1s }, publish: [microphone], data: { every: 200ms, during: 2s..24s } }
      bob: { link: home, join: { at: 1s }, publish: [microphone], data: { every: 200ms, during: 2s..24s } }
    events:
      - { \(event) }

    """
  }

  /// What only broken clients bring about: attempts that do not wait as they should, states that may
  /// not follow each other, somebody asleep whom others still see, and an SFU that counts the sleep as
  /// presence; and counters that wrap.
  private static let brokenClients = """
    assay: 1
    name: brokenClients
    startValues: beforeWrap
    duration: 50s
    sfu: { mutant: countsAbsence }
    links:
      home: { rate: 20Mbps, delay: 10ms }
    participants:
      ada: { link: home, join: { at: 1s }, publish: [camera, microphone], \(smallCamera) }
      hasty: { link: home, join: { at: 1s }, publish: [microphone], mutant: constantDelay, \
    reconnect: { initial: 1s, factor: 2, ceiling: 8s, attempts: 5, jitter: none } }
      silent: { link: home, join: { at: 1s }, publish: [microphone], mutant: skipsReconnecting }
      sleeper: { link: home, join: { at: 1s }, publish: [microphone] }
    events:
      - { at: 8s, participant: hasty, do: loseSignalling, for: 28s }
      - { at: 8s, participant: silent, do: loseSignalling, for: 1s }
      - { at: 40s, participant: sleeper, do: suspend, for: 6s }

    """

  @Test(arguments: MetricCatalogue.all.map(\.name))
  func impossibleBoundsFail(_ name: String) throws {
    let metric = try #require(MetricCatalogue.metric(named: name))
    let rough = try MetricsMove.run(for: metric)
    for (comparison, limit) in [
      (Assertion.Comparison.under, 0.0), (.atMost, -1), (.over, 1e15), (.equals, -1),
    ] {
      let assertion = rough.judge(metric, comparison, limit)
      #expect(assertion.verdict == .fail, "\(comparison) \(limit): \(assertion.reason)")
    }
  }

  @Test(arguments: MetricCatalogue.all.map(\.name))
  func withoutSamplesIsInconclusive(_ name: String) throws {
    let metric = try #require(MetricCatalogue.metric(named: name))
    let rough = try MetricsMove.run(for: metric)
    let beforeAnybodyCame = Scenario.Expectation.Window(start: .zero, end: .seconds(0.9))
    for comparison in [Assertion.Comparison.under, .over] {
      let assertion = rough.judge(metric, comparison, 0, window: beforeAnybodyCame)
      #expect(assertion.verdict == .inconclusive, "\(assertion.reason)")
      #expect(assertion.samples == 0)
    }
  }

  /// In one of the runs it was more than nothing, so a counter that stands still is found out.
  @Test(arguments: MetricCatalogue.all.map(\.name)) func rises(_ name: String) throws {
    let metric = try #require(MetricCatalogue.metric(named: name))
    let highest = try (MetricsMove.runs.get() + [MetricsMove.sharedRun.get()]).compactMap { run in
      run.subjects(of: metric).compactMap { subject in
        run.store.samples(
          participant: subject.identity, metric: name, peer: nil, kind: nil)?.values.max()
      }.max()
    }.max()
    #expect(try #require(highest) > 0, "\(metric.meaning)")
  }
}

// Runs one scenario from its first join to its verdict.

import Basics
import Bots
import Capture
import Congestion
import Foundation
import NetSim
import RefSFU
import Results
import Scenario
import Verdicts

/// How a run is to be made.
public struct RunOptions: Sendable {
  /// Nil for the scenario's own.
  public var seed: UInt64?
  /// Where `--pcap` writes; nil for no captures.
  public var captureDirectory: String?
  /// What of the run it writes.
  public var captures = CaptureSettings()
  /// The SFU to run against, on the wall clock; nil for the reference SFU in virtual time.
  public var served: ServedSFU?
  /// Version and commit.
  public var build = ""
  /// The command that repeats the run.
  public var command = ""

  public init() {}
}

public enum Runner {
  /// The names that `sfu: { mutant: … }` takes.
  public static var mutants: [String] { Mutant.allCases.map(\.rawValue) }

  /// Those that break a rule; the others show only against the bounds of a scenario.
  public static var mutantsOfRules: [String] {
    Mutant.allCases.filter(\.breaksRule).map(\.rawValue)
  }

  /// Every mutant there is: the key that takes it, its name, and what it does wrong.
  public static var everyMutant: [(key: String, name: String, meaning: String)] {
    Mutant.allCases.map { ("sfu.mutant", $0.rawValue, $0.meaning) }
      + ClientMutant.allCases.map { ("participants.*.mutant", $0.rawValue, $0.meaning) }
      + CongestionConfiguration.Mutant.allCases.map {
        ("flows.*.controller", $0.rawValue, $0.meaning)
      }
  }

  /// The names that `reconnect` takes, and what they stand for.
  public static var reconnectPolicies: [(name: String, about: String)] {
    ReconnectPolicy.named.map { ($0.name, $0.about) }
  }

  /// Runs a variant of a scenario.
  /// - Parameters:
  ///   - sha256: of the scenario file.
  ///   - progress: called at most every simulated second with the moment reached; returning false ends
  ///     the run early, as an interrupt does, and marks the result as partial.
  public static func run(
    _ variant: ScenarioVariant, sha256: String, options: RunOptions = RunOptions(),
    progress: (Instant) -> Bool = { _ in true }
  ) throws -> RunResult {
    let seed = options.seed ?? variant.scenario.seed
    let scenario = variant.scenario.withSwarm(seed: seed)
    var result = RunResult(
      scenario: .init(
        name: scenario.name, about: scenario.about, file: scenario.file, sha256: sha256),
      seed: seed, build: options.build)
    result.variant = variant.assignments.map { ($0.path, $0.value) }
    result.command = options.command
    guard scenario.missing.isEmpty else {
      result.verdict = .skipped
      result.exitCode = .passed
      result.partial = nil
      result.assertions = [skipped(scenario)]
      return result
    }
    if let served = options.served { try served.waitUntilReady(for: scenario) }
    let clock = ContinuousClock()
    let started = clock.now
    let world = try World(scenario, seed: seed, served: options.served)
    defer { world.close() }
    let recorder = try options.captureDirectory.map {
      try PacketRecorder($0, world: world, options.captures)
    }
    let arrivals = ArrivalTap(link: world.sfuDownlink, next: recorder)
    let tap = EgressTap(world, next: arrivals)
    world.simulator.tap = tap
    var director = Director(world: world)
    var memory = MemoryWatch()
    var queues = QueueWatch()
    result.partial = try play(Timeline(scenario), by: &director, in: world) { now in
      memory.look(at: world)
      queues.look(at: world)
      return progress(now)
    }
    let end = world.simulator.now
    for seat in world.seats { seat.bot.finish(at: end) }
    world.finishFlows(at: end)
    try recorder?.close()

    var record = Recording(world: world, egress: tap, arrivals: arrivals, director: director)
      .record(queues: queues.queues, memory: memory.samples)
    let judgement = Judgement(of: record, for: scenario)
    judgement.fill(&result)
    if let mark = recorder?.endMark { result.marks.append(mark) }
    result.traceHash = world.simulator.traceHash.hex
    if options.served == nil, result.partial == nil {
      world.simulator.tap = nil
      record.server?.leftovers = Teardown(world).leftovers()
      if let nothingLeft = record.nothingLeft { result.assertions.append(nothingLeft) }
    }
    result.simulatedSeconds = end.seconds
    let spent = clock.now - started
    result.wallSeconds =
      Double(spent.components.seconds) + Double(spent.components.attoseconds) / 1e18
    result.verdict = Verdict.combined(result.assertions.map(\.verdict))
    if let served = options.served, let realTime = world.realTime {
      judge(scenario, on: served, realTime.health(lagLimit: served.lagLimit), &result)
    }
    if result.partial != nil, result.verdict == .pass { result.verdict = .inconclusive }
    result.exitCode = result.verdict.exitCode
    return result
  }

  /// What was asked of a served SFU that it has no notion of is left out; and whatever a harness that
  /// could not keep up has seen, it proves nothing.
  private static func judge(
    _ scenario: Scenario, on served: ServedSFU, _ health: HarnessHealth, _ result: inout RunResult
  ) {
    result.clock = .wall
    result.target = served.url
    result.traceHash = ""
    let steps = served.unsupportedSteps(of: scenario)
    var isAnyJudged = scenario.expectations.isEmpty
    for (index, expectation) in scenario.expectations.enumerated() {
      if let reason = served.unsupported(expectation, of: scenario, steps: steps) {
        result.assertions[index] = result.assertions[index].unsupported(reason)
      } else {
        isAnyJudged = true
      }
    }
    for index in scenario.expectations.count..<result.assertions.count {
      if let reason = served.unsupported(result.assertions[index], in: scenario) {
        result.assertions[index] = result.assertions[index].unsupported(reason)
      }
    }
    result.judgeHarness(health, HarnessLimits(lagMs: served.lagLimit.milliseconds))
    if result.verdict == .pass, !isAnyJudged { result.verdict = .unsupported }
  }

  /// Plays the timeline to the scenario's end; returns why it stopped before.
  static func play(
    _ timeline: Timeline, by director: inout Director, in world: World,
    _ progress: (Instant) -> Bool = { _ in true }
  ) throws -> String? {
    let end = Instant.zero + world.scenario.duration
    var next = 0
    var second = Instant.zero
    var look = Instant.zero
    while true {
      let due = next < timeline.steps.count ? timeline.steps[next].at : end
      // A served SFU does not say what it thinks of its viewers' links.
      look = world.sfu == nil ? end : look
      let target = min(due, end, min(look, second + .seconds(1)))
      world.run(until: target)
      if target >= look {
        director.downlinks.look(at: world)
        look = target + DownlinkWatch.interval
      }
      if target >= second + .seconds(1) {
        second = target
        director.look()
        guard progress(target) else {
          return "interrupted after \(Int(target.seconds)) s of \(Int(end.seconds)) s"
        }
      }
      while next < timeline.steps.count, timeline.steps[next].at <= target {
        try director.perform(timeline.steps[next])
        next += 1
      }
      if target >= end {
        director.recoveries.look(at: world)
        return nil
      }
    }
  }

  private static func skipped(_ scenario: Scenario) -> Assertion {
    var assertion = Assertion(
      id: "requires", verdict: .skipped, of: "", metric: "", stat: "", comparison: .equals,
      observed: nil, limit: 0, unit: "")
    assertion.reason = "\(scenario.missing.joined(separator: ", ")) is not there"
    return assertion
  }
}

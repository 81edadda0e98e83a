// `assay calls`: the same call with many seeds, and how often it succeeded for everybody in it (definition
// D2), with the interval that so many calls allow; and how soon people were connected.

import Basics
import Foundation
import Lab
import Results
import Scenario
import Verdicts

extension Verb {
  static let calls = Verb(
    name: "calls", operands: "SCENARIO...",
    summary: "Make many seeded calls of each scenario and say how many succeeded.",
    flags: [
      Flag("--seeds", "K", "calls of each scenario, with seeds 1 to K; 100 unless given"),
      Flag("--over", "SHARE", "the lower bound of the 95 % interval must be over this; 95%"),
      Flag("--jobs", "J", "worker processes; one a core unless given"),
      Flag("--format", "text|json", "what is printed"),
    ],
    run: { arguments in
      guard !arguments.operands.isEmpty else {
        throw UsageError(message: "name scenario files or a folder, such as scenarios/success")
      }
      let seeds = Int(min(try arguments.number("--seeds", minimum: 1) ?? 100, 1_000_000))
      let jobs = try Job.select(arguments.operands, seeds: SeedChoice(), only: nil)
      if jobs.isEmpty { return .nothingSelected }
      let cores = try arguments.number("--jobs", minimum: 1).map { Int(min($0, 256)) }
      let pool = WorkerPool(verb: Verb.callsWorker.name, count: cores ?? WorkerPool.cores)
      defer { pool.stop() }
      let bound = try share(arguments)
      let tallies = try jobs.map { job in
        var tally = CallTally(of: job, over: bound)
        try tally.run(job, seeds: seeds, on: pool)
        return tally
      }
      if try arguments.choice("--format", of: ["text", "json"]) == "json" {
        let object: JSON = [
          "schema": "assay.calls.v1", "worlds": .array(tallies.map(\.json)),
        ]
        Console.printMachine(object.text(indented: true))
      } else {
        for tally in tallies { Console.print(tally.text) }
      }
      if let signal = Interrupt.received { return signal == SIGINT ? .interrupted : .terminated }
      return Verdict.combined(tallies.map(\.verdict)).exitCode
    })

  private static func share(_ arguments: Arguments) throws(UsageError) -> Double {
    guard let text = arguments.value("--over") else { return 0.95 }
    guard text.hasSuffix("%"), let percent = Double(text.dropLast()), (0..<100).contains(percent)
    else { throw UsageError(message: "--over takes a share such as 95%, not '\(text)'") }
    return percent / 100
  }

  static let callsWorker = Verb(
    name: "calls-worker", operands: "", summary: "", flags: [],
    run: { _ in try WorkerLoop.run(CallTally.perform) })
}

/// What came of all calls of one scenario.
struct CallTally {
  let scenario: String
  private var calls = 0
  /// Participants of all calls, and those for whom it succeeded.
  private(set) var sessions = 0
  private(set) var successes = 0
  /// Milliseconds, in no order; endless for who never got in.
  private(set) var connect: [Double] = []
  /// Below which 95 % of the times to connect must be, where the scenario says so.
  private let connectLimit: Double?
  /// Seeds of the calls in which somebody's did not succeed, the least first.
  private(set) var failedSeeds: [Int] = []
  private let bound: Double

  init(of job: Job, over bound: Double) {
    scenario = job.title
    self.bound = bound
    connectLimit =
      job.variant.scenario.expectations.first {
        $0.metric.name == "assay.connectTime" && $0.comparison == .under
      }?.limit
  }

  mutating func run(_ job: Job, seeds: Int, on pool: WorkerPool) throws {
    let heartbeat = Heartbeat(job.title)
    var done = 0
    var tally = self
    try pool.run(
      task: { place in
        guard place < seeds else { return JSON?.none }
        return [
          "file": .string(job.variant.scenario.file), "variant": .integer(Int64(job.index)),
          "seed": .integer(Int64(place + 1)),
        ]
      },
      answered: { place, answer in
        done += 1
        heartbeat.update("\(done) of \(seeds) calls")
        tally.add(answer, seed: place + 1, people: job.variant.scenario.members.count)
      })
    heartbeat.finish()
    tally.failedSeeds.sort()
    self = tally
  }

  private mutating func add(_ answer: WorkerAnswer, seed: Int, people: Int) {
    calls += 1
    guard case .result(let json) = answer, let all = json["sessions"]?.array else {
      sessions += people
      connect += Array(repeating: .infinity, count: people)
      failedSeeds.append(seed)
      return
    }
    sessions += all.count
    let good = all.count { $0["succeeded"]?.bool == true }
    successes += good
    connect += all.map { $0["connectMs"]?.number ?? .infinity }
    if good < all.count { failedSeeds.append(seed) }
  }

  /// Of the share of calls that succeeded for everybody in them: what befalls one befalls the other, so
  /// that sessions would count one misfortune twice.
  var interval: ClosedRange<Double> { wilsonInterval(calls - failedSeeds.count, of: calls) }

  /// Whether the interval lies above the bound; open where it has the bound in it, so that more calls are
  /// needed to tell.
  var verdict: Verdict {
    CallTally.verdict(
      succeeded: calls - failedSeeds.count, of: calls, over: bound,
      isConnectedInTime: connectLimit.map { connectP95 < $0 } ?? true)
  }

  static func verdict(
    succeeded: Int, of calls: Int, over bound: Double, isConnectedInTime: Bool
  ) -> Verdict {
    let interval = wilsonInterval(succeeded, of: calls)
    if !isConnectedInTime || interval.upperBound <= bound { return .fail }
    return interval.lowerBound > bound ? .pass : .inconclusive
  }

  /// How many calls, of which the same share succeeds, put the interval above the bound; nil where no number
  /// does.
  static func callsNeeded(succeeded: Int, of calls: Int, over bound: Double) -> Int? {
    guard calls > 0, Double(succeeded) / Double(calls) > bound else { return nil }
    var count = calls
    while count < 10_000_000 {
      let good = Int((Double(succeeded) / Double(calls) * Double(count)).rounded(.down))
      if wilsonInterval(good, of: count).lowerBound > bound { return count }
      count += max(1, count / 20)
    }
    return nil
  }

  private var connectP95: Double {
    connect.isEmpty ? .infinity : connect.sorted().nearestRank(95)
  }

  var text: String {
    func percent(_ share: Double) -> String { String(format: "%.2f %%", share * 100) }
    let good = calls - failedSeeds.count
    let mark = verdict == .pass ? "✓" : verdict == .fail ? "✗" : "?"
    var text = "\(mark) \(scenario): \(good) of \(calls) calls succeeded, "
    text += "95 % interval \(percent(interval.lowerBound)) to \(percent(interval.upperBound)); "
    text +=
      connectP95.isFinite ? "connected within \(Int(connectP95.rounded())) ms" : "not connected"
    text += " (p95" + (connectLimit.map { ", to be under \(Int($0)) ms" } ?? "") + ")"
    if verdict == .inconclusive {
      let needed = CallTally.callsNeeded(succeeded: good, of: calls, over: bound)
      text += "\n    too few calls to say whether more than \(percent(bound)) succeed"
      text += needed.map { "; with such a share it takes about \($0): --seeds \($0)" } ?? ""
    }
    if let first = failedSeeds.first {
      text += "\n    \(failedSeeds.count) calls with a failure, the first with seed \(first)"
    }
    return text
  }

  var json: JSON {
    [
      "scenario": .string(scenario), "calls": .integer(Int64(calls)),
      "callsSucceeded": .integer(Int64(calls - failedSeeds.count)),
      "sessions": .integer(Int64(sessions)),
      "successes": .integer(Int64(successes)), "lowerBound": .number(interval.lowerBound),
      "upperBound": .number(interval.upperBound),
      "connectP95Ms": connectP95.isFinite ? .number(connectP95) : .null,
      "verdict": .string(verdict.rawValue),
      "failedSeeds": .array(failedSeeds.map { .integer(Int64($0)) }),
    ]
  }

  // MARK: - In the worker

  static func perform(_ words: JSON) throws -> JSON {
    guard let file = words["file"]?.string, let index = words["variant"]?.integer,
      let seed = words["seed"]?.integer
    else { return .null }
    let variants = try ScenarioFile.load(file)
    guard variants.indices.contains(Int(index)) else { return .null }
    var options = RunOptions()
    options.seed = UInt64(seed)
    let result = try Runner.run(variants[Int(index)], sha256: "", options: options)
    return [
      "sessions": .array(
        result.participants.map { participant in
          [
            "succeeded": .bool(participant.succeeded ?? false),
            "connectMs": participant.connectMs.map { .number($0) } ?? .null,
          ]
        })
    ]
  }
}

// Runs random worlds in worker processes, and shrinks the ones that break a rule.

import Basics
import Foundation
import Lab
import Results
import Scenario

/// A task for a worker, and what it does with it.
enum WorldTask {
  case seed(UInt64, mutant: String?)
  case scenario(Scenario)

  /// Rules of the explorer itself: a world that ended its process, never ended, or ended otherwise
  /// the second time.
  static let crash = "explore/crash"
  static let hang = "explore/hang"
  static let determinism = "explore/same-seed-same-hash"

  var words: JSON {
    switch self {
    case .seed(let seed, let mutant):
      [
        "seed": .string(String(seed)),
        "mutant": mutant.map { .string($0) } ?? .null,
      ]
    case .scenario(let scenario): ["file": .string(scenario.file), "yaml": .string(scenario.yaml)]
    }
  }

  static func perform(_ words: JSON) throws -> JSON {
    if let seed = words["seed"]?.string.flatMap({ UInt64($0) }) {
      let scenario = RandomWorld.scenario(seed: seed, mutant: words["mutant"]?.string)
      return try WorldOutcome(exploring: scenario).json
    }
    guard let yaml = words["yaml"]?.string, let file = words["file"]?.string,
      let variant = try ScenarioFile.parse(Array(yaml.utf8), file: file).first
    else { return .null }
    return try WorldOutcome(exploring: variant.scenario).json
  }
}

/// What came of a task, also where its worker did not live to tell.
extension WorldOutcome {
  fileprivate init(_ answer: WorkerAnswer, of task: WorldTask) {
    if case .result(let json) = answer, let outcome = WorldOutcome(json: json) {
      self = outcome
      return
    }
    let violation =
      switch answer {
      case .died(let status):
        Violation(rule: WorldTask.crash, reason: "The process ended with status \(status).")
      case .stuck: Violation(rule: WorldTask.hang, reason: "The run did not end.")
      case .result: Violation(rule: WorldTask.crash, reason: "The worker could not run it.")
      }
    self = WorldOutcome(broken: violation)
  }
}

/// One exploration: so many worlds from a seed on, sound or with a mutant.
struct Explorer {
  var seed: UInt64
  var runs: Int
  var mutant: String?
  /// Begin no further world after this long; nil for no limit.
  var limit: Swift.Duration?
  var pool: WorkerPool
  /// One world of so many is run twice.
  var repeatsEvery = 20
  /// Whether the first violation ends it.
  var stopsAtFirst = false
  var progress: (Int, Int) -> Void = { _, _ in }

  /// Violations in the order of their worlds, one for each rule, not shrunk yet.
  func explore() throws -> ExplorationResult {
    let started = ContinuousClock.now
    var outcomes: [Int: WorldOutcome] = [:]
    var again: [Int: String] = [:]
    var firstBroken = Int.max
    let tasks = sequenceOfTasks
    try pool.run(
      task: { place in tasks(place).map { WorldTask.seed(world($0.world), mutant: mutant).words } },
      keepGoing: {
        if stopsAtFirst, firstBroken < .max { return false }
        return limit.map { ContinuousClock.now - started < $0 } ?? true
      },
      answered: { place, answer in
        guard let task = tasks(place) else { return }
        let outcome = WorldOutcome(answer, of: .seed(world(task.world), mutant: mutant))
        if task.isRepeat {
          again[task.world] = outcome.traceHash
        } else {
          outcomes[task.world] = outcome
          if !outcome.violations.isEmpty { firstBroken = min(firstBroken, task.world) }
        }
        progress(outcomes.count, runs)
      })
    var result = summary(of: outcomes, again)
    let spent = ContinuousClock.now - started
    result.wallSeconds =
      Double(spent.components.seconds) + Double(spent.components.attoseconds) / 1e18
    return result
  }

  private func world(_ index: Int) -> UInt64 { seed &+ UInt64(index) }

  private struct Task {
    var world: Int
    var isRepeat: Bool
  }

  /// Every `repeatsEvery`-th world comes again right after itself.
  private var sequenceOfTasks: (Int) -> Task? {
    { [runs, repeatsEvery] place in
      let block = place / (repeatsEvery + 1)
      let inBlock = place % (repeatsEvery + 1)
      let isRepeat = inBlock == repeatsEvery
      let world = block * repeatsEvery + (isRepeat ? repeatsEvery - 1 : inBlock)
      return world < runs ? Task(world: world, isRepeat: isRepeat) : nil
    }
  }

  private func summary(
    of outcomes: [Int: WorldOutcome], _ again: [Int: String]
  ) -> ExplorationResult {
    var result = ExplorationResult(build: Build.identity, seed: seed)
    result.mutant = mutant ?? ""
    result.workers = pool.count
    result.repeated = again.count
    var features: [String: Int] = [:]
    var rules: [String: Int] = [:]
    for index in outcomes.keys.sorted() {
      var outcome = outcomes[index]!
      if let hash = again[index], hash != outcome.traceHash, !outcome.traceHash.isEmpty {
        outcome.violations.append(
          .init(
            rule: WorldTask.determinism, reason: "\(outcome.traceHash), then \(hash)."))
      }
      result.runs += 1
      result.packets += outcome.packets
      result.simulatedSeconds += outcome.simulatedSeconds
      for feature in outcome.features { features[feature, default: 0] += 1 }
      for rule in outcome.judged { rules[rule, default: 0] += 1 }
      for violation in outcome.violations {
        if let known = result.violations.firstIndex(where: { $0.rule == violation.rule }) {
          result.violations[known].worlds += 1
        } else {
          result.violations.append(
            .init(
              rule: violation.rule, reason: violation.reason, seed: world(index),
              after: index + 1))
        }
      }
      if stopsAtFirst, !result.violations.isEmpty { break }
    }
    result.features = features.keys.sorted().map { .init(name: $0, worlds: features[$0]!) }
    result.rules = rules.keys.sorted().map { .init(name: $0, worlds: rules[$0]!) }
    if let signal = Interrupt.received {
      result.partial = "interrupted by signal \(signal) after \(result.runs) of \(runs) worlds"
    } else if result.runs < runs, !stopsAtFirst {
      result.partial = "out of time after \(result.runs) of \(runs) worlds"
    }
    return result
  }
}

/// Takes away from a scenario what it does not need to break a rule.
struct Shrinker {
  let rule: String
  let pool: WorkerPool
  private(set) var tried = 0

  init(rule: String, pool: WorkerPool) {
    self.rule = rule
    self.pool = pool
  }

  mutating func smallest(_ scenario: Scenario) throws -> Scenario {
    try Shrinking.smallest(scenario, width: pool.count) { candidates in
      tried += candidates.count
      return try firstFailing(candidates)
    }
  }

  private func firstFailing(_ candidates: [Scenario]) throws -> Int? {
    var broken: [Int] = []
    var hashes: [Int: Set<String>] = [:]
    // A world that is not the same twice must be run twice to show it.
    let rounds = rule == WorldTask.determinism ? 2 : 1
    try pool.run(
      task: { place in
        // Not `nil` in a choice with JSON: that is JSON's null.
        guard place < candidates.count * rounds else { return JSON?.none }
        return WorldTask.scenario(candidates[place / rounds]).words
      },
      answered: { place, answer in
        let outcome = WorldOutcome(answer, of: .scenario(candidates[place / rounds]))
        hashes[place / rounds, default: []].insert(outcome.traceHash)
        if outcome.breaks(rule) { broken.append(place / rounds) }
      })
    if rounds > 1 { broken = hashes.filter { $0.value.count > 1 }.map(\.key) }
    return broken.min()
  }
}

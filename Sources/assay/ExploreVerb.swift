// `assay explore`: random worlds against rules that need no threshold, and the smallest scenario that
// breaks one.

import Basics
import Foundation
import Lab
import Report
import Results
import Scenario

extension Verb {
  static let explore = Verb(
    name: "explore", operands: "[--shrink RUN]",
    summary: "Run random worlds against the rules, and shrink what breaks one.",
    flags: [
      Flag("--runs", "N", "worlds; 200 unless given"),
      Flag("--minutes", "M", "begin no further world after so many minutes"),
      Flag("--seed", "S", "of the first world, the next one has S + 1; 1 unless given"),
      Flag("--jobs", "J", "worker processes; one a core unless given"),
      Flag("--mutant", "NAME", "with this broken SFU, until the first world that shows it"),
      Flag(
        "--mutants", nil,
        "with every SFU that breaks a rule in turn: each must be found, and shrunk to three people and two faults"
      ),
      Flag("--shrink", "RUN", "instead: the smallest scenario that fails as this run's folder did"),
      Flag("--whole", nil, "save worlds that break a rule as they are, without shrinking them"),
      Flag("--out", "DIR", "where the folder of the exploration goes; results/ unless given"),
      Flag("--format", "text|json", "what is printed; json is result.json"),
    ],
    run: { arguments in
      guard arguments.operands.isEmpty else {
        throw UsageError(
          message: "explore draws its own worlds; take '\(arguments.operands[0])' out")
      }
      let exploration = try Exploration(arguments)
      defer { exploration.pool.stop() }
      if let run = arguments.value("--shrink") { return try exploration.shrink(run) }
      if arguments.has("--mutants") { return try exploration.findMutants() }
      return try exploration.run()
    })

  static let exploreWorker = Verb(
    name: "explore-worker", operands: "", summary: "", flags: [],
    run: { _ in try WorkerLoop.run(WorldTask.perform) })
}

/// One call of the verb.
private struct Exploration {
  let pool: WorkerPool
  private let arguments: Arguments
  private let out: String
  private let json: Bool
  private let seed: UInt64
  private let runs: Int

  init(_ arguments: Arguments) throws {
    self.arguments = arguments
    let jobs = try arguments.number("--jobs", minimum: 1).map { Int(min($0, 256)) }
    pool = WorkerPool(verb: Verb.exploreWorker.name, count: jobs ?? WorkerPool.cores)
    out = arguments.value("--out") ?? Output.defaultFolder
    json = try arguments.choice("--format", of: ["text", "json"]) == "json"
    seed = try arguments.number("--seed") ?? 1
    runs = Int(min(try arguments.number("--runs", minimum: 1) ?? 200, 10_000_000))
    if let mutant = arguments.value("--mutant"), !Runner.mutants.contains(mutant) {
      throw UsageError(message: "no mutant '\(mutant)'; see ./assay list mutants")
    }
  }

  private func explorer(_ mutant: String?) throws -> Explorer {
    var explorer = Explorer(seed: seed, runs: runs, mutant: mutant, pool: pool)
    explorer.limit = try arguments.number("--minutes", minimum: 1)
      .map { Swift.Duration.seconds(Int64(min($0, 100_000)) * 60) }
    explorer.stopsAtFirst = mutant != nil
    return explorer
  }

  // MARK: - Random worlds

  func run() throws -> ExitCode {
    let mutant = arguments.value("--mutant")
    let directory = "\(out)/explore-seed\(seed)" + (mutant.map { "-\($0)" } ?? "")
    let result = try explore(mutant, into: directory)
    if json {
      Console.printMachine(result.json.text(indented: true))
    } else {
      Console.printReport(TextSummary.render(result, colours: Console.hasColours))
      Console.print("Report: \(directory)/index.html")
    }
    if let signal = Interrupt.received { return signal == SIGINT ? .interrupted : .terminated }
    return result.verdict.exitCode
  }

  private func explore(_ mutant: String?, into directory: String) throws -> ExplorationResult {
    try Output.replace(directory) { staging in
      let heartbeat = Heartbeat("exploring" + (mutant.map { " \($0)" } ?? ""))
      var explorer = try explorer(mutant)
      explorer.progress = { heartbeat.update("\($0) of \($1) worlds") }
      var result = try explorer.explore()
      for index in result.violations.indices where Interrupt.received == nil {
        heartbeat.update("shrinking \(result.violations[index].rule)")
        try save(&result.violations[index], mutant, into: staging)
      }
      heartbeat.finish()
      try Output.write(RunDirectory.files(of: result), into: staging)
      return result
    }
  }

  /// Writes the smallest scenario that breaks the rule.
  private func save(
    _ violation: inout ExplorationResult.Violation, _ mutant: String?, into folder: String
  ) throws {
    let world = RandomWorld.scenario(seed: violation.seed, mutant: mutant)
    let scenario =
      arguments.has("--whole") ? world : try shrunk(world, rule: violation.rule)
    violation.people = scenario.members.count
    violation.faults = scenario.faults
    violation.seconds = scenario.duration.seconds
    violation.file = try write(scenario, violation.rule, seed: violation.seed, into: folder)
  }

  private func shrunk(_ scenario: Scenario, rule: String) throws -> Scenario {
    var shrinker = Shrinker(rule: rule, pool: pool)
    return try shrinker.smallest(scenario)
  }

  /// - Returns: the file's name below `folder`.
  private func write(
    _ scenario: Scenario, _ rule: String, seed: UInt64, into folder: String
  ) throws -> String {
    var scenario = scenario
    let word = String(rule.split(separator: "/").last ?? "rule")
    scenario.name = "\(word)-\(seed)"
    scenario.about = "Breaks \(rule); found by exploring seed \(seed)."
    let file = "\(scenario.name).yaml"
    try Output.write([.init(name: file, contents: scenario.yaml)], into: folder)
    return file
  }

  // MARK: - Mutants

  /// What nobody would read is not found: more people and faults than these.
  private static let fewPeople = 3
  private static let fewFaults = 2

  /// Every mutant that breaks a rule, one after the other; a found one is what is hoped for.
  func findMutants() throws -> ExitCode {
    var missed: [String] = []
    var rows: [JSON] = []
    for mutant in Runner.mutantsOfRules where Interrupt.received == nil {
      // What a mutant leaves behind in a process is not the next one's.
      pool.stop()
      let result = try explore(mutant, into: "\(out)/explore-seed\(seed)-\(mutant)")
      guard let violation = result.violations.first else {
        missed.append(mutant)
        Console.log("✗ \(mutant): not found in \(result.runs) worlds")
        continue
      }
      guard violation.people <= Exploration.fewPeople, violation.faults <= Exploration.fewFaults
      else {
        missed.append(mutant)
        Console.log(
          "✗ \(mutant): \(violation.rule) is not shrunk below \(violation.people) people and "
            + "\(violation.faults) faults")
        continue
      }
      rows.append(
        [
          "mutant": .string(mutant), "rule": .string(violation.rule),
          "worlds": .integer(Int64(violation.after)), "people": .integer(Int64(violation.people)),
          "faults": .integer(Int64(violation.faults)), "seconds": .number(violation.seconds),
        ])
      Console.log(
        "✓ \(mutant): \(violation.rule) after \(violation.after) worlds, in "
          + "\(violation.people) people, \(violation.faults) faults, \(violation.seconds) s")
    }
    if json {
      Console.print(
        JSON.object(
          [
            "schema": "assay.mutants.v1", "found": .array(rows),
            "missed": .array(missed.map { .string($0) }),
          ]
        ).text(indented: true))
    } else {
      Console.print(
        "\(rows.count) of \(rows.count + missed.count) mutants found"
          + (missed.isEmpty ? "" : "; not found: \(missed.joined(separator: ", "))"))
    }
    if let signal = Interrupt.received { return signal == SIGINT ? .interrupted : .terminated }
    return missed.isEmpty ? .passed : .failed
  }

  // MARK: - Shrinking a run

  func shrink(_ folder: String) throws -> ExitCode {
    guard let run = try? RunFolder.read(folder) else {
      throw UsageError(message: "\(folder): no readable result.json; name a run's folder")
    }
    guard let failed = run.assertions.first(where: { $0.verdict == .fail }) else {
      throw UsageError(message: "\(folder): nothing failed in this run")
    }
    let variants = try ScenarioFile.load(run.scenario.file)
    guard
      var scenario = variants.first(where: { variant in
        variant.assignments.map { "\($0.path)=\($0.value)" }
          == run.variant.map { "\($0.key)=\($0.value)" }
      })?.scenario
    else { throw UsageError(message: "\(run.scenario.file): no such variant any more") }
    scenario.seed = run.seed
    scenario.expectations.removeAll { $0.id != failed.id }
    let small = try shrunk(scenario, rule: failed.id)
    let file = try write(small, failed.id, seed: run.seed, into: folder)
    Console.print(
      "\(failed.id): \(scenario.members.count) people, \(scenario.faults) faults, "
        + "\(scenario.duration.seconds) s → \(small.members.count), \(small.faults), "
        + "\(small.duration.seconds) s\n\(folder)/\(file)")
    return .passed
  }
}

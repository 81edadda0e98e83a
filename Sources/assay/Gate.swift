// Many runs into one verdict: a worker process for each, as many at a time as there are cores.

import Foundation
import Report
import Results
import Scenario

struct Gate {
  var jobs: [Job]
  /// The gate's folder; every run has one of its own in it.
  var out: String
  var captures: CaptureChoice?

  /// A run of a job, or the first one again.
  private struct Turn {
    var job: Int
    var isRepeat = false
  }

  private struct Running {
    var turn: Turn
    var process: Process
  }

  func run(json: Bool) throws -> ExitCode {
    let (gate, runs) = try Output.replace(out) { staging in
      try runWorkers(in: staging)
      let repeats = takeRepeats(from: staging)
      let results = try collect(from: staging)
      let (gate, runs) = judged(results, repeats)
      // A run that is judged with others shows what it counts for, in its own folder too.
      for (index, run) in runs.enumerated() where run != results[index].1 {
        try Output.write(RunDirectory.files(of: run), into: "\(staging)/\(results[index].0)")
      }
      try Output.write(RunDirectory.files(of: gate, runs: runs), into: staging)
      return (gate, runs)
    }
    return gate.finish(runs, in: out, json: json)
  }

  /// Scenarios that ask for it are judged by the medians of several seeds; of their runs only the
  /// rules count, and that they came to their end.
  private func judged(
    _ results: [(String, RunResult)], _ repeats: [Int: String]
  ) -> (GateResult, [RunResult]) {
    var runs = results.map(\.1)
    var medians: [SeedMedian] = []
    var groups: [String: [Int]] = [:]
    var titles: [String] = []
    for (index, job) in jobs.enumerated() where job.variant.scenario.acrossSeeds == .median {
      let title = "\(job.title)#\(job.namesake)"
      if groups[title] == nil { titles.append(title) }
      groups[title, default: []].append(index)
    }
    for title in titles {
      let group = groups[title] ?? []
      guard group.count > 1, runs[group[0]].verdict != .skipped else { continue }
      let policy = jobs[group[0]].policy
      medians += SeedMedian.medians(of: group.map { results[$0].1 })
        .map { $0.applying(policy, today: Today.text) }
      for index in group { runs[index] = runs[index].asEvidence }
    }
    for (index, hash) in repeats.sorted(by: { $0.key < $1.key }) where runs[index].partial == nil {
      runs[index].addRepeat(hash)
    }
    let rows = zip(runs, results).map { (run: $0, result: "\($1.0)/result.json") }
    return (GateResult(of: rows, medians: medians), runs)
  }

  /// What is judged by medians is run once more with its first seed: same seed, same hash.
  private var turns: [Turn] {
    var seen: Set<String> = []
    let all = jobs.indices.map { Turn(job: $0) }
    return all
      + jobs.indices.filter { index in
        jobs[index].variant.scenario.acrossSeeds == .median
          && seen.insert("\(jobs[index].title)#\(jobs[index].namesake)").inserted
      }.map { Turn(job: $0, isRepeat: true) }
  }

  private func folder(of turn: Turn) -> String {
    (turn.isRepeat ? "again-" : "") + jobs[turn.job].folderName
  }

  /// The hashes of the second runs by job; their folders go.
  private func takeRepeats(from staging: String) -> [Int: String] {
    var hashes: [Int: String] = [:]
    for turn in turns where turn.isRepeat {
      let path = "\(staging)/\(folder(of: turn))"
      if let again = try? RunFolder.read(path) { hashes[turn.job] = again.traceHash }
      try? FileManager.default.removeItem(atPath: path)
    }
    return hashes
  }

  /// Runs every job, or those that an interrupt lets begin.
  private func runWorkers(in staging: String) throws {
    var waiting = turns
    var running: [Running] = []
    // Told once: a worker that has ended may have left its process id to somebody else.
    var isStopping = false
    let cores = max(1, ProcessInfo.processInfo.activeProcessorCount)
    while !waiting.isEmpty || !running.isEmpty {
      if Interrupt.received != nil, !isStopping {
        isStopping = true
        waiting.removeAll()
        for worker in running { worker.process.terminate() }
      }
      while running.count < cores, !waiting.isEmpty {
        let turn = waiting.removeFirst()
        running.append(Running(turn: turn, process: try start(turn, in: staging)))
      }
      usleep(5_000)
      for (position, worker) in running.enumerated().reversed()
      where !worker.process.isRunning {
        running.remove(at: position)
        note(worker)
      }
    }
  }

  private func start(_ turn: Turn, in staging: String) throws -> Process {
    let job = jobs[turn.job]
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments =
      [
        "worker", job.variant.scenario.file, "--variant", String(job.index), "--seed",
        String(job.seed), "--out", "\(staging)/\(folder(of: turn))",
      ] + (captures?.words ?? []) + (job.expectations.map { ["--expectations", $0] } ?? [])
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    return process
  }

  private func note(_ worker: Running) {
    guard !worker.turn.isRepeat else { return }
    let job = jobs[worker.turn.job]
    let status = worker.process.terminationStatus
    let mark =
      job.isJudgedAcrossSeeds && status <= 1
      ? "·" : status == 0 ? "✓" : status == 1 ? "✗" : "?"
    Console.log("\(mark) \(job.title) (seed \(job.seed))")
    // Of a run that is judged with others, nothing is decided yet.
    let isEvidence = job.isJudgedAcrossSeeds && status == 1
    if status != 0, !isEvidence { Console.log("  again: \(job.command)") }
  }

  /// Reads what the workers wrote; a job without a result is inconclusive and says so.
  private func collect(from staging: String) throws -> [(String, RunResult)] {
    Output.discardUnfinished(in: staging)
    return try jobs.map { job in
      let folder = "\(staging)/\(job.folderName)"
      if let result = try? RunFolder.read(folder) { return (job.folderName, result) }
      var result = RunResult(
        scenario: .init(
          name: job.variant.scenario.name, about: job.variant.scenario.about,
          file: job.variant.scenario.file, sha256: job.sha256), seed: job.seed,
        build: Build.identity)
      result.command = job.command
      result.partial =
        Interrupt.received == nil ? "the run ended without a result" : "interrupted before it began"
      result.variant = job.variant.assignments.map { ($0.path, $0.value) }
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
      try Output.write(RunDirectory.files(of: result), into: folder)
      return (job.folderName, result)
    }
  }
}

/// Reading a run's folder back.
enum RunFolder {
  /// The gate whose folder this is; nil for any other.
  static func gate(_ folder: String) -> GateResult? {
    (try? String(contentsOfFile: folder + "/result.json", encoding: .utf8))
      .flatMap { try? GateResult(parsing: $0) }
  }

  static func read(_ folder: String) throws -> RunResult {
    let result = try String(contentsOfFile: folder + "/result.json", encoding: .utf8)
    let series = try? String(contentsOfFile: folder + "/series.json", encoding: .utf8)
    return try RunResult(parsing: result, series: series)
  }
}

extension RunResult {
  /// Adds the rule that a run repeats: the hash of a second run with the same seed.
  fileprivate mutating func addRepeat(_ hash: String) {
    var assertion = Assertion(
      id: "rule/same-hash", verdict: hash == traceHash ? .pass : .fail, of: "", metric: "",
      stat: "", comparison: .equals, observed: nil, limit: 0, unit: "")
    assertion.origin = .rule
    assertion.reason =
      hash == traceHash
      ? "Holds: run again with the same seed, the same packets were sent."
      : "Broken: run again with the same seed, other packets were sent (\(hash))."
    assertions.append(assertion)
    verdict = Verdict.combined([verdict, assertion.verdict])
    exitCode = verdict.exitCode
  }
}

extension GateResult {
  /// Prints it and where its folder is.
  func finish(_ runs: [RunResult], in directory: String, json asJSON: Bool) -> ExitCode {
    if asJSON {
      Console.printMachine(json.text(indented: true))
    } else {
      Console.printReport(TextSummary.render(self, runs, colours: Console.hasColours))
      Console.print("Report: \(directory)/index.html")
    }
    if let signal = Interrupt.received { return signal == SIGINT ? .interrupted : .terminated }
    return exitCode
  }
}

// Many runs into one verdict: a worker process for each, as many at a time as there are cores.

import Conformance
import Foundation
import Report

struct Gate {
  var jobs: [Job]
  /// The gate's folder; every run has one of its own in it.
  var out: String
  var captures: Bool

  private struct Running {
    var job: Int
    var process: Process
  }

  func run(json: Bool) throws -> ExitCode {
    let staging = try Output.staging(for: out)
    do {
      try runWorkers(in: staging)
      let results = try collect(from: staging)
      let gate = judged(results)
      try Output.write(RunDirectory.files(of: gate, runs: results.map(\.1)), into: staging)
      try Output.commit(staging, to: out)
      if json {
        Console.print(gate.json.text(indented: true))
      } else {
        Console.print(
          TextSummary.render(gate, results.map(\.1), colours: Console.hasColours))
        Console.print("Report: \(out)/index.html")
      }
      if let signal = Interrupt.received { return signal == SIGINT ? .interrupted : .terminated }
      return gate.exitCode
    } catch {
      Output.discard(staging)
      throw error
    }
  }

  /// Scenarios that ask for it are judged by the medians of several seeds; of their runs only the
  /// rules count, and that they came to their end.
  private func judged(_ results: [(String, RunResult)]) -> GateResult {
    var runs = results.map { GateResult.Run($0.1, result: "\($0.0)/result.json") }
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
      guard group.count > 1, results[group[0]].1.verdict != .skipped else { continue }
      medians += SeedMedian.medians(of: group.map { results[$0].1 })
      for index in group {
        let run = results[index].1
        let rules = run.assertions.filter { $0.origin == .rule && $0.verdict == .fail }
        runs[index].counted =
          !rules.isEmpty ? .fail : run.partial == nil ? .pass : .inconclusive
      }
    }
    return GateResult(runs: runs, medians: medians)
  }

  /// Runs every job, or those that an interrupt lets begin.
  private func runWorkers(in staging: String) throws {
    var waiting = Array(jobs.indices)
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
        let job = waiting.removeFirst()
        running.append(Running(job: job, process: try start(jobs[job], in: staging)))
      }
      usleep(5_000)
      for (position, worker) in running.enumerated().reversed()
      where !worker.process.isRunning {
        running.remove(at: position)
        note(worker)
      }
    }
  }

  private func start(_ job: Job, in staging: String) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments =
      [
        "worker", job.variant.scenario.file, "--variant", String(job.index), "--seed",
        String(job.seed), "--out", "\(staging)/\(job.folderName)",
      ] + (captures ? ["--pcap"] : [])
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    return process
  }

  private func note(_ worker: Running) {
    let status = worker.process.terminationStatus
    let mark = status == 0 ? "✓" : status == 1 ? "✗" : "?"
    Console.log("\(mark) \(jobs[worker.job].title) (seed \(jobs[worker.job].seed))")
    if status != 0 { Console.log("  again: \(jobs[worker.job].command)") }
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

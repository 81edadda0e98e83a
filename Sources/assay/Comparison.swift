// One scenario against several SFUs on real sockets, one after the other, into one report.

import Conformance
import Foundation
import Lab
import Report

struct Comparison {
  var job: Job
  var targets: [ServedSFU]
  /// Where the comparison's folder goes; every run has one of its own in it.
  var out: String
  var captures: Bool

  private var directory: String { "\(out)/\(job.folderName)-side-by-side" }

  func run(json: Bool) throws -> ExitCode {
    let staging = try Output.staging(for: directory)
    do {
      var results: [(folder: String, result: RunResult)] = []
      for (index, target) in targets.enumerated() where Interrupt.received == nil {
        let folder = "\(index + 1)-\(target.kind.rawValue)"
        var progress = Progress("\(job.title) against \(target.url)")
        let total = job.variant.scenario.duration.seconds
        let result = try job.run(
          into: "\(staging)/\(folder)", against: target, captures: captures
        ) { now in
          progress.update(simulated: now.seconds, of: total)
          return Interrupt.received == nil
        }
        progress.finish()
        results.append((folder, result))
      }
      let gate = GateResult(
        runs: results.map { GateResult.Run($0.result, result: "\($0.folder)/result.json") })
      try Output.write(RunDirectory.files(of: gate, runs: results.map(\.result)), into: staging)
      try Output.commit(staging, to: directory)
      if json {
        Console.print(gate.json.text(indented: true))
      } else {
        Console.print(
          TextSummary.render(gate, results.map(\.result), colours: Console.hasColours))
        Console.print("Report: \(directory)/index.html")
      }
      if let signal = Interrupt.received { return signal == SIGINT ? .interrupted : .terminated }
      return gate.exitCode
    } catch {
      Output.discard(staging)
      throw error
    }
  }
}

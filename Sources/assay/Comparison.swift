// One scenario against several SFUs on real sockets, one after the other, into one report.

import Foundation
import Lab
import Report
import Results

struct Comparison {
  var job: Job
  var targets: [ServedSFU]
  /// Where the comparison's folder goes; every run has one of its own in it.
  var out: String
  var captures: CaptureChoice?

  private var directory: String { "\(out)/\(job.folderName)-side-by-side" }

  func run(json: Bool) throws -> ExitCode {
    let (gate, runs) = try Output.replace(directory) { staging in
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
        of: results.map { (run: $0.result, result: "\($0.folder)/result.json") })
      let runs = results.map(\.result)
      try Output.write(RunDirectory.files(of: gate, runs: runs), into: staging)
      return (gate, runs)
    }
    return gate.finish(runs, in: directory, json: json)
  }
}

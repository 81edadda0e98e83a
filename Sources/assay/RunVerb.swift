// `assay run`: one scenario here, or several in worker processes.

import Basics
import Foundation
import Lab
import Report
import Results
import Scenario

extension Verb {
  static let run = Verb(
    name: "run", operands: "SCENARIO...",
    summary: "Run scenario files, or the scenarios of a folder, and report the verdict.",
    flags: [
      Flag("--seed", "N", "use this seed instead of the scenario's"),
      Flag("--seeds", "K", "run each scenario with K seeds: its own and those that follow"),
      Flag("--only", "GLOB", "only scenarios or variants of this name, such as 'train-*'"),
      Flag("--out", "DIR", "where run directories go; results/ unless given"),
      Flag("--format", "text|json", "what is printed; json is result.json"),
      .expectations,
    ] + CaptureChoice.flags + ServedSFU.flags,
    run: { arguments in
      guard !arguments.operands.isEmpty else {
        throw UsageError(message: "name a scenario file, such as scenarios/quickstart.yaml")
      }
      let json = try arguments.choice("--format", of: ["text", "json"]) == "json"
      var jobs = try Job.select(
        arguments.operands, seeds: try seeds(arguments), only: arguments.value("--only"),
        expectations: arguments.value("--expectations"))
      for index in jobs.indices { jobs[index].servedFlags = ServedSFU.words(of: arguments) }
      let served = try ServedSFU.chosen(by: arguments)
      let out = arguments.value("--out") ?? Output.defaultFolder
      let captures = try CaptureChoice.chosen(by: arguments)
      if jobs.isEmpty {
        Console.log("assay: nothing selected; see ./assay list")
        return .nothingSelected
      }
      if let target = served.first {
        guard jobs.count == 1 else {
          throw UsageError(
            message: "one scenario at a time in real time; \(jobs.count) are selected, see --only")
        }
        if served.count > 1 {
          return try Comparison(job: jobs[0], targets: served, out: out, captures: captures)
            .run(json: json)
        }
        return try runHere(jobs[0], against: target, out: out, captures: captures, json: json)
      }
      if jobs.count > 1 {
        return try Gate(jobs: jobs, out: out + "/gate", captures: captures).run(json: json)
      }
      return try runHere(jobs[0], out: out, captures: captures, json: json)
    })

  static func seeds(_ arguments: Arguments) throws(UsageError) -> SeedChoice {
    let count = try arguments.number("--seeds", minimum: 1) ?? 1
    guard count <= 10_000 else { throw UsageError(message: "--seeds takes at most 10000") }
    return SeedChoice(first: try arguments.number("--seed"), count: count)
  }

  private static func runHere(
    _ job: Job, against served: ServedSFU? = nil, out: String, captures: CaptureChoice?, json: Bool
  ) throws -> ExitCode {
    let directory = "\(out)/\(job.folderName)" + (served == nil ? "" : "-wall")
    var progress = Progress(job.title)
    let total = job.variant.scenario.duration.seconds
    let result = try job.run(into: directory, against: served, captures: captures) { now in
      progress.update(simulated: now.seconds, of: total)
      return Interrupt.received == nil
    }
    progress.finish()
    if json {
      Console.printMachine(result.json.text(indented: true))
    } else {
      Console.printReport(TextSummary.render(result, colours: Console.hasColours))
      Console.print("Report: \(directory)/index.html")
    }
    switch Interrupt.received {
    case SIGINT: return .interrupted
    case SIGTERM: return .terminated
    default: return result.exitCode
    }
  }
}

// `assay gate`: a folder of scenarios into one verdict, for CI.

import Foundation
import Lab
import Results
import Scenario

extension Verb {
  static let gate = Verb(
    name: "gate", operands: "[PROFILE|DIR]",
    summary: "Run a folder's scenarios on all cores into one verdict, one page, one JUnit file.",
    flags: [
      Flag(
        "--tier", "quick|release|nightly",
        "how long it may take: scenarios of a later tier are left out; all unless given"),
      Flag(
        "--seeds", "K",
        "run each scenario with K seeds; 1, and 10 for those judged by medians (acrossSeeds)"),
      Flag("--only", "GLOB", "only scenarios or variants of this name"),
      Flag("--out", "DIR", "the gate's folder; results/gate unless given"),
      Flag("--format", "text|json", "what is printed; json is the gate's result.json"),
      .expectations,
    ] + CaptureChoice.flags,
    run: { arguments in
      guard arguments.operands.count <= 1 else {
        throw UsageError(message: "one folder at a time")
      }
      let folder = try Profiles.folder(arguments.operands.first ?? "scenarios")
      let json = try arguments.choice("--format", of: ["text", "json"]) == "json"
      let tiers = Scenario.Tier.allCases.map(\.rawValue)
      let tier = try arguments.choice("--tier", of: tiers).flatMap(Scenario.Tier.init) ?? .nightly
      var choice = try seeds(arguments)
      if arguments.value("--seeds") == nil { choice.medianCount = 10 }
      let jobs = try Job.select(
        [folder], seeds: choice, only: arguments.value("--only"),
        expectations: arguments.value("--expectations")
      ).filter { $0.variant.scenario.tier <= tier }
      guard !jobs.isEmpty else {
        Console.log("assay: no scenario selected in \(folder)")
        return .nothingSelected
      }
      return try Gate(
        jobs: jobs, out: arguments.value("--out") ?? "\(Output.defaultFolder)/gate",
        captures: try CaptureChoice.chosen(by: arguments)
      ).run(json: json)
    })

  /// A gate's hand: runs one variant and writes its folder. Not for people.
  static let worker = Verb(
    name: "worker", operands: "SCENARIO", summary: "",
    flags: [
      Flag("--variant", "N", "the variant's place in the file"),
      Flag("--seed", "N", "the seed"),
      Flag("--out", "DIR", "the run's folder"),
      .expectations,
    ] + CaptureChoice.flags,
    run: { arguments in
      guard let file = arguments.operands.first, let out = arguments.value("--out"),
        let seed = try arguments.number("--seed"),
        let index = try arguments.number("--variant"),
        var job = try Job.select([file], seeds: SeedChoice(first: seed), only: nil)
          .first(where: { $0.index == Int(index) })
      else { throw UsageError(message: "incomplete") }
      if let file = arguments.value("--expectations") {
        // The gate has held its ids against all scenarios.
        job.expectations = file
        job.policy = job.policy + (try ExpectationsFile.load(file))
      }
      let result = try job.run(into: out, captures: try CaptureChoice.chosen(by: arguments)) { _ in
        Interrupt.received == nil
      }
      return result.exitCode
    })
}

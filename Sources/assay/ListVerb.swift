// `assay list`: the scenarios of a folder, and what there is to name in one.

import Foundation
import Lab
import Results
import Scenario

extension Verb {
  static let list = Verb(
    name: "list", operands: "[DIR|metrics|rules|events|presets|policies|mutants]",
    summary: "List the scenarios of a folder, what there is to name in one, or the rules.",
    flags: [],
    run: { arguments in
      switch arguments.operands.first {
      case "metrics":
        for metric in MetricCatalogue.all {
          Console.print(columns([metric.name, metric.unit, metric.meaning], widths: [34, 5]))
          let absence = "without a sample that was due: \(metric.absenceText)"
          Console.print(columns(["", "", absence], widths: [34, 5]))
        }
      case "rules": listRules()
      case "presets":
        for preset in LinkPreset.all {
          Console.print(columns([preset.name, preset.why], widths: [16]))
        }
      case "events": listEvents()
      case "policies":
        for policy in Runner.reconnectPolicies {
          Console.print(columns([policy.name, policy.about], widths: [16]))
        }
      case "mutants":
        for mutant in Runner.everyMutant {
          Console.print(columns([mutant.key, mutant.name, mutant.meaning], widths: [21, 25]))
        }
      case let folder:
        let folder = try Profiles.folder(folder ?? "scenarios")
        for job in try Job.select([folder], seeds: SeedChoice(), only: nil) {
          Console.print(
            columns([job.title, job.variant.scenario.about], widths: [24]))
        }
      }
      return .passed
    })

  private static func listRules() {
    for rule in Rule.all {
      Console.print(
        columns([rule.id, rule.level.rawValue, rule.requirement], widths: [26, 6]))
      let mutants = rule.mutants.isEmpty ? "none" : rule.mutants.joined(separator: ", ")
      let place = ServedSFU.judged(rule)
      Console.print(
        columns(
          ["", "", "\(rule.source); mutants: \(mutants); judged on \(place)"], widths: [26, 6]))
    }
  }

  private static func listEvents() {
    for (target, keys) in EventVerb.settings {
      Console.print(columns(["set", "gives \(target) new values during the run"], widths: [17]))
      Console.print(columns(["", keys], widths: [17]))
    }
    for verb in EventVerb.all {
      Console.print(columns([verb.name, verb.about], widths: [17]))
      Console.print(columns(["", verb.usage], widths: [17]))
    }
  }
}

// The verbs that only read and print: validate, report, list, criteria, schema, doctor, init.

import Foundation
import Lab
import Report
import Results
import Scenario

extension Verb {
  static let validate = Verb(
    name: "validate", operands: "SCENARIO...",
    summary: "Read scenario files and say what is wrong with them, without running.", flags: [],
    run: { arguments in
      guard !arguments.operands.isEmpty else {
        throw UsageError(message: "name a scenario file or folder")
      }
      let jobs = try Job.select(arguments.operands, seeds: SeedChoice(), only: nil)
      for job in jobs {
        Console.print("\(job.variant.scenario.file): \(job.title) is valid")
      }
      if jobs.isEmpty { Console.log("assay: no scenario there") }
      return jobs.isEmpty ? .nothingSelected : .passed
    })

  static let report = Verb(
    name: "report", operands: "DIR",
    summary: "Draw the reports of a run, or of a gate, again from its result.json.",
    flags: [Flag("--format", "text|json|openmetrics", "print this instead of writing the files")],
    run: { arguments in
      guard let folder = arguments.operands.first else {
        throw UsageError(message: "name a run's folder, such as results/quickstart-seed1")
      }
      if let gate = RunFolder.gate(folder) { return try redraw(gate, in: folder, arguments) }
      let run: RunResult
      do {
        run = try RunFolder.read(folder)
      } catch {
        throw UsageError(message: "\(folder): no readable result.json (\(error))")
      }
      switch try arguments.choice("--format", of: ["text", "json", "openmetrics"]) {
      case "text": Console.print(TextSummary.render(run, colours: Console.hasColours))
      case "json": Console.print(run.json.text(indented: true))
      case "openmetrics": Console.print(OpenMetrics.render(run))
      default:
        try Output.write(RunDirectory.files(of: run), into: folder)
        Console.print("\(folder)/index.html")
      }
      return .passed
    })

  private static func redraw(
    _ gate: GateResult, in folder: String, _ arguments: Arguments
  ) throws -> ExitCode {
    let runs: [RunResult]
    do {
      runs = try gate.runs.map { run in
        try RunFolder.read(
          "\(folder)/" + (run.result as NSString).deletingLastPathComponent)
      }
    } catch {
      throw UsageError(message: "\(folder): a run of this gate cannot be read (\(error))")
    }
    switch try arguments.choice("--format", of: ["text", "json"]) {
    case "text": Console.print(TextSummary.render(gate, runs, colours: Console.hasColours))
    case "json": Console.print(gate.json.text(indented: true))
    default:
      try Output.write(RunDirectory.files(of: gate, runs: runs), into: folder)
      Console.print("\(folder)/index.html")
    }
    return .passed
  }

  static let list = Verb(
    name: "list", operands: "[DIR|metrics|events|presets|policies|mutants]",
    summary: "List the scenarios of a folder, or what there is to name in one.",
    flags: [],
    run: { arguments in
      switch arguments.operands.first {
      case "metrics":
        for metric in MetricCatalogue.all {
          Console.print(columns([metric.name, metric.unit, metric.meaning], widths: [34, 5]))
        }
      case "presets":
        for preset in LinkPreset.all {
          Console.print(columns([preset.name, preset.why], widths: [16]))
        }
      case "events":
        for verb in EventVerb.all {
          Console.print(columns([verb.name, verb.about], widths: [17]))
          Console.print(columns(["", verb.usage], widths: [17]))
        }
      case "policies":
        for policy in Runner.reconnectPolicies {
          Console.print(columns([policy.name, policy.about], widths: [16]))
        }
      case "mutants":
        for mutant in Runner.everyMutant {
          Console.print(columns([mutant.key, mutant.name, mutant.meaning], widths: [21, 25]))
        }
      case let folder:
        for job in try Job.select([folder ?? "scenarios"], seeds: SeedChoice(), only: nil) {
          Console.print(
            columns([job.title, job.variant.scenario.about], widths: [24]))
        }
      }
      return .passed
    })

  static let criteria = Verb(
    name: "criteria", operands: "[DIR]",
    summary: "List the acceptance criteria that a folder's scenarios gate, and where.", flags: [],
    run: { arguments in
      var places: [String: [String]] = [:]
      for job in try Job.select(
        [arguments.operands.first ?? "scenarios"], seeds: SeedChoice(), only: nil)
      {
        for expectation in job.variant.scenario.expectations {
          for criterion in expectation.criteria {
            let place = "\(job.variant.scenario.name)/\(expectation.id)"
            if !(places[criterion]?.contains(place) ?? false) {
              places[criterion, default: []].append(place)
            }
          }
        }
      }
      for criterion in places.keys.sorted() {
        Console.print(
          columns([criterion, places[criterion]!.joined(separator: ", ")], widths: [8]))
      }
      return .passed
    })

  static let schema = Verb(
    name: "schema", operands: "", summary: "Print the JSON Schema of scenario files, for editors.",
    flags: [],
    run: { _ in
      Console.print(ScenarioSchema.json().text(indented: true))
      return .passed
    })

  static let doctor = Verb(
    name: "doctor", operands: "", summary: "Say what this build is and what it finds here.",
    flags: [],
    run: { _ in
      Console.print("assay       \(Build.identity)")
      Console.print("cores       \(ProcessInfo.processInfo.activeProcessorCount)")
      for tool in ["tshark", "protoc", "chromium"] {
        let found = findExecutable(tool)
        Console.print(
          columns([tool, found ?? "not found (tests that need it skip)"], widths: [11]))
      }
      return .passed
    })

  static let initialise = Verb(
    name: "init", operands: "[FILE]", summary: "Write a scenario to start from.", flags: [],
    run: { arguments in
      let file = arguments.operands.first ?? "scenario.yaml"
      guard !FileManager.default.fileExists(atPath: file) else {
        throw UsageError(message: "\(file) is there already; name another file")
      }
      do {
        try starter.write(toFile: file, atomically: true, encoding: .utf8)
      } catch {
        throw UsageError(message: "\(file): cannot be written")
      }
      Console.print("\(file) written; run it with: ./assay run \(file)")
      return .passed
    })

  private static let starter = """
    assay: 1
    name: my-scenario
    about: Two people talk over a link that loses packets.
    seed: 1
    duration: 20s

    links:
      home: { rate: 20Mbps, delay: 15ms }
      train: { rate: 3Mbps, delay: 40ms, loss: 2% }

    participants:
      ada: { link: home, publish: [camera, microphone] }
      rider: { link: train, publish: [camera, microphone] }

    expect:
      - { id: everybody-is-in, of: all, metric: assay.joined, stat: last, equals: 1 }
      - { id: smooth, of: rider, metric: framesPerSecond, stat: p10, over: 20, window: 5s..20s }

    """

  private static func findExecutable(_ name: String) -> String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    return folders.map { "\($0)/\(name)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Cells side by side; the last one takes what is left.
  private static func columns(_ cells: [String], widths: [Int]) -> String {
    var line = ""
    for (index, cell) in cells.enumerated() {
      line += cell
      if index < widths.count {
        line += String(repeating: " ", count: max(1, widths[index] - cell.count + 1))
      }
    }
    return line
  }
}

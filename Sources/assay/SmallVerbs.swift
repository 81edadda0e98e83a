// The verbs that only read and print: validate, report, criteria, schema, doctor, init.

import Foundation
import Lab
import Report
import Results
import Scenario

extension Verb {
  static let validate = Verb(
    name: "validate", operands: "SCENARIO...",
    summary: "Read scenario files and say everything that is wrong with them, without running.",
    flags: [],
    run: { arguments in
      guard !arguments.operands.isEmpty else {
        throw UsageError(message: "name a scenario file or folder")
      }
      let files = try Job.files(arguments.operands)
      var wrong = 0
      for file in files {
        let faults = validate(file)
        for fault in faults { Console.log("\(fault)") }
        if !faults.isEmpty { wrong += 1 }
      }
      if files.isEmpty { Console.log("assay: no scenario there") }
      if wrong > 0 { Console.log("assay: \(wrong) of \(files.count) files have mistakes") }
      return files.isEmpty ? .nothingSelected : wrong > 0 ? .badInput : .passed
    })

  /// Prints what a file holds where it is valid; else its mistakes.
  private static func validate(_ file: String) -> [ScenarioError] {
    do {
      let bytes = try ScenarioFile.bytes(of: file)
      let faults = ScenarioFile.faults(in: bytes, file: file)
      guard faults.isEmpty else { return faults }
      for job in try Job.select([file], seeds: SeedChoice(), only: nil) {
        Console.print("\(file): \(job.title) is valid")
        for line in job.variant.scenario.linkLines { Console.print("  \(line)") }
      }
      return []
    } catch let error as ScenarioError {
      return [error]
    } catch {
      let mark = SourceMark(file: file, line: 1, column: 1)
      return [ScenarioError(mark, "cannot be read (\(Output.reason(error)))")]
    }
  }

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
        throw UsageError(message: "\(folder)/result.json: \(unreadable(error))")
      }
      switch try arguments.choice("--format", of: ["text", "json", "openmetrics"]) {
      case "text": Console.printReport(TextSummary.render(run, colours: Console.hasColours))
      case "json": Console.printMachine(run.json.text(indented: true))
      case "openmetrics": Console.printMachine(OpenMetrics.render(run))
      default:
        try Output.write(RunDirectory.files(of: run), into: folder)
        Console.print("\(folder)/index.html")
      }
      return .passed
    })

  /// Why a result.json cannot be read.
  private static func unreadable(_ error: any Error) -> String {
    guard let error = error as? ResultError else {
      return "cannot be read (\(Output.reason(error)))"
    }
    let place = error.path.isEmpty ? "" : " at \(error.path)"
    return "not a result of Assay (\(error.fault.rawValue)\(place))"
  }

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
      throw UsageError(message: "\(folder): a run of this gate: \(unreadable(error))")
    }
    switch try arguments.choice("--format", of: ["text", "json", "openmetrics"]) {
    case "text": Console.printReport(TextSummary.render(gate, runs, colours: Console.hasColours))
    case "json": Console.printMachine(gate.json.text(indented: true))
    case "openmetrics": Console.printMachine(OpenMetrics.render(gate, runs))
    default:
      try Output.write(RunDirectory.files(of: gate, runs: runs), into: folder)
      Console.print("\(folder)/index.html")
    }
    return .passed
  }

  static let criteria = Verb(
    name: "criteria", operands: "[DIR]",
    summary: "List the acceptance criteria that a folder's scenarios gate, and where.", flags: [],
    run: { arguments in
      var places: [String: [String]] = [:]
      for job in try Job.select(
        [try Profiles.folder(arguments.operands.first ?? "scenarios")], seeds: SeedChoice(),
        only: nil)
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
      Console.printMachine(ScenarioSchema.json().text(indented: true))
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
        throw OutputError(path: file, reason: "cannot be written (\(Output.reason(error)))")
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
  static func columns(_ cells: [String], widths: [Int]) -> String {
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

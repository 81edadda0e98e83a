// `assay replay`: what each viewer would have seen of a captured call.

import Basics
import Foundation
import Inspection
import Lab
import Report
import Results
import Scenario
import Signal

extension Verb {
  static let replay = Verb(
    name: "replay", operands: "CAPTURE",
    summary: "Play a captured call to viewers, through the links of a scenario, and judge it.",
    flags: InspectionFlags.all + [
      Flag(
        "--through", "SCENARIO",
        "its links, participants and expectations; one viewer on a clean link unless given"),
      Flag("--viewers", "N", "viewers on clean links, without --through; 1 unless given"),
      .vantage, .end,
      Flag("--seed", "N", "use this seed instead of the scenario's"),
      Flag("--as-scenario", "DIR", "write the scenario and its media there too, to be committed"),
      Flag("--out", "DIR", "where the run directory goes; results/ unless given"),
      Flag("--format", "text|json", "what is printed; json is result.json"),
    ] + CaptureChoice.flags + ServedSFU.flags,
    run: { arguments in
      guard let file = arguments.operands.first, arguments.operands.count == 1 else {
        throw UsageError(message: "name one capture, such as call.pcapng")
      }
      let json = try arguments.choice("--format", of: ["text", "json"]) == "json"
      let served = try ServedSFU.chosen(by: arguments)
      guard served.count < 2 else { throw UsageError(message: "replay takes one --sfu") }
      let call: CapturedCall
      do {
        call = try Replay.call(file, try Replay.options(arguments))
      } catch let error as InspectionError {
        return failure(error, of: "replay")
      }
      let replay = try Replay(call, of: file, arguments)
      if let folder = arguments.value("--as-scenario") { try replay.write(to: folder) }
      for line in replay.lines { Console.log(line) }
      return try replay.run(against: served.first, json: json)
    })
}

extension Flag {
  static let vantage = Flag(
    "--vantage", "server|client",
    "where it was captured: server takes what publishers sent, client what it received; server "
      + "unless given")
  static let end = Flag(
    "--at", "ADDRESS", "the IP address where it was captured, where media go both ways")
}

/// A captured call on its way through a run.
struct Replay {
  struct Options {
    var inspection: InspectionOptions
    var vantage: Vantage
    var end: IPAddress?
  }

  private static let longest = Duration.seconds(12 * 3_600)

  private let file: String
  private let arguments: Arguments
  private let content: ReplayScenario
  private let hasBase: Bool
  private let seed: UInt64

  static func options(_ arguments: Arguments) throws -> Options {
    let names = Vantage.allCases.map(\.rawValue)
    let vantage = try arguments.choice("--vantage", of: names).flatMap(Vantage.init) ?? .server
    var options = Options(
      inspection: try InspectionFlags.options(arguments), vantage: vantage)
    if let text = arguments.value("--at") {
      guard let ip = IPAddress(text[...]) else {
        throw UsageError(message: "--at takes an IP address such as 10.0.0.7, not '\(text)'")
      }
      options.end = ip
    }
    return options
  }

  static func call(_ file: String, _ options: Options) throws(InspectionError) -> CapturedCall {
    let heartbeat = Heartbeat("reading")
    defer { heartbeat.finish() }
    return try CaptureInspection.media(
      of: file, options.inspection, options.vantage, end: options.end
    ) { heartbeat.update("\($0 / 1_000_000) MB") }.call
  }

  init(_ call: CapturedCall, of file: String, _ arguments: Arguments) throws {
    self.file = file
    self.arguments = arguments
    guard call.length <= Replay.longest else {
      throw UsageError(
        message:
          "\(file): its media last \(Moments.number(call.length.seconds, 0)) s; choose up to "
          + "\(Moments.number(Replay.longest.seconds, 0)) s of them with --from and --to")
    }
    let base = try arguments.value("--through").map { try Replay.base($0) }
    hasBase = base != nil
    let viewers = Int(try arguments.number("--viewers", minimum: 1) ?? 1)
    guard viewers <= 100 else { throw UsageError(message: "--viewers takes at most 100") }
    guard base == nil || !arguments.has("--viewers") else {
      throw UsageError(
        message: "--viewers goes without --through, whose participants are the viewers")
    }
    let stem = (file as NSString).lastPathComponent.prefix { $0 != "." }
    let plain = String(stem.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
    content = ReplayScenario(
      call, name: "replay-" + (plain.isEmpty ? "capture" : plain),
      about: Replay.about(call, base), through: base, viewers: viewers)
    seed = try arguments.number("--seed") ?? content.scenario.seed
  }

  /// The one variant of the scenario that the call goes through.
  private static func base(_ path: String) throws -> Scenario {
    guard FileManager.default.fileExists(atPath: path) else {
      throw UsageError(message: "--through \(path): no such file")
    }
    let variants = try ScenarioFile.load(path)
    guard variants.count == 1 else {
      throw UsageError(
        message:
          "--through \(path): has \(variants.count) variants; name a scenario without a matrix")
    }
    let scenario = variants[0].scenario
    guard scenario.missing.isEmpty else {
      throw UsageError(
        message:
          "--through \(path): requires \(scenario.missing.joined(separator: ", ")), which is "
          + "not there")
    }
    return scenario
  }

  private static func about(_ call: CapturedCall, _ base: Scenario?) -> String {
    let tracks = call.publishers.flatMap(\.tracks)
    let packets = tracks.reduce(0) { $0 + $1.media.packets.count }
    var text =
      "A captured call: \(call.publishers.count) publishers, \(packets) packets, "
      + "\(Moments.number(call.length.seconds, 1)) s"
    if let base { text += ", through \(base.name)" }
    return ([text + "."] + [call.keyframeAnswer].compactMap { $0 } + call.unjudged)
      .joined(separator: " ")
  }

  /// What the reader should know before the verdict.
  var lines: [String] {
    var lines: [String] = []
    for publisher in content.call.publishers {
      for track in publisher.tracks {
        let missing = track.missing > 0 ? ", \(track.missing) missing" : ""
        lines.append(
          "\(publisher.name): \(track.source.rawValue) is \(Moments.ssrc(track.ssrc)) "
            + "(\(track.media.codec), \(track.media.packets.count) packets\(missing))")
      }
    }
    let call = content.call
    return lines + call.notes + [call.keyframeAnswer].compactMap { $0 }
      + call.unjudged.map { "Not judged: \($0)" }
  }

  // MARK: - Running

  func run(against served: ServedSFU?, json: Bool) throws -> ExitCode {
    var variant = ScenarioVariant(assignments: [], scenario: content.scenario)
    variant.scenario.file = file
    var bytes = Array(variant.scenario.yaml.utf8)
    for file in content.files { bytes += Array(file.text.utf8) }
    var job = Job(variant: variant, index: 0, sha256: sha256Hex(bytes), seed: seed)
    job.policy = variant.scenario.policy + content.policy
    job.repeatedBy = command
    let out = arguments.value("--out") ?? Output.defaultFolder
    let directory = "\(out)/\(job.folderName)" + (served == nil ? "" : "-wall")
    var progress = Progress(job.title)
    let total = variant.scenario.duration.seconds
    let result = try job.run(
      into: directory, against: served, captures: try CaptureChoice.chosen(by: arguments)
    ) {
      progress.update(simulated: $0.seconds, of: total)
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

  private var command: String {
    var words = ["./assay", "replay", file]
    for name in ["--keylog", "--through", "--viewers", "--vantage", "--at", "--from", "--to"] {
      if let value = arguments.value(name) { words += [name, value] }
    }
    for name in ["--sdp", "--pt", "--ssrc", "--sfu"] {
      for value in arguments.all(name) { words += [name, value] }
    }
    if arguments.has("--partial") { words.append("--partial") }
    words += ["--seed", "\(seed)"] + ServedSFU.words(of: arguments)
    return words.map(Job.shellQuoted).joined(separator: " ")
  }

  // MARK: - As a scenario

  /// Writes the scenario and its media: whole or not at all.
  func write(to folder: String) throws {
    try Output.replace(folder) { staging in
      try FileManager.default.createDirectory(
        atPath: staging + "/media", withIntermediateDirectories: true)
      var content = content
      content.scenario = try withTraces(in: staging)
      // The file's name may name somebody.
      content.scenario.name = "captured-call"
      var files = content.files.map { RunDirectory.File(name: $0.name, contents: $0.text) }
      files.append(
        RunDirectory.File(name: "scenario.yaml", contents: content.yaml(hasExpectations: hasBase)))
      try Output.write(files, into: staging)
      // What cannot be read back is not left behind.
      _ = try ScenarioFile.load(staging + "/scenario.yaml")
    }
    Console.log("\(folder)/scenario.yaml written; run it with: ./assay run \(folder)/scenario.yaml")
  }

  /// Copies the capacity traces of links beside the scenario, which then names the copies.
  private func withTraces(in staging: String) throws -> Scenario {
    var scenario = content.scenario
    var names: [String: String] = [:]
    func local(_ capacity: Scenario.Capacity) throws -> Scenario.Capacity {
      guard case .trace(let path) = capacity else { return capacity }
      if let known = names[path] { return .trace(path: known) }
      let name = "traces/\(names.count + 1).trace"
      let files = FileManager.default
      try files.createDirectory(
        atPath: staging + "/traces", withIntermediateDirectories: true)
      try files.copyItem(atPath: path, toPath: "\(staging)/\(name)")
      names[path] = name
      return .trace(path: name)
    }
    for index in scenario.links.indices {
      scenario.links[index].up.capacity = try local(scenario.links[index].up.capacity)
      scenario.links[index].down.capacity = try local(scenario.links[index].down.capacity)
    }
    return scenario
  }
}

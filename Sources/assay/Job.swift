// One run of one variant with one seed: how it is selected, named, repeated and made.

import Basics
import Foundation
import Lab
import Report
import Results
import Scenario
import Signal

/// The day, for exceptions that expire.
enum Today {
  /// `2026-11-30`, in UTC.
  static let text: String = {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(identifier: "UTC")
    formatter.dateFormat = "yyyy-MM-dd"
    return formatter.string(from: Date())
  }()
}

/// Which seeds to run with.
struct SeedChoice {
  /// Nil for each scenario's own.
  var first: UInt64?
  /// The first and those that follow.
  var count: UInt64 = 1
  /// At least so many for scenarios that are judged by the medians of their seeds.
  var medianCount: UInt64 = 1
}

struct Job {
  var variant: ScenarioVariant
  /// The variant's place in its file.
  var index: Int
  var sha256: String
  var seed: UInt64

  /// What is known beforehand of its verdicts: the scenario's own exceptions, then those of a file.
  var policy = VerdictPolicy()
  /// The file of `--expectations`, as it was given.
  var expectations: String?
  /// Whether other jobs of the same selection differ from it in the seed alone, and its scenario is judged
  /// by medians.
  var isJudgedAcrossSeeds = false
  /// The command that repeats it where no scenario file does.
  var repeatedBy: String?
  /// Flags that repeat how it was run against an SFU on real sockets.
  var servedFlags: [String] = []

  /// `train-uplink`, or `train-uplink[links.train.down.delay=30ms]`.
  var title: String {
    let values = variant.assignments.map { "\($0.path)=\($0.value)" }.joined(separator: ",")
    return values.isEmpty ? variant.scenario.name : "\(variant.scenario.name)[\(values)]"
  }

  /// Tells scenarios of one name apart; 1 for the first.
  var namesake = 1

  /// Of the run's folder; unique among the jobs of one selection.
  var folderName: String {
    let name = String(
      variant.scenario.name.map { $0.isLetter || $0.isNumber || "._-".contains($0) ? $0 : "-" })
    return name + (namesake > 1 ? "-n\(namesake)" : "")
      + (variant.assignments.isEmpty ? "" : "-v\(index + 1)") + "-seed\(seed)"
  }

  /// What repeats exactly this run.
  var command: String {
    if let repeatedBy { return repeatedBy }
    var text = "./assay run \(shellQuoted(variant.scenario.file)) --seed \(seed)"
    if !variant.assignments.isEmpty { text += " --only \(shellQuoted(title))" }
    if let expectations { text += " --expectations \(shellQuoted(expectations))" }
    for word in servedFlags { text += " \(shellQuoted(word))" }
    return text
  }

  /// Runs here, writes the run's folder, and returns the result.
  /// - Parameter served: the SFU to run against on the wall clock; nil for virtual time.
  func run(
    into directory: String, against served: ServedSFU? = nil, captures: CaptureChoice?,
    _ progress: (Instant) -> Bool
  ) throws -> RunResult {
    try Output.replace(directory) { staging in
      var options = RunOptions()
      options.seed = seed
      options.build = Build.identity
      options.command = command + (served.map { " --sfu \(shellQuoted($0.url))" } ?? "")
      options.served = served
      if let captures {
        options.captures = captures.settings
        options.captureDirectory = staging + "/evidence"
        try FileManager.default.createDirectory(
          atPath: staging + "/evidence", withIntermediateDirectories: true)
      }
      var result = try Runner.run(
        variant, sha256: sha256, options: options, progress: progress
      ).applying(policy, today: Today.text)
      // Reports show what the folder holds, so that drawing them again changes nothing.
      result.series = result.series.map(\.rounded)
      try Output.write(RunDirectory.files(of: result), into: staging)
      return result
    }
  }

  /// The jobs of scenario files and folders, with the seeds and the selection that were asked for.
  static func select(
    _ paths: [String], seeds: SeedChoice, only: String?, expectations: String? = nil
  ) throws -> [Job] {
    var jobs: [Job] = []
    var folders: Set<String> = []
    for path in try files(paths) {
      let bytes = try ScenarioFile.bytes(of: path)
      let variants = try ScenarioFile.parse(bytes, file: path)
      let sha256 = sha256Hex(bytes)
      for (index, variant) in variants.enumerated() {
        let isMedian = variant.scenario.acrossSeeds == .median
        for offset in 0..<(isMedian ? max(seeds.count, seeds.medianCount) : seeds.count) {
          let seed = (seeds.first ?? variant.scenario.seed) &+ offset
          var job = Job(variant: variant, index: index, sha256: sha256, seed: seed)
          job.isJudgedAcrossSeeds = isMedian && max(seeds.count, seeds.medianCount) > 1
          job.policy = variant.scenario.policy
          if let only, !matches(job.title, only), !matches(variant.scenario.name, only) { continue }
          while !folders.insert(job.folderName).inserted { job.namesake += 1 }
          jobs.append(job)
        }
      }
    }
    if let expectations { try read(expectations, for: &jobs) }
    return jobs
  }

  /// Adds the exceptions of an expectations file, each of which some job must have.
  private static func read(_ file: String, for jobs: inout [Job]) throws {
    let known = try ExpectationsFile.load(file, for: jobs.map(\.variant.scenario))
    for index in jobs.indices {
      jobs[index].expectations = file
      jobs[index].policy = jobs[index].policy + known
    }
  }

  /// Scenario files named, and those in folders named, in order.
  static func files(_ paths: [String]) throws -> [String] {
    var result: [String] = []
    for path in paths {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
        throw UsageError(message: "\(path): no such file or folder")
      }
      guard isFolder.boolValue else {
        result.append(path)
        continue
      }
      let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
      let base = path.hasSuffix("/") ? String(path.dropLast()) : path
      result += names.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.sorted()
        .map { "\(base)/\($0)" }
    }
    return result
  }

  private func shellQuoted(_ text: String) -> String { Job.shellQuoted(text) }

  /// Shell patterns: `*` and `?`.
  private static func matches(_ text: String, _ pattern: String) -> Bool {
    text == pattern || fnmatch(pattern, text, 0) == 0
  }

  static func shellQuoted(_ text: String) -> String {
    let plain = text.allSatisfy {
      $0.isLetter || $0.isNumber || "/._-+=,".contains($0)
    }
    return plain ? text : "'" + text.replacingOccurrences(of: "'", with: "'\\''") + "'"
  }
}

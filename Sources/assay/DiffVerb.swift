// `assay diff`: what tells two runs, two captures, or a capture and a run apart.

import Basics
import Capture
import Foundation
import Inspection
import Report
import Results

extension Verb {
  static let diff = Verb(
    name: "diff", operands: "A B",
    summary:
      "Compare two runs, two captures, or a capture and a run: where they part, what is worse.",
    flags: InspectionFlags.all + [
      Flag("--format", "text|json", "what standard output gets; text unless given"),
      Flag("--out", "DIR", "write index.html and result.json there"),
    ],
    run: { arguments in
      guard arguments.operands.count == 2 else {
        throw UsageError(
          message: "name two runs or captures, such as results/talk-seed1 and call.pcapng")
      }
      let json = try arguments.choice("--format", of: ["text", "json"]) == "json"
      let options = try InspectionFlags.options(arguments)
      let sides = try arguments.operands.map { try DiffSide($0) }
      let report: DiffReport
      do {
        report = try DiffSide.compare(sides[0], sides[1], options)
      } catch let error as InspectionError {
        return failure(error, of: "diff")
      } catch let error as DiffReport.Incomparable {
        Console.log("assay diff: \(error)")
        return .inconclusive
      }
      if let folder = arguments.value("--out") {
        try Output.replace(folder) { staging in
          try Output.write(
            [
              RunDirectory.File(
                name: RunDirectory.resultName, contents: report.json.text(indented: true) + "\n"),
              RunDirectory.File(
                name: "index.html", contents: DiffPage.render(report, build: Build.identity)),
            ], into: staging)
        }
      }
      if json {
        Console.printMachine(report.json.text(indented: true))
      } else {
        Console.printReport(DiffText.render(report, colours: Console.hasColours))
        if let folder = arguments.value("--out") { Console.print("Report: \(folder)/index.html") }
      }
      return report.exitCode
    })
}

/// One operand: a run's folder, its result.json, or a capture.
private struct DiffSide {
  var path: String
  private static let remedy = "name a run's folder, its result.json, or a capture"

  /// Nil for a capture.
  var run: RunResult?
  /// Of a run, where it is.
  var folder = ""

  init(_ path: String) throws {
    self.path = path
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw UsageError(message: "\(path): no such file or folder")
    }
    let isResult = path.hasSuffix(".json")
    guard isFolder.boolValue || isResult else { return }
    folder = isResult ? (path as NSString).deletingLastPathComponent : path
    if folder.isEmpty { folder = "." }
    if let gate = RunFolder.gate(folder) {
      let example = gate.runs.first.map { ", such as \(folder)/\($0.result)" } ?? ""
      throw UsageError(message: "\(path): a gate holds many runs; name one of them\(example)")
    }
    do {
      run = try RunFolder.read(folder)
    } catch let error as ResultError {
      let place = error.path.isEmpty ? "" : " at \(error.path)"
      throw UsageError(
        message:
          "\(path): not a run of Assay (\(error.fault.rawValue)\(place)); name a run's folder, "
          + "its result.json, or a capture")
    } catch {
      throw UsageError(
        message:
          "\(folder)/result.json: cannot be read (\(Output.reason(error))); name a run's folder, "
          + "its result.json, or a capture")
    }
  }

  /// A capture that `run --pcap` left; nil where there is none.
  private func evidence(_ name: String) -> String? {
    let file = "\(folder)/evidence/\(name)"
    return FileManager.default.fileExists(atPath: file) ? file : nil
  }

  // MARK: - Comparing

  static func compare(
    _ a: DiffSide, _ b: DiffSide, _ options: InspectionOptions
  ) throws -> DiffReport {
    let heartbeat = Heartbeat("comparing")
    defer { heartbeat.finish() }
    func progress(_ bytes: Int64) { heartbeat.update("\(bytes / 1_000_000) MB") }
    if let first = a.run, let second = b.run {
      return try runs(a, first, b, second, options, progress)
    }
    let reports = try [a, b].map { side in
      try CaptureInspection.inspect(side.media(), options, progress: progress)
    }
    let labels = Dictionary(
      (reports[0].streams + reports[1].streams).map { ($0.ssrc, $0.label) }
    ) { first, _ in first }
    let alignment = try align(
      (reports[0].file, reports[1].file), isExact: false, shift: shift(reports[0], reports[1]),
      labels, options, progress)
    return try DiffReport.captures(reports[0], reports[1], alignment)
  }

  private static func runs(
    _ a: DiffSide, _ first: RunResult, _ b: DiffSide, _ second: RunResult,
    _ options: InspectionOptions, _ progress: (Int64) -> Void
  ) throws -> DiffReport {
    var report = try DiffReport.runs(first, second, files: (a.path, b.path))
    guard let one = a.evidence("packets.pcapng"), let other = b.evidence("packets.pcapng") else {
      if report.divergence != nil {
        report.notes.append("With --pcap in both runs, diff names the first packet that differs.")
      }
      return report
    }
    guard first.seed == second.seed, first.clock == .virtual, second.clock == .virtual else {
      report.notes.append(
        "Packets are compared of runs in virtual time with one seed only: of others, none are the "
          + "same.")
      return report
    }
    let alignment = try align((one, other), isExact: true, shift: .zero, [:], options, progress)
    report.take(alignment)
    report.notes += alignment.notes
    report.isIdentical = report.isIdentical && alignment.isSame
    report.finish()
    return report
  }

  /// The capture itself, or the media of a run in clear.
  private func media() throws -> String {
    guard run != nil else { return path }
    guard let file = evidence("media-clear.pcapng") else {
      throw DiffReport.Incomparable(
        "\(path) holds no packets to compare a capture with: run it again with --pcap")
    }
    return file
  }

  /// How much later B begins, where the clocks of both show that they overlap.
  private static func shift(_ a: CaptureReport, _ b: CaptureReport) -> Duration {
    guard let start = a.start, let end = a.end, let other = b.start, let otherEnd = b.end,
      other <= end, start <= otherEnd
    else { return .zero }
    return other - start
  }

  private static func align(
    _ files: (String, String), isExact: Bool, shift: Duration, _ labels: [UInt32: String],
    _ options: InspectionOptions, _ progress: (Int64) -> Void
  ) throws -> PacketAlignment {
    do throws(CaptureError) {
      return try CaptureAlignment.compare(
        files.0, files.1, isExact: isExact, shift: shift, labels: labels,
        allowsDamage: options.allowsDamage, progress: progress)
    } catch {
      throw InspectionError.capture(error)
    }
  }
}

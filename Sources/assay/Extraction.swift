// `inspect --extract-network DIR`: a link to include in a scenario, and its capacity trace.

import Foundation
import Inspection
import Report

enum Extraction {
  static func network(_ file: String, _ arguments: Arguments) throws -> ExtractedNetwork {
    let options = try Replay.options(arguments)
    let heartbeat = Heartbeat("reading")
    defer { heartbeat.finish() }
    return try CaptureInspection.network(
      of: file, options.inspection, options.vantage, end: options.end
    ) { heartbeat.update("\($0 / 1_000_000) MB") }
  }

  static func write(_ network: ExtractedNetwork, to folder: String) throws {
    try Output.replace(folder) { staging in
      try FileManager.default.createDirectory(
        atPath: staging, withIntermediateDirectories: true)
      var files = [RunDirectory.File(name: "link.yaml", contents: network.yaml)]
      if let trace = network.trace {
        files.append(RunDirectory.File(name: "capacity.trace", contents: trace))
      }
      try Output.write(files, into: staging)
    }
    for line in network.lines { Console.log(line) }
    Console.log(
      "\(folder)/link.yaml written: a scenario with 'include: [\(folder)/link.yaml]' has the link "
        + "'extracted'")
  }
}

// `assay traces`: the traces that ship with Assay, made anew: capacities of cellular links, and the frame
// sizes that bots with `encoder: trace` play.

import Basics
import Bots
import Foundation
import NetSim
import Results

extension Verb {
  static let traces = Verb(
    name: "traces", operands: "cell [FILE] | frames DIR",
    summary: "Generate capacity traces of cellular links, or frame sizes (RFC 8593 §6).",
    flags: [
      Flag("--profile", "NAME", "cell: one of those that `traces cell` lists"),
      Flag("--seed", "N", "cell: seed of the trace; 1 unless given"),
      Flag("--seconds", "N", "length; 120 unless given"),
      Flag("--height", "180|360|720", "frames: only these pictures; all three unless given"),
    ],
    run: { arguments in
      switch arguments.operands.first {
      case "cell" where arguments.operands.count <= 2: return try cellTrace(arguments)
      case "frames" where arguments.operands.count == 2: return try frameTraces(arguments)
      default:
        throw UsageError(
          message: "write 'traces cell' to list the profiles, 'traces cell FILE --profile NAME', "
            + "or 'traces frames DIR', such as Sources/Bots/Traces")
      }
    })

  /// Writes a capacity trace in mahimahi's format, or lists the profiles where no file is named.
  private static func cellTrace(_ arguments: Arguments) throws -> ExitCode {
    let profiles = CellularCapacity.profiles
    guard arguments.operands.count == 2 else {
      for profile in profiles {
        let median = profile.quantiles[3].bitsPerSecond / 1_000
        let outages = "\(profile.outagesPerMinute) outages a minute"
        Console.print("\(profile.name): median \(median) kbps, \(outages)")
      }
      return .passed
    }
    let file = arguments.operands[1]
    let names = profiles.map(\.name)
    guard let name = try arguments.choice("--profile", of: names),
      let profile = profiles.first(where: { $0.name == name })
    else { throw UsageError(message: "name a --profile: \(names.joined(separator: ", "))") }
    let seconds = try arguments.number("--seconds", minimum: 10) ?? 120
    guard seconds <= 86_400 else { throw UsageError(message: "--seconds takes at most 86400") }
    let trace = try profile.trace(
      length: .seconds(Int(seconds)), seed: try arguments.number("--seed") ?? 1)
    let lines = trace.moments.map { String($0) }.joined(separator: "\n") + "\n"
    try Output.write(Data(lines.utf8), to: file)
    let statistics = CapacityTraceStatistics(trace)
    Console.print(
      "\(file)  mean \(trace.meanRate.bitsPerSecond / 1_000) kbps, "
        + "\(statistics.outages.count) outages, the longest "
        + "\(Int((statistics.outages.last ?? .zero).milliseconds)) ms")
    return .passed
  }

  private static func frameTraces(_ arguments: Arguments) throws -> ExitCode {
    let folder = arguments.operands[1]
    let seconds = Int(min(try arguments.number("--seconds", minimum: 1) ?? 120, 86_400))
    let chosen = try arguments.choice("--height", of: ["180", "360", "720"]).flatMap { Int($0) }
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw OutputError(path: folder, reason: "cannot be made (\(Output.reason(error)))")
    }
    for height in [180, 360, 720] where chosen.map({ $0 == height }) ?? true {
      let trace = try FrameTrace.record(
        height: height, rates: FrameTrace.rates(height: height), frames: 30 * seconds)
      let file = "\(folder)/frames-\(height).bin"
      try Output.write(Data(trace.bytes), to: file)
      let means = zip(trace.rates, trace.sizes).map { rate, sizes in
        "\(rate.bitsPerSecond / 1_000): \(sizes.reduce(0, +) * 8 / seconds / 1_000)"
      }
      Console.print("\(file)  kbps asked and made: \(means.joined(separator: ", "))")
    }
    return .passed
  }
}

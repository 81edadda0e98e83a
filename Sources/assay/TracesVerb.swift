// `assay traces`: the frame sizes that bots with `encoder: trace` play, made anew.

import Bots
import Foundation

extension Verb {
  static let traces = Verb(
    name: "traces", operands: "DIR",
    summary: "Encode a talking head with libvpx: the frame sizes of the trace model (RFC 8593 §6).",
    flags: [
      Flag("--seconds", "N", "of the sequence; 120 unless given"),
      Flag("--height", "180|360|720", "only these pictures; all three unless given"),
    ],
    run: { arguments in
      guard let folder = arguments.operands.first, arguments.operands.count == 1 else {
        throw UsageError(message: "name the folder for them, such as Sources/Bots/Traces")
      }
      let seconds = Int(try arguments.number("--seconds", minimum: 1) ?? 120)
      let chosen = try arguments.choice("--height", of: ["180", "360", "720"]).flatMap { Int($0) }
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
      for height in [180, 360, 720] where chosen.map({ $0 == height }) ?? true {
        let trace = try FrameTrace.record(
          height: height, rates: FrameTrace.rates(height: height), frames: 30 * seconds)
        let file = "\(folder)/frames-\(height).bin"
        try Data(trace.bytes).write(to: URL(fileURLWithPath: file))
        let means = zip(trace.rates, trace.sizes).map { rate, sizes in
          "\(rate.bitsPerSecond / 1_000): \(sizes.reduce(0, +) * 8 / seconds / 1_000)"
        }
        Console.print("\(file)  kbps asked and made: \(means.joined(separator: ", "))")
      }
      return .passed
    })
}

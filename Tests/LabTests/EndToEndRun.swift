// Whole runs in the tests: a scenario in text, played from its first join to its verdict.

import Results
import Testing

@testable import Lab
@testable import Scenario

/// The result of the only variant of a scenario in `text`.
func run(_ text: String, seed: UInt64? = nil) throws -> RunResult {
  var options = RunOptions()
  options.seed = seed
  let variant = try ScenarioFile.parse(Array(text.utf8), file: "test.yaml")[0]
  return try Runner.run(variant, sha256: "", options: options)
}

extension RunResult {
  func assertion(_ id: String) -> Assertion? { assertions.first { $0.id == id } }

  var failed: [String] { assertions.filter { $0.verdict == .fail }.map(\.id) }
}

/// Two small layers that libvpx encodes.
let realCamera = """
  camera: { encoder: libvpx, layers: [{ height: 90p, fps: 10fps, bitrate: 60kbps }, \
  { height: 180p, fps: 15fps, bitrate: 150kbps }] }
  """

/// Two small layers, so that a run costs little.
let smallCamera = """
  camera: { layers: [{ height: 180p, fps: 10fps, bitrate: 80kbps }, \
  { height: 360p, fps: 15fps, bitrate: 240kbps }] }
  """

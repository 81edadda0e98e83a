// Finds the Python that has other people's stacks (`Tests/peers.txt`): LiveKit's SDKs, aiortc …

import Foundation

public enum Python {
  /// As ASSAY_PYTHON names it, or as `check` has made it, or the system's.
  public static let path = find("ASSAY_PYTHON", "peers") ?? "python3"

  /// One with an SDK of LiveKit's from before 1.0 (`Tests/peers-old.txt`); nil where there is none.
  public static let old = find("ASSAY_PYTHON_OLD", "peers-old")

  private static func find(_ variable: String, _ environment: String) -> String? {
    if let named = ProcessInfo.processInfo.environment[variable] { return named }
    let own = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent(".build/\(environment)/bin/python").path
    return FileManager.default.isExecutableFile(atPath: own) ? own : nil
  }

  /// Whether it has `modules`, written as in an import statement.
  public static func has(_ modules: String) -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [path, "-c", "import \(modules)"]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }
}

// Finds the Python that has other people's stacks (`Tests/peers.txt`): LiveKit's SDKs, aiortc …

import Foundation

public enum Python {
  /// As ASSAY_PYTHON names it, or as `check` has made it, or the system's.
  public static let path: String = {
    if let named = ProcessInfo.processInfo.environment["ASSAY_PYTHON"] { return named }
    let own = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent(".build/peers/bin/python").path
    return FileManager.default.isExecutableFile(atPath: own) ? own : "python3"
  }()

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

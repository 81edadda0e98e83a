// Where the scenarios that ship with Assay are, whatever folder a user stands in.

import Foundation

/// A profile is a folder below `scenarios`, called by its name alone.
enum Profiles {
  /// `scenarios` here, of the checkout (`ASSAY_HOME`, which the wrapper sets), and of the checkout that this
  /// executable was built in.
  private static var roots: [String] {
    var roots = ["scenarios"]
    if let home = ProcessInfo.processInfo.environment["ASSAY_HOME"], !home.isEmpty {
      roots.append("\(home)/scenarios")
    }
    var folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    for _ in 0..<6 {
      folder.deleteLastPathComponent()
      let files = FileManager.default
      guard files.fileExists(atPath: folder.appendingPathComponent("Package.swift").path) else {
        continue
      }
      roots.append(folder.appendingPathComponent("scenarios").path)
      break
    }
    return roots
  }

  /// A folder or file as it is, `scenarios` itself, or a profile by its name.
  static func folder(_ name: String) throws(UsageError) -> String {
    let files = FileManager.default
    if files.fileExists(atPath: name) { return name }
    for root in roots {
      if name == "scenarios", files.fileExists(atPath: root) { return root }
      if files.fileExists(atPath: "\(root)/\(name)") { return "\(root)/\(name)" }
    }
    guard let root = roots.first(where: { files.fileExists(atPath: $0) }) else {
      throw UsageError(
        message: "\(name): no such folder; the profiles that ship are not here either: set "
          + "ASSAY_HOME to a checkout of Assay")
    }
    let names = (try? files.contentsOfDirectory(atPath: root)) ?? []
    let profiles = names.filter { name in
      let inside = (try? files.contentsOfDirectory(atPath: "\(root)/\(name)")) ?? []
      return inside.contains { $0.hasSuffix(".yaml") }
    }
    throw UsageError(
      message: "\(name): no such folder or profile; the profiles are "
        + profiles.sorted().joined(separator: ", "))
  }
}

// Finds the folder of recorded captures and traces that is no part of the project. Tests that need it
// skip without it, with `needsShared` as the reason, so that `check` counts them.

import Foundation
import Testing

/// The shared folder: `ASSAY_SHARED`, else `../shared` beside the checkout. Nil where it is absent, and
/// with `ASSAY_SHARED=none`.
public let sharedFolder: String? = {
  let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  let named = ProcessInfo.processInfo.environment["ASSAY_SHARED"].flatMap { $0.isEmpty ? nil : $0 }
  let path = named ?? root.deletingLastPathComponent().appendingPathComponent("shared").path
  var isFolder: ObjCBool = false
  let isThere = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
  return isThere && isFolder.boolValue ? path : nil
}()

/// The path of a file in the shared folder, or nil where it is absent.
public func sharedFile(_ name: String) -> String? {
  guard let path = sharedFolder.map({ "\($0)/\(name)" }) else { return nil }
  return FileManager.default.fileExists(atPath: path) ? path : nil
}

/// Why a test without its shared file skips.
public let needsShared: Comment = "needs the shared folder (ASSAY_SHARED)"

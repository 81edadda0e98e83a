// Finds the capture and trace files that lie beside the checkout; tests skip, with a word, without
// them.

import Foundation

/// The path of a file in the folder `shared` beside the checkout, or nil where it is absent.
public func sharedFile(_ name: String) -> String? {
  let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  let path = root.deletingLastPathComponent().appendingPathComponent("shared/\(name)").path
  return FileManager.default.fileExists(atPath: path) ? path : nil
}

// Writing a run directory so that it is whole or not there: beside its place, then moved.

import CLinux
import Foundation
import Report
import Results

/// Why results could not be written.
struct OutputError: Error, CustomStringConvertible {
  var path: String
  var reason: String

  var description: String { "\(path): \(reason)" }
}

enum Output {
  /// Where runs go unless told otherwise.
  static let defaultFolder = "results"

  /// Fills a folder beside `directory` and then puts it in its place; an error leaves nothing behind.
  static func replace<T>(_ directory: String, _ fill: (String) throws -> T) throws -> T {
    let staging = try staging(for: directory)
    do {
      let result = try fill(staging)
      try commit(staging, to: directory)
      return result
    } catch {
      discard(staging)
      throw error
    }
  }

  /// A folder that does not exist yet, beside `directory`, to be filled and then moved into place.
  private static func staging(for directory: String) throws -> String {
    let staging = "\(directory).incomplete-\(getpid())"
    do {
      try? FileManager.default.removeItem(atPath: staging)
      try FileManager.default.createDirectory(
        atPath: staging, withIntermediateDirectories: true)
    } catch {
      throw OutputError(
        path: staging, reason: "cannot be made (\(reason(error))); choose another place with --out")
    }
    return staging
  }

  static func write(_ files: [RunDirectory.File], into directory: String) throws {
    for file in files {
      try write(Data(file.contents.utf8), to: directory + "/" + file.name)
    }
  }

  static func write(_ data: Data, to path: String) throws {
    // By POSIX calls, since Foundation does not tell a full disk from a limit on file sizes.
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard file >= 0 else { throw notWritten(path) }
    defer { close(file) }
    try data.withUnsafeBytes { bytes in
      var done = 0
      while done < bytes.count {
        let count = Foundation.write(file, bytes.baseAddress! + done, bytes.count - done)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw notWritten(path) }
        done += count
      }
    }
  }

  private static func notWritten(_ path: String) -> OutputError {
    OutputError(path: path, reason: "cannot be written (\(String(cString: strerror(errno))))")
  }

  /// Puts a staged folder in its place; what was there before goes.
  private static func commit(_ staging: String, to directory: String) throws {
    let files = FileManager.default
    do {
      // Exchanged in one step, so that whoever is killed leaves the old one or the new one.
      if assay_exchange(staging, directory) == 0 {
        discard(staging)
        return
      }
      if files.fileExists(atPath: directory) { try files.removeItem(atPath: directory) }
      try files.moveItem(atPath: staging, toPath: directory)
    } catch {
      throw OutputError(path: directory, reason: "cannot be replaced (\(reason(error)))")
    }
  }

  private static func discard(_ staging: String) {
    try? FileManager.default.removeItem(atPath: staging)
  }

  /// Removes what workers that were killed left half done.
  static func discardUnfinished(in directory: String) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    for name in names where name.contains(".incomplete-") { discard("\(directory)/\(name)") }
  }

  /// Why a file operation failed, as strerror(3) says it.
  static func reason(_ error: any Error) -> String {
    let error = error as NSError
    let all = [error, error.userInfo[NSUnderlyingErrorKey] as? NSError].compactMap { $0 }
    if let code = all.first(where: { $0.domain == NSPOSIXErrorDomain })?.code {
      return String(cString: strerror(Int32(code)))
    }
    switch CocoaError.Code(rawValue: error.code) {
    case .fileNoSuchFile, .fileReadNoSuchFile: return "No such file or directory"
    case .fileReadNoPermission, .fileWriteNoPermission: return "Permission denied"
    case .fileWriteFileExists: return "File exists"
    case .fileWriteOutOfSpace: return "No space left on device"
    case .fileWriteVolumeReadOnly: return "Read-only file system"
    default: return "error \(error.code)"
    }
  }
}

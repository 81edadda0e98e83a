// Asking tshark what it reads in a capture file: the witness from outside.

import Foundation

public enum Tshark {
  /// The path of the program, or nil where it is not installed.
  public static let path: String? = ["/usr/bin/tshark", "/usr/local/bin/tshark"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  /// The lines that `tshark -r file` prints with more `arguments`.
  public static func lines(_ file: String, _ arguments: [String]) throws -> [String] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path ?? "tshark")
    process.arguments = ["-r", file] + arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure(status: process.terminationStatus) }
    return String(decoding: data, as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
  }

  /// For each packet the values of `fields`, tab between fields and comma between values.
  public static func fields(
    _ file: String, _ fields: [String], filter: String = "", options: [String] = []
  ) throws -> [[String]] {
    let arguments =
      options + (filter.isEmpty ? [] : ["-Y", filter]) + ["-T", "fields"]
      + fields.flatMap { ["-e", $0] }
    return try lines(file, arguments).map {
      $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    }
  }

  /// What tshark calls malformed in the packets that `filter` chooses: frame number and reason.
  ///
  /// A handshake message in two datagrams that its sender repeats, as a busy machine makes Chromium
  /// repeat its ClientHello (RFC 6347 §4.2.4), is no such thing, though tshark reports the fragments
  /// that it has twice under the same name.
  public static func malformed(
    _ file: String, _ filter: String = "frame", options: [String] = []
  ) throws -> [String] {
    try fields(
      file, ["frame.number", "_ws.malformed"], filter: "_ws.malformed && (\(filter))",
      options: options
    )
    .filter { !$0[1].contains("overlaps old data (retransmission?)") }
    .map { $0.joined(separator: " ") }
  }

  public struct Failure: Error {
    public let status: Int32
  }
}

/// A path for a file that a test writes; it is removed when this is dropped.
public final class TemporaryFile {
  public let path: String

  public init(_ name: String = "capture") {
    path =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("\(name)-\(UUID().uuidString)").path
  }

  public convenience init(containing bytes: [UInt8]) throws {
    self.init()
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  public var bytes: [UInt8] {
    get throws { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

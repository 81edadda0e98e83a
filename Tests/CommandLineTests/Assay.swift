// The built command line as a user runs it: words in, an exit code and two streams out.

import Foundation
import TestKit

enum Assay {
  /// The executable beside the test bundle, or nil where only the tests were built.
  static let path: String? = {
    let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let path = own.deletingLastPathComponent().appendingPathComponent("assay").path
    return FileManager.default.isExecutableFile(atPath: path) ? path : nil
  }()

  /// The checkout.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  struct Output {
    var status: Int32
    var text: String
    var log: String
  }

  /// Runs `assay` with `words` to its end.
  static func run(_ words: [String], in folder: String = root) throws -> Output {
    try Started(path ?? "assay", words, in: folder).finish()
  }

  static func run(_ words: String..., in folder: String = root) throws -> Output {
    try run(words, in: folder)
  }

  /// Runs a line of bash, in which `$ASSAY` is the executable.
  static func shell(_ line: String, in folder: String = root) throws -> Output {
    try Started("/bin/bash", ["-c", line], in: folder).finish()
  }
}

extension Assay {
  /// Starts a server, does `body` with `$port`, `$media`, `$pid` and the script `get`, ends it with
  /// SIGTERM. `$PEERS` are the scripts of `Tests/Peers`.
  static func serving(_ flags: String, _ body: String) throws -> Output {
    try shell(
      """
      coproc server { exec "$ASSAY" serve --port 0 --udp-port 0 \(flags); }
      pid=$server_PID
      read -r line <&${server[0]}
      echo "$line"
      port=$(sed -E 's/.*ws:..127.0.0.1:([0-9]+).*/\\1/' <<<"$line")
      media=$(sed -E 's/.*127.0.0.1:([0-9]+).*/\\1/' <<<"$line")
      PEERS=\(root)/Tests/Peers
      get() {
        exec 5<>/dev/tcp/127.0.0.1/$port
        printf 'GET %s HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n' "$1" >&5
        cat <&5
        echo
      }
      \(body)
      kill -TERM $pid
      wait $pid
      echo "ended with $?"
      """)
  }
}

/// A process that goes on.
final class Started {
  private let process = Process()
  private let folder: Folder

  init(_ program: String, _ words: [String], in directory: String) throws {
    folder = try Folder()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = words
    process.currentDirectoryURL = URL(fileURLWithPath: directory)
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["ASSAY": Assay.path ?? "assay", "ASSAY_PYTHON": Python.path, "NO_COLOR": "1"]) { $1 }
    process.standardInput = FileHandle.nullDevice
    // Files, so that no pipe fills up while nobody reads it.
    process.standardOutput = try folder.handle("stdout")
    process.standardError = try folder.handle("stderr")
    try process.run()
  }

  var id: Int32 { process.processIdentifier }
  var isRunning: Bool { process.isRunning }

  func finish() throws -> Assay.Output {
    process.waitUntilExit()
    return Assay.Output(
      status: process.terminationStatus, text: try folder.text("stdout"),
      log: try folder.text("stderr"))
  }
}

/// A folder of a test's own, gone with it.
final class Folder {
  let path: String

  init() throws {
    path =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("assay-test-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ name: String, _ text: String) throws -> String {
    try write(name, Data(text.utf8))
  }

  func write(_ name: String, _ bytes: Data) throws -> String {
    let file = "\(path)/\(name)"
    let parent = URL(fileURLWithPath: file).deletingLastPathComponent()
    try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
    try bytes.write(to: URL(fileURLWithPath: file))
    return file
  }

  func text(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")), as: UTF8.self)
  }

  func json(_ name: String) throws -> [String: Any] {
    let data = try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)"))
    return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
  }

  func handle(_ name: String) throws -> FileHandle {
    _ = FileManager.default.createFile(atPath: "\(path)/\(name)", contents: nil)
    return try FileHandle(forWritingTo: URL(fileURLWithPath: "\(path)/\(name)"))
  }

  /// Names below `name`, in order; empty where there is no such folder.
  func list(_ name: String = "") -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(name)")) ?? []).sorted()
  }

  /// Every file below, as paths from here.
  func files(below name: String) -> [String] {
    (FileManager.default.enumerator(atPath: "\(path)/\(name)")?.allObjects as? [String] ?? [])
      .map { "\(name)/\($0)" }.sorted()
  }
}

/// Scenarios that take a moment.
enum Sample {
  static func scenario(
    _ name: String, duration: String = "2s", crypto: String = "cleartext",
    expect: String = "metric: assay.joined, stat: last, equals: 1"
  ) -> String {
    """
    assay: 1
    name: \(name)
    about: Two people for a moment.
    seed: 7
    duration: \(duration)
    crypto: \(crypto)
    links:
      home: { rate: 10Mbps, delay: 5ms, loss: 1% }
    participants:
      ada: { link: home, publish: [microphone, camera], \
    camera: { layers: [{ height: 180p, fps: 10fps, bitrate: 80kbps }] } }
      grace: { link: home, publish: [microphone] }
    expect:
      - { id: e, of: all, \(expect) }

    """
  }

  static let passing = scenario("passing")
  static let failing = scenario("failing", expect: "metric: assay.connectTime, under: 1ms")
  static let inconclusive = scenario(
    "unsure", expect: "metric: framesPerSecond, stat: min, over: 1, minSamples: 1000")
}

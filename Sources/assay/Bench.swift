// `assay bench`: how fast the lab is here, with figures a script can read.

import Basics
import Foundation
import Lab
import Results
import Scenario

extension Verb {
  static let bench = Verb(
    name: "bench", operands: "room|bwe",
    summary:
      "Measure: speed, in a room of many people with real DTLS and SRTP, or congestion control.",
    flags: [
      Flag("--participants", "N", "room: how many people; 100 unless given"),
      Flag("--seconds", "N", "room: simulated seconds after everybody is in; 30 unless given"),
      Flag("--crypto", "real|cleartext", "room: real unless given"),
      Flag("--seed", "N", "bwe: of the lab's own run; 1 unless given"),
      Flag(
        "--against", "chromium",
        "bwe: beside Chromium's sender over the same link, which takes 100 s of real time"),
      Flag("--format", "text|json", "json is assay.bench.v1"),
    ],
    run: { arguments in
      guard let name = arguments.operands.first, arguments.operands.count == 1 else {
        throw UsageError(message: "name one bench: room or bwe")
      }
      let printsJSON = try arguments.choice("--format", of: ["text", "json"]) == "json"
      switch name {
      case "room": return try benchRoom(arguments, printsJSON: printsJSON)
      case "bwe": return try benchBWE(arguments, printsJSON: printsJSON)
      default: throw UsageError(message: "there is no bench '\(name)'; name room or bwe")
      }
    })

  private static func benchRoom(_ arguments: Arguments, printsJSON: Bool) throws -> ExitCode {
    try refuse(["--seed", "--against"], of: "bwe", arguments)
    let people = Int(try arguments.number("--participants", minimum: 2) ?? 100)
    let seconds = Int(try arguments.number("--seconds", minimum: 1) ?? 30)
    let crypto = try arguments.choice("--crypto", of: ["real", "cleartext"]) ?? "real"
    let row = try RoomBench(participants: people, seconds: seconds, crypto: crypto).run()
    if printsJSON {
      report("room", [row])
    } else {
      for (key, value) in row.object?.members ?? [] {
        Console.print("\(key): \(value.text())")
      }
    }
    return .passed
  }

  private static func benchBWE(_ arguments: Arguments, printsJSON: Bool) throws -> ExitCode {
    try refuse(["--participants", "--seconds", "--crypto"], of: "room", arguments)
    let own = try BWEBench.own(seed: UInt64(try arguments.number("--seed") ?? 1))
    var peer: (figures: [BWEBench.Figures], lag: Double)?
    if try arguments.choice("--against", of: ["chromium"]) != nil {
      Console.log("assay: 100 s of Chromium's sender, in real time")
      peer = try BWEBench.chromium()
      guard Interrupt.received == nil else { return .interrupted }
    }
    if printsJSON {
      report("bwe", BWEBench.rows(own: own, chromium: peer?.figures))
    } else {
      Console.print(BWEBench.table(own: own, chromium: peer?.figures))
    }
    guard let lag = peer?.lag, lag > 10 else { return .passed }
    Console.log("assay: the link was up to \(lag) ms late (p99): a quieter machine would tell more")
    return .inconclusive
  }

  private static func refuse(
    _ flags: [String], of bench: String, _ arguments: Arguments
  ) throws(UsageError) {
    for flag in flags where arguments.has(flag) {
      throw UsageError(message: "\(flag) goes with bench \(bench)")
    }
  }

  private static func report(_ bench: String, _ rows: [JSON]) {
    let report: JSON = [
      "schema": "assay.bench.v1", "bench": .string(bench), "machine": .string(machine),
      "rows": .array(rows),
    ]
    Console.printMachine(report.text(indented: true))
  }

  private static var machine: String {
    let info = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let model = info.split(separator: "\n").first { $0.hasPrefix("model name") }
    return model.map {
      String($0.split(separator: ":").last ?? "").trimmingCharacters(in: .whitespaces)
    }
      ?? "unknown"
  }
}

/// All publish three layers, three people talk, everyone shows one large and nine small tiles.
struct RoomBench {
  var participants: Int
  var seconds: Int
  var crypto: String

  private let media =
    "publish: [camera, microphone], camera: { layers: ["
    + "{ height: 180p, fps: 15, bitrate: 150kbps }, { height: 360p, fps: 30, bitrate: 500kbps }, "
    + "{ height: 720p, fps: 30, bitrate: 1700kbps }] }"

  private var scenario: String {
    let talkers = min(3, participants - 1)
    return """
      assay: 1
      name: bench-room
      duration: \(seconds + 10)s
      crypto: \(crypto)
      sfu: { maxParticipants: \(participants) }
      links:
        home: { delay: 10ms }
      participants:
        talker: { count: \(talkers), link: home, join: { over: 1s }, \
      \(media), talk: always, view: { speaker: 720p, others: 180p, tiles: 10 } }
        listener: { count: \(participants - talkers), link: home, join: { over: 5s }, \
      \(media), talk: never, view: { speaker: 720p, others: 180p, tiles: 10 } }
      expect:
        - { id: all-in, of: all, metric: assay.joined, stat: last, equals: 1 }
      """
  }

  /// - Returns: a row of `assay.bench.v1`. Only the seconds after everybody's arrival count.
  func run() throws -> JSON {
    let variant = try ScenarioFile.parse(Array(scenario.utf8), file: "bench room")[0]
    let clock = ContinuousClock()
    var (started, ended) = (clock.now, clock.now)
    var (startedCPU, endedCPU) = (0.0, 0.0)
    var measured = 0.0
    let result = try Runner.run(variant, sha256: "") { now in
      (ended, endedCPU) = (clock.now, Self.processorSeconds)
      if now.seconds <= 10 { (started, startedCPU) = (ended, endedCPU) }
      measured = now.seconds - 10
      return true
    }
    let wall = (ended - started) / .seconds(1)
    let usage = Self.usage
    return [
      "participants": .integer(Int64(participants)), "crypto": .string(crypto),
      "simulatedSeconds": .number(measured),
      "simulatedSecondsPerSecond": .number(measured / wall),
      "simulatedSecondsPerCPUSecond": .number(measured / (endedCPU - startedCPU)),
      "packetsPerSecond": .number(Double(result.packets) / result.wallSeconds),
      "peakMemoryBytes": .integer(Int64(usage.ru_maxrss) * 1_024),
      "verdict": .string(result.verdict.rawValue), "traceHash": .string(result.traceHash),
    ]
  }

  private static var usage: rusage {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage
  }

  /// What this process has had of the processors: unlike the wall, blind to what else runs.
  private static var processorSeconds: Double {
    let (user, system) = (usage.ru_utime, usage.ru_stime)
    return Double(user.tv_sec + system.tv_sec) + Double(user.tv_usec + system.tv_usec) / 1e6
  }
}

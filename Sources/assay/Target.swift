// Which SFU a run is made against: the flags `--clock`, `--sfu` and those that go with them.

import Basics
import Foundation
import Lab
import Signal

extension ServedSFU {
  static let flags = [
    Flag(
      "--clock", "virtual|wall", "virtual unless an SFU is named; wall is real time and sockets"),
    Flag(
      "--sfu", "URL",
      "run in real time against this SFU, such as ws://127.0.0.1:7880 (LiveKit's protocol), "
        + "janus:ws://127.0.0.1:8188 or whip:http://127.0.0.1:8889/{identity}/whip,/{identity}/whep; "
        + "given twice, both are in one report side by side"),
    Flag(
      "--keys", "FILE", "with --sfu: its API keys, as lines of 'key: secret'; the first is used"),
    Flag("--dev", nil, "with --sfu: the development pair 'devkey' and 'secret'"),
    Flag("--wait", "SECONDS", "with --sfu: how long it may take to become ready; 10 unless given"),
    Flag(
      "--max-lag", "MS",
      "with --sfu: schedule lag (99 % of the time) above which the verdict is inconclusive; 10 unless "
        + "given. Limits of stalls, of waiting for a core and of CPU pressure are in proportion"),
    Flag(
      "--sfu-pid", "PID",
      "with --sfu: its process, if it runs on this machine; found by its port unless given. What it "
        + "waits for a core makes the verdict inconclusive, being stopped or hung does not"),
  ]

  /// What means nothing without `--sfu`.
  private static let companions = ["--dev", "--keys", "--wait", "--max-lag", "--sfu-pid"]

  /// The flags beside `--sfu` that say how a run was made, to be repeated with it.
  static func words(of arguments: Arguments) -> [String] {
    guard arguments.has("--sfu") else { return [] }
    return companions.flatMap { name -> [String] in
      guard arguments.has(name) else { return [] }
      return [name] + (arguments.value(name).flatMap { $0.isEmpty ? nil : [$0] } ?? [])
    }
  }

  /// Those named by `--sfu`, in order; none for a run in virtual time.
  static func chosen(by arguments: Arguments) throws -> [ServedSFU] {
    let clock = try arguments.choice("--clock", of: ["virtual", "wall"])
    let urls = arguments.all("--sfu")
    guard !urls.isEmpty else {
      guard clock != "wall" else {
        throw UsageError(
          message: """
            --clock wall needs an SFU on real sockets; start one with ./assay serve --dev \
            and add --sfu ws://127.0.0.1:7880 --dev
            """)
      }
      for flag in companions where arguments.has(flag) {
        throw UsageError(message: "\(flag) goes with --sfu URL")
      }
      return []
    }
    guard clock != "virtual" else {
      throw UsageError(message: "an SFU on real sockets knows no virtual clock; leave --clock out")
    }
    guard Set(urls).count == urls.count else {
      throw UsageError(message: "the same SFU twice; a report has them side by side by their URLs")
    }
    guard urls.count == 1 || !arguments.has("--sfu-pid") else {
      throw UsageError(
        message: "--sfu-pid goes with one --sfu; leave it out to find each by its port")
    }
    return try urls.map { try read($0, arguments) }
  }

  private static func read(_ url: String, _ arguments: Arguments) throws -> ServedSFU {
    var served = try ServedSFU(url: url)
    let keys = try Keys.chosen(by: arguments)
    guard !served.kind.takesTokens || keys != nil else {
      throw UsageError(
        message: """
          no API key for \(url); set LIVEKIT_API_KEY and LIVEKIT_API_SECRET, or give --keys FILE, \
          or --dev for the development pair
          """)
    }
    served.apiKey = keys?.names.first ?? ""
    served.keys = keys?.secrets ?? APIKeys([:])
    if let wait = try arguments.number("--wait") { served.patience = .seconds(Int(clamping: wait)) }
    if let text = arguments.value("--max-lag") {
      guard let limit = Double(text), limit >= 0, limit <= 10_000 else {
        throw UsageError(message: "--max-lag takes milliseconds, such as 10, not '\(text)'")
      }
      served.lagLimit = .seconds(limit / 1_000)
    }
    if let process = try arguments.number("--sfu-pid", minimum: 1) {
      guard let process = Int32(exactly: process), kill(process, 0) == 0 || errno == EPERM else {
        throw UsageError(message: "--sfu-pid \(process): no such process on this machine")
      }
      served.process = Int(process)
    }
    return served
  }
}

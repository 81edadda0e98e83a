// Which SFU a run is made against: the flags `--clock`, `--sfu` and those that go with them.

import Basics
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
      "with --sfu: schedule lag p99 above which the verdict is inconclusive; 10 unless given"),
  ]

  /// The flags beside `--sfu` that say how a run was made, to be repeated with it.
  static func words(of arguments: Arguments) -> [String] {
    guard arguments.has("--sfu") else { return [] }
    return ["--dev", "--keys", "--wait", "--max-lag"].flatMap { name -> [String] in
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
      for flag in ["--keys", "--dev", "--wait", "--max-lag"] where arguments.has(flag) {
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
    return served
  }
}

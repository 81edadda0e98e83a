// The flags that say what of a run is captured.

import Basics
import Capture
import Lab

struct CaptureChoice {
  var settings = CaptureSettings()
  /// Flags that make the same choice again.
  var words = ["--pcap"]

  private static let limits = ["--pcap-filter", "--pcap-size", "--pcap-snaplen"]

  static let flags = [
    Flag("--pcap", nil, "write captures of every link end, and the media in clear"),
    Flag(
      "--pcap-filter", "KEY=VALUE",
      "with --pcap: participant=NAME,…, kind=rtp,rtcp,stun,dtls,other or window=10s..20s; may be "
        + "repeated"),
    Flag(
      "--pcap-size", "SIZE", "with --pcap: end the captures there, such as 100MB; 1GB unless given"),
    Flag("--pcap-snaplen", "BYTES", "with --pcap: cut packets to so many bytes, headers included"),
  ]

  /// Nil without `--pcap`.
  static func chosen(by arguments: Arguments) throws(UsageError) -> CaptureChoice? {
    guard arguments.has("--pcap") else {
      if let flag = limits.first(where: { arguments.has($0) }) {
        throw UsageError(message: "\(flag) goes with --pcap")
      }
      return nil
    }
    var choice = CaptureChoice()
    for text in arguments.all("--pcap-filter") {
      try choice.add(text)
      choice.words += ["--pcap-filter", text]
    }
    if let text = arguments.value("--pcap-size") {
      choice.settings.sizeLimit = try size(text)
      choice.words += ["--pcap-size", text]
    }
    if let length = try arguments.number("--pcap-snaplen", minimum: 64) {
      choice.settings.snapshotLength = Int(min(length, UInt64(PcapngWriter.longestSnapshot)))
      choice.words += ["--pcap-snaplen", "\(length)"]
    }
    return choice
  }

  private mutating func add(_ text: String) throws(UsageError) {
    let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
    let values = parts.count == 2 ? parts[1].split(separator: ",").map(String.init) : []
    switch parts.first {
    case "participant" where !values.isEmpty: settings.participants += values
    case "kind" where !values.isEmpty:
      for value in values {
        guard let kind = CaptureSettings.Kind(rawValue: value) else {
          let known = CaptureSettings.Kind.allCases.map(\.rawValue).joined(separator: ", ")
          throw UsageError(message: "--pcap-filter kind=\(value): kinds are \(known)")
        }
        settings.kinds.append(kind)
      }
    case "window" where parts.count == 2:
      guard let window = CaptureChoice.window(parts[1]) else {
        throw UsageError(
          message: "--pcap-filter window=\(parts[1]): write FROM..TO such as 10s..20s")
      }
      settings.window = window
    default:
      throw UsageError(
        message: "--pcap-filter takes participant=ada, kind=rtp or window=10s..20s, not '\(text)'")
    }
  }

  private static func window(_ text: String) -> ClosedRange<Duration>? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    // `1.5s..20s` has dots of its own.
    guard let gap = parts.indices.dropFirst().first(where: { parts[$0].isEmpty }) else {
      return nil
    }
    func seconds(_ parts: ArraySlice<Substring>) -> Double? {
      let text = parts.joined(separator: ".")
      return Double(text.hasSuffix("s") ? String(text.dropLast()) : text)
    }
    guard let from = seconds(parts[..<gap]), let to = seconds(parts[(gap + 1)...]), from >= 0,
      from < to, to < 1e8
    else { return nil }
    return .seconds(from) ... .seconds(to)
  }

  private static func size(_ text: String) throws(UsageError) -> Int64 {
    let units: [(suffix: String, factor: Double)] = [
      ("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("B", 1),
    ]
    for (suffix, factor) in units where text.hasSuffix(suffix) {
      guard let number = Double(text.dropLast(suffix.count)), number > 0, number * factor < 1e15
      else { break }
      return Int64(number * factor)
    }
    throw UsageError(message: "--pcap-size takes a size such as 100MB, not '\(text)'")
  }
}

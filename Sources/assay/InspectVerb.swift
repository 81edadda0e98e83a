// `assay inspect`: what a capture says about a call, beginning with what went wrong first.

import Basics
import Capture
import Foundation
import Inspection
import Report
import Results
import Wire

extension Verb {
  static let inspect = Verb(
    name: "inspect", operands: "CAPTURE",
    summary: "Say what went wrong in a capture, and where: streams, losses, freezes, handshakes.",
    flags: [
      Flag("--keylog", "FILE", "TLS secrets in NSS format, which open its SRTP"),
      Flag("--sdp", "FILE", "an offer or answer that names payload types; may be repeated"),
      Flag("--pt", "111=opus/48000", "name a payload type; may be repeated"),
      Flag("--from", "T", "measure from here: 12.5s into the capture, or 14:32:07 UTC"),
      Flag("--to", "T", "measure up to here"),
      Flag("--ssrc", "X", "report this stream alone, as 0x2D1E0D7E; may be repeated"),
      Flag("--partial", nil, "report what precedes a damaged record"),
      Flag("--format", "text|json", "what standard output gets; text unless given"),
      Flag("--out", "DIR", "write index.html and result.json there"),
    ],
    run: { arguments in
      guard let file = arguments.operands.first, arguments.operands.count == 1 else {
        throw UsageError(message: "name one capture, such as call.pcapng")
      }
      let format = try arguments.choice("--format", of: ["text", "json"])
      let options = try inspectionOptions(arguments)
      let report: CaptureReport
      let heartbeat = Heartbeat("reading")
      do throws(InspectionError) {
        report = try CaptureInspection.inspect(file, options) { bytes in
          heartbeat.update("\(bytes / 1_000_000) MB")
        }
        heartbeat.finish()
      } catch {
        heartbeat.finish()
        return failure(error)
      }
      if let folder = arguments.value("--out") {
        try Output.replace(folder) { staging in
          try Output.write(
            [
              RunDirectory.File(
                name: RunDirectory.resultName, contents: report.json.text(indented: true) + "\n"),
              RunDirectory.File(
                name: "index.html",
                contents: InspectionPage.render(report, build: Build.identity)),
            ], into: staging)
        }
      }
      if format == "json" {
        Console.print(report.json.text(indented: true))
      } else {
        Console.print(InspectionText.render(report, colours: Console.hasColours))
        if let folder = arguments.value("--out") { Console.print("\(folder)/index.html") }
      }
      return .passed
    })

  /// Bad input, or nothing that could be said.
  private static func failure(_ error: InspectionError) -> ExitCode {
    Console.log("assay inspect: \(error)")
    switch error {
    case .noMedia: return .inconclusive
    case .capture(let error):
      if error.reason == .cannotRead, let packet = error.packetNumber, packet > 1 {
        Console.log(
          "Packets 1 to \(packet - 1) are readable: add --partial to report them, or cut the file "
            + "there with editcap -r.")
      } else if error.reason == .cannotOpen {
        Console.log(
          "inspect reads pcap, pcapng, rtpdump, hex dumps and Chromium logs, also in gzip.")
      }
      return .badInput
    }
  }

  private static func inspectionOptions(
    _ arguments: Arguments
  ) throws -> InspectionOptions {
    var options = InspectionOptions()
    if let file = arguments.value("--keylog") { options.keyLog = try KeyLog(file: file) }
    for file in arguments.all("--sdp") { options.descriptions.append(try description(file)) }
    for text in arguments.all("--pt") { options.payloadTypes.append(try payloadType(text)) }
    options.from = try moment(arguments, "--from")
    options.to = try moment(arguments, "--to")
    options.allowsDamage = arguments.has("--partial")
    for text in arguments.all("--ssrc") {
      let hex = text.lowercased().hasPrefix("0x")
      guard let ssrc = hex ? UInt32(text.dropFirst(2), radix: 16) : UInt32(text) else {
        throw UsageError(
          message: "--ssrc takes 32 bits, such as 0x2D1E0D7E or 756944254, not '\(text)'")
      }
      options.ssrcs.append(ssrc)
    }
    return options
  }

  private static func description(_ file: String) throws -> SessionDescription {
    guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
      throw UsageError(message: "--sdp \(file): no such file, or no text")
    }
    do throws(SDPError) {
      return try SessionDescription(parsing: text)
    } catch {
      throw UsageError(message: "--sdp \(file):\(error.line): \(error.kind)")
    }
  }

  private static func payloadType(_ text: String) throws(UsageError) -> RTPMap {
    let parts = text.split(separator: "=", maxSplits: 1)
    let codec = parts.count == 2 ? parts[1].split(separator: "/") : []
    guard codec.count >= 2, let number = UInt8(parts[0]), number < 128,
      let rate = UInt32(codec[1]), (1...10_000_000).contains(rate)
    else {
      throw UsageError(
        message: "--pt takes NUMBER=NAME/CLOCKRATE such as 111=opus/48000, not '\(text)'")
    }
    return RTPMap(payloadType: number, encoding: String(codec[0]), clockRate: rate)
  }

  /// `12.5`, `12.5s`, `14:32` or `14:32:07.5`.
  private static func moment(
    _ arguments: Arguments, _ flag: String
  ) throws(UsageError) -> InspectionOptions.Moment? {
    guard let text = arguments.value(flag) else { return nil }
    let fields = text.split(separator: ":", omittingEmptySubsequences: false)
    if fields.count == 1,
      let seconds = Double(text.hasSuffix("s") ? String(text.dropLast()) : text),
      seconds >= 0, seconds < 1e9
    {
      return .offset(.seconds(seconds))
    }
    if (2...3).contains(fields.count), let hours = Int(fields[0]), let minutes = Int(fields[1]),
      let seconds = fields.count == 3 ? Double(fields[2]) : 0, (0..<24).contains(hours),
      (0..<60).contains(minutes), (0..<61).contains(seconds)
    {
      return .timeOfDay(.seconds(3_600 * hours + 60 * minutes) + .seconds(seconds))
    }
    throw UsageError(
      message: "\(flag) takes seconds into the capture such as 12.5s, or a time of day in UTC such "
        + "as 14:32:07, not '\(text)'")
  }
}

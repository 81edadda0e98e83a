// `assay inspect`: what a capture says about a call, beginning with what went wrong first.

import Basics
import Capture
import Foundation
import Inspection
import Report
import Results

extension Verb {
  static let inspect = Verb(
    name: "inspect", operands: "CAPTURE",
    summary: "Say what went wrong in a capture, and where: streams, losses, freezes, handshakes.",
    flags: InspectionFlags.all + [
      .vantage, .end,
      Flag(
        "--extract-network", "DIR",
        "write the path before the capturing point as a link to include in a scenario"),
      Flag(
        "--as-scenario", "DIR",
        "write a scenario that plays its media, stripped to sizes and times, to be committed"),
      Flag("--format", "text|json", "what standard output gets; text unless given"),
      Flag("--out", "DIR", "write index.html and result.json there"),
    ],
    run: { arguments in
      guard let file = arguments.operands.first, arguments.operands.count == 1 else {
        throw UsageError(message: "name one capture, such as call.pcapng")
      }
      let format = try arguments.choice("--format", of: ["text", "json"])
      let options = try InspectionFlags.options(arguments)
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
      if let folder = arguments.value("--extract-network") {
        do {
          try Extraction.write(try Extraction.network(file, arguments), to: folder)
        } catch let error as InspectionError {
          return failure(error)
        }
      }
      if let folder = arguments.value("--as-scenario") {
        do {
          let call = try Replay.call(file, try Replay.options(arguments))
          try Replay(call, of: file, arguments).write(to: folder)
        } catch let error as InspectionError {
          return failure(error)
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
  static func failure(_ error: InspectionError, of verb: String = "inspect") -> ExitCode {
    Console.log("assay \(verb): \(error)")
    switch error {
    case .noMedia: return .inconclusive
    case .ambiguousEnd: return .badInput
    case .capture(let error):
      if error.reason == .cannotRead, let packet = error.packetNumber, packet > 1 {
        Console.log(
          "Packets 1 to \(packet - 1) are readable: add --partial to report them, or cut the file "
            + "there with editcap -r.")
      } else if error.reason == .cannotOpen {
        Console.log(
          "Assay reads pcap, pcapng, rtpdump, hex dumps and Chromium logs, also in gzip.")
      }
      return .badInput
    }
  }
}

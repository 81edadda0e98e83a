// What is read from files: JSON (RFC 8259), captures and scenarios.

import Basics
import Capture
import Foundation
import Inspection
import Lab
import Report

@testable import Scenario

func jsonHolds(_ bytes: [UInt8]) -> Bool {
  guard let value = try? JSON(parsing: bytes) else { return true }
  let text = value.text()
  let again = try? JSON(parsing: text)
  return again == value && again?.text() == text
    && (try? JSON(parsing: value.text(indented: true))) == value
}

/// Datagrams of a capture are those of the capture written of them, but for times before 1970 and
/// datagrams too large for one packet.
func captureHolds(_ bytes: [UInt8]) -> Bool {
  let scratch = ScratchFiles()
  scratch.write(bytes)
  guard let datagrams = try? CaptureReader.datagrams(of: scratch.input) else { return true }
  let sound = datagrams.filter { $0.time.nanoseconds >= 0 && $0.payload.count < 60_000 }
  do throws(CaptureError) {
    let writer = try PcapngWriter(scratch.output)
    let interface = try writer.addInterface("a")
    for datagram in sound {
      try writer.write(
        datagram.payload.span.bytes, from: datagram.source, to: datagram.destination,
        ecn: datagram.ecn, at: datagram.time, on: interface)
    }
    try writer.close()
    let again = try CaptureReader.datagrams(of: scratch.output)
    return again.count == sound.count
      && zip(again, sound).allSatisfy { a, b in
        a.source == b.source && a.destination == b.destination && a.ecn == b.ecn
          && a.payload == b.payload && a.time == b.time
      }
  } catch {
    return false
  }
}

/// Whatever a capture holds, its report can be printed, and its JSON is JSON.
func inspectionHolds(_ bytes: [UInt8]) -> Bool {
  let scratch = ScratchFiles()
  scratch.write(bytes)
  var options = InspectionOptions()
  options.allowsDamage = true
  guard let report = try? CaptureInspection.inspect(scratch.input, options) else { return true }
  guard takenAlongHolds(scratch.input, options) else { return false }
  let page = InspectionPage.render(report, build: "")
  let text = InspectionText.render(report)
  let json = report.json.text()
  return !page.isEmpty && !text.unicodeScalars.contains("\u{1B}")
    && (try? JSON(parsing: json))?.text() == json
}

/// What is replayed of a capture is text that is read again; no capture breaks an estimate.
private func takenAlongHolds(_ file: String, _ options: InspectionOptions) -> Bool {
  let (a, b) = (IPAddress(v4: 10, 0, 0, 7), IPAddress(v4: 192, 0, 2, 1))
  for vantage in Vantage.allCases {
    for end in [nil, a, b] {
      _ = try? CaptureInspection.network(of: file, options, vantage, end: end)
      guard let call = try? CaptureInspection.media(of: file, options, vantage, end: end).call
      else { continue }
      for track in call.publishers.flatMap(\.tracks) {
        guard (try? CapturedMedia(parsing: Array(track.media.text.utf8))) == track.media else {
          return false
        }
      }
    }
  }
  let same = try? CaptureAlignment.compare(file, file, isExact: true, allowsDamage: true)
  return same?.isSame ?? true
}

/// A captured stream is read again, unchanged, from what is written of it.
func mediaHolds(_ bytes: [UInt8]) -> Bool {
  guard let media = try? CapturedMedia(parsing: bytes) else { return true }
  return (try? CapturedMedia(parsing: Array(media.text.utf8))) == media
}

/// Two files, in memory where the system has such a place; removed when this is dropped.
private final class ScratchFiles {
  let input: String
  let output: String

  init() {
    let folder = FileManager.default.fileExists(atPath: "/dev/shm") ? "/dev/shm" : "/tmp"
    let name = "\(folder)/assay-fuzz-\(ProcessInfo.processInfo.processIdentifier)"
    input = "\(name)-in"
    output = "\(name)-out"
  }

  deinit {
    unlink(input)
    unlink(output)
  }

  func write(_ bytes: [UInt8]) {
    let file = fopen(input, "wb")!
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
  }
}

/// A scenario is read twice the same, and what is wrong is said with its place in the file.
func scenarioHolds(_ bytes: [UInt8]) -> Bool {
  // Another file's faults are not this one's.
  guard String(decoding: bytes, as: UTF8.self).range(of: "include") == nil else { return true }
  let file = "fuzzed.yaml"
  let lines = 1 + bytes.count
  do {
    return try ScenarioFile.parse(bytes, file: file) == ScenarioFile.parse(bytes, file: file)
  } catch let error as ScenarioError {
    return error.file == file && (1...lines).contains(error.line) && error.column >= 1
      && !error.message.isEmpty
  } catch {
    return false
  }
}

// Inspecting a capture file: from its records to a report.

import Basics
import Capture
import Results
import Wire

public enum InspectionError: Error, Equatable, Sendable, CustomStringConvertible {
  case capture(CaptureError)
  /// The file was read, and holds no RTP.
  case noMedia(file: String, detail: String)
  /// Which of these is the server, nothing tells.
  case ambiguousEnd(file: String, ends: [String])

  public var description: String {
    switch self {
    case .capture(let error): error.description
    case .noMedia(let file, let detail): "\(file): \(detail)"
    case .ambiguousEnd(let file, let ends):
      "\(file): media go both ways, and nothing tells which end is the server; name where the "
        + "capture was taken with --at ADDRESS, one of \(ends.joined(separator: ", "))"
    }
  }
}

public enum CaptureInspection {
  /// Capture times closer than this tell nothing where the timestamps tell more.
  static let meaninglessSpan = Duration.milliseconds(1)

  /// Reads `file` once, or twice where its capture times tell nothing.
  /// - Parameter progress: called now and then with the bytes read so far.
  /// - Throws: `capture` for a file that cannot be read, `noMedia`.
  public static func inspect(
    _ file: String, _ options: InspectionOptions, progress: (Int64) -> Void = { _ in }
  ) throws(InspectionError) -> CaptureReport {
    let first = try pass(file, options, keyLog: options.keyLog, clocks: nil, progress)
    guard let clocks = timestampClocks(first.inspector) else { return try report(first, options) }
    let second = try pass(
      file, options, keyLog: first.inspector.keyLog, clocks: clocks, progress)
    var result = try report(second, options)
    result.clock = .rtp
    result.notes.insert(
      "All capture times lie within \(Moments.text(span(first.inspector))), so RTP timestamps are "
        + "the clock: jitter and skew say nothing, and times count from the first packet.", at: 0)
    return result
  }

  /// One reading of the file.
  struct Pass {
    var inspector: CaptureInspector
    var counts: CaptureReader.Counts
    var annotations: CaptureAnnotations
    var format: CaptureFormat
    var file: String
    var unsupportedLinkType: UInt32?
    /// Where the file cannot be read any further.
    var damage: CaptureError?
  }

  static func pass(
    _ file: String, _ options: InspectionOptions, keyLog: KeyLog, clocks: [UInt32: Double]?,
    recorder: MediaRecorder? = nil, network: NetworkRecorder? = nil, _ progress: (Int64) -> Void
  ) throws(InspectionError) -> Pass {
    do throws(CaptureError) {
      var reader = try CaptureReader(file)
      let inspector = CaptureInspector(options, keyLog: keyLog, timestampClocks: clocks)
      inspector.recorder = recorder
      inspector.network = network
      var secrets = 0
      var records = 0
      var damage: CaptureError?
      reading: while true {
        do throws(CaptureError) {
          guard let time = try reader.readRecord({ inspector.receive($0, $1) }) else {
            break reading
          }
          inspector.noteRecord(time)
        } catch {
          guard options.allowsDamage else { throw error }
          damage = error
          break reading
        }
        records += 1
        if records & 0xFFF == 0 { progress(reader.bytesRead) }
        // Secrets come before or among the packets that need them.
        if reader.secretCount != secrets {
          let keyLog = reader.annotations.keyLog
          inspector.addSecrets(Array(keyLog[secrets...]))
          secrets = keyLog.count
        }
      }
      return Pass(
        inspector: inspector, counts: reader.counts, annotations: reader.annotations,
        format: reader.format, file: file, unsupportedLinkType: reader.unsupportedLinkType,
        damage: damage)
    } catch {
      throw .capture(error)
    }
  }

  private static func span(_ inspector: CaptureInspector) -> Duration {
    guard let start = inspector.start, let end = inspector.end else { return .zero }
    return end - start
  }

  /// Clock rates by SSRC where capture times tell nothing and timestamps do; nil elsewhere.
  static func timestampClocks(_ inspector: CaptureInspector) -> [UInt32: Double]? {
    guard span(inspector) < meaninglessSpan else { return nil }
    var clocks: [UInt32: Double] = [:]
    for stream in inspector.streams where inspector.flows[stream.flow].isConfirmed {
      guard let timed = stream.timestampSpan, timed > .milliseconds(20) else { continue }
      if let rate = stream.finish(inspector.codecs).clockRate { clocks[stream.ssrc] = Double(rate) }
    }
    return clocks.isEmpty ? nil : clocks
  }

  static func report(
    _ pass: Pass, _ options: InspectionOptions
  ) throws(InspectionError) -> CaptureReport {
    let report = ReportAssembly(pass, options).report()
    if report.streams.isEmpty {
      throw .noMedia(file: pass.file, detail: ReportAssembly.absence(pass, report))
    }
    return report
  }
}

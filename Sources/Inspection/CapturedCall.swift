// The media of a call as a capture holds it, ready to be played: who published what.

import Basics
import Capture
import Results
import Wire

/// Where a capture was taken, as far as its media go.
public enum Vantage: String, Sendable, CaseIterable {
  /// At the server: what publishers sent to it.
  case server
  /// At a client: what it received.
  case client
}

public struct CapturedCall: Sendable {
  public struct Track: Sendable {
    public var source: MediaSource
    public var ssrc: UInt32
    public var media: CapturedMedia
    /// Sequence numbers that never arrived.
    public var missing: Int
    /// Whether keyframes are those of the payload; else the largest frames stand for them.
    public var knowsKeyframes: Bool
    /// Seconds between keyframes; empty with fewer than two.
    public var keyframeIntervals: [Double]
  }

  public struct Publisher: Sendable {
    /// `publisher-1`: nothing of the capture.
    public var name: String
    public var tracks: [Track]
  }

  public var publishers: [Publisher] = []
  /// From the first media packet to the last.
  public var length = Duration.zero
  /// What the reader should know of how the media came about.
  public var notes: [String] = []
  /// What cannot be judged of a replay.
  public var unjudged: [String] = []

  public init() {}

  /// What a keyframe request meets, told in one sentence; nil without video.
  public var keyframeAnswer: String? {
    let intervals = publishers.flatMap(\.tracks).flatMap(\.keyframeIntervals)
    let hasVideo = publishers.contains { $0.tracks.contains { $0.media.kind == .video } }
    guard hasVideo else { return nil }
    let answer = "A keyframe request is answered by the next captured keyframe"
    guard let longest = intervals.max() else { return answer + ", of which there is none." }
    let mean = intervals.reduce(0, +) / Double(intervals.count)
    return answer + ": they are \(Moments.number(mean, 1)) s apart on average, "
      + "\(Moments.number(longest, 1)) s at most."
  }
}

extension CaptureInspection {
  /// The media of `file`, and its report.
  /// - Parameters:
  ///   - end: the address at which the capture was taken; nil to find it.
  /// - Throws: `capture`, `noMedia`; `ambiguousEnd` where more than one end may be meant.
  public static func media(
    of file: String, _ options: InspectionOptions, _ vantage: Vantage, end: IPAddress? = nil,
    progress: (Int64) -> Void = { _ in }
  ) throws(InspectionError) -> (call: CapturedCall, report: CaptureReport) {
    var recorder = MediaRecorder()
    var reading = try pass(
      file, options, keyLog: options.keyLog, clocks: nil, recorder: recorder, progress)
    if let clocks = timestampClocks(reading.inspector) {
      let keyLog = reading.inspector.keyLog
      recorder = MediaRecorder()
      reading = try pass(
        file, options, keyLog: keyLog, clocks: clocks, recorder: recorder, progress)
    }
    let report = try report(reading, options)
    let call = try MediaExtraction(reading.inspector, recorder, report, vantage, end).call()
    return (call, report)
  }
}

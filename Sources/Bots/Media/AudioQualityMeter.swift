// What a participant heard of one audio track, named as in W3C webrtc-stats where it has a name.

import Basics

/// The metrics of an inbound audio track; `name` is the one that expectations use.
public enum AudioMetric: Int, CaseIterable, Sendable {
  case endToEndDelay, concealedSamples, concealment, jitterBufferDelay, decodeErrors

  public var name: String {
    switch self {
    case .endToEndDelay: "assay.audioEndToEndDelay"
    case .concealedSamples: "concealedSamples"
    case .concealment: "assay.audioConcealment"
    case .jitterBufferDelay: "jitterBufferDelay"
    case .decodeErrors: "assay.decodeErrors"
    }
  }
}

/// Fed with the events of an `AudioJitterBuffer`. A second has a share of concealment, and a delay,
/// only when something was played or made up in it. Before `advance` and `finish` the buffer is
/// settled and polled.
public struct AudioQualityMeter: Sendable {
  private var logs: [SampleLog]
  public private(set) var recent = RecentFrames()
  public private(set) var framesPlayed = 0
  /// Out of in-band FEC.
  public private(set) var framesRecovered = 0
  /// By a real decoder.
  public private(set) var framesDecoded = 0
  public private(set) var decodeErrors = 0
  /// Of 48 kHz.
  public private(set) var concealedSamples: Int64 = 0

  private var secondEnd: Instant?
  private var playedInSecond = Duration.zero
  private var concealedInSecond = Duration.zero
  private var bufferDelayInSecond = Duration.zero
  private var framesInSecond = 0

  /// - Parameter delayDecimation: one of so many packets has its end-to-end delay kept.
  public init(delayDecimation: Int = 1) {
    logs = AudioMetric.allCases.map {
      SampleLog(decimation: $0 == .endToEndDelay ? delayDecimation : 1)
    }
  }

  /// Forgets the single frames.
  mutating func release() { recent = RecentFrames() }

  public subscript(metric: AudioMetric) -> SampleLog { logs[metric.rawValue] }

  private mutating func append(_ metric: AudioMetric, _ value: Double, at time: Instant) {
    logs[metric.rawValue].append(value, at: time)
  }

  public mutating func record(_ event: AudioBufferEvent) {
    switch event {
    case .played(let time, let bufferDelay, let stamp, _):
      begin(at: time)
      advance(to: time)
      framesPlayed += 1
      framesInSecond += 1
      playedInSecond += AudioSource.frameDuration
      bufferDelayInSecond += bufferDelay
      if let stamp {
        append(.endToEndDelay, (time - stamp.captureTime).milliseconds, at: time)
        recent.note(ShownFrame(at: time, captured: stamp.captureTime))
      }
    case .concealed(let time, let duration, _):
      begin(at: time)
      conceal(from: time, duration)
    }
  }

  /// A frame that never came was heard all the same, out of the packet behind it.
  public mutating func recordRecovery(at time: Instant) {
    begin(at: time)
    advance(to: time)
    framesRecovered += 1
    playedInSecond += AudioSource.frameDuration
  }

  /// A decoder took a packet, or did not.
  public mutating func recordDecoding(succeeded: Bool, at time: Instant) {
    if succeeded { framesDecoded += 1 } else { decodeErrors += 1 }
    if !succeeded || self[.decodeErrors].isEmpty {
      append(.decodeErrors, Double(decodeErrors), at: time)
    }
  }

  private mutating func begin(at time: Instant) {
    guard secondEnd == nil else { return }
    secondEnd = VideoQualityMeter.secondBoundary(after: time)
    append(.concealedSamples, 0, at: time)
  }

  /// Divides what was made up among the seconds in which it was heard.
  private mutating func conceal(from start: Instant, _ duration: Duration) {
    concealedSamples += duration.wholeMilliseconds * AudioSource.clockRate / 1_000
    var time = start
    let end = start + duration
    while time < end {
      advance(to: time)
      let boundary = max(secondEnd ?? end, time + .nanoseconds(1))
      let part = min(end, boundary) - time
      concealedInSecond += part
      time += part
    }
    append(.concealedSamples, Double(concealedSamples), at: end)
  }

  /// Closes the seconds that are over at `now`.
  public mutating func advance(to now: Instant) {
    while let end = secondEnd, end <= now {
      closeSecond(at: end)
      secondEnd = end + .seconds(1)
    }
  }

  /// Ends the record.
  public mutating func finish(at now: Instant) { advance(to: now) }

  private mutating func closeSecond(at end: Instant) {
    let heard = playedInSecond + concealedInSecond
    if heard > .zero { append(.concealment, 100 * (concealedInSecond / heard), at: end) }
    if framesInSecond > 0 {
      let mean = bufferDelayInSecond.milliseconds / Double(framesInSecond)
      append(.jitterBufferDelay, mean, at: end)
    }
    playedInSecond = .zero
    concealedInSecond = .zero
    bufferDelayInSecond = .zero
    framesInSecond = 0
  }
}

// What a participant saw of one video track, under the names of W3C webrtc-stats where one exists.

import Basics

/// The metrics of an inbound video track; `name` is the one that expectations use.
public enum VideoMetric: Int, CaseIterable, Sendable {
  case framesPerSecond, frameHeight, freezeCount, totalFreezesDuration, framesReceived
  case framesDecoded, framesDropped, keyFramesDecoded, jitterBufferDelay, endToEndDelay
  case layer, layerSwitches, decodeErrors, rung, rungSwitches
  case psnr, ssim

  public var name: String {
    switch self {
    case .framesPerSecond: "framesPerSecond"
    case .frameHeight: "frameHeight"
    case .freezeCount: "freezeCount"
    case .totalFreezesDuration: "totalFreezesDuration"
    case .framesReceived: "framesReceived"
    case .framesDecoded: "framesDecoded"
    case .framesDropped: "framesDropped"
    case .keyFramesDecoded: "keyFramesDecoded"
    case .jitterBufferDelay: "jitterBufferDelay"
    case .endToEndDelay: "assay.endToEndDelay"
    case .layer: "assay.layer"
    case .layerSwitches: "assay.layerSwitches"
    case .decodeErrors: "assay.decodeErrors"
    case .psnr: "assay.psnr"
    case .ssim: "assay.ssim"
    case .rung: "assay.rung"
    case .rungSwitches: "assay.rungSwitches"
    }
  }
}

/// Fed with the events of a `VideoJitterBuffer`. Whole seconds of the run are closed as time goes
/// on, from the first second that begins with a picture on the screen; seconds in which the track
/// was suspended have no rates. Running totals are sampled when a second closes, freezes also where
/// they end.
public struct VideoQualityMeter: Sendable {
  private var logs: [SampleLog]
  public private(set) var recent = RecentFrames()
  public private(set) var seconds = PictureSeconds()
  public private(set) var freezes = FreezeMeter()

  public private(set) var framesRendered = 0
  public private(set) var framesDropped = 0
  public private(set) var keyFramesDecoded = 0
  /// Frames that could not be decoded, or were taken before one that was shown before them.
  public private(set) var decodeErrors = 0
  public private(set) var layerSwitches = 0
  public private(set) var keyframesAsked = 0
  /// Lines of the picture, zero while the SFU says that it sends none; and how often they changed.
  public private(set) var rung = 0
  public private(set) var rungSwitches = 0
  /// The first frame's moment on the screen.
  public private(set) var firstRender: Instant?
  /// Layer and size of the frame rendered last.
  public private(set) var layer: UInt8?
  public private(set) var width = 0
  public private(set) var height = 0

  /// The end of the second that is running; nil before the first frame.
  private var secondEnd: Instant?
  private var secondIsWhole = false
  private var framesInSecond = 0
  private var bufferDelayInSecond = Duration.zero
  private var isSuspended = false
  private var isPaused = false
  private var clock = Instant.zero
  private var lastCapture: Instant?

  /// - Parameter delayDecimation: one of so many frames has its end-to-end delay kept.
  public init(delayDecimation: Int = 1) {
    logs = VideoMetric.allCases.map {
      SampleLog(decimation: $0 == .endToEndDelay ? delayDecimation : 1)
    }
  }

  /// Forgets the single frames.
  mutating func release() { recent = RecentFrames() }

  public subscript(metric: VideoMetric) -> SampleLog { logs[metric.rawValue] }

  private mutating func append(_ metric: VideoMetric, _ value: Double, at time: Instant) {
    logs[metric.rawValue].append(value, at: time)
  }

  private mutating func total(_ metric: VideoMetric, _ value: Int, at time: Instant) {
    logs[metric.rawValue].appendTotal(Double(value), at: time)
  }

  public mutating func record(_ event: VideoBufferEvent, at now: Instant) {
    switch event {
    case .rendered(let frame): rendered(frame)
    case .dropped(let reason, _):
      framesDropped += 1
      if reason == .decodeError {
        decodeErrors += 1
        total(.decodeErrors, decodeErrors, at: now)
      }
    case .keyframeNeeded: keyframesAsked += 1
    }
  }

  /// What a real decoder made of the frame that was rendered last.
  mutating func record(_ outcome: PictureReceiver.Outcome, at time: Instant) {
    switch outcome {
    case .shown(let quality):
      guard let quality else { return }
      append(.psnr, quality.psnr, at: time)
      append(.ssim, quality.ssim, at: time)
    case .error:
      decodeErrors += 1
      total(.decodeErrors, decodeErrors, at: time)
    }
  }

  private mutating func rendered(_ frame: RenderedFrame) {
    let time = frame.renderTime
    begin(at: time)
    advance(to: time)
    framesRendered += 1
    framesInSecond += 1
    bufferDelayInSecond += frame.jitterBufferDelay
    if frame.isKeyframe { keyFramesDecoded += 1 }
    // Frames on their way when the picture was stopped on purpose begin no interval.
    if !isSuspended { freezes.frameRendered(at: time) }
    recordFreezes(at: time)
    width = frame.width
    height = frame.height
    if !isPaused { setRung(min(width, height), at: time) }
    guard let stamp = frame.stamp else { return }
    append(.endToEndDelay, (time - stamp.captureTime).milliseconds, at: time)
    recent.note(ShownFrame(at: time, captured: stamp.captureTime))
    if let lastCapture, stamp.captureTime < lastCapture {
      decodeErrors += 1
      total(.decodeErrors, decodeErrors, at: time)
    }
    lastCapture = stamp.captureTime
    if let layer, layer != stamp.layer {
      layerSwitches += 1
      total(.layerSwitches, layerSwitches, at: time)
    }
    layer = stamp.layer
  }

  private mutating func begin(at time: Instant) {
    guard firstRender == nil else { return }
    firstRender = time
    clock = time
    secondEnd = VideoQualityMeter.secondBoundary(after: time)
    secondIsWhole = false
    // A total that begins at zero, so that growth over a window counts from there.
    for metric in [
      VideoMetric.freezeCount, .totalFreezesDuration, .framesReceived, .framesDecoded,
      .framesDropped, .keyFramesDecoded, .layerSwitches, .decodeErrors, .rungSwitches,
    ] where self[metric].isEmpty {
      append(metric, 0, at: time)
    }
  }

  /// The SFU says that it pauses the stream for lack of room, or that it goes on.
  public mutating func setPaused(_ paused: Bool, at now: Instant) {
    isPaused = paused
    if paused { setRung(0, at: now) }
  }

  private mutating func setRung(_ lines: Int, at time: Instant) {
    guard lines != rung else { return }
    append(.rung, Double(lines), at: time)
    if !self[.rungSwitches].isEmpty, framesRendered > 1 || lines == 0 {
      rungSwitches += 1
      total(.rungSwitches, rungSwitches, at: time)
    }
    rung = lines
  }

  static func secondBoundary(after time: Instant) -> Instant {
    let second: Int64 = 1_000_000_000
    return Instant(nanoseconds: (time.nanoseconds / second + 1) * second)
  }

  /// The picture stands still on purpose from here on: camera muted, stream paused, unsubscribed.
  public mutating func suspended(at now: Instant) {
    advance(to: now)
    guard !isSuspended else { return }
    isSuspended = true
    secondIsWhole = false
    freezes.suspended(at: max(now, clock))
    recordFreezes(at: now)
  }

  public mutating func resumed(at now: Instant) {
    advance(to: now)
    isSuspended = false
    secondIsWhole = false
  }

  /// Closes the seconds that are over at `now`. Call it at the end of the run, and wherever figures
  /// up to now are wanted.
  public mutating func advance(to now: Instant) {
    while let end = secondEnd, end <= now {
      closeSecond(at: end)
      secondEnd = end + .seconds(1)
      secondIsWhole = !isSuspended
    }
    clock = max(clock, now)
  }

  /// Ends the record: a freeze that goes on counts up to here.
  public mutating func finish(at now: Instant) {
    advance(to: now)
    guard firstRender != nil else { return }
    recordFreezes(at: now)
    recordTotals(at: now)
  }

  private mutating func closeSecond(at end: Instant) {
    if !isSuspended || isPaused { append(.rung, Double(rung), at: end) }
    let isExpected = secondIsWhole && !isSuspended
    seconds.note(!isExpected ? .idle : framesInSecond > 0 ? .moving : .still, endingAt: end)
    if isExpected {
      append(.framesPerSecond, Double(framesInSecond), at: end)
      append(.frameHeight, Double(height), at: end)
      if let layer { append(.layer, Double(layer), at: end) }
      if framesInSecond > 0 {
        let mean = bufferDelayInSecond.milliseconds / Double(framesInSecond)
        append(.jitterBufferDelay, mean, at: end)
      }
    }
    framesInSecond = 0
    bufferDelayInSecond = .zero
    recordFreezes(at: end)
    recordTotals(at: end)
  }

  private mutating func recordFreezes(at time: Instant) {
    let seconds = freezes.duration(at: time).seconds
    total(.freezeCount, freezes.count(at: time), at: time)
    logs[VideoMetric.totalFreezesDuration.rawValue].appendTotal(seconds, at: time)
  }

  private mutating func recordTotals(at time: Instant) {
    total(.framesReceived, framesRendered + framesDropped, at: time)
    total(.framesDecoded, framesRendered, at: time)
    total(.framesDropped, framesDropped, at: time)
    total(.keyFramesDecoded, keyFramesDecoded, at: time)
  }
}

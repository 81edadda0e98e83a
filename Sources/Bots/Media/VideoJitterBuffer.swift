// The receiving end of a video track: frames assembled, held back, decoded in order and shown,
// with keyframe requests where libwebrtc's VideoReceiveStream makes them.

import Basics

/// A frame on the screen.
public struct RenderedFrame: Sendable, Equatable {
  public var renderTime: Instant
  /// First packet's arrival to the start of decoding (jitterBufferDelay of W3C webrtc-stats).
  public var jitterBufferDelay: Duration
  public var isKeyframe: Bool
  public var temporalLayer: UInt8
  public var width: Int
  public var height: Int
  /// Bytes of its payloads.
  public var size: Int
  /// Those of its packets, extended.
  public var sequenceNumbers: ClosedRange<Int64>
  /// What the source says; nil from a source that stamps nothing.
  public var stamp: FrameStamp?
}

public enum FrameDropReason: Sendable, Equatable {
  /// Packets of it never came.
  case incomplete
  /// What it builds on never came, or it was overtaken.
  case undecodable
  /// The stream claimed that it could be decoded.
  case decodeError
}

public enum VideoBufferEvent: Sendable, Equatable {
  case rendered(RenderedFrame)
  case dropped(FrameDropReason, FrameStamp?)
  /// Send a PLI.
  case keyframeNeeded
}

public struct VideoJitterBuffer: Sendable {
  public struct Configuration: Sendable {
    public var playout = PlayoutDelay.Configuration()
    /// Without a decodable frame for so long a keyframe is asked for: while one is needed at all,
    /// and in a running stream, where retransmission may still help (libwebrtc: 200 ms, 3 s).
    public var maximumWaitForKeyframe = Duration.milliseconds(200)
    public var maximumWaitForFrame = Duration.seconds(3)
    /// A stream without packets for so long is not asked (libwebrtc: 5 s).
    public var inactivity = Duration.seconds(5)
    /// A decodable frame this late gives way to a later decodable one (libwebrtc: 5 ms).
    public var permittedLateness = Duration.milliseconds(5)

    public init() {}
  }

  private struct Scheduled {
    var timestamp: Int64
    var decodeTime: Instant
    var renderTime: Instant
  }

  private let configuration: Configuration
  private var assembler = FrameAssembler()
  private var decoder = DecoderModel()
  public private(set) var delay: PlayoutDelay
  private var next: Scheduled?
  private var decoderFree = Instant.zero
  private var lastRender = Instant.zero

  private var keyframeDeadline: Instant?
  private var wantsKeyframe = false
  private var hasCompletedFrame = false
  private var lastPacket = Instant.zero
  private var lastKeyframePacket: Instant?
  private var isSuspended = false

  public init(_ configuration: Configuration = Configuration()) {
    self.configuration = configuration
    delay = PlayoutDelay(configuration.playout)
  }

  /// No packets come any more.
  mutating func release() {
    assembler.release()
    next = nil
    keyframeDeadline = nil
    wantsKeyframe = false
  }

  var timestampCycles: Int { assembler.timestampCycles }
  var pictureIDWraps: Int { decoder.pictureIDWraps }

  /// Frames that wait, whole or not.
  public var frameCount: Int { assembler.frames.count }
  public var needsKeyframe: Bool { decoder.needsKeyframe }

  /// When `poll` has something to say.
  public var nextTimeout: Instant? {
    if wantsKeyframe || assembler.frames.count > MediaLimits.bufferedFrames { return lastPacket }
    return earlier(next?.decodeTime, keyframeDeadline)
  }

  /// Round trip to whoever answers NACKs; part of the delay once frames come by retransmission.
  public mutating func setRoundTripTime(_ time: Duration) { delay.roundTripTime = time }

  public mutating func receive(_ packet: VideoPacket, at now: Instant) {
    lastPacket = now
    if packet.isKeyframe { lastKeyframePacket = now }
    if keyframeDeadline == nil && !isSuspended { restartWait(at: now) }
    guard case .completedFrame(let index) = assembler.insert(packet, at: now) else { return }
    let frame = assembler.frames[index]
    delay.frameCompleted(
      timestamp: frame.timestamp, isRetransmitted: frame.isRetransmitted, at: now)
    // As libwebrtc: a stream that begins with a delta frame is no use.
    if !hasCompletedFrame && !frame.isKeyframe { wantsKeyframe = !isSuspended }
    hasCompletedFrame = true
    schedule(at: now)
  }

  /// The NACK list overflowed or gave up: nothing but a keyframe helps.
  public mutating func retransmissionFailed(at now: Instant) {
    wantsKeyframe = true
    lastPacket = max(lastPacket, now)
  }

  /// Nothing is expected from now on (muted, paused, unsubscribed): no keyframe is asked for.
  public mutating func suspend() {
    isSuspended = true
    keyframeDeadline = nil
    wantsKeyframe = false
  }

  public mutating func resume(at now: Instant) {
    guard isSuspended else { return }
    isSuspended = false
    restartWait(at: now)
  }

  /// The next event due at `now`; call until nil.
  public mutating func poll(at now: Instant) -> VideoBufferEvent? {
    if let event = pollKeyframe(at: now) { return event }
    if assembler.frames.count > MediaLimits.bufferedFrames {
      defer { schedule(at: now) }
      return dropFirst()
    }
    guard let scheduled = next, scheduled.decodeTime <= now else { return nil }
    if assembler.frames[0].timestamp < scheduled.timestamp { return dropFirst() }
    let frame = assembler.removeFirst()
    let event = decode(frame, scheduled, at: now)
    schedule(at: now)
    return event
  }

  private mutating func pollKeyframe(at now: Instant) -> VideoBufferEvent? {
    if wantsKeyframe {
      wantsKeyframe = false
      restartWait(at: now)
      return .keyframeNeeded
    }
    // A decodable frame that waits for its time is no reason to ask.
    guard let deadline = keyframeDeadline, deadline <= now else { return nil }
    guard now - lastPacket <= configuration.inactivity else {
      keyframeDeadline = nil
      return nil
    }
    restartWait(at: now)
    let isComing =
      lastKeyframePacket.map { now - $0 < configuration.maximumWaitForKeyframe } ?? false
    return next != nil || (decoder.needsKeyframe && isComing) ? nil : .keyframeNeeded
  }

  private mutating func restartWait(at now: Instant) {
    let wait =
      decoder.needsKeyframe
      ? configuration.maximumWaitForKeyframe : configuration.maximumWaitForFrame
    keyframeDeadline = isSuspended ? nil : now + wait
  }

  private mutating func dropFirst() -> VideoBufferEvent {
    let frame = assembler.removeFirst()
    return .dropped(frame.isComplete ? .undecodable : .incomplete, frame.stamp)
  }

  private mutating func decode(
    _ frame: ReceivedFrame, _ scheduled: Scheduled, at now: Instant
  ) -> VideoBufferEvent {
    guard decoder.decode(frame) == .decoded else {
      wantsKeyframe = true
      return .dropped(.decodeError, frame.stamp)
    }
    let playout = configuration.playout
    decoderFree = now + playout.decodeDuration
    let latestStart = scheduled.renderTime - playout.renderDuration - playout.decodeDuration
    delay.frameWasLate(by: now - latestStart)
    lastRender = max(scheduled.renderTime, decoderFree, lastRender)
    restartWait(at: now)
    return .rendered(
      RenderedFrame(
        renderTime: lastRender, jitterBufferDelay: now - frame.firstArrival,
        isKeyframe: frame.isKeyframe, temporalLayer: frame.temporalLayer,
        width: decoder.width, height: decoder.height, size: frame.bytesReceived,
        sequenceNumbers: frame.sequenceNumbers, stamp: frame.stamp))
  }

  /// Chooses the frame to decode next, and when.
  private mutating func schedule(at now: Instant) {
    next = nil
    for frame in assembler.frames where decoder.believesDecodable(frame) {
      guard let renderTime = delay.renderTime(timestamp: frame.timestamp) else { return }
      let playout = configuration.playout
      let start = renderTime - playout.renderDuration - playout.decodeDuration
      let time = max(start, decoderFree)
      next = Scheduled(timestamp: frame.timestamp, decodeTime: time, renderTime: renderTime)
      if start + configuration.permittedLateness >= now { return }
    }
  }
}

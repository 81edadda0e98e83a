// The receiving end of an Opus track: a simplification of libwebrtc's NetEq.
//
// A talkspurt starts at its RTP time on an undisturbed path plus the target delay, then 20 ms are
// played every 20 ms; the step becomes 18 or 22 ms while the delay is above or below its target
// (NetEq: accelerate, preemptive expand). A missing frame with later ones at hand is concealed and
// given up; with nothing at hand the sound is concealed without moving on, so that the delay grows
// until packets come. Behind a comfort frame there is silence, and no timer.

import Basics
import Wire

/// One Opus packet.
public struct AudioPacket: Sendable, Equatable {
  public var timestamp: UInt32
  /// What it lasts, in units of the RTP timestamp: 120...5,760.
  public var samples: Int64
  /// One or two bytes: discontinuous transmission (RFC 7587 §3.1.3).
  public var isComfort: Bool
  /// What the source says; nil for comfort frames and from a source that stamps nothing.
  public var stamp: FrameStamp?
  /// The whole payload, where a decoder wants it.
  public var payload: [UInt8] = []

  /// Reads the payload of `packet`; nil for padding alone and for what is no Opus packet.
  /// - Parameter keepsPayload: whether a decoder is to have it.
  public init?(_ packet: RawSpan, _ header: RTPHeader, keepsPayload: Bool = false) {
    guard let opus = try? OpusPacket(packet, header.payloadRange) else { return nil }
    timestamp = header.timestamp
    samples = Int64(opus.samples)
    isComfort = opus.isDTX
    // The model's stands in front, libopus's in the padding behind.
    let end = header.payloadRange.upperBound - FrameStamp.size
    let first = header.payloadRange.lowerBound + 1
    stamp =
      end >= first ? FrameStamp(packet, at: first) ?? FrameStamp(packet, at: end) : nil
    if keepsPayload { payload = packet.array(header.payloadRange) }
  }
}

public enum AudioBufferEvent: Sendable, Equatable {
  /// A packet is played from `time` on. `bufferDelay` is its stay in the buffer.
  case played(time: Instant, bufferDelay: Duration, stamp: FrameStamp?, payload: [UInt8] = [])
  /// Sound was made up from `time` on, in steps of 20 ms. `next` is the payload of the packet right
  /// behind it, where it is at hand and was kept.
  case concealed(time: Instant, duration: Duration, next: [UInt8] = [])
}

public struct AudioJitterBuffer: Sendable {
  static let frame = AudioSource.frameDuration
  static let samples = Int64(AudioSource.samplesPerFrame)
  /// So many frames in a row that never came, or that came too late, are a new timeline (NetEq
  /// starts anew after a second of expansion with packets at hand).
  private static let discontinuityFrames = 50
  /// An offset this far from the rest is one too.
  private static let discontinuity = Duration.seconds(10)
  /// Packets may still come for so long after they are no more expected.
  private static let suspensionGrace = Duration.seconds(1)

  private struct Entry {
    var timestamp: Int64
    var samples: Int64
    var arrival: Instant
    var isComfort: Bool
    var stamp: FrameStamp?
    var payload: [UInt8]
  }

  private enum State {
    case silent
    /// A talkspurt; frames are played at `nextTick`.
    case talking
    /// A talkspurt without packets since this moment.
    case starved(Instant)
  }

  private var state = State.silent
  /// In order of their timestamps.
  private var entries: [Entry] = []
  private var nextTick = Instant.zero
  /// The timestamp to be played next; before it everything is late.
  private var expected: Int64?
  /// Samples made up without moving on.
  private var expanded: Int64 = 0
  /// Frames given up, and packets too late, one after another.
  private var skippedFrames = 0
  private var latePacketsInRow = 0
  /// Up to here a lack of packets is silence.
  private var suspensionEnd = Instant.zero
  private var hasStarted = false
  private var timestamps = TimestampUnwrapper()
  private var base = LeastOffset(window: .seconds(2))
  private var arrivals = ArrivalHistogram()
  private var settled: AudioBufferEvent?
  private var settledAt = Instant.zero
  /// Packets that came after their turn.
  public private(set) var latePackets = 0

  public init() {}

  /// No packets come any more.
  mutating func release() {
    entries = []
    arrivals = ArrivalHistogram()
  }

  var timestampCycles: Int { timestamps.cycles }

  /// Delay over the undisturbed path that is aimed at.
  public var targetDelay: Duration { arrivals.target }

  /// When `poll` has something to say; nil in silence.
  public var nextTimeout: Instant? {
    if settled != nil { return settledAt }
    if case .talking = state { return nextTick }
    return nil
  }

  /// RTP time of an extended 48 kHz timestamp, nanoseconds.
  private static func mediaTime(_ timestamp: Int64) -> Int64 {
    timestamp / 6 * 125_000 + timestamp % 6 * 125_000 / 6
  }

  public mutating func receive(_ packet: AudioPacket, at now: Instant) {
    let timestamp = timestamps.unwrap(packet.timestamp)
    // Opus comfort frames count for NetEq's delay statistics as any packet does (decision_logic.cc).
    measure(timestamp, at: now)
    if let expected, timestamp < expected, hasStarted {
      latePackets += 1
      latePacketsInRow += 1
      guard latePacketsInRow >= AudioJitterBuffer.discontinuityFrames else { return }
      settle(at: now)
      entries.removeAll(keepingCapacity: true)
      state = .silent
    }
    latePacketsInRow = 0
    guard
      insert(
        Entry(
          timestamp: timestamp, samples: packet.samples, arrival: now,
          isComfort: packet.isComfort, stamp: packet.stamp, payload: packet.payload))
    else { return }
    switch state {
    case .silent: startTalkspurt(at: now)
    case .talking: if !hasStarted { startTalkspurt(at: now) }
    case .starved(let since): resume(since, at: now)
    }
  }

  private mutating func measure(_ timestamp: Int64, at now: Instant) {
    let offset = now.nanoseconds - AudioJitterBuffer.mediaTime(timestamp)
    if let least = base.value,
      abs(offset - least) > AudioJitterBuffer.discontinuity.nanoseconds
    {
      base.reset()
    }
    base.record(offset, at: now)
    arrivals.record(Duration(nanoseconds: offset - (base.value ?? offset)), at: now)
  }

  /// False for a duplicate, and when the buffer is full.
  private mutating func insert(_ entry: Entry) -> Bool {
    guard entries.count < MediaLimits.bufferedAudioPackets else { return false }
    var index = entries.count
    while index > 0, entries[index - 1].timestamp >= entry.timestamp { index -= 1 }
    if index < entries.count, entries[index].timestamp == entry.timestamp { return false }
    entries.insert(entry, at: index)
    return true
  }

  /// Silence ends with the first packet of talk; comfort frames before it are done with.
  private mutating func startTalkspurt(at now: Instant) {
    while let first = entries.first, first.isComfort {
      expected = first.timestamp + first.samples
      entries.removeFirst()
    }
    guard let first = entries.first else {
      state = .silent
      return
    }
    let undisturbed = AudioJitterBuffer.mediaTime(first.timestamp) + (base.value ?? 0)
    // NetEq plays the first packet it ever gets at once, and stretches towards its target.
    let wait = arrivals.isMeasured ? arrivals.target : AudioJitterBuffer.frame
    nextTick = max(now, Instant(nanoseconds: undisturbed) + wait)
    expected = first.timestamp
    expanded = 0
    hasStarted = false
    state = .talking
  }

  /// Packets come again after the buffer ran dry: what was made up is settled.
  private mutating func resume(_ since: Instant, at now: Instant) {
    settle(at: now)
    guard case .starved(let next) = state else { return }
    state = .talking
    nextTick = next
  }

  /// Reports what was made up until `now` while no packet came, rounded up to whole frames. Call
  /// it, and then `poll`, wherever figures up to now are wanted.
  public mutating func settle(at now: Instant) {
    guard case .starved(let since) = state, now > since else { return }
    let frame = AudioJitterBuffer.frame.nanoseconds
    let steps = ((now - since).nanoseconds + frame - 1) / frame
    let duration = AudioJitterBuffer.frame * Int(steps)
    expanded += steps * AudioJitterBuffer.samples
    settledAt = now
    if case .concealed(let time, let before, _) = settled {
      settled = .concealed(time: time, duration: before + duration)
    } else {
      settled = .concealed(time: since, duration: duration)
    }
    state = .starved(since + duration)
  }

  /// No more packets are expected (muted, unsubscribed): what is still on its way is played, and
  /// then there is silence until packets come again.
  public mutating func suspend(at now: Instant) {
    settle(at: now)
    suspensionEnd = now + AudioJitterBuffer.suspensionGrace
    if case .starved = state { state = .silent }
  }

  /// The next event due at `now`; call until nil.
  public mutating func poll(at now: Instant) -> AudioBufferEvent? {
    if let event = settled {
      settled = nil
      return event
    }
    while case .talking = state, nextTick <= now {
      if let event = tick() { return event }
    }
    return nil
  }

  /// One step of playing; nil where it made no sound.
  private mutating func tick() -> AudioBufferEvent? {
    hasStarted = true
    guard let first = entries.first, var due = expected else {
      state = nextTick < suspensionEnd ? .silent : .starved(nextTick)
      return nil
    }
    if first.timestamp > due && expanded > 0 {
      // What was made up stands for what never came.
      due += min(expanded, first.timestamp - due)
      expected = due
    }
    expanded = 0
    if first.timestamp > due && skippedFrames < AudioJitterBuffer.discontinuityFrames {
      expected = due + AudioJitterBuffer.samples
      skippedFrames += 1
      defer { nextTick += AudioJitterBuffer.frame }
      let isNext = first.timestamp == due + AudioJitterBuffer.samples
      return .concealed(
        time: nextTick, duration: AudioJitterBuffer.frame, next: isNext ? first.payload : [])
    }
    skippedFrames = 0
    if first.isComfort {
      startTalkspurt(at: nextTick)
      return nil
    }
    entries.removeFirst()
    expected = first.timestamp + first.samples
    let time = nextTick
    nextTick = time + step(after: first, playedAt: time)
    return .played(
      time: time, bufferDelay: time - first.arrival, stamp: first.stamp, payload: first.payload)
  }

  private static func duration(of samples: Int64) -> Duration {
    Duration(nanoseconds: mediaTime(samples))
  }

  private func step(after entry: Entry, playedAt time: Instant) -> Duration {
    let duration = AudioJitterBuffer.duration(of: entry.samples)
    guard let least = base.value else { return duration }
    let undisturbed = AudioJitterBuffer.mediaTime(entry.timestamp) + least
    let delay = time - Instant(nanoseconds: undisturbed)
    if delay > targetDelay + AudioJitterBuffer.frame { return duration * 9 / 10 }
    if delay < targetDelay * 3 / 4 { return duration * 11 / 10 }
    return duration
  }
}

// A microphone with an Opus encoder, 20 ms frames and discontinuous transmission (RFC 7587 §3.1.3).
//
//    0 1 2 3 4 5 6 7
//   +-+-+-+-+-+-+-+-+    TOC byte (RFC 6716 §3.1): config 15 is hybrid fullband of 20 ms,
//   | config  |s| c |    s = 0 mono, c = 0 one frame in the packet.
//   +-+-+-+-+-+-+-+-+
// Talk: TOC, FrameStamp (32 bytes), FramePattern. Comfort frame: TOC alone.

import Basics
import Results
import Wire

/// An encoded 20 ms of sound.
public struct AudioFrame: Sendable, Equatable {
  /// Counts the 20 ms frames of the microphone, those not sent too.
  public var frameNumber: UInt32
  /// When its first sample was captured.
  public var captureTime: Instant
  public var rtpTimestamp: UInt32
  /// First frame of a talkspurt (RFC 7587 §4.1).
  public var marker: Bool
  /// A frame of one byte that only describes the background noise.
  public var isComfort: Bool
  /// -dBov as in RFC 6464: 20...30 in talk, 127 in silence.
  public var level: UInt8
  /// The V bit of RFC 6464.
  public var voice: Bool
  /// Bytes of the payload.
  public var size: Int

  /// Appends the payload to `packet`, an RTP packet without one.
  public func append(to packet: inout Packet) {
    packet.append(AudioSource.toc)
    guard !isComfort else { return }
    FrameStamp(audioFrame: frameNumber, captureTime: captureTime, size: size).append(to: &packet)
    FramePattern(frameNumber: frameNumber, layer: 0).append(
      (1 + FrameStamp.size)..<size, to: &packet)
  }
}

public struct AudioSource: Sendable {
  public struct Configuration: Sendable {
    public var schedule = TalkSchedule.never
    /// While talking; without DTX always.
    public var bitrate = Bitrate.kbps(32)
    public var usesDTX = true
    /// Silence that is still encoded in full before DTX sets in (libopus: ten frames).
    public var hangover = Duration.milliseconds(200)
    /// From one comfort frame to the next (RFC 7587 §3.1.3).
    public var comfortInterval = Duration.milliseconds(400)
    /// From a frame's last sample to its packet.
    public var encodeDuration = Duration.milliseconds(1)

    public init() {}
  }

  public static let frameDuration = Duration.milliseconds(20)
  /// RTP clock rate of Opus, Hz (RFC 7587 §4.1).
  public static let clockRate: Int64 = 48_000
  /// Samples of a frame in units of the RTP timestamp.
  public static let samplesPerFrame: UInt32 = 960
  static let toc = OpusPacket.toc(config: 15, isStereo: false)

  private let configuration: Configuration
  private let timestampOffset: UInt32
  private var random: RandomStream
  /// The capture moment of frame 0; nil while the microphone is off.
  private var origin: Instant?
  /// The next frame to be sent.
  private var frameNumber: Int64 = 0
  /// Frames from here on are silence after talk.
  private var silentSince: Instant?
  /// The last frame sent was a comfort frame, or there was none.
  private var isDiscontinuous = true
  public private(set) var isMuted = false
  /// The last frame handed out.
  private var lastSent: Int64 = -1

  /// A microphone that is off. Its timestamp offset is drawn from `random`.
  public init(
    _ configuration: Configuration, starts: StartValues = .random, random: RandomStream
  ) {
    self.configuration = configuration
    var random = random
    timestampOffset = starts.first(
      UInt32(truncatingIfNeeded: random.next()), period: 1 << 32,
      margin: UInt64(StartValues.time.seconds * Double(AudioSource.clockRate)))
    self.random = random
  }

  /// The RTP timestamp at a moment, also for sender reports.
  public func rtpTimestamp(at moment: Instant) -> UInt32 {
    let elapsed = moment.nanoseconds
    // 48,000 Hz is 6 ticks in 125,000 ns.
    let ticks = elapsed / 125_000 * 6 + elapsed % 125_000 * 6 / 125_000
    return timestampOffset &+ UInt32(truncatingIfNeeded: ticks)
  }

  /// When the next frame is ready; nil while off.
  public var nextTimeout: Instant? {
    guard let origin else { return nil }
    return capture(frameNumber, origin) + AudioSource.frameDuration
      + configuration.encodeDuration
  }

  private func capture(_ number: Int64, _ origin: Instant) -> Instant {
    origin + AudioSource.frameDuration * Int(number)
  }

  /// Microphone on.
  public mutating func start(at now: Instant) {
    guard origin == nil else { return }
    origin = now
    frameNumber = 0
    lastSent = -1
    silentSince = nil
    isDiscontinuous = true
  }

  /// Microphone off.
  public mutating func stop() { origin = nil }

  /// A muted microphone goes on with silence, as a disabled libwebrtc track does: with DTX that is a
  /// comfort frame now and then.
  public mutating func setMuted(_ muted: Bool, at now: Instant) {
    guard muted != isMuted else { return }
    isMuted = muted
    guard let origin, isDiscontinuous else { return }
    let elapsed = max(0, (now - origin).nanoseconds)
    let frame = AudioSource.frameDuration.nanoseconds
    frameNumber = max(lastSent + 1, (elapsed + frame - 1) / frame)
  }

  private func isTalking(at moment: Instant) -> Bool {
    !isMuted && configuration.schedule.isTalking(at: moment)
  }

  /// The next frame that is ready at `now`.
  public mutating func poll(at now: Instant) -> AudioFrame? {
    guard let late = nextTimeout, let origin else { return nil }
    if now - late > MediaLimits.captureGap {
      let frame = AudioSource.frameDuration.nanoseconds
      frameNumber = ((now - origin).nanoseconds + frame - 1) / frame
      isDiscontinuous = true
    }
    guard let due = nextTimeout, due <= now else { return nil }
    let time = capture(frameNumber, origin)
    lastSent = frameNumber
    defer { frameNumber = nextFrame(after: frameNumber, origin) }
    let talking = isTalking(at: time)
    if talking {
      silentSince = nil
    } else if silentSince == nil {
      silentSince = isDiscontinuous ? time - configuration.hangover : time
    }
    let inHangover = silentSince.map { time - $0 < configuration.hangover } ?? false
    guard talking || inHangover || !configuration.usesDTX else { return comfort(at: time) }
    let marker = isDiscontinuous
    isDiscontinuous = false
    return AudioFrame(
      frameNumber: UInt32(truncatingIfNeeded: frameNumber), captureTime: time,
      rtpTimestamp: rtpTimestamp(at: time), marker: marker, isComfort: false,
      level: talking ? UInt8(20 + random.below(11)) : 127, voice: talking, size: payloadSize())
  }

  private mutating func comfort(at time: Instant) -> AudioFrame {
    isDiscontinuous = true
    return AudioFrame(
      frameNumber: UInt32(truncatingIfNeeded: frameNumber), captureTime: time,
      rtpTimestamp: rtpTimestamp(at: time), marker: false, isComfort: true, level: 127,
      voice: false, size: 1)
  }

  /// Near-constant rate: within four bytes of the mean.
  private mutating func payloadSize() -> Int {
    let mean = (configuration.bitrate * AudioSource.frameDuration).bytes
    return max(1 + FrameStamp.size, Int(mean) - 4 + Int(random.below(9)))
  }

  /// In DTX the next comfort frame, unless talk starts before it.
  private func nextFrame(after number: Int64, _ origin: Instant) -> Int64 {
    guard isDiscontinuous, configuration.usesDTX else { return number + 1 }
    let interval = configuration.comfortInterval.nanoseconds
    let frame = AudioSource.frameDuration.nanoseconds
    let comfort = number + max(1, interval / frame)
    let time = capture(number, origin)
    guard !isMuted else { return comfort }
    guard !isTalking(at: capture(number + 1, origin)) else { return number + 1 }
    guard let change = configuration.schedule.nextChange(after: time + AudioSource.frameDuration)
    else { return comfort }
    let untilChange = (change - origin).nanoseconds
    return min(comfort, max(number + 1, (untilChange + frame - 1) / frame))
  }
}

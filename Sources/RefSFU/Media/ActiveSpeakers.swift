// Who is speaking, told from the audio levels that senders put on their packets (RFC 6464 §3;
// LiveKit audiolevel.go).

import Basics

/// The level of one sender, window by window.
public struct SpeechLevel: Sendable {
  public struct Limits: Equatable, Sendable {
    /// In -dBov: this loud or louder is speech.
    public var activeLevel: UInt8
    /// Share of a window that must be speech, in percent.
    public var minimumShare: Int
    public var window: Duration
    /// Windows over which the level is smoothed.
    public var smoothing: Int

    public static let liveKit = Limits(
      activeLevel: 35, minimumShare: 40, window: .milliseconds(400), smoothing: 2)

    var minimumSpeech: Duration { window * minimumShare / 100 }
  }

  /// The level of silence.
  public static let silence: UInt8 = 127
  /// A longer pause between packets is discontinuous transmission (RFC 6716 §2.1.9), hence silence.
  public static let silenceGap = Duration.milliseconds(100)

  public let limits: Limits
  /// Whether enough of the last window, or already of this one, was speech.
  public private(set) var isSpeaking = false
  /// Linear, 0 for silence to 1; above `threshold` while speaking.
  public private(set) var level = 0.0
  private var loudest = SpeechLevel.silence
  private var speech = Duration.zero
  private var observed = Duration.zero
  private var lastObserved: Instant?

  public init(limits: Limits = .liveKit) { self.limits = limits }

  /// The linear level of the quietest speech.
  public var threshold: Double { SpeechLevel.linear(Double(limits.activeLevel)) }

  /// Takes a packet's level.
  /// - Parameters:
  ///   - level: in -dBov, 0...127.
  ///   - duration: of the packet's audio.
  /// - Returns: whether speech began with it.
  public mutating func observe(_ level: UInt8, duration: Duration, at now: Instant) -> Bool {
    let wasSpeaking = isSpeaking
    if let lastObserved, now - lastObserved > SpeechLevel.silenceGap {
      observed += now - lastObserved - duration
      if observed >= limits.window { endWindow() }
    }
    lastObserved = now
    observed += duration
    if level <= limits.activeLevel {
      speech += duration
      loudest = min(loudest, level)
    }
    if observed >= limits.window {
      endWindow()
    } else if !isSpeaking, speech >= limits.minimumSpeech {
      // The window is decided already; LiveKit would wait for its end.
      isSpeaking = true
      self.level = max(threshold, SpeechLevel.linear(Double(loudest)) * smoothingFactor)
    }
    return isSpeaking && !wasSpeaking
  }

  /// Ends speech when packets stopped coming for two windows.
  public mutating func expire(at now: Instant) {
    guard let lastObserved, now - lastObserved >= limits.window * 2 else { return }
    reset()
    level = 0
    isSpeaking = false
    self.lastObserved = nil
  }

  private mutating func endWindow() {
    if speech >= limits.minimumSpeech {
      let activity = 20 * RealMath.log(speech / limits.window) / RealMath.log(10)
      let adjusted = SpeechLevel.linear(Double(loudest) - activity)
      level = max(threshold, level + (adjusted - level) * smoothingFactor)
      isSpeaking = true
    } else {
      level = 0
      isSpeaking = false
    }
    reset()
  }

  /// Of an exponential mean with the same centre as a plain mean over `smoothing` windows.
  private var smoothingFactor: Double {
    limits.smoothing > 0 ? 2 / Double(limits.smoothing + 1) : 1
  }

  private mutating func reset() {
    loudest = SpeechLevel.silence
    speech = .zero
    observed = .zero
  }

  /// From -dBov to linear.
  static func linear(_ level: Double) -> Double { RealMath.pow(10, -level / 20) }
}

/// The speakers of a room. Changes go out in intervals, except that somebody who begins to speak is
/// told at once.
public struct ActiveSpeakers<ID: Hashable & Comparable & Sendable>: Sendable {
  public struct Speaker: Equatable, Sendable {
    public var id: ID
    /// Linear, in eighths; zero for who stopped.
    public var level: Double
    public var isSpeaking: Bool
  }

  /// Levels are rounded up to these steps, so that small changes stay quiet.
  public static var levelSteps: Double { 8 }
  /// Between two looks at the levels, as in LiveKit.
  public static var interval: Duration { .milliseconds(400) }

  private struct Member {
    var id: ID
    var speech: SpeechLevel
  }

  public let limits: SpeechLevel.Limits
  /// Who speaks, as last told, loudest first.
  public private(set) var speakers: [Speaker] = []
  /// When to call `changes`; nil while nobody is here.
  public private(set) var nextTimeout: Instant?
  /// In the order of their ids.
  private var members: [Member] = []

  public init(limits: SpeechLevel.Limits = .liveKit) { self.limits = limits }

  /// Takes the level of a packet of `id`, who becomes a member by it.
  public mutating func observe(
    _ id: ID, level: UInt8, duration: Duration, at now: Instant
  ) {
    let index = position(of: id)
    if index == members.count || members[index].id != id {
      members.insert(Member(id: id, speech: SpeechLevel(limits: limits)), at: index)
    }
    let began = members[index].speech.observe(level, duration: duration, at: now)
    if began || nextTimeout == nil {
      nextTimeout = began ? now : now + ActiveSpeakers.interval
    }
  }

  /// Forgets who left; the next changes tell that they stopped.
  public mutating func remove(_ id: ID) {
    let index = position(of: id)
    if index < members.count, members[index].id == id { members.remove(at: index) }
  }

  /// Who began, stopped or changed level since the last call, loudest first, those who stopped
  /// last; empty before `nextTimeout` and when nothing changed.
  public mutating func changes(at now: Instant) -> [Speaker] {
    guard let due = nextTimeout, due <= now else { return [] }
    nextTimeout = members.isEmpty ? nil : now + ActiveSpeakers.interval
    var current: [Speaker] = []
    for index in members.indices {
      members[index].speech.expire(at: now)
      let speech = members[index].speech
      guard speech.isSpeaking else { continue }
      let level = (speech.level * ActiveSpeakers.levelSteps).rounded(.up)
      current.append(
        Speaker(
          id: members[index].id, level: min(1, level / ActiveSpeakers.levelSteps),
          isSpeaking: true))
    }
    current.sort { $0.level == $1.level ? $0.id < $1.id : $0.level > $1.level }
    var changes = current.filter { !speakers.contains($0) }
    for old in speakers where !current.contains(where: { $0.id == old.id }) {
      changes.append(Speaker(id: old.id, level: 0, isSpeaking: false))
    }
    speakers = current
    return changes
  }

  /// Where `id` stands or would stand.
  private func position(of id: ID) -> Int {
    var low = 0
    var high = members.count
    while low < high {
      let middle = (low + high) / 2
      if members[middle].id < id { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

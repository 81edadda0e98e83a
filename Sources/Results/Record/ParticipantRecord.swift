// What was observed of one participant: its sessions, what it received and sent, what it was told.

import Basics

public struct ParticipantRecord: Sendable, Equatable, Codable {
  public var identity: String
  /// The scenario's name for its kind; the identity where there is none.
  public var group: String
  public var room: String
  /// At the end of the run.
  public var state = ConnectionState.idle
  /// In order of time.
  public var stateChanges: [StateChange] = []
  public var sessions: [SessionRecord] = []
  public var reconnections: [ReconnectionRecord] = []
  /// When the first remote frame was rendered.
  public var firstFrame: Instant?
  /// Mutes of others as this participant saw them.
  public var mutes: [MuteChange] = []
  /// When each other participant was indicated as speaking.
  public var speaking: [ToldIntervals] = []
  /// When the connection of each other participant was said to be lost.
  public var lostConnections: [ToldIntervals] = []
  public var messages: [ReceivedMessage] = []
  /// Identities of all others that it was ever told of, in that order.
  public var listed: [String] = []
  /// Samples of metrics, in a fixed order; of two tracks of one publisher both appear.
  public var series: [SampleSeries] = []
  public var inbound: [InboundTrack] = []
  public var outbound: [OutboundTrack] = []
  public var streams: [StreamRecord] = []
  public var pictures: [PictureRecord] = []
  /// Of each track that was paused at all, in a fixed order.
  public var pauses: [PauseRecord] = []
  /// Of what faults interrupted, by publisher and in order of the faults.
  public var recoveries: [MediaRecoveryRecord] = []
  public var counters = CounterWraps()
  /// What it checked in what the SFU sent, and found wrong; those kinds only that it could check.
  public var protocolFaults: [ProtocolFaultCount] = []
  /// Packets from the SFU under a sequence number that their SSRC had used before; nil where the SFU's
  /// own packets were not observed.
  public var duplicateSequenceNumbers: Int?
  /// Seconds for which its mute, subscription or layer state differed from the SFU's beyond patience.
  public var staleStateSeconds = 0
  /// Longest time for which it listed somebody without a connection, in seconds.
  public var zombieSeconds = 0
  /// Spans, closer than the presence gap joined, in which datagrams of it reached the SFU.
  public var datagramsAtServer: [ClosedSpan] = []
  /// The same for everything, signalling among it.
  public var everythingAtServer: [ClosedSpan] = []
  /// Names of its own links at the end; nil for a perfect one.
  public var uplink: String?
  public var downlink: String?

  public init(identity: String, group: String, room: String) {
    self.identity = identity
    self.group = group
    self.room = room
  }

  /// Whether it ever had a connection.
  public var hasConnected: Bool { sessions.contains { $0.connected != nil } }

  /// Whether this publisher's pictures moved, second by second.
  public func pictures(of publisher: String) -> [PictureRecord.Span] {
    pictures.filter { $0.publisher == publisher }.flatMap(\.spans)
  }

  /// When it was in the room, from each connection to that session's end.
  public func presence(until end: Instant) -> [Interval] {
    sessions.compactMap { session in
      session.connected.flatMap { Interval($0, session.ended ?? end) }
    }
  }
}

/// A client's connection state, as LiveKit's SDKs have it.
public enum ConnectionState: Sendable, Equatable, Codable {
  case idle, connecting, connected, reconnecting
  case disconnected(Departure)

  public enum Departure: Sendable, Equatable, Codable {
    case left
    case refused(status: Int, text: String)
    /// The SFU's reason.
    case dismissed(String)
    case gaveUp(attempts: Int, status: Int?, text: String?)
  }

  /// Whether `next` may follow; no state follows itself.
  public func mayBecome(_ next: ConnectionState) -> Bool {
    switch (self, next) {
    case (.idle, .connecting), (.connecting, .connected), (.connecting, .disconnected),
      (.connected, .reconnecting), (.connected, .disconnected), (.reconnecting, .connected),
      (.reconnecting, .disconnected), (.disconnected, .connecting):
      true
    default: false
    }
  }
}

public struct StateChange: Sendable, Equatable, Codable {
  public var at: Instant
  public var state: ConnectionState

  public init(at: Instant, state: ConnectionState) {
    self.at = at
    self.state = state
  }
}

extension Sequence where Element == StateChange {
  /// How many of these states could not follow the one before them.
  public var illegalTransitions: Int {
    var last = ConnectionState.idle
    var count = 0
    for change in self {
      if !last.mayBecome(change.state) { count += 1 }
      last = change.state
    }
    return count
  }
}

/// A stay in the room: asked for, connected, over.
public struct SessionRecord: Sendable, Equatable, Codable {
  public var requested: Instant
  public var connected: Instant?
  public var ended: Instant?
  /// Before each further attempt to get in.
  public var waits: [AttemptWait] = []

  public init(requested: Instant, connected: Instant?, ended: Instant?, waits: [AttemptWait]) {
    self.requested = requested
    self.connected = connected
    self.ended = ended
    self.waits = waits
  }
}

/// The wait before an attempt to connect.
public struct AttemptWait: Sendable, Equatable, Codable {
  /// Of the policy's attempts, from 0; nil for one that the SFU asked for.
  public var number: Int?
  public var from: Instant
  /// When the attempt was made; nil while none was.
  public var until: Instant?

  public init(number: Int?, from: Instant, until: Instant?) {
    self.number = number
    self.from = from
    self.until = until
  }
}

/// A lost connection, and the way back.
public struct ReconnectionRecord: Sendable, Equatable, Codable {
  public var lost: Instant
  public var back: Instant?
  public var wasResumed: Bool
  public var attempts: [Instant]
  public var waits: [AttemptWait]

  public init(
    lost: Instant, back: Instant?, wasResumed: Bool, attempts: [Instant], waits: [AttemptWait]
  ) {
    self.lost = lost
    self.back = back
    self.wasResumed = wasResumed
    self.attempts = attempts
    self.waits = waits
  }
}

/// What a client was told of another participant, over time.
public struct ToldIntervals: Sendable, Equatable, Codable {
  public var identity: String
  /// In order and without overlap.
  public var intervals: [Interval]

  public init(identity: String, intervals: [Interval]) {
    self.identity = identity
    self.intervals = intervals
  }
}

extension [ToldIntervals] {
  public func of(_ identity: String) -> [Interval] {
    first { $0.identity == identity }?.intervals ?? []
  }
}

/// From the first to the last moment of something; both belong to it.
public struct ClosedSpan: Sendable, Equatable, Codable {
  public var first: Instant
  public var last: Instant

  public init(_ range: ClosedRange<Instant>) {
    first = range.lowerBound
    last = range.upperBound
  }

  public var range: ClosedRange<Instant> { first...last }
}

/// How often the counters that wrap have done so.
public struct CounterWraps: Sendable, Equatable, Codable {
  /// Of streams received (RFC 3550 §5.1).
  public var sequenceNumbers = 0
  public var timestamps = 0
  /// SRTP's rollover counters, of streams sent and received (RFC 3711 §3.3.1).
  public var rollovers = 0
  /// Of pictures decoded (RFC 7741 §4.2).
  public var pictureIDs = 0
  /// Of transport-wide feedback on what was sent.
  public var referenceTimes = 0

  public init() {}
}

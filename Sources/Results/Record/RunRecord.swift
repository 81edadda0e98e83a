// What was observed while a run went on, as plain values: judged by Verdicts whoever wrote it down (a
// simulated run, a run against a served SFU, a capture). No verdict, no scenario and no world is in it.

import Basics

/// Everything that was observed in one run.
public struct RunRecord: Sendable, Equatable, Codable {
  /// When the observation ended; earlier than planned in a run that was interrupted.
  public var end: Instant
  /// In a fixed order.
  public var participants: [ParticipantRecord] = []
  public var links: [LinkRecord] = []
  public var flows: [FlowRecord] = []
  /// Requests to mute or unmute, in order of time, whoever made them.
  public var muteRequests: [MuteChange] = []
  /// Changes of rights that the SFU carried out, in order of time.
  public var rightsChanges: [RightsChange] = []
  /// Data messages that were sent, in order of time.
  public var messages: [SentMessage] = []
  /// What the SFU itself counted; nil for an SFU that cannot be looked into, and for a capture.
  public var server: ServerRecord?
  /// Packets that found no account: more or fewer came in than went out or were dropped, by what counted
  /// them. Empty entries are left out.
  public var unaccounted: [PacketDifference] = []
  /// Datagrams that entered a link.
  public var packetsSent = 0

  public init(end: Instant) { self.end = end }

  public func participant(_ identity: String) -> ParticipantRecord? {
    participants.first { $0.identity == identity }
  }
}

/// Audio or video.
public enum TrackKind: String, Sendable, Codable, CaseIterable { case video, audio }

/// What a track shows: W3C's camera and microphone, and a captured screen.
public enum MediaSource: String, Sendable, Codable, CaseIterable {
  case camera, microphone, screenShare

  public var kind: TrackKind { self == .microphone ? .audio : .video }
}

/// A mute or unmute, asked for or seen.
public struct MuteChange: Sendable, Equatable, Codable {
  public var at: Instant
  /// The publisher's.
  public var identity: String
  /// Nil for a source that scenarios have no word for.
  public var source: MediaSource?
  public var isMuted: Bool

  public init(at: Instant, identity: String, source: MediaSource?, isMuted: Bool) {
    self.at = at
    self.identity = identity
    self.source = source
    self.isMuted = isMuted
  }
}

/// A data message as its sender counts it.
public struct SentMessage: Sendable, Equatable, Codable {
  public var sender: String
  /// Unique for its sender.
  public var number: UInt32
  public var at: Instant
  public var isReliable: Bool

  public init(sender: String, number: UInt32, at: Instant, isReliable: Bool) {
    self.sender = sender
    self.number = number
    self.at = at
    self.isReliable = isReliable
  }
}

/// A data message as it arrived.
public struct ReceivedMessage: Sendable, Equatable, Codable {
  public var sender: String
  public var number: UInt32
  public var at: Instant

  public init(sender: String, number: UInt32, at: Instant) {
    self.sender = sender
    self.number = number
    self.at = at
  }
}

/// A difference between two counts of the same packets.
public struct PacketDifference: Sendable, Equatable, Codable {
  /// `datagrams to the SFU`.
  public var name: String
  public var packets: Int

  public init(_ name: String, _ packets: Int) {
    self.name = name
    self.packets = packets
  }
}

/// What the reference SFU counted.
public struct ServerRecord: Sendable, Equatable, Codable {
  public var stays: [Stay] = []
  /// The fullest that each queue was.
  public var queues: [Queue] = []
  /// What was left once everybody had gone; nil where nobody looked.
  public var leftovers: [PacketDifference]?
  /// Bytes that the allocator of the process had given out, every ten minutes of the run's time.
  public var memory: [Memory] = []

  public init() {}

  /// A participant's presence as the SFU counts it, from a join to the leave.
  public struct Stay: Sendable, Equatable, Codable {
    public var room: String
    public var identity: String
    public var joinedAt: Instant
    /// Nil while it lasts.
    public var leftAt: Instant?
    /// Time for which something was received.
    public var active: Duration

    public init(
      room: String, identity: String, joinedAt: Instant, leftAt: Instant?, active: Duration
    ) {
      self.room = room
      self.identity = identity
      self.joinedAt = joinedAt
      self.leftAt = leftAt
      self.active = active
    }
  }

  public struct Queue: Sendable, Equatable, Codable {
    public var name: String
    public var held: Double
    public var limit: Double
    public var unit: String

    public init(name: String, held: Double, limit: Double, unit: String) {
      self.name = name
      self.held = held
      self.limit = limit
      self.unit = unit
    }
  }

  public struct Memory: Sendable, Equatable, Codable {
    public var at: Instant
    public var bytes: Int64

    public init(at: Instant, bytes: Int64) {
      self.at = at
      self.bytes = bytes
    }
  }
}

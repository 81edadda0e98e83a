// Rooms, participants and tracks as clients are told of them: plain values of one moment, which a
// signalling writes in its own words.

import Wire

/// Which of the two transports of a participant, seen by its client.
enum TransportTarget {
  /// Takes what the client sends.
  case publisher
  /// Carries what the client gets.
  case subscriber
}

/// `active` from when the primary transport is connected.
enum ParticipantState {
  case joining, joined, active, disconnected
}

/// Why a participant left; the raw value is LiveKit's word.
enum DisconnectReason: String {
  case unknown = "UNKNOWN_REASON"
  case clientInitiated = "CLIENT_INITIATED"
  case duplicateIdentity = "DUPLICATE_IDENTITY"
  case serverShutdown = "SERVER_SHUTDOWN"
  case participantRemoved = "PARTICIPANT_REMOVED"
  case roomDeleted = "ROOM_DELETED"
  case stateMismatch = "STATE_MISMATCH"
  case joinFailure = "JOIN_FAILURE"
  case migration = "MIGRATION"
  case signalClose = "SIGNAL_CLOSE"
  case connectionTimeout = "CONNECTION_TIMEOUT"

  /// What the client is to do next: rejoin where the fault was ours.
  var action: LeaveAction {
    switch self {
    // Whose transport has failed may have a better one the next time (LiveKit: onAnyTransportFailed).
    case .serverShutdown, .stateMismatch, .migration, .connectionTimeout: .reconnect
    default: .disconnect
    }
  }
}

/// What a client does after a leave: stay away, resume its session, or join anew.
enum LeaveAction {
  case disconnect, resume, reconnect
}

/// The quality of a participant's connection as people are shown it.
public enum ConnectionQuality: Equatable, Sendable {
  case poor, good, excellent, lost
}

struct RoomSnapshot {
  var sid: String
  var name: String
  var settings: RoomSettings
  /// Unix seconds.
  var createdAt: Int64
  /// Hidden ones left out.
  var participants: Int
  var publishers: Int
}

struct ParticipantSnapshot {
  var sid: String
  var identity: String
  var profile: Profile
  var rights: ParticipantRights
  var state: ParticipantState
  /// Unix seconds.
  var joinedAt: Int64
  /// Grows with every change, so that receivers can tell old from new.
  var version: UInt32
  var tracks: [TrackSnapshot]
  var isPublisher: Bool
  /// Nil while it is there.
  var leaveReason: DisconnectReason?
}

struct TrackSnapshot {
  var sid: String
  /// As its publisher announced it.
  var announcement: TrackAnnouncement
  var isMuted: Bool
  /// Whether it was announced or offered in several layers.
  var isSimulcast: Bool
  /// `video/VP8`; empty before the offer.
  var mimeType = ""
  /// Of the publisher's offer; empty before.
  var mid = ""
  /// The rids of its layers, the lowest first; empty before the offer, and where there are none.
  var rids: [String] = []
  /// Unix time in microseconds.
  var announcedAt: Int64

  var source: TrackSource { announcement.source }
}

/// A track that a client is about to publish.
struct TrackAnnouncement {
  /// The client's own name for it, the track id of its `a=msid`.
  var cid = ""
  var kind = MediaKind.audio
  var source = TrackSource.unknown
  var name = ""
  var isMuted = false
  /// Pixels.
  var width: UInt32 = 0
  var height: UInt32 = 0
  /// In the order in which they were announced.
  var layers: [AnnouncedLayer] = []
  var disablesDTX = false
  var isStereo = false
  /// The client's name for the stream it is part of.
  var stream = ""
  var traits = TrackTraits()
}

/// What a publisher says of its media that other clients alone have a use for; passed on as it came. The
/// numbers are LiveKit's.
struct TrackTraits {
  /// `Encryption.Type`
  var encryption: Int32 = 0
  var disablesRED = false
  var backupCodecPolicy: Int32 = 0
  /// `AudioTrackFeature`
  var audioFeatures: [Int32] = []
  /// `PacketTrailerFeature`: what is appended to each encoded frame.
  var packetTrailers: [Int32] = []
}

/// A layer of a video as its publisher announced it.
struct AnnouncedLayer {
  /// 0 low, 1 medium, 2 high.
  var quality: Int
  /// Pixels.
  var width: UInt32
  var height: UInt32
  /// Bit/s.
  var bitrate: UInt32
  var ssrc: UInt32
  var repairSSRC: UInt32
  var spatialLayer: Int32
  var rid: String
}

/// Whether anybody takes what a publisher sends in one quality.
struct QualityDemand: Equatable {
  /// 0 low, 1 medium, 2 high.
  var quality: Int
  var isTaken: Bool
}

/// How loud a participant is.
struct SpeakerLevel {
  var sid: String
  /// 0...1.
  var level: Double
  var isActive: Bool
}

/// How good a participant's connection is.
struct ParticipantQuality {
  var sid: String
  var quality: ConnectionQuality
  /// 0...100.
  var score: Double
}

/// Whether lack of room keeps a track from its subscriber.
struct StreamStateChange {
  var publisherSid: String
  var trackSid: String
  var isPaused: Bool
}

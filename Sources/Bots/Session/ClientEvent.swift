// What a session tells its bot.

import Basics
import Transport
import Wire

public enum ClientEvent: Sendable {
  case joined(JoinedSession)
  /// The SFU took up the old session. The last reliable data message that it received; 0 for none.
  case resumed(lastReliableMessage: UInt32)
  /// An offer of the SFU for what the client receives; to be answered.
  case offer(NumberedDescription)
  /// The SFU's answer to the session's own offer to receive (WHEP); not to be answered.
  case receiveAnswer(String)
  case answer(NumberedDescription)
  /// The offer that is out will not be answered: make it again, with what has come since.
  case offerDropped
  case candidate(RemoteCandidate, of: SessionTransport)
  /// Participants that came, changed or went, the client itself among them.
  case participants([SessionParticipant])
  /// The SFU's name for an announced track.
  case published(cid: String, sid: String)
  case unpublished(track: String)
  /// A request was refused; what the SFU says of it.
  case refused(String)
  /// The SFU muted a track of the client's, or unmuted it.
  case mute(track: String, Bool)
  case speakers([SpeakerChange])
  case quality([QualityChange])
  /// Streams that the SFU paused for lack of bandwidth, or resumed.
  case streamStates([StreamStateChange])
  /// Which layers of an own track have subscribers (dynacast).
  case subscribedLayers(track: String, [LayerChange])
  /// The token to be used from now on.
  case token(String)
  /// The SFU ends the session, or asks the client to come back.
  case leave(DismissalReason, DismissalAction)
  /// The request for a connection was refused.
  case rejected(BotDeparture.Refusal)
  /// The connection was lost.
  case disconnected
}

/// Which of a client's two transports.
public enum SessionTransport: Sendable { case publisher, subscriber }

/// A session that has begun.
public struct JoinedSession: Sendable {
  /// The client's own sid.
  public var sid: String
  public var others: [SessionParticipant] = []
  /// Whether the SFU opens the subscriber transport in any case.
  public var opensSubscriber = false
}

/// A participant as the SFU describes it.
public struct SessionParticipant: Sendable, Equatable {
  public struct Track: Sendable, Equatable {
    public var sid: String
    public var source: TrackSource
    public var isMuted = false
  }

  public var sid: String
  public var identity: String
  /// Of two descriptions the one of the higher version holds.
  public var version: UInt32 = 0
  public var hasLeft = false
  public var mayPublish = false
  public var tracks: [Track] = []
}

public struct SpeakerChange: Sendable, Equatable {
  public var participant: String
  public var isSpeaking: Bool
}

public struct QualityChange: Sendable, Equatable {
  public var participant: String
  public var quality: SessionQuality
}

/// The quality of a participant's connection in the SFU's words; the raw value is what
/// `assay.connectionQuality` counts.
public enum SessionQuality: Int, Sendable, Comparable {
  case lost, poor, good, excellent

  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

public struct StreamStateChange: Sendable, Equatable {
  public var track: String
  public var isPaused: Bool
}

public struct LayerChange: Sendable, Equatable {
  /// Counted from 0, smallest first.
  public var layer: Int
  public var isWanted: Bool
}

/// What a client does after the SFU's leave.
public enum DismissalAction: Sendable, Equatable {
  case disconnect
  /// Resume the session on another connection.
  case resume
  /// Join anew, at once.
  case rejoin
}

/// Why the SFU ended a session. Raw values are those of LiveKit's DisconnectReason.
public enum DismissalReason: Int32, Sendable {
  case unknownReason, clientInitiated, duplicateIdentity, serverShutdown, participantRemoved,
    roomDeleted, stateMismatch, joinFailure, migration, signalClose, roomClosed, userUnavailable,
    userRejected, sipTrunkFailure, connectionTimeout, mediaFailure, agentError
}

// The messages the server's responses carry.

/// The first message of a session.
public struct JoinResponse: ProtoMessage {
  public var room: RoomInfo?
  public var participant: ParticipantInfo?
  public var otherParticipants: [ParticipantInfo] = []
  public var serverVersion = ""
  public var iceServers: [ICEServer] = []
  /// Whether the subscriber transport decides on being connected.
  public var subscriberPrimary = false
  public var alternativeUrl = ""
  public var clientConfiguration: ClientConfiguration?
  public var serverRegion = ""
  /// Seconds.
  public var pingTimeout: Int32 = 0
  /// Seconds; 0 is no pings.
  public var pingInterval: Int32 = 0
  public var serverInfo: ServerInfo?
  public var sifTrailer = [UInt8]()
  public var enabledPublishCodecs: [EnabledCodec] = []
  /// Whether to offer the publisher transport at once.
  public var fastPublish = false

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &room)
    try f.field(2, &participant)
    try f.field(3, &otherParticipants)
    try f.field(4, &serverVersion)
    try f.field(5, &iceServers)
    try f.field(6, &subscriberPrimary)
    try f.field(7, &alternativeUrl)
    try f.field(8, &clientConfiguration)
    try f.field(9, &serverRegion)
    try f.field(10, &pingTimeout)
    try f.field(11, &pingInterval)
    try f.field(12, &serverInfo)
    try f.field(13, &sifTrailer)
    try f.field(14, &enabledPublishCodecs)
    try f.field(15, &fastPublish)
  }
}

/// The first message after a resume.
public struct ReconnectResponse: ProtoMessage {
  public var iceServers: [ICEServer] = []
  public var clientConfiguration: ClientConfiguration?
  public var serverInfo: ServerInfo?
  /// The last reliable data message the server received.
  public var lastMessageSeq: UInt32 = 0

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &iceServers)
    try f.field(2, &clientConfiguration)
    try f.field(3, &serverInfo)
    try f.field(4, &lastMessageSeq)
  }
}

/// Participants that came, changed or went.
public struct ParticipantUpdate: ProtoMessage {
  public var participants: [ParticipantInfo] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &participants)
  }
}

/// The server's name for an announced track.
public struct TrackPublishedResponse: ProtoMessage {
  public var cid = ""
  public var track: TrackInfo?

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &cid)
    try f.field(2, &track)
  }
}

/// The server ended a track.
public struct TrackUnpublishedResponse: ProtoMessage {
  public var trackSid = ""

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &trackSid)
  }
}

/// Who began or ceased to speak.
public struct SpeakersChanged: ProtoMessage {
  public var speakers: [SpeakerInfo] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &speakers)
  }
}

/// The room changed.
public struct RoomUpdate: ProtoMessage {
  public var room: RoomInfo?

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &room)
  }
}

/// Shown beside the participants.
public struct ConnectionQualityUpdate: ProtoMessage {
  public var updates: [ConnectionQualityInfo] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &updates)
  }
}

/// The quality of one participant's connection.
public struct ConnectionQualityInfo: ProtoMessage {
  public var participantSid = ""
  public var quality = ConnectionQuality.poor
  /// 1...5.
  public var score: Float = 0

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &participantSid)
    try f.field(2, &quality)
    try f.field(3, &score)
  }
}

/// Tracks paused for congestion, or going on.
public struct StreamStateUpdate: ProtoMessage {
  public var streamStates: [StreamStateInfo] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &streamStates)
  }
}

/// The state of one track.
public struct StreamStateInfo: ProtoMessage {
  public var participantSid = ""
  public var trackSid = ""
  public var state = StreamState.active

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &participantSid)
    try f.field(2, &trackSid)
    try f.field(3, &state)
  }
}

/// Which layers somebody wants (dynacast).
public struct SubscribedQualityUpdate: ProtoMessage {
  public var trackSid = ""
  public var subscribedQualities: [SubscribedQuality] = []
  public var subscribedCodecs: [SubscribedCodec] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &trackSid)
    try f.field(2, &subscribedQualities)
    try f.field(3, &subscribedCodecs)
  }
}

/// Which layers of one codec.
public struct SubscribedCodec: ProtoMessage {
  public var codec = ""
  public var qualities: [SubscribedQuality] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &codec)
    try f.field(2, &qualities)
  }
}

/// Whether one layer.
public struct SubscribedQuality: ProtoMessage {
  public var quality = VideoQuality.low
  public var enabled = false

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &quality)
    try f.field(2, &enabled)
  }
}

/// Whether a publisher lets this client subscribe.
public struct SubscriptionPermissionUpdate: ProtoMessage {
  public var participantSid = ""
  public var trackSid = ""
  public var allowed = false

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &participantSid)
    try f.field(2, &trackSid)
    try f.field(3, &allowed)
  }
}

/// `Pong` in the protocol.
public struct SignalPong: ProtoMessage {
  /// The ping's.
  public var lastPingTimestamp: Int64 = 0
  /// Unix milliseconds of the server.
  public var timestamp: Int64 = 0

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &lastPingTimestamp)
    try f.field(2, &timestamp)
  }
}

/// A subscription that failed.
public struct SubscriptionResponse: ProtoMessage {
  public var trackSid = ""
  public var error = SubscriptionError.unknown

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &trackSid)
    try f.field(2, &error)
  }
}

/// What became of a request.
public struct RequestResponse: ProtoMessage {
  public var requestID: UInt32 = 0
  public var reason = RequestOutcome.ok
  public var message = ""
  public var request: AnsweredRequest?

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &requestID)
    try f.field(2, &reason)
    try f.field(3, &message)
    try f.oneof(&request)
  }
}

/// The request itself, sent back.
public enum AnsweredRequest: ProtoOneof {
  case trickle(TrickleRequest)
  case addTrack(AddTrackRequest)
  case mute(MuteTrackRequest)
  case updateMetadata(UpdateParticipantMetadata)
  case updateAudioTrack(UpdateLocalAudioTrack)
  case updateVideoTrack(UpdateLocalVideoTrack)
  case publishDataTrack(PublishDataTrackRequest)
  case unpublishDataTrack(UnpublishDataTrackRequest)

  public static func read(
    _ number: Int, from r: inout ProtoReader
  ) throws(ProtoError) -> Self? {
    switch number {
    case 4: try r.member(Self.trickle)
    case 5: try r.member(Self.addTrack)
    case 6: try r.member(Self.mute)
    case 7: try r.member(Self.updateMetadata)
    case 8: try r.member(Self.updateAudioTrack)
    case 9: try r.member(Self.updateVideoTrack)
    case 10: try r.member(Self.publishDataTrack)
    case 11: try r.member(Self.unpublishDataTrack)
    default: nil
    }
  }

  public func write(to w: inout ProtoWriter) {
    switch self {
    case .trickle(let m): w.member(4, m)
    case .addTrack(let m): w.member(5, m)
    case .mute(let m): w.member(6, m)
    case .updateMetadata(let m): w.member(7, m)
    case .updateAudioTrack(let m): w.member(8, m)
    case .updateVideoTrack(let m): w.member(9, m)
    case .publishDataTrack(let m): w.member(10, m)
    case .unpublishDataTrack(let m): w.member(11, m)
    }
  }
}

/// A published track has its first subscriber.
public struct TrackSubscribed: ProtoMessage {
  public var trackSid = ""

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &trackSid)
  }
}

/// The participant was moved to another room.
public struct RoomMovedResponse: ProtoMessage {
  public var room: RoomInfo?
  public var token = ""
  public var participant: ParticipantInfo?
  public var otherParticipants: [ParticipantInfo] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &room)
    try f.field(2, &token)
    try f.field(3, &participant)
    try f.field(4, &otherParticipants)
  }
}

/// The sections a client with a single transport has to offer more.
public struct MediaSectionsRequirement: ProtoMessage {
  public var numAudios: UInt32 = 0
  public var numVideos: UInt32 = 0

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &numAudios)
    try f.field(2, &numVideos)
  }
}

/// Which audio codecs somebody wants.
public struct SubscribedAudioCodecUpdate: ProtoMessage {
  public var trackSid = ""
  public var subscribedAudioCodecs: [SubscribedAudioCodec] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &trackSid)
    try f.field(2, &subscribedAudioCodecs)
  }
}

/// Whether one.
public struct SubscribedAudioCodec: ProtoMessage {
  public var codec = ""
  public var enabled = false

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &codec)
    try f.field(2, &enabled)
  }
}

/// The server's name for a data track.
public struct PublishDataTrackResponse: ProtoMessage {
  public var info: DataTrackInfo?

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &info)
  }
}

/// A data track ended.
public struct UnpublishDataTrackResponse: ProtoMessage {
  public var info: DataTrackInfo?

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &info)
  }
}

/// By which handles the frames of data tracks will come.
public struct DataTrackSubscriberHandles: ProtoMessage {
  public var subHandles: [DataTrackSubscriberHandle] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &subHandles)
  }
}

/// An entry of that map.
public struct DataTrackSubscriberHandle: ProtoMessage {
  public var key: UInt32 = 0
  public var value: PublishedDataTrack?

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &key)
    try f.field(2, &value)
  }
}

/// Whose track a handle stands for.
public struct PublishedDataTrack: ProtoMessage {
  public var publisherIdentity = ""
  public var publisherSid = ""
  public var trackSid = ""

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &publisherIdentity)
    try f.field(2, &publisherSid)
    try f.field(3, &trackSid)
  }
}

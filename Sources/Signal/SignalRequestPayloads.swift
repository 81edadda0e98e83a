// The messages a client's requests carry, some of which the server sends as well.

import Wire

/// A candidate, in either direction.
public struct TrickleRequest: ProtoMessage {
  /// JSON of a `CandidateInit`.
  public var candidateInit = ""
  public var target = SignalTarget.publisher
  public var isFinal = false

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &candidateInit)
    try f.field(2, &target)
    try f.field(3, &isFinal)
  }
}

/// Announces a track before its media; answered by `TrackPublishedResponse`.
public struct AddTrackRequest: ProtoMessage {
  /// The client's own name for it, the track id of its a=msid.
  public var cid = ""
  public var name = ""
  public var type = TrackType.audio
  public var width: UInt32 = 0
  public var height: UInt32 = 0
  public var muted = false
  public var disableDtx = false
  public var source = TrackSource.unknown
  public var layers: [VideoLayer] = []
  public var simulcastCodecs: [SimulcastCodec] = []
  /// Of a track that gets another codec.
  public var sid = ""
  public var stereo = false
  public var disableRed = false
  public var encryption = EncryptionType.unencrypted
  public var stream = ""
  public var backupCodecPolicy = BackupCodecPolicy.preferRegression
  public var audioFeatures: [AudioTrackFeature] = []
  public var packetTrailerFeatures: [PacketTrailerFeature] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &cid)
    try f.field(2, &name)
    try f.field(3, &type)
    try f.field(4, &width)
    try f.field(5, &height)
    try f.field(6, &muted)
    try f.field(7, &disableDtx)
    try f.field(8, &source)
    try f.field(9, &layers)
    try f.field(10, &simulcastCodecs)
    try f.field(11, &sid)
    try f.field(12, &stereo)
    try f.field(13, &disableRed)
    try f.field(14, &encryption)
    try f.field(15, &stream)
    try f.field(16, &backupCodecPolicy)
    try f.field(17, &audioFeatures)
    try f.field(18, &packetTrailerFeatures)
  }
}

/// A codec the client is going to publish the track in.
public struct SimulcastCodec: ProtoMessage {
  public var codec = ""
  public var cid = ""
  public var layers: [VideoLayer] = []
  public var videoLayerMode = VideoLayerMode.unused

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &codec)
    try f.field(2, &cid)
    try f.field(4, &layers)
    try f.field(5, &videoLayerMode)
  }
}

/// Mutes a track, in either direction.
public struct MuteTrackRequest: ProtoMessage {
  public var sid = ""
  public var muted = false

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &sid)
    try f.field(2, &muted)
  }
}

/// Subscribes to tracks, or no longer.
public struct UpdateSubscription: ProtoMessage {
  public var trackSids: [String] = []
  public var subscribe = false
  public var participantTracks: [ParticipantTracks] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &trackSids)
    try f.field(2, &subscribe)
    try f.field(3, &participantTracks)
  }
}

/// How a subscriber shows tracks: not at all, in this size, at this rate.
public struct UpdateTrackSettings: ProtoMessage {
  public var trackSids: [String] = []
  public var disabled = false
  public var quality = VideoQuality.low
  public var width: UInt32 = 0
  public var height: UInt32 = 0
  public var fps: UInt32 = 0
  /// 1 is the highest, 0 unset.
  public var priority: UInt32 = 0

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &trackSids)
    try f.field(3, &disabled)
    try f.field(4, &quality)
    try f.field(5, &width)
    try f.field(6, &height)
    try f.field(7, &fps)
    try f.field(8, &priority)
  }
}

/// Ends the session, in either direction.
public struct LeaveRequest: ProtoMessage {
  /// What was before `action`.
  public var canReconnect = false
  public var reason = DisconnectReason.unknownReason
  public var action = LeaveAction.disconnect
  public var regions: RegionSettings?

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &canReconnect)
    try f.field(2, &reason)
    try f.field(3, &action)
    try f.field(4, &regions)
  }
}

/// The layers of a track have changed; deprecated.
public struct UpdateVideoLayers: ProtoMessage {
  public var trackSid = ""
  public var layers: [VideoLayer] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &trackSid)
    try f.field(2, &layers)
  }
}

/// Who may subscribe to the tracks of the sender.
public struct SubscriptionPermission: ProtoMessage {
  public var allParticipants = false
  public var trackPermissions: [TrackPermission] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &allParticipants)
    try f.field(2, &trackPermissions)
  }
}

/// Which of them one participant may; named by sid or by identity.
public struct TrackPermission: ProtoMessage {
  public var participantSid = ""
  public var allTracks = false
  public var trackSids: [String] = []
  public var participantIdentity = ""

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &participantSid)
    try f.field(2, &allTracks)
    try f.field(3, &trackSids)
    try f.field(4, &participantIdentity)
  }
}

/// What a resuming client believes to be so.
public struct SyncState: ProtoMessage {
  public var answer: SignalDescription?
  /// The exceptions from automatic subscription.
  public var subscription: UpdateSubscription?
  public var publishTracks: [TrackPublishedResponse] = []
  public var dataChannels: [DataChannelInfo] = []
  public var offer: SignalDescription?
  public var trackSidsDisabled: [String] = []
  public var dataChannelReceiveStates: [DataChannelReceiveState] = []
  public var publishDataTracks: [PublishDataTrackResponse] = []
  public var dataSubscription: UpdateDataSubscription?

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &answer)
    try f.field(2, &subscription)
    try f.field(3, &publishTracks)
    try f.field(4, &dataChannels)
    try f.field(5, &offer)
    try f.field(6, &trackSidsDisabled)
    try f.field(7, &dataChannelReceiveStates)
    try f.field(8, &publishDataTracks)
    try f.field(9, &dataSubscription)
  }
}

/// A data channel of the client.
public struct DataChannelInfo: ProtoMessage {
  public var label = ""
  public var id: UInt32 = 0
  public var target = SignalTarget.publisher

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &label)
    try f.field(2, &id)
    try f.field(3, &target)
  }
}

/// The last reliable message received from a publisher.
public struct DataChannelReceiveState: ProtoMessage {
  public var publisherSid = ""
  public var lastSeq: UInt32 = 0

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &publisherSid)
    try f.field(2, &lastSeq)
  }
}

/// Changes the sender's own metadata; an empty attribute is removed.
public struct UpdateParticipantMetadata: ProtoMessage {
  public var metadata = ""
  public var name = ""
  public var attributes: [String: String] = [:]
  public var requestID: UInt32 = 0

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &metadata)
    try f.field(2, &name)
    try f.field(3, &attributes)
    try f.field(4, &requestID)
  }
}

/// `Ping` in the protocol.
public struct SignalPing: ProtoMessage {
  /// Unix milliseconds of the client.
  public var timestamp: Int64 = 0
  /// Milliseconds.
  public var rtt: Int64 = 0

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &timestamp)
    try f.field(2, &rtt)
  }
}

/// The features of a published audio track have changed.
public struct UpdateLocalAudioTrack: ProtoMessage {
  public var trackSid = ""
  public var features: [AudioTrackFeature] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &trackSid)
    try f.field(2, &features)
  }
}

/// The size of a published video track has changed.
public struct UpdateLocalVideoTrack: ProtoMessage {
  public var trackSid = ""
  public var width: UInt32 = 0
  public var height: UInt32 = 0

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &trackSid)
    try f.field(2, &width)
    try f.field(3, &height)
  }
}

/// Announces a data track, without the schema of its frames.
public struct PublishDataTrackRequest: ProtoMessage {
  public var pubHandle: UInt32 = 0
  public var name = ""
  public var encryption = EncryptionType.unencrypted

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &pubHandle)
    try f.field(2, &name)
    try f.field(3, &encryption)
  }
}

/// Ends a data track.
public struct UnpublishDataTrackRequest: ProtoMessage {
  public var pubHandle: UInt32 = 0

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &pubHandle)
  }
}

/// Subscribes to data tracks, or no longer.
public struct UpdateDataSubscription: ProtoMessage {
  public var updates: [DataSubscriptionChange] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &updates)
  }
}

/// What becomes of one; `UpdateDataSubscription.Update` in the protocol.
public struct DataSubscriptionChange: ProtoMessage {
  public var trackSid = ""
  public var subscribe = false
  public var options: DataTrackSubscriptionOptions?

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &trackSid)
    try f.field(2, &subscribe)
    try f.field(3, &options)
  }
}

/// How often frames are wanted.
public struct DataTrackSubscriptionOptions: ProtoMessage {
  public var targetFps: UInt32?

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &targetFps)
  }
}

/// Makes the server behave as if something had gone wrong.
public struct SimulateScenario: ProtoMessage {
  public var scenario: SimulatedScenario?

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.oneof(&scenario)
  }
}

/// What goes wrong.
public enum SimulatedScenario: ProtoOneof {
  case speakerUpdate(Int32)
  case nodeFailure(Bool)
  case migration(Bool)
  case serverLeave(Bool)
  case switchCandidateProtocol(CandidateProtocol)
  case subscriberBandwidth(Int64)
  case disconnectSignalOnResume(Bool)
  case disconnectSignalOnResumeNoMessages(Bool)
  case leaveRequestFullReconnect(Bool)

  public static func read(
    _ number: Int, from r: inout ProtoReader
  ) throws(ProtoError) -> Self? {
    switch number {
    case 1: try r.member(Self.speakerUpdate)
    case 2: try r.member(Self.nodeFailure)
    case 3: try r.member(Self.migration)
    case 4: try r.member(Self.serverLeave)
    case 5: try r.member(Self.switchCandidateProtocol)
    case 6: try r.member(Self.subscriberBandwidth)
    case 7: try r.member(Self.disconnectSignalOnResume)
    case 8: try r.member(Self.disconnectSignalOnResumeNoMessages)
    case 9: try r.member(Self.leaveRequestFullReconnect)
    default: nil
    }
  }

  public func write(to w: inout ProtoWriter) {
    switch self {
    case .speakerUpdate(let m): w.member(1, m)
    case .nodeFailure(let m): w.member(2, m)
    case .migration(let m): w.member(3, m)
    case .serverLeave(let m): w.member(4, m)
    case .switchCandidateProtocol(let m): w.member(5, m)
    case .subscriberBandwidth(let m): w.member(6, m)
    case .disconnectSignalOnResume(let m): w.member(7, m)
    case .disconnectSignalOnResumeNoMessages(let m): w.member(8, m)
    case .leaveRequestFullReconnect(let m): w.member(9, m)
    }
  }
}

// The rooms, participants and tracks of LiveKit's signalling protocol.

import Wire

/// An offer or answer; `SessionDescription` in the protocol.
public struct SignalDescription: ProtoMessage {
  /// `offer`, `answer`, `pranswer` or `rollback`.
  public var type = ""
  public var sdp = ""
  /// Joins an answer to its offer; 0 from clients that do not count.
  public var id: UInt32 = 0
  /// By mid, for a client with a single transport.
  public var midToTrackID: [String: String] = [:]

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &type)
    try f.field(2, &sdp)
    try f.field(3, &id)
    try f.field(4, &midToTrackID)
  }
}

/// Orders the states of an object.
public struct TimedVersion: ProtoMessage {
  public var unixMicro: Int64 = 0
  public var ticks: Int32 = 0

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &unixMicro)
    try f.field(2, &ticks)
  }
}

/// A codec that may be published; `Codec` in the protocol.
public struct EnabledCodec: ProtoMessage {
  /// `video/VP8`.
  public var mime = ""
  public var fmtpLine = ""

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &mime)
    try f.field(2, &fmtpLine)
  }
}

/// A room as clients see it; `Room` in the protocol.
public struct RoomInfo: ProtoMessage {
  /// `RM_…`.
  public var sid = ""
  public var name = ""
  /// Seconds.
  public var emptyTimeout: UInt32 = 0
  public var maxParticipants: UInt32 = 0
  /// Unix seconds.
  public var creationTime: Int64 = 0
  public var turnPassword = ""
  public var enabledCodecs: [EnabledCodec] = []
  public var metadata = ""
  public var numParticipants: UInt32 = 0
  public var activeRecording = false
  public var numPublishers: UInt32 = 0
  public var version: TimedVersion?
  /// Seconds.
  public var departureTimeout: UInt32 = 0
  /// Unix milliseconds.
  public var creationTimeMs: Int64 = 0

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &sid)
    try f.field(2, &name)
    try f.field(3, &emptyTimeout)
    try f.field(4, &maxParticipants)
    try f.field(5, &creationTime)
    try f.field(6, &turnPassword)
    try f.field(7, &enabledCodecs)
    try f.field(8, &metadata)
    try f.field(9, &numParticipants)
    try f.field(10, &activeRecording)
    try f.field(11, &numPublishers)
    try f.field(13, &version)
    try f.field(14, &departureTimeout)
    try f.field(15, &creationTimeMs)
  }
}

/// What a participant may do, from its token or set since.
public struct ParticipantPermission: ProtoMessage {
  public var canSubscribe = false
  public var canPublish = false
  public var canPublishData = false
  public var hidden = false
  public var recorder = false
  /// Empty is all of them.
  public var canPublishSources: [TrackSource] = []
  public var canUpdateMetadata = false
  public var agent = false
  public var canSubscribeMetrics = false
  public var canManageAgentSession = false

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &canSubscribe)
    try f.field(2, &canPublish)
    try f.field(3, &canPublishData)
    try f.field(7, &hidden)
    try f.field(8, &recorder)
    try f.field(9, &canPublishSources)
    try f.field(10, &canUpdateMetadata)
    try f.field(11, &agent)
    try f.field(12, &canSubscribeMetrics)
    try f.field(13, &canManageAgentSession)
  }
}

/// A participant as the others see it.
public struct ParticipantInfo: ProtoMessage {
  /// `PA_…`.
  public var sid = ""
  public var identity = ""
  public var state = ParticipantState.joining
  public var tracks: [TrackInfo] = []
  public var metadata = ""
  /// Unix seconds.
  public var joinedAt: Int64 = 0
  public var name = ""
  /// Grows with every change; clients leave out older ones.
  public var version: UInt32 = 0
  public var permission: ParticipantPermission?
  public var region = ""
  public var isPublisher = false
  public var kind = ParticipantKind.standard
  public var attributes: [String: String] = [:]
  public var disconnectReason = DisconnectReason.unknownReason
  /// Unix milliseconds.
  public var joinedAtMs: Int64 = 0
  public var kindDetails: [ParticipantKindDetail] = []
  public var dataTracks: [DataTrackInfo] = []
  public var clientProtocol: Int32 = 0
  public var capabilities: [ClientCapability] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &sid)
    try f.field(2, &identity)
    try f.field(3, &state)
    try f.field(4, &tracks)
    try f.field(5, &metadata)
    try f.field(6, &joinedAt)
    try f.field(9, &name)
    try f.field(10, &version)
    try f.field(11, &permission)
    try f.field(12, &region)
    try f.field(13, &isPublisher)
    try f.field(14, &kind)
    try f.field(15, &attributes)
    try f.field(16, &disconnectReason)
    try f.field(17, &joinedAtMs)
    try f.field(18, &kindDetails)
    try f.field(19, &dataTracks)
    try f.field(20, &clientProtocol)
    try f.field(21, &capabilities)
  }
}

/// A published track.
public struct TrackInfo: ProtoMessage {
  /// `TR_…`.
  public var sid = ""
  public var type = TrackType.audio
  public var name = ""
  public var muted = false
  public var width: UInt32 = 0
  public var height: UInt32 = 0
  public var simulcast = false
  public var disableDtx = false
  public var source = TrackSource.unknown
  public var layers: [VideoLayer] = []
  /// `video/VP8`.
  public var mimeType = ""
  /// Of the section of the publisher's offer.
  public var mid = ""
  public var codecs: [SimulcastCodecInfo] = []
  public var stereo = false
  public var disableRed = false
  public var encryption = EncryptionType.unencrypted
  public var stream = ""
  public var version: TimedVersion?
  public var audioFeatures: [AudioTrackFeature] = []
  public var backupCodecPolicy = BackupCodecPolicy.preferRegression
  public var packetTrailerFeatures: [PacketTrailerFeature] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &sid)
    try f.field(2, &type)
    try f.field(3, &name)
    try f.field(4, &muted)
    try f.field(5, &width)
    try f.field(6, &height)
    try f.field(7, &simulcast)
    try f.field(8, &disableDtx)
    try f.field(9, &source)
    try f.field(10, &layers)
    try f.field(11, &mimeType)
    try f.field(12, &mid)
    try f.field(13, &codecs)
    try f.field(14, &stereo)
    try f.field(15, &disableRed)
    try f.field(16, &encryption)
    try f.field(17, &stream)
    try f.field(18, &version)
    try f.field(19, &audioFeatures)
    try f.field(20, &backupCodecPolicy)
    try f.field(21, &packetTrailerFeatures)
  }
}

/// One of the codecs a track is published in.
public struct SimulcastCodecInfo: ProtoMessage {
  public var mimeType = ""
  public var mid = ""
  public var cid = ""
  public var layers: [VideoLayer] = []
  public var videoLayerMode = VideoLayerMode.unused
  /// The track id of the offer, where it is not `cid`.
  public var sdpCid = ""

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &mimeType)
    try f.field(2, &mid)
    try f.field(3, &cid)
    try f.field(4, &layers)
    try f.field(5, &videoLayerMode)
    try f.field(6, &sdpCid)
  }
}

/// A layer of a video; a track of a single layer has `high`.
public struct VideoLayer: ProtoMessage {
  public var quality = VideoQuality.low
  public var width: UInt32 = 0
  public var height: UInt32 = 0
  /// Bit/s.
  public var bitrate: UInt32 = 0
  public var ssrc: UInt32 = 0
  public var spatialLayer: Int32 = 0
  public var rid = ""
  public var repairSsrc: UInt32 = 0

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &quality)
    try f.field(2, &width)
    try f.field(3, &height)
    try f.field(4, &bitrate)
    try f.field(5, &ssrc)
    try f.field(6, &spatialLayer)
    try f.field(7, &rid)
    try f.field(8, &repairSsrc)
  }
}

/// A published data track, without the schema of its frames.
public struct DataTrackInfo: ProtoMessage {
  public var pubHandle: UInt32 = 0
  public var sid = ""
  public var name = ""
  public var encryption = EncryptionType.unencrypted

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &pubHandle)
    try f.field(2, &sid)
    try f.field(3, &name)
    try f.field(4, &encryption)
  }
}

/// How loud a participant is.
public struct SpeakerInfo: ProtoMessage {
  public var sid = ""
  /// 0...1.
  public var level: Float = 0
  public var active = false

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &sid)
    try f.field(2, &level)
    try f.field(3, &active)
  }
}

/// A STUN or TURN server.
public struct ICEServer: ProtoMessage {
  public var urls: [String] = []
  public var username = ""
  public var credential = ""

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &urls)
    try f.field(2, &username)
    try f.field(3, &credential)
  }
}

/// Who the server is.
public struct ServerInfo: ProtoMessage {
  public var edition = ServerEdition.standard
  public var version = ""
  /// 17 is what this module speaks.
  public var protocolVersion: Int32 = 0
  public var region = ""
  public var nodeID = ""
  public var debugInfo = ""
  public var agentProtocol: Int32 = 0

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &edition)
    try f.field(2, &version)
    try f.field(3, &protocolVersion)
    try f.field(4, &region)
    try f.field(5, &nodeID)
    try f.field(6, &debugInfo)
    try f.field(7, &agentProtocol)
  }
}

/// Who the client is.
public struct ClientInfo: ProtoMessage {
  public var sdk = ClientSDK.unknown
  public var version = ""
  public var protocolVersion: Int32 = 0
  public var os = ""
  public var osVersion = ""
  public var deviceModel = ""
  public var browser = ""
  public var browserVersion = ""
  public var address = ""
  /// `wifi`, `wired`, `cellular` or `vpn`.
  public var network = ""
  public var otherSdks = ""
  public var clientProtocol: Int32 = 0
  public var capabilities: [ClientCapability] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &sdk)
    try f.field(2, &version)
    try f.field(3, &protocolVersion)
    try f.field(4, &os)
    try f.field(5, &osVersion)
    try f.field(6, &deviceModel)
    try f.field(7, &browser)
    try f.field(8, &browserVersion)
    try f.field(9, &address)
    try f.field(10, &network)
    try f.field(11, &otherSdks)
    try f.field(12, &clientProtocol)
    try f.field(13, &capabilities)
  }
}

/// Tracks of one participant.
public struct ParticipantTracks: ProtoMessage {
  public var participantSid = ""
  public var trackSids: [String] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &participantSid)
    try f.field(2, &trackSids)
  }
}

/// What the server wants of the client.
public struct ClientConfiguration: ProtoMessage {
  public var video: VideoConfiguration?
  public var screen: VideoConfiguration?
  public var resumeConnection = ClientConfigSetting.unset
  public var disabledCodecs: DisabledCodecs?
  public var forceRelay = ClientConfigSetting.unset

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &video)
    try f.field(2, &screen)
    try f.field(3, &resumeConnection)
    try f.field(4, &disabledCodecs)
    try f.field(5, &forceRelay)
  }
}

/// Whether to encode in hardware.
public struct VideoConfiguration: ProtoMessage {
  public var hardwareEncoder = ClientConfigSetting.unset

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &hardwareEncoder)
  }
}

/// Codecs not to be used at all, or not for publishing.
public struct DisabledCodecs: ProtoMessage {
  public var codecs: [EnabledCodec] = []
  public var publish: [EnabledCodec] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &codecs)
    try f.field(2, &publish)
  }
}

/// Other servers to try.
public struct RegionSettings: ProtoMessage {
  public var regions: [RegionInfo] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &regions)
  }
}

/// A server near the client.
public struct RegionInfo: ProtoMessage {
  public var region = ""
  public var url = ""
  /// Metres.
  public var distance: Int64 = 0

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &region)
    try f.field(2, &url)
    try f.field(3, &distance)
  }
}

// The enumerations of LiveKit's signalling protocol.

import Wire

public enum TrackType: Int32, ProtoEnum {
  case audio, video, data
}

extension TrackSource: ProtoEnum {}

/// A layer of a simulcast: rids q, h, f are low, medium, high.
public enum VideoQuality: Int32, ProtoEnum {
  case low, medium, high, off
}

/// How the layers of a video lie in RTP streams.
public enum VideoLayerMode: Int32, ProtoEnum {
  case unused, oneSpatialLayerPerStream, multipleSpatialLayersPerStream,
    oneSpatialLayerPerStreamIncompleteRtcpSr

  public var jsonName: String { self == .unused ? "MODE_UNUSED" : caseName }
}

public enum EncryptionType: Int32, ProtoEnum {
  case unencrypted, gcm, custom

  public var jsonName: String { self == .unencrypted ? "NONE" : caseName }
}

public enum BackupCodecPolicy: Int32, ProtoEnum {
  case preferRegression, simulcast, regression
}

public enum AudioTrackFeature: Int32, ProtoEnum {
  case stereo, noDtx, autoGainControl, echoCancellation, noiseSuppression,
    enhancedNoiseCancellation, preconnectBuffer

  public var jsonName: String { "TF_" + caseName }
}

public enum PacketTrailerFeature: Int32, ProtoEnum {
  case userTimestamp, frameID, userData

  public var jsonName: String { "PTF_" + caseName }
}

/// `active` from when the primary transport is connected.
public enum ParticipantState: Int32, ProtoEnum {
  case joining, joined, active, disconnected
}

public enum ParticipantKind: Int32, ProtoEnum {
  case standard, ingress, egress, sip, agent
  case connector = 7
  case bridge
}

public enum ParticipantKindDetail: Int32, ProtoEnum {
  case cloudAgent, forwarded, connectorWhatsapp, connectorTwilio, bridgeRtsp, simulation
}

/// Why a participant is gone, told to itself and to the others.
public enum DisconnectReason: Int32, ProtoEnum {
  case unknownReason, clientInitiated, duplicateIdentity, serverShutdown, participantRemoved,
    roomDeleted, stateMismatch, joinFailure, migration, signalClose, roomClosed, userUnavailable,
    userRejected, sipTrunkFailure, connectionTimeout, mediaFailure, agentError
}

/// Why a client comes back.
public enum ReconnectReason: Int32, ProtoEnum {
  case unknown, signalDisconnected, publisherFailed, subscriberFailed, switchCandidate
}

/// Which of the two transports an offer, answer or candidate is for, seen by the client.
public enum SignalTarget: Int32, ProtoEnum {
  case publisher, subscriber
}

public enum StreamState: Int32, ProtoEnum {
  case active, paused
}

/// The quality of a participant's connection as people are shown it.
public enum ConnectionQuality: Int32, ProtoEnum {
  case poor, good, excellent, lost
}

public enum SubscriptionError: Int32, ProtoEnum {
  case unknown, codecUnsupported, trackNotFound
}

public enum CandidateProtocol: Int32, ProtoEnum {
  case udp, tcp, tls
}

/// What a client does after a leave: stay away, resume its session, or join anew.
public enum LeaveAction: Int32, ProtoEnum {
  case disconnect, resume, reconnect
}

/// What became of a request with an id.
public enum RequestOutcome: Int32, ProtoEnum {
  case ok, notFound, notAllowed, limitExceeded, queued, unsupportedType, unclassifiedError,
    invalidHandle, invalidName, duplicateHandle, duplicateName, invalidRequest
}

public enum ServerEdition: Int32, ProtoEnum {
  case standard, cloud
}

public enum ClientSDK: Int32, ProtoEnum {
  case unknown, js, swift, android, flutter, go, unity, reactNative, rust, python, cpp, unityWeb,
    node, unreal, esp32, dotnet
}

public enum ClientCapability: Int32, ProtoEnum {
  case unused, packetTrailer, compressionDeflateRaw

  public var jsonName: String { "CAP_" + caseName }
}

public enum ClientConfigSetting: Int32, ProtoEnum {
  case unset, disabled, enabled
}

public enum JoinCompression: Int32, ProtoEnum {
  case uncompressed, gzip
}

public enum DataPacketKind: Int32, ProtoEnum {
  case reliable, lossy
}

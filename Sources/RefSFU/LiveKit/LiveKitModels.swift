// Rooms, participants and tracks in LiveKit's words.

import Basics
import Signal
import Wire

extension RoomInfo {
  init(_ room: RoomSnapshot) {
    self.init {
      $0.sid = room.sid
      $0.name = room.name
      $0.emptyTimeout = room.settings.emptyTimeout
      $0.departureTimeout = room.settings.departureTimeout
      $0.metadata = room.settings.metadata
      $0.maxParticipants = UInt32(room.settings.maximumParticipants)
      $0.creationTime = room.createdAt
      $0.creationTimeMs = room.createdAt * 1_000
      $0.enabledCodecs = EnabledCodec.all
      $0.numParticipants = UInt32(room.participants)
      $0.numPublishers = UInt32(room.publishers)
    }
  }
}

extension ParticipantInfo {
  init(_ participant: ParticipantSnapshot) {
    self.init {
      $0.sid = participant.sid
      $0.identity = participant.identity
      $0.name = participant.profile.name
      $0.metadata = participant.profile.metadata
      $0.attributes = participant.profile.attributes
      $0.state = Signal.ParticipantState(participant.state)
      $0.joinedAt = participant.joinedAt
      $0.joinedAtMs = participant.joinedAt * 1_000
      $0.version = participant.version
      $0.tracks = participant.tracks.map { TrackInfo($0) }
      $0.isPublisher = participant.isPublisher
      $0.permission = ParticipantPermission(participant.rights)
      $0.disconnectReason = Signal.DisconnectReason(participant.leaveReason ?? .unknown)
    }
  }
}

extension TrackInfo {
  init(_ track: TrackSnapshot) {
    let announced = track.announcement
    let traits = announced.traits
    let layers = announced.layers.map { VideoLayer($0, of: track) }
    self.init {
      $0.sid = track.sid
      $0.type = announced.kind == .video ? .video : announced.kind == .audio ? .audio : .data
      $0.name = announced.name
      $0.muted = track.isMuted
      $0.width = announced.width
      $0.height = announced.height
      $0.source = announced.source
      $0.layers = layers
      $0.simulcast = track.isSimulcast
      $0.disableDtx = announced.disablesDTX
      $0.stereo = announced.isStereo
      $0.stream = announced.stream
      $0.mimeType = track.mimeType
      $0.mid = track.mid
      $0.version = TimedVersion { $0.unixMicro = track.announcedAt }
      $0.encryption = EncryptionType(rawValue: traits.encryption) ?? .unencrypted
      $0.disableRed = traits.disablesRED
      $0.backupCodecPolicy =
        BackupCodecPolicy(rawValue: traits.backupCodecPolicy) ?? .preferRegression
      $0.audioFeatures = traits.audioFeatures.compactMap { AudioTrackFeature(rawValue: $0) }
      $0.packetTrailerFeatures = traits.packetTrailers.compactMap {
        PacketTrailerFeature(rawValue: $0)
      }
      guard !track.mimeType.isEmpty else { return }
      $0.codecs = [
        SimulcastCodecInfo {
          $0.mimeType = track.mimeType
          $0.mid = track.mid
          $0.cid = announced.cid
          $0.layers = layers
          if track.isSimulcast { $0.videoLayerMode = .oneSpatialLayerPerStream }
        }
      ]
    }
  }
}

extension EnabledCodec {
  static let all = CodecProfile.all.map { codec in EnabledCodec { $0.mime = codec.mimeType } }
}

extension VideoLayer {
  /// As it was announced, with what the offer said of it since.
  fileprivate init(_ layer: AnnouncedLayer, of track: TrackSnapshot) {
    let place = track.announcement.layers.count { $0.quality < layer.quality }
    let rid = place < track.rids.count ? track.rids[place] : ""
    self.init {
      $0.quality = VideoQuality(rawValue: Int32(layer.quality)) ?? .low
      $0.width = layer.width
      $0.height = layer.height
      $0.bitrate = layer.bitrate
      $0.ssrc = layer.ssrc
      $0.repairSsrc = layer.repairSSRC
      $0.spatialLayer =
        layer.spatialLayer == 0 && track.isSimulcast ? Int32(place) : layer.spatialLayer
      $0.rid = layer.rid.isEmpty ? rid : layer.rid
    }
  }
}

// MARK: - Enumerations

extension Signal.ParticipantState {
  init(_ state: ParticipantState) {
    switch state {
    case .joining: self = .joining
    case .joined: self = .joined
    case .active: self = .active
    case .disconnected: self = .disconnected
    }
  }
}

extension Signal.ConnectionQuality {
  init(_ quality: ConnectionQuality) {
    switch quality {
    case .poor: self = .poor
    case .good: self = .good
    case .excellent: self = .excellent
    case .lost: self = .lost
    }
  }
}

extension Signal.LeaveAction {
  init(_ action: LeaveAction) {
    switch action {
    case .disconnect: self = .disconnect
    case .resume: self = .resume
    case .reconnect: self = .reconnect
    }
  }
}

extension Signal.DisconnectReason {
  init(_ reason: DisconnectReason) {
    switch reason {
    case .unknown: self = .unknownReason
    case .clientInitiated: self = .clientInitiated
    case .duplicateIdentity: self = .duplicateIdentity
    case .serverShutdown: self = .serverShutdown
    case .participantRemoved: self = .participantRemoved
    case .roomDeleted: self = .roomDeleted
    case .stateMismatch: self = .stateMismatch
    case .joinFailure: self = .joinFailure
    case .migration: self = .migration
    case .signalClose: self = .signalClose
    case .connectionTimeout: self = .connectionTimeout
    }
  }
}

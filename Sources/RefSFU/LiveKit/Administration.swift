// What a room's administrator may do over the API (LiveKit RoomService), whoever carries the request.

import Basics
import Signal
import Wire

extension SFU {
  /// Rights given or taken; nil leaves one as it is.
  public struct RightsChange: Sendable {
    public var canPublish: Bool?
    public var canSubscribe: Bool?
    public var canPublishData: Bool?
    /// As grants write them: `camera`, `microphone` …
    public var canPublishSources: [String]?
    public var hidden: Bool?
    public var canUpdateOwnMetadata: Bool?

    public init() {}

    init(_ permission: ParticipantPermission) {
      canPublish = permission.canPublish
      canSubscribe = permission.canSubscribe
      canPublishData = permission.canPublishData
      canPublishSources = permission.canPublishSources.map(\.grantName)
      hidden = permission.hidden
      canUpdateOwnMetadata = permission.canUpdateMetadata
    }
  }

  /// UpdateParticipant: tracks that are no longer allowed end, and everybody is told.
  public func updateRights(
    of identity: String, in room: String, _ change: RightsChange, by grant: VideoGrant,
    at now: Instant, into outbox: inout Outbox
  ) throws(TwirpError) {
    let participant = try find(identity, in: room, by: grant)
    if let value = change.canPublish { participant.rights.canPublish = value }
    if let value = change.canSubscribe { participant.rights.canSubscribe = value }
    if let value = change.canPublishData { participant.rights.canPublishData = value }
    if let value = change.canPublishSources {
      participant.rights.sources = ParticipantRights.sources(value)
    }
    if let value = change.hidden { participant.rights.hidden = value }
    if let value = change.canUpdateOwnMetadata { participant.rights.canUpdateOwnMetadata = value }
    participant.applyRights(at: now, into: &outbox)
  }

  /// RemoveParticipant: it is told, and so are the others.
  public func removeParticipant(
    _ identity: String, from room: String, by grant: VideoGrant, at now: Instant,
    into outbox: inout Outbox
  ) throws(TwirpError) {
    try find(identity, in: room, by: grant)
      .leave(reason: .participantRemoved, at: now, into: &outbox)
  }

  /// MutePublishedTrack: only mutes; nobody's microphone is opened from afar.
  public func muteTrack(
    _ source: TrackSource, of identity: String, in room: String, by grant: VideoGrant,
    at now: Instant, into outbox: inout Outbox
  ) throws(TwirpError) {
    let participant = try find(identity, in: room, by: grant)
    guard let track = participant.tracks.first(where: { $0.info.source == source })
    else {
      throw .unknownTrack
    }
    participant.muteFromAfar(track, at: now, into: &outbox)
  }

  func find(
    _ identity: String, in room: String, by grant: VideoGrant
  ) throws(TwirpError) -> Participant {
    let room = try find(room: room, by: grant)
    guard let participant = room.participants.first(where: { $0.identity == identity }) else {
      throw TwirpError(.notFound, "participant does not exist")
    }
    return participant
  }

  func find(room name: String, by grant: VideoGrant) throws(TwirpError) -> Room {
    guard grant.isAdmin(of: name) else { throw .permissionDenied }
    guard let room = rooms.first(where: { $0.name == name }) else { throw .unknownRoom }
    return room
  }
}

/// As LiveKit words them (pkg/service/errors.go).
extension TwirpError {
  static let permissionDenied = TwirpError(.permissionDenied, "permissions denied")
  static let unknownRoom = TwirpError(.notFound, "requested room does not exist")
  static let unknownTrack = TwirpError(.notFound, "track is not found")
}

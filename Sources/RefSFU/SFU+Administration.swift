// What a room's administrator may do over the API (LiveKit RoomService), whoever carries the request.

import Basics
import Signal

/// Why an administrative request was refused (Twirp's codes).
public enum AdministrationError: Error, Sendable {
  case permissionDenied, notFound
}

extension SFU {
  /// Rights given or taken; nil leaves one as it is.
  public struct RightsChange: Sendable {
    public var canPublish: Bool?
    public var canSubscribe: Bool?
    public var canPublishData: Bool?
    /// As grants write them: `camera`, `microphone` …
    public var canPublishSources: [String]?
    public var hidden: Bool?

    public init() {}
  }

  /// UpdateParticipant: tracks that are no longer allowed end, and everybody is told.
  public func updateRights(
    of identity: String, in room: String, _ change: RightsChange, by grant: VideoGrant,
    at now: Instant, into outbox: inout Outbox
  ) throws(AdministrationError) {
    let participant = try find(identity, in: room, by: grant)
    if let value = change.canPublish { participant.rights.canPublish = value }
    if let value = change.canSubscribe { participant.rights.canSubscribe = value }
    if let value = change.canPublishData { participant.rights.canPublishData = value }
    if let value = change.canPublishSources { participant.rights.canPublishSources = value }
    if let value = change.hidden { participant.rights.hidden = value }
    participant.applyRights(at: now, into: &outbox)
  }

  /// RemoveParticipant: it is told, and so are the others.
  public func removeParticipant(
    _ identity: String, from room: String, by grant: VideoGrant, at now: Instant,
    into outbox: inout Outbox
  ) throws(AdministrationError) {
    try find(identity, in: room, by: grant)
      .leave(reason: .participantRemoved, at: now, into: &outbox)
  }

  /// MutePublishedTrack: only mutes; nobody's microphone is opened from afar.
  public func muteTrack(
    _ source: TrackSource, of identity: String, in room: String, by grant: VideoGrant,
    at now: Instant, into outbox: inout Outbox
  ) throws(AdministrationError) {
    let participant = try find(identity, in: room, by: grant)
    guard let track = participant.tracks.first(where: { $0.info.source == source }) else {
      throw .notFound
    }
    participant.setMuted(track, true, at: now, into: &outbox)
    participant.send(
      .mute(
        MuteTrackRequest {
          $0.sid = track.sid
          $0.muted = true
        }), into: &outbox)
  }

  /// The media budget of these participants, of all for nil; nil lifts it.
  public func setSubscriberLimit(_ limit: Bitrate?, of identities: [String]?) {
    if identities == nil { subscriberLimit = limit }
    for participant in rooms.flatMap(\.participants)
    where identities?.contains(participant.identity) ?? true {
      participant.subscriberLimit = limit
    }
  }

  private func find(
    _ identity: String, in room: String, by grant: VideoGrant
  ) throws(AdministrationError) -> Participant {
    guard grant.isAdmin(of: room) else { throw .permissionDenied }
    guard
      let participant = rooms.first(where: { $0.name == room })?
        .participants.first(where: { $0.identity == identity })
    else { throw .notFound }
    return participant
  }
}

extension Participant {
  /// Ends what the rights no longer cover, starts what they cover now, and tells everybody.
  func applyRights(at now: Instant, into outbox: inout Outbox) {
    for track in tracks where !rights.mayPublish(track.info.source) {
      unpublish(track, at: now, into: &outbox)
      send(.trackUnpublished(TrackUnpublishedResponse { $0.trackSid = track.sid }), into: &outbox)
    }
    if rights.maySubscribe {
      for other in room.participants where other !== self {
        for track in other.tracks where track.isLive { subscribeIfWanted(to: track, at: now) }
      }
    } else {
      for subscription in subscriptions {
        subscription.track.remove(subscription, at: now)
        endSubscription(subscription, at: now)
      }
    }
    bumpVersion()
    room.announce(self, into: &outbox)
  }
}

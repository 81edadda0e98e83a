// What is done to participants from outside their own sessions, whoever may ask for it.

import Basics

extension SFU {
  /// The media budget of these participants, of all for nil; nil lifts it.
  public func setSubscriberLimit(_ limit: Bitrate?, of identities: [String]?) {
    if identities == nil { subscriberLimit = limit }
    for participant in rooms.flatMap(\.participants)
    where identities?.contains(participant.identity) ?? true {
      participant.subscriberLimit = limit
    }
  }
}

extension Participant {
  /// Mutes and tells the publisher, whose client stops sending.
  func muteFromAfar(_ track: PublishedTrack, at now: Instant, into outbox: inout Outbox) {
    // Before the others hear of it, or the client would take the news for a mistake.
    if sfu.configuration.mutant != .hidesRemoteMute {
      notify(.muted(trackSid: track.sid), into: &outbox)
    }
    setMuted(track, true, at: now, into: &outbox)
  }

  /// Ends what the rights no longer cover, starts what they cover now, and tells everybody.
  func applyRights(at now: Instant, into outbox: inout Outbox) {
    let isIgnored = sfu.configuration.mutant == .ignoresDemotion
    for track in tracks where !rights.mayPublish(track.info.source) && !isIgnored {
      unpublish(track, at: now, into: &outbox)
      notify(.trackUnpublished(sid: track.sid), into: &outbox)
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
    // Whoever takes this participant over has only the token to go by (LiveKit: OnClaimsChanged).
    renewCredentials(at: now, into: &outbox)
  }
}

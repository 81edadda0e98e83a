// What a participant may say about itself: name, metadata, attributes (LiveKit
// pkg/rtc/participant.go, UpdateMetadata).

import Basics

extension Participant {
  /// Bytes that updates about this participant have of its own choosing.
  var profileSize: Int {
    tracks.reduce(profile.size) {
      let announcement = $1.info.announcement
      return $0 + announcement.name.utf8.count + announcement.stream.utf8.count
    }
  }

  /// Bytes of an update about this participant, about.
  var updateSize: Int { profileSize + tracks.count * SFULimits.trackUpdateSize }

  /// Whether the room's updates stay within their limit with `more` bytes about this participant.
  func fits(profileOf more: Int) -> Bool {
    room.profileSize(besides: self) + more <= SFULimits.roomProfileSize
  }

  /// What those who resume are told of one who left; what it said about itself only where that is short,
  /// since many may come and go.
  var farewell: ParticipantSnapshot {
    var last = snapshot
    if profile.size > SFULimits.departedProfileSize {
      last.profile.metadata = ""
      last.profile.attributes = [:]
    }
    return last
  }

  func updateProfile(
    _ change: Profile, into outbox: inout Outbox
  ) throws(RequestRefusal) {
    guard rights.mayUpdateOwnMetadata else {
      throw RequestRefusal(
        reason: .notAllowed, message: "does not have permission to update own metadata")
    }
    var changed = profile
    changed.apply(change)
    let grown = changed.size - profile.size
    guard changed.isWithinLimits, grown <= 0 || fits(profileOf: profileSize + grown) else {
      throw RequestRefusal(reason: .limitExceeded, message: "exceeds the limits of metadata")
    }
    profile = changed
    bumpVersion()
    room.announce(self, into: &outbox)
  }
}

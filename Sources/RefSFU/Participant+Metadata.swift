// What a participant may say about itself: name, metadata, attributes (LiveKit
// pkg/rtc/participant.go, UpdateMetadata).

import Basics

extension Participant {
  func updateProfile(
    _ change: Profile, into outbox: inout Outbox
  ) throws(RequestRefusal) {
    guard rights.mayUpdateOwnMetadata else {
      throw RequestRefusal(
        reason: .notAllowed, message: "does not have permission to update own metadata")
    }
    var changed = profile
    changed.apply(change)
    guard changed.isWithinLimits else {
      throw RequestRefusal(reason: .limitExceeded, message: "exceeds the limits of metadata")
    }
    profile = changed
    bumpVersion()
    room.announce(self, into: &outbox)
  }
}

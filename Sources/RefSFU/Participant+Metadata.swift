// What a participant may say about itself: name, metadata, attributes (LiveKit
// pkg/rtc/participant.go, UpdateMetadata).

import Basics
import Signal

/// What others see of a participant beside its tracks.
struct Profile {
  var name: String
  var metadata: String
  var attributes: [String: String]

  init(_ token: AccessToken) {
    name = token.name
    metadata = token.metadata
    attributes = token.attributes
  }

  /// An empty name stays; an attribute without a value goes.
  mutating func apply(_ change: UpdateParticipantMetadata) {
    if !change.name.isEmpty { name = change.name }
    metadata = change.metadata
    for (key, value) in change.attributes { attributes[key] = value.isEmpty ? nil : value }
  }

  var isWithinLimits: Bool {
    let sizes = attributes.map { $0.key.utf8.count + $0.value.utf8.count }
    return name.utf8.count <= SFULimits.nameSize
      && metadata.utf8.count <= SFULimits.metadataSize
      && sizes.reduce(0, +) <= SFULimits.attributesSize
  }
}

extension Participant {
  func updateProfile(_ change: UpdateParticipantMetadata, into outbox: inout Outbox) {
    var changed = profile
    changed.apply(change)
    var outcome = RequestOutcome.ok
    var message = ""
    if !rights.mayUpdateOwnMetadata {
      (outcome, message) = (.notAllowed, "does not have permission to update own metadata")
    } else if !changed.isWithinLimits {
      (outcome, message) = (.limitExceeded, "exceeds the limits of metadata")
    } else {
      profile = changed
      bumpVersion()
      room.announce(self, into: &outbox)
    }
    send(
      .requestResponse(
        RequestResponse {
          $0.requestID = change.requestID
          $0.reason = outcome
          $0.message = message
          $0.request = .updateMetadata(change)
        }), into: &outbox)
  }
}

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

  private var attributesSize: Int {
    attributes.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
  }

  /// Bytes of it in an update.
  var size: Int { name.utf8.count + metadata.utf8.count + attributesSize }

  var isWithinLimits: Bool {
    name.utf8.count <= SFULimits.nameSize
      && metadata.utf8.count <= SFULimits.metadataSize
      && attributesSize <= SFULimits.attributesSize
  }
}

extension Participant {
  /// Bytes that updates about this participant have of its own choosing.
  var profileSize: Int {
    tracks.reduce(profile.size) { $0 + $1.info.name.utf8.count + $1.info.stream.utf8.count }
  }

  /// Whether the room's updates stay within their limit with `more` bytes about this participant.
  func fits(profileOf more: Int) -> Bool {
    room.profileSize(besides: self) + more <= SFULimits.roomProfileSize
  }

  /// What those who resume are told of one who left; what it said about itself only where that is short,
  /// since many may come and go.
  var farewell: ParticipantInfo {
    var info = info
    if profile.size > SFULimits.departedProfileSize {
      info.metadata = ""
      info.attributes = [:]
    }
    return info
  }

  func updateProfile(_ change: UpdateParticipantMetadata, into outbox: inout Outbox) {
    var changed = profile
    changed.apply(change)
    var outcome = RequestOutcome.ok
    var message = ""
    if !rights.mayUpdateOwnMetadata {
      (outcome, message) = (.notAllowed, "does not have permission to update own metadata")
    } else if !changed.isWithinLimits
      || changed.size > profile.size && !fits(profileOf: profileSize - profile.size + changed.size)
    {
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

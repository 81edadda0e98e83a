// What a participant may do, and what others see of it beside its tracks.

import Wire

/// Rights as they were granted: nil where the grant says nothing.
struct ParticipantRights: Equatable {
  /// Nil is true.
  var canPublish: Bool?
  /// Nil is true.
  var canSubscribe: Bool?
  /// Nil is what `canPublish` is.
  var canPublishData: Bool?
  /// What may be published; nil for every source.
  var sources: [TrackSource]?
  /// Nil is false.
  var canUpdateOwnMetadata: Bool?
  /// Whether others are not told of it.
  var hidden = false
  /// Roles that others are told of and that change nothing here.
  var isRecorder = false
  var isAgent = false
  var canSubscribeMetrics = false
  var canManageAgentSession = false

  var mayPublish: Bool { canPublish ?? true }
  var maySubscribe: Bool { canSubscribe ?? true }
  var mayPublishData: Bool { canPublishData ?? mayPublish }
  var mayUpdateOwnMetadata: Bool { canUpdateOwnMetadata ?? false }

  func mayPublish(_ source: TrackSource) -> Bool {
    mayPublish && (sources?.contains(source) ?? true)
  }
}

/// What a participant says about itself.
struct Profile: Equatable {
  var name = ""
  var metadata = ""
  var attributes: [String: String] = [:]

  /// An empty name stays; an attribute without a value goes.
  mutating func apply(_ change: Profile) {
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

// Rights that somebody was given or lost while in the room.

import Basics

/// A change of a participant's rights that the SFU carried out; nil for a right that stays as it was.
public struct RightsChange: Sendable, Equatable, Codable {
  public var at: Instant
  public var identity: String
  public var canPublish: Bool?
  public var canPublishData: Bool?
  /// Nil also for every source.
  public var canPublishSources: [MediaSource]?

  public init(
    at: Instant, identity: String, canPublish: Bool?, canPublishData: Bool?,
    canPublishSources: [MediaSource]?
  ) {
    self.at = at
    self.identity = identity
    self.canPublish = canPublish
    self.canPublishData = canPublishData
    self.canPublishSources = canPublishSources
  }
}

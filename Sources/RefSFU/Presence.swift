// How long each participant was really there: a stay in the room, without the time for which nothing was
// heard (criterion 003:24).

import Basics

/// One stay of a participant; after a rejoin another one begins.
public struct PresenceRecord: Sendable, Equatable {
  public var room: String
  public var identity: String
  public var joinedAt: Instant
  /// Nil while it lasts.
  public var leftAt: Instant?
  /// Silence of less than this counts as presence.
  public static var gap: Duration { SFULimits.presenceGap }
  /// The time for which something was heard.
  public var active = Duration.zero
  private var lastHeard: Instant

  public init(room: String, identity: String, joinedAt: Instant) {
    self.room = room
    self.identity = identity
    self.joinedAt = joinedAt
    lastHeard = joinedAt
  }

  /// Something came from the participant; a silence of `limit` or more was absence.
  mutating func heard(at now: Instant, limit: Duration) {
    if now - lastHeard < limit { active += now - lastHeard }
    lastHeard = now
  }
}

extension Participant {
  func notePresence(at now: Instant) {
    let countsAll = sfu.configuration.mutant == .countsAbsence
    presence.heard(at: now, limit: countsAll ? .max : SFULimits.presenceGap)
  }

  /// Notes that it has fallen silent, or is heard again: the others are to know as soon as the time
  /// no longer counts as presence (criterion 003:466).
  /// - Returns: whether either happened.
  func updateAbsence(at now: Instant) -> Bool {
    guard state == .active, let lastDatagram, sfu.configuration.mutant != .hidesAbsence else {
      return false
    }
    let isSilent = now - lastDatagram >= SFULimits.presenceGap
    guard isSilent != isAway else { return false }
    isAway = isSilent
    // Whoever is heard is not lost, whatever the window of the silence said.
    if !isAway { qualityScore = max(qualityScore, ConnectionQualityScorer.minimumScore) }
    return true
  }

  func endPresence(at now: Instant) {
    // Who is sent away was there until then, if the silence before was short.
    notePresence(at: now)
    presence.leftAt = now
    sfu.remember(presence)
  }
}

extension SFU {
  /// Everybody's stays, those that are over first.
  public var presence: [PresenceRecord] {
    pastPresence + rooms.flatMap { $0.participants.map(\.presence) }
  }

  func remember(_ record: PresenceRecord) {
    if pastPresence.count >= SFULimits.presenceRecords { pastPresence.removeFirst() }
    pastPresence.append(record)
  }
}

// How often the counters that wrap have done so, at a bot's end of a call.

import Basics
import Transport

public struct Wraps: Sendable, Equatable {
  /// Of streams received (RFC 3550 §5.1).
  public var sequenceNumbers = 0
  public var timestamps = 0
  /// SRTP's rollover counters, of streams sent and received (RFC 3711 §3.3.1).
  public var rollovers = 0
  /// Of pictures decoded (RFC 7741 §4.2).
  public var pictureIDs = 0
  /// Of transport-wide feedback on what was sent.
  public var referenceTimes = 0

  mutating func add(_ track: RemoteTrack) {
    sequenceNumbers += track.sequenceCycles
    timestamps += track.video?.timestampCycles ?? track.audio?.timestampCycles ?? 0
    pictureIDs += track.video?.pictureIDWraps ?? 0
  }
}

extension Bot {
  /// Over all its sessions.
  public var wraps: Wraps {
    var wraps = sessionWraps
    wraps.rollovers += earlierWraps.rollovers
    wraps.referenceTimes += earlierWraps.referenceTimes
    wraps.sequenceNumbers = earlierWraps.sequenceNumbers
    wraps.timestamps = earlierWraps.timestamps
    wraps.pictureIDs = earlierWraps.pictureIDs
    for track in remoteTracks { wraps.add(track) }
    return wraps
  }

  /// Of the transports, which end with their session.
  private var sessionWraps: Wraps {
    Wraps(
      rollovers: publisher.rollovers + subscriber.rollovers,
      referenceTimes: uplink.referenceTimeWraps)
  }

  /// Call before the transports go.
  func keepWraps() {
    earlierWraps.rollovers += sessionWraps.rollovers
    earlierWraps.referenceTimes += sessionWraps.referenceTimes
  }
}

// What a bot publishes and what it believes of the others, for those who compare the two.

import Basics
import Wire

/// A track as its publisher or somebody else knows it.
public struct BotTrackState: Sendable, Equatable {
  public var sid: String
  public var source: TrackSource
  public var isMuted: Bool
}

extension Bot {
  /// Its own tracks that the SFU has accepted, muted or not as they are meant to be.
  public var publications: [BotTrackState] {
    localTracks.compactMap { track in
      guard let sid = track.sid, !track.hasEnded else { return nil }
      return BotTrackState(
        sid: sid, source: track.configuration.source,
        isMuted: intent.muted.contains(track.configuration.source))
    }
  }

  /// The tracks of another participant, as the SFU told of them.
  public func beliefs(about identity: String) -> [BotTrackState] {
    (roster.participant(identity: identity)?.tracks ?? []).map {
      BotTrackState(sid: $0.sid, source: $0.source, isMuted: $0.isMuted)
    }
  }

  public func believesInPresence(of identity: String) -> Bool {
    roster.participant(identity: identity) != nil
  }

  /// Whether a track of this publisher is here that was unsubscribed from, or never wanted.
  public func receivesUnwanted(from identity: String) -> Bool {
    remoteTracks.contains {
      $0.publisher == identity && !$0.hasEnded && !wants($0.source, of: identity)
    }
  }

  /// Whether a track of this publisher is not here though it was told of, wanted and allowed.
  public func lacksWanted(from identity: String) -> Bool {
    configuration.maySubscribe
      && beliefs(about: identity).contains { told in
        wants(told.source, of: identity)
          && !remoteTracks.contains { $0.identity.trackSID == told.sid && !$0.hasEnded }
      }
  }

  /// The height at which the camera of this publisher is wished for; nil without a wish.
  public func wishedHeight(of identity: String) -> Int? {
    camera(of: identity).flatMap { sentSettings[$0.identity.trackSID]?.height }
  }

  /// The height of the frame that was last shown of this publisher's camera; nil while it is off.
  public func shownHeight(of identity: String) -> Int? {
    camera(of: identity).flatMap { $0.isMuted ? nil : $0.video?.meter.height }
  }

  /// Whether the SFU said that it held this publisher's camera back at some time since `moment`, for
  /// lack of bandwidth.
  public func wasPaused(_ identity: String, since moment: Instant) -> Bool {
    camera(of: identity)?.wasPaused(since: moment) ?? false
  }

  private func camera(of identity: String) -> RemoteTrack? {
    remoteTracks.last { $0.publisher == identity && $0.source == .camera && !$0.hasEnded }
  }
}

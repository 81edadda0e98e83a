// What a bot publishes and what it believes of the others, for those who compare the two.

import Basics
import Wire

/// A track as its publisher or somebody else knows it.
public struct BotTrackState: Sendable, Equatable {
  public var sid: String
  public var source: TrackSource
  public var isMuted: Bool
}

/// What a bot believes of one other participant.
public struct BotBeliefs: Sendable {
  /// As the SFU told of them.
  public var tracks: [BotTrackState] = []
  public var isPresent = false
  /// Whether a track is here that was unsubscribed from, or never wanted.
  public var receivesUnwanted = false
  /// Whether a track is not here though it was told of, wanted and allowed.
  public var lacksWanted = false
  /// Of the camera: the height that is wished for, nil without a wish; and of the frame shown last,
  /// nil while it is off or paused.
  public var wishedHeight: Int?
  public var shownHeight: Int?
}

extension Bot {
  /// Of everybody whom it was told of or whose tracks it has, in one pass over both.
  public var beliefs: [String: BotBeliefs] {
    var all: [String: BotBeliefs] = [:]
    var here: Set<String> = []
    for track in remoteTracks where !track.hasEnded {
      here.insert(track.identity.trackSID)
      let isUnwanted = !wants(track.source, of: track.publisher)
      all[track.publisher, default: BotBeliefs()].receivesUnwanted =
        isUnwanted || all[track.publisher]?.receivesUnwanted ?? false
      guard track.source == .camera else { continue }
      all[track.publisher]?.wishedHeight = sentSettings[track.identity.trackSID]?.height
      all[track.publisher]?.shownHeight =
        track.isMuted || track.isPaused ? nil : track.video?.meter.height
    }
    for other in roster.participants {
      all[other.identity, default: BotBeliefs()].isPresent = true
      for told in other.tracks {
        all[other.identity]?.tracks.append(
          BotTrackState(sid: told.sid, source: told.source, isMuted: told.isMuted))
        guard configuration.maySubscribe, wants(told.source, of: other.identity),
          !here.contains(told.sid)
        else { continue }
        all[other.identity]?.lacksWanted = true
      }
    }
    return all
  }

  /// Its own tracks that the SFU has accepted, muted or not as they are meant to be.
  public var publications: [BotTrackState] {
    localTracks.compactMap { track in
      guard let sid = track.sid, !track.hasEnded else { return nil }
      return BotTrackState(
        sid: sid, source: track.configuration.source,
        isMuted: intent.muted.contains(track.configuration.source))
    }
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

// What a bot asks of its SFU.

import Basics
import Wire

public enum ClientRequest: Sendable {
  /// Announces a track; answered by `published`, or by `refused`.
  case publish(TrackAnnouncement)
  /// An offer for what the client sends; answered by `answer` with the same id.
  case offer(NumberedDescription)
  /// The answer to an `offer` of the SFU.
  case answer(NumberedDescription)
  case mute(track: String, Bool)
  /// Subscribes to these tracks, or unsubscribes from them.
  case updateSubscription(SubscriptionUpdate)
  /// How the client shows a track.
  case trackSettings(track: String, TrackSettings)
  /// After `resumed`: what this end has and wants.
  case resumeState(ResumeState)
  case leave
}

/// An SDP with the number that joins an answer to its offer; 0 where the signalling does not count.
public struct NumberedDescription: Sendable, Equatable {
  public var id: UInt32
  public var sdp: String

  public init(id: UInt32, sdp: String) {
    self.id = id
    self.sdp = sdp
  }
}

/// A track that is to be published.
public struct TrackAnnouncement: Sendable, Equatable {
  public struct Layer: Sendable, Equatable {
    public var width: Int
    public var height: Int
    public var bitrate: Bitrate
    /// Nil without simulcast.
    public var rid: String?
  }

  /// The client's id of the track: the track id in `a=msid` of its section.
  public var cid: String
  public var source: TrackSource
  public var kind: MediaKind
  public var isMuted: Bool
  /// Of video, smallest first.
  public var layers: [Layer] = []
}

public struct SubscriptionUpdate: Sendable, Equatable {
  public var tracks: [String]
  public var subscribe: Bool
}

/// How a client shows a video track.
public struct TrackSettings: Sendable, Equatable {
  public var isHidden = false
  /// Pixel lines; 0 for no limit.
  public var height = 0
  /// 0 for no limit.
  public var framesPerSecond = 0.0
  /// Higher is more important.
  public var priority = 0
}

/// What a client that resumes a session has published, receives and has heard.
public struct ResumeState: Sendable, Equatable {
  public struct Track: Sendable, Equatable {
    public var cid: String
    public var sid: String
  }

  public var tracks: [Track] = []
  /// Subscriptions that differ from what the SFU does by itself.
  public var subscription = SubscriptionUpdate(tracks: [], subscribe: true)
  public var dataReceived: [DataReceiveState] = []

  public init() {}
}

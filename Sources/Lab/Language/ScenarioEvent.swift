// Events: what the scenario does while it runs.

import Basics

extension Scenario {
  /// Something that happens at a moment, or lasts.
  public struct Event: Sendable, Equatable {
    public var at: Instant
    /// How long the action holds before the old state is back; nil for good. Only `setLink`,
    /// `limitSubscriber`, `blackout`, `pause` and `loseSignalling` have one: `mute … for` and its
    /// like are read as two events.
    public var duration: Duration?
    public var target: Target
    public var action: Action

    /// Who or what it happens to.
    public enum Target: Sendable, Equatable {
      /// Every instance of the link; nil for both directions.
      case link(String, Direction?)
      /// As the scenario names them (`rider`, `student`), and their identities.
      case participants(label: String, identities: [String])
      case room(String)
      case sfu
    }

    public enum Direction: String, Sendable, CaseIterable { case up, down }

    public enum Action: Sendable, Equatable {
      case setLink(LinkFields)
      case limitSubscriber(Bitrate)
      case join, leave
      case mute, unmute
      case cameraOff, cameraOn
      /// Front to back: the picture's height from now on, nil for the same.
      case switchCamera(height: Int?)
      case startScreenShare, stopScreenShare
      case subscribe(Selection)
      case unsubscribe(Selection)
      /// The wish for a size, and perhaps frame rate and priority, of these publishers' video.
      case view(of: [String], size: TileSize, framesPerSecond: Double?, priority: Int?)
      /// Rights given to or taken from these, by the target (an admin) or the room's server.
      case promote(who: [String], GrantFields)
      case demote(who: [String], GrantFields)
      case removeParticipant(who: [String])
      case muteParticipant(who: [String], source: Source)
      /// Nothing passes, either way.
      case blackout
      /// The links hold everything back, and then let it go.
      case pause
      /// The signalling stream breaks and cannot be opened.
      case loseSignalling
    }
  }
}

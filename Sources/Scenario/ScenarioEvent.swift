// Events: what the scenario does while it runs.

import Basics

extension Scenario {
  /// Something that happens at a moment, or lasts.
  public struct Event: Sendable, Equatable {
    public var at: Instant
    /// How long the action holds before the old state is back; nil for good. Only `setLink`,
    /// `limitSubscriber`, `setFlowRate` and faults have one: `mute … for` and its like are read as two events.
    public var duration: Duration?
    public var target: Target
    public var action: Action

    public init(at: Instant, duration: Duration? = nil, target: Target, action: Action) {
      self.at = at
      self.duration = duration
      self.target = target
      self.action = action
    }

    /// Who or what it happens to.
    public enum Target: Sendable, Equatable {
      /// Every instance of the link; nil for both directions.
      case link(String, Direction?)
      /// As the scenario names them (`rider`, `student`), and their identities.
      case participants(label: String, identities: [String])
      case room(String)
      case sfu
      /// As the scenario names them, and the flows meant.
      case flows(label: String, names: [String])
    }

    public enum Direction: String, Sendable, CaseIterable { case up, down }

    public enum Action: Sendable, Equatable {
      case setLink(LinkFields)
      case limitSubscriber(Bitrate)
      /// Of datagrams at a constant rate; zero is silence.
      case setFlowRate(Bitrate)
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
      /// Nothing passes, or not what the fault takes away.
      case blackout(Blackout = Blackout())
      /// The links hold everything back, and then let it go; the source of a flow stands still.
      case pause
      /// The signalling stream breaks and cannot be opened.
      case loseSignalling
      /// Every segment of the signalling stream takes this much longer, either way.
      case slowSignalling(by: Duration)
      /// The device sleeps: it hears nothing, and no timer of it comes.
      case suspend
      /// Onto another link, with another address.
      case handover(Handover)
      /// Its NAT forgets all mappings.
      case rebindNAT
      /// The SFU's process dies and comes back after `duration`, perhaps with its rooms.
      case crash(keepsState: Bool)
      /// Each packet costs the SFU this much processor time.
      case overload(perPacket: Duration)
      /// A second SFU takes the place of the first, which sends everybody over to it, spread evenly.
      case drain(over: Duration)
    }

    /// What does not pass, and in which direction; nil for everything and for both.
    public struct Blackout: Sendable, Equatable {
      public var only: Kind?
      public var direction: Direction?

      public init(only: Kind? = nil, direction: Direction? = nil) {
        self.only = only
        self.direction = direction
      }

      /// `media` is RTP and RTCP, `ice` is STUN, `datagrams` is all of UDP, `signalling` is dropped
      /// without a word, so that each end finds out in its own time.
      public enum Kind: String, Sendable, CaseIterable {
        case media, ice, datagrams, signalling, ipv6
      }
    }

    /// From one network to another.
    public struct Handover: Sendable, Equatable {
      /// The link to go on with.
      public var to: String
      /// For so long both are up.
      public var overlap = Duration.zero
      /// For so long none is.
      public var gap = Duration.zero

      public init(to: String, overlap: Duration = .zero, gap: Duration = .zero) {
        self.to = to
        self.overlap = overlap
        self.gap = gap
      }
    }
  }
}

extension Scenario.Event.Action {
  /// Whether it harms the network, a device or the SFU, so that calls suffer until it is over.
  public var isImpairment: Bool {
    switch self {
    case .setLink, .limitSubscriber, .setFlowRate: true
    default: isFault
    }
  }

  /// Whether somebody does it to others, by the SFU's API.
  public var isAdministration: Bool {
    switch self {
    case .promote, .demote, .removeParticipant, .muteParticipant: true
    default: false
    }
  }

  /// Whether it cuts somebody off.
  public var isFault: Bool {
    switch self {
    case .blackout, .pause, .loseSignalling, .slowSignalling, .suspend, .handover, .rebindNAT,
      .crash, .overload, .drain:
      true
    default: false
    }
  }
}

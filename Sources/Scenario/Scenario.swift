// A scenario as the world builder wants it: names resolved, presets applied, defaults filled in.

import Basics
import Results

/// One scenario, one variant of its matrix.
public struct Scenario: Sendable, Equatable {
  /// The file it was read from, as given.
  public var file: String
  public var name: String
  public var about = ""
  public var seed: UInt64 = 1
  public var duration: Duration
  /// Files of `requires` that are absent, as written; the run is skipped unless this is empty.
  public var missing: [String] = []
  public var tier = Tier.quick
  /// Rules that do not apply, in the order written.
  public var waivedRules: [WaivedRule] = []
  /// Whether expectations that the SFU cannot be judged on leave the verdict alone.
  public var allowsUnsupported = false
  public var acrossSeeds = AcrossSeeds.each
  public var crypto = Crypto.real
  public var startValues = StartValues.random
  public var media = MediaCosts()
  public var sfu = SFU()
  public var links: [Link] = []
  /// At least one.
  public var rooms = ["main"]
  public var participants: [Group] = []
  public var flows: [FlowGroup] = []
  /// In order of time; two at the same time in the order they were written.
  public var events: [Event] = []
  public var swarm: Swarm?
  public var expectations: [Expectation] = []

  public init(file: String, name: String, duration: Duration) {
    self.file = file
    self.name = name
    self.duration = duration
  }

  public func link(named name: String) -> Link? { links.first { $0.name == name } }

  /// Every participant, by group in the order written, then by room, then by number.
  public var members: [Member] { participants.flatMap(\.members) }
}

extension Scenario {
  /// A rule that does not apply to a scenario, and why.
  public struct WaivedRule: Sendable, Equatable {
    public var rule: Rule
    public var reason: String
  }

  /// What the scenario itself has to say of verdicts.
  public var policy: VerdictPolicy {
    var exceptions = waivedRules.map {
      VerdictPolicy.Exception(id: $0.rule.id, kind: .off, reason: $0.reason)
    }
    if allowsUnsupported {
      exceptions.append(.init(id: nil, kind: .unsupportedAllowed, reason: "by the scenario"))
    }
    return VerdictPolicy(exceptions)
  }

  /// `real` DTLS and SRTP, or a cleartext transport of the same overhead.
  public enum Crypto: String, Sendable, CaseIterable { case real, cleartext }

  /// How a gate judges expectations over several seeds: each run's own, or the median of what the
  /// runs measured.
  public enum AcrossSeeds: String, Sendable, CaseIterable { case each, median }

  /// How much time a gate may take, the least first; a gate runs its own tier and those before it.
  public enum Tier: String, Sendable, CaseIterable, Comparable {
    case quick, release, nightly

    public static func < (a: Tier, b: Tier) -> Bool {
      allCases.firstIndex(of: a)! < allCases.firstIndex(of: b)!
    }
  }

  /// Time that a client spends on a frame outside the network.
  public struct MediaCosts: Sendable, Equatable {
    public var encode = Duration.milliseconds(8)
    public var decode = Duration.milliseconds(4)
    /// From decoded to on screen: half a refresh at 60 Hz.
    public var render = Duration.milliseconds(8)

    public init(
      encode: Duration = Duration.milliseconds(8), decode: Duration = Duration.milliseconds(4),
      render: Duration = Duration.milliseconds(8)
    ) {
      self.encode = encode
      self.decode = decode
      self.render = render
    }
  }

  public struct SFU: Sendable, Equatable {
    public var maxParticipants = 100
    /// Most that each subscriber is sent.
    public var subscriberLimit: Bitrate?
    /// Whether layers that nobody watches are switched off at the publisher.
    public var dynacast = true
    /// Joins and resumes a second that it takes; nil for no limit.
    public var joinRate: Double?
    /// A deliberately broken variant, by its name in the SFU.
    public var mutant: String?
    public var tokenTTL = Duration.seconds(6 * 3600)
    /// The link between the SFU and the network; nil for a perfect one.
    public var link: String?
    public var remoteUnmute = RemoteUnmute.deny

    public init(
      maxParticipants: Int = 100, subscriberLimit: Bitrate? = nil, dynacast: Bool = true,
      joinRate: Double? = nil, mutant: String? = nil,
      tokenTTL: Duration = Duration.seconds(6 * 3600), link: String? = nil,
      remoteUnmute: RemoteUnmute = RemoteUnmute.deny
    ) {
      self.maxParticipants = maxParticipants
      self.subscriberLimit = subscriberLimit
      self.dynacast = dynacast
      self.joinRate = joinRate
      self.mutant = mutant
      self.tokenTTL = tokenTTL
      self.link = link
      self.remoteUnmute = remoteUnmute
    }
  }

  /// What becomes of an instructor's wish to unmute someone else.
  public enum RemoteUnmute: String, Sendable, CaseIterable { case allow, ask, deny }

  /// One participant.
  public struct Member: Sendable, Equatable {
    public var identity: String
    public var group: String
    public var room: String
    /// When it joins.
    public var joins: Instant
    /// 0, 1, 2 … within its group.
    public var index: Int

    public init(identity: String, group: String, room: String, joins: Instant, index: Int) {
      self.identity = identity
      self.group = group
      self.room = room
      self.joins = joins
      self.index = index
    }
  }
}

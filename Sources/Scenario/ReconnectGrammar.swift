// The scenario language, key by key: how clients come back, what they say meanwhile, and swarms of faults.

import Basics

extension Grammar {
  static let reconnect = ObjectShape(
    noun: "a reconnection policy",
    keys: [
      key("initial", .quantity([.duration]), "delay before the first attempt", required: true),
      key("factor", .number, "each delay is so many times the one before; 2"),
      key("ceiling", .quantity([.duration]), "the longest delay", required: true),
      key("attempts", .integer(1...1_000), "then it gives up", required: true),
      key(
        "jitter", .word(["none", "full", "equal", "decorrelated"], called: "jitters"),
        "full unless written"),
    ])

  static let data = ObjectShape(
    noun: "data messages",
    keys: [
      key("every", .quantity([.duration]), "one message each", required: true),
      key("size", .quantity([.size]), "bytes of a message; 200B"),
      key("reliable", .boolean, "on the reliable channel, else on the lossy one; true"),
      key("during", .window, "when they are sent, such as 5s..50s; the whole stay"),
    ])

  static let swarm = ObjectShape(
    noun: "a swarm",
    keys: [
      key("faults", .integer(1...10_000), "how many", required: true),
      key("during", .window, "when they begin, such as 10s..50s", required: true),
      key("lasting", .window, "how long each lasts, such as 1s..5s", required: true),
      key("of", namesShape, "whom they strike: groups or identities; everyone"),
      key(
        "kinds", .list(words(Scenario.SwarmKind.self, "kinds of fault")),
        "what strikes; blackouts and lost signalling"),
    ])
}

extension Scenario {
  /// Messages that each participant of a group sends to all others.
  public struct DataSource: Sendable, Equatable {
    public var every: Duration
    /// Bytes.
    public var size = 200
    public var isReliable = true
    public var from = Instant.zero
    public var until: Instant

    public init(every: Duration, until: Instant) {
      self.every = every
      self.until = until
    }
  }

  public enum SwarmKind: String, Sendable, CaseIterable {
    case blackout, up, down, media, ice, datagrams, loseSignalling, slowSignalling, suspend
    case rebindNAT, crash
  }

  /// Faults drawn from the run's seed, within these bounds.
  public struct Swarm: Sendable, Equatable {
    public var faults: Int
    public var begin: ClosedRange<Duration>
    public var length: ClosedRange<Duration>
    /// Identities.
    public var of: [String]
    public var kinds: [SwarmKind]

    public init(
      faults: Int, begin: ClosedRange<Duration>, length: ClosedRange<Duration>, of: [String],
      kinds: [SwarmKind] = [.blackout, .up, .down, .loseSignalling]
    ) {
      self.faults = faults
      self.begin = begin
      self.length = length
      self.of = of
      self.kinds = kinds
    }
  }

  /// Whether anybody sends messages, so that everybody opens data channels.
  public var usesData: Bool { participants.contains { $0.data != nil } }

  /// The scenario with its swarm drawn: the same events for the same seed.
  public func withSwarm(seed: UInt64) -> Scenario {
    guard let swarm, !swarm.of.isEmpty, !swarm.kinds.isEmpty else { return self }
    var result = self
    result.swarm = nil
    var random = RandomStream(seed: seed, name: "swarm")
    func draw(_ range: ClosedRange<Duration>) -> Duration {
      let span = UInt64((range.upperBound - range.lowerBound).nanoseconds) + 1
      // Whole milliseconds, as a person would write them.
      let drawn = range.lowerBound.nanoseconds + Int64(random.below(span))
      return .milliseconds(Int(drawn / 1_000_000))
    }
    for _ in 0..<swarm.faults {
      let kind = swarm.kinds[Int(random.below(UInt64(swarm.kinds.count)))]
      let identity = swarm.of[Int(random.below(UInt64(swarm.of.count)))]
      let at = Instant.zero + draw(swarm.begin)
      let length = max(.milliseconds(1), draw(swarm.length))
      result.events.append(
        Event(
          at: at, duration: kind == .rebindNAT ? nil : length,
          target: kind == .crash ? .sfu : .participants(label: identity, identities: [identity]),
          action: kind.action))
    }
    result.events = result.events.enumerated()
      .sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
    return result
  }
}

extension Scenario.SwarmKind {
  var action: Scenario.Event.Action {
    switch self {
    case .blackout: .blackout()
    case .up: .blackout(.init(direction: .up))
    case .down: .blackout(.init(direction: .down))
    case .media: .blackout(.init(only: .media))
    case .ice: .blackout(.init(only: .ice))
    case .datagrams: .blackout(.init(only: .datagrams))
    case .loseSignalling: .loseSignalling
    case .slowSignalling: .slowSignalling(by: .milliseconds(500))
    case .suspend: .suspend
    case .rebindNAT: .rebindNAT
    case .crash: .crash(keepsState: false)
    }
  }
}

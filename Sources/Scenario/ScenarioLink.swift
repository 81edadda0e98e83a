// Links: what happens to packets between a participant and the network, by direction.

import Basics

extension Scenario {
  /// A named link. Every participant with `link: NAME` has one of its own; a link named in `via` is
  /// one that all who name it share.
  public struct Link: Sendable, Equatable {
    public var name: String
    /// From the participant to the network.
    public var up = LinkDirection()
    /// From the network to the participant.
    public var down = LinkDirection()
    /// As libwebrtc ranks networks (`rtc_base/network_constants.h`): 0 for wires, 10 for Wi-Fi, 900 for
    /// mobile networks. The cheaper one is preferred.
    public var networkCost: UInt16 = 0

    public init(
      name: String, up: LinkDirection = LinkDirection(), down: LinkDirection = LinkDirection()
    ) {
      self.name = name
      self.up = up
      self.down = down
    }
  }

  /// One direction of a link.
  public struct LinkDirection: Sendable, Equatable {
    public var capacity = Capacity.unlimited
    /// One-way propagation delay.
    public var delay = Duration.zero
    public var jitter = Jitter.none
    /// RFC 8867 §4.2: 300 ms.
    public var queue = QueueLimit.time(.milliseconds(300))
    public var aqm = QueueManagement.dropTail
    /// Whether the queue marks ECN-capable packets instead of dropping them.
    public var ecn = false
    public var loss = Loss.none
    public var reorder: Reorder?
    /// Larger datagrams vanish, in bytes on the wire; nil for no limit.
    public var mtu: Int?
    /// Probability that a packet arrives twice.
    public var duplicate = 0.0
    /// Probability that a bit of a packet is flipped.
    public var corrupt = 0.0

    public init() {}
  }

  public enum Capacity: Sendable, Equatable {
    case unlimited
    case rate(Bitrate)
    /// A trace in mahimahi format; the path as found on disk.
    case trace(path: String)
  }

  public enum Jitter: Sendable, Equatable {
    case none
    /// 0 to this much is added to each packet's delay. Packets keep their order unless `reorders`.
    case uniform(Duration, reorders: Bool = false)
    /// A normal variation of this deviation, never below zero in sum. Packets keep their order unless
    /// `reorders`.
    case normal(std: Duration, reorders: Bool = false)
    /// RFC 8868 §4.5.2: packets keep their order. A normal variation cut at `max` (three deviations
    /// unless written).
    case nrBPDV(std: Duration, max: Duration)
  }

  public enum QueueLimit: Sendable, Equatable {
    /// The time a full queue takes to drain at the link's rate.
    case time(Duration)
    case size(DataSize)
    case packets(Int)
  }

  public enum QueueManagement: String, Sendable, CaseIterable { case dropTail, codel }

  public enum Loss: Sendable, Equatable {
    case none
    /// Each packet by itself.
    case random(Double)
    /// Into the bad state with `p`, out of it with `r`, a packet at a time.
    case gilbertElliott(p: Double, r: Double, lossInBad: Double, lossInGood: Double)
    /// The four-state model of tc-netem(8).
    case markov4(p13: Double, p31: Double, p32: Double, p23: Double, p14: Double)
    /// The packets with these numbers (the first one is 0) and no others.
    case packets([Int])
  }

  /// How often a packet is held back, and for how long.
  public struct Reorder: Sendable, Equatable {
    public var probability: Double
    public var delay: Duration

    public init(probability: Double, delay: Duration) {
      self.probability = probability
      self.delay = delay
    }
  }

  /// Fields of a link direction that are written; nil where the old value holds.
  public struct LinkFields: Sendable, Equatable {
    public var capacity: Capacity?
    public var delay: Duration?
    public var jitter: Jitter?
    public var queue: QueueLimit?
    public var aqm: QueueManagement?
    public var ecn: Bool?
    public var loss: Loss?
    public var reorder: Reorder?
    public var mtu: Int?
    public var duplicate: Double?
    public var corrupt: Double?

    public init() {}
  }
}

extension Scenario.LinkDirection {
  /// This direction with `fields` put over it.
  public func overridden(by fields: Scenario.LinkFields) -> Scenario.LinkDirection {
    var result = self
    if let capacity = fields.capacity { result.capacity = capacity }
    if let delay = fields.delay { result.delay = delay }
    if let jitter = fields.jitter { result.jitter = jitter }
    if let queue = fields.queue { result.queue = queue }
    if let aqm = fields.aqm { result.aqm = aqm }
    if let ecn = fields.ecn { result.ecn = ecn }
    if let loss = fields.loss { result.loss = loss }
    if let reorder = fields.reorder { result.reorder = reorder }
    if let mtu = fields.mtu { result.mtu = mtu }
    if let duplicate = fields.duplicate { result.duplicate = duplicate }
    if let corrupt = fields.corrupt { result.corrupt = corrupt }
    return result
  }
}

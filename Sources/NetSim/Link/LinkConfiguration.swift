// What one direction of a link does to packets, in the terms of RFC 8868 §4 and tc-netem(8).
import Basics

/// One direction of a link. Every value may change while packets are on it; what was already sent
/// or queued stays so. The default is a perfect wire: no delay, no limit, no loss.
public struct LinkConfiguration: Sendable, Equatable {
  /// Nil for unlimited; zero holds everything back. Ignored while `trace` is set.
  public var rate: Bitrate?
  /// Delivery opportunities that take the place of a rate.
  public var trace: CapacityTrace?
  /// Propagation delay, at least zero.
  public var delay: Duration
  public var queue: QueueLimit
  public var aqm: QueueManagement
  public var loss: LossModel
  public var jitter: Jitter
  public var reordering: Reordering?
  /// The share of packets that arrive twice, 0...1.
  public var duplication: Double
  /// The share of packets of which one bit is flipped, 0...1. A damaged stream segment fails its
  /// checksum and vanishes at the receiver; a damaged datagram is handed over.
  public var corruption: Double
  /// Drops every packet that enters.
  public var isBlackedOut: Bool
  /// Holds every packet back, as far as the queue reaches, until it is lifted.
  public var isPaused: Bool
  /// Drops packets by what they are.
  public var filter = LinkFilter()

  public init(
    rate: Bitrate? = nil, trace: CapacityTrace? = nil, delay: Duration = .zero,
    queue: QueueLimit = .time(.milliseconds(300)), aqm: QueueManagement = .dropTail,
    loss: LossModel = .none, jitter: Jitter = .none, reordering: Reordering? = nil,
    duplication: Double = 0, corruption: Double = 0, isBlackedOut: Bool = false,
    isPaused: Bool = false
  ) {
    self.rate = rate
    self.trace = trace
    self.delay = delay
    self.queue = queue
    self.aqm = aqm
    self.loss = loss
    self.jitter = jitter
    self.reordering = reordering
    self.duplication = duplication
    self.corruption = corruption
    self.isBlackedOut = isBlackedOut
    self.isPaused = isPaused
  }
}

/// How much may wait for transmission. An empty queue has room for a packet of any size.
public enum QueueLimit: Sendable, Equatable {
  /// Queuing time at the current rate (RFC 8867 §3), counted until the packet's own transmission
  /// begins; on a trace, at its mean rate. Does not bind without a rate.
  case time(Duration)
  /// Bytes on the wire, not counting the packet in transmission.
  case bytes(Int)
  /// Packets, not counting the one in transmission; at least 1.
  case packets(Int)
}

public enum QueueManagement: Sendable, Equatable {
  case dropTail
  /// RFC 8289. With `marksECN`, ECN-capable packets are marked where others are dropped.
  case codel(target: Duration, interval: Duration, marksECN: Bool)

  /// CoDel with the constants of RFC 8289 §5.3.
  public static let codel = QueueManagement.codel(
    target: .milliseconds(5), interval: .milliseconds(100), marksECN: false)
}

/// Which packets are lost regardless of load. Probabilities are 0...1.
public enum LossModel: Sendable, Equatable {
  case none
  case bernoulli(Double)
  /// `loss gemodel P R 1-H 1-K` of tc-netem(8): p good to bad, r bad to good, and the loss in
  /// either state.
  case gilbertElliott(p: Double, r: Double, lossInBad: Double = 1, lossInGood: Double = 0)
  /// `loss state P13 P31 P32 P23 P14` of tc-netem(8): state 1 good, 2 good within a burst, 3 loss
  /// within a burst, 4 isolated loss.
  case fourState(p13: Double, p31: Double, p32: Double = 0, p23: Double = 1, p14: Double = 0)
  /// These packets, counted from 0 at the first that ever entered the link; ascending.
  case indices([Int])
}

/// Delay variation around `LinkConfiguration.delay`; the sum is never below zero.
public enum Jitter: Sendable, Equatable {
  case none
  /// Uniform over ± the span.
  case uniform(Duration, reorders: Bool = false)
  /// Normal with this standard deviation.
  case normal(Duration, reorders: Bool = false)
  /// RFC 8868 §4.5.2 with the distribution of §4.5.3 taken literally: the *absolute value* of a
  /// Gaussian truncated at `limit` standard deviations, so the extra delay lies in 0...limit × std.
  case nrBPDV(standardDeviation: Duration = .milliseconds(5), limit: Double = 3)
}

/// Packets that change places with others (`reorder` of tc-netem(8)).
public struct Reordering: Sendable, Equatable {
  /// The chance of each candidate, 0...1.
  public var probability: Double
  /// Every `gap`-th packet is a candidate; at least 1.
  public var gap: Int
  /// Nil: a chosen packet skips the link's delay and overtakes (netem). Otherwise it is held back
  /// this much longer and is overtaken.
  public var extraDelay: Duration?

  public init(probability: Double, gap: Int = 1, extraDelay: Duration? = nil) {
    self.probability = probability
    self.gap = gap
    self.extraDelay = extraDelay
  }
}

// What passed over the links and flows of a run.

import Basics

/// One direction of a link.
public struct LinkRecord: Sendable, Equatable, Codable {
  public enum Owner: Sendable, Equatable, Codable {
    /// A participant's or a flow's own.
    case one(String)
    /// Shared by all who name it.
    case network
    case server
  }

  public enum Direction: String, Sendable, Codable { case up, down }

  public var name: String
  /// The scenario's link that this is an instance of.
  public var scenarioLink: String
  public var direction: Direction
  public var owner: Owner
  /// As a person would say it: `2 Mbps, 30 ms, queue 300 ms, loss 1 %`.
  public var configuration = ""
  /// As it was set at the end.
  public var delay = Duration.zero
  public var hasJitter = false
  public var entered: Int64 = 0
  public var enteredBytes: Int64 = 0
  public var delivered: Int64 = 0
  public var deliveredBytes: Int64 = 0
  public var corrupted: Int64 = 0
  /// By reason, in a fixed order.
  public var dropped: [PacketDifference] = []
  public var maximumQueueDelay = Duration.zero
  /// Rates that it was set to, from when on; nil without a limit.
  public var capacities: [RateChange] = []
  /// Of a shared link: bytes that reached the far end in each 200 ms, without background traffic.
  public var mediaBytes: [Int] = []
  /// Of a shared link: how long each packet waited in the queue.
  public var waits: [QueueWait] = []
  /// Of a link that follows a trace: bytes that it could carry in each 200 ms.
  public var traceBytes: [Int]?

  public init(name: String, scenarioLink: String, direction: Direction, owner: Owner) {
    self.name = name
    self.scenarioLink = scenarioLink
    self.direction = direction
    self.owner = owner
  }

  public func dropped(_ reason: String) -> Int64 {
    Int64(dropped.first { $0.name == reason }?.packets ?? 0)
  }

  public var droppedTotal: Int64 { Int64(dropped.reduce(0) { $0 + $1.packets }) }
}

/// A rate that holds from a moment on.
public struct RateChange: Sendable, Equatable, Codable {
  public var from: Instant
  /// Nil without a limit, bit/s.
  public var bitsPerSecond: Int64?

  public init(from: Instant, bitsPerSecond: Int64?) {
    self.from = from
    self.bitsPerSecond = bitsPerSecond
  }

  public var rate: Bitrate? { bitsPerSecond.map { Bitrate(bitsPerSecond: $0) } }
}

/// How long a packet waited before its transmission began.
public struct QueueWait: Sendable, Equatable, Codable {
  /// When its transmission began.
  public var at: Instant
  public var wait: Duration

  public init(at: Instant, wait: Duration) {
    self.at = at
    self.wait = wait
  }
}

/// A flow between hosts of its own.
public struct FlowRecord: Sendable, Equatable, Codable {
  public var name: String
  /// What it could send at most, from when on: zero while it stands still.
  public var demand: [RateChange]
  public var traffic: Traffic
  /// Metrics of the media that its receiver played.
  public var series: [SampleSeries] = []

  public enum Traffic: Sendable, Equatable, Codable {
    /// Bytes on the wire in each 200 ms, sent and received.
    case bytes(sent: [Int], received: [Int])
    case media(MediaFlowLog)
  }

  public init(name: String, demand: [RateChange], traffic: Traffic) {
    self.name = name
    self.demand = demand
    self.traffic = traffic
  }

  public var isMedia: Bool { if case .media = traffic { true } else { false } }
}

/// Every packet of a media flow, at either end, and its feedback: the log of RFC 8868 §3.1.
public struct MediaFlowLog: Sendable, Equatable, Codable {
  /// By transport-wide number from the first one on.
  public var packets: [SentPacket]
  /// Arrivals by transport-wide number; `distantFuture` for what never came.
  public var arrivals: [Instant]
  /// RTCP of the receiver.
  public var feedback: [Feedback]
  /// What congestion control asked of the encoders, whenever it changed, bit/s.
  public var targets: MetricSamples

  public struct SentPacket: Sendable, Equatable, Codable {
    public var at: Instant
    /// On the wire, with IP and UDP headers.
    public var bytes: Int32
    public var isAudio: Bool
    /// For video the RTP sequence number, also where the packet is sent again; else -1.
    public var mediaNumber: Int64

    public init(at: Instant, bytes: Int32, isAudio: Bool, mediaNumber: Int64) {
      self.at = at
      self.bytes = bytes
      self.isAudio = isAudio
      self.mediaNumber = mediaNumber
    }
  }

  public struct Feedback: Sendable, Equatable, Codable {
    public var at: Instant
    /// On the wire.
    public var bytes: Int

    public init(at: Instant, bytes: Int) {
      self.at = at
      self.bytes = bytes
    }
  }

  public init(
    packets: [SentPacket], arrivals: [Instant], feedback: [Feedback], targets: MetricSamples
  ) {
    self.packets = packets
    self.arrivals = arrivals
    self.feedback = feedback
    self.targets = targets
  }
}

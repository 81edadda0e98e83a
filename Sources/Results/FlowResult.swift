// What a run's flows and shared links came to (RFC 8868 §3): totals of flows, figures of phases.

import Basics

/// The totals of a flow beside the rooms.
public struct FlowSummary: Sendable, Equatable {
  public enum Kind: String, Sendable { case media, tcp, udp }

  public var name: String
  public var kind: Kind
  /// Seconds from the start of the run.
  public var start: Double
  public var stop: Double
  /// The directions of shared links that it takes, in order: `bottleneck.up`.
  public var path: [String] = []
  public var sentBytes: Int64 = 0
  public var receivedBytes: Int64 = 0
  /// Of what was received, bit/s, from start to stop.
  public var meanRate = 0.0
  /// Packets that never arrived, %; nil for what is not counted in packets.
  public var loss: Double?
  /// The same after repair, the mean of its seconds, %; media only.
  public var residualLoss: Double?
  /// One-way delay of its packets, ms: the 0th, 1st … 100th percentile; media only, else empty.
  public var delays: [Double] = []
  /// Capture to render, ms; media only.
  public var frameDelayP95: Double?
  /// RTCP of the receiver over what it received, the mean of its seconds, %; media only.
  public var feedbackOverhead: Double?
  /// Turns between 80 % and 20 % of what it could have; media only.
  public var watermarkCrossings: Double?

  public init(name: String, kind: Kind, start: Double, stop: Double) {
    self.name = name
    self.kind = kind
    self.start = start
    self.stop = stop
  }
}

/// A shared link between two events: while its capacity and those who send over it stay the same.
public struct LinkPhase: Sendable, Equatable {
  /// `bottleneck.up`
  public var link: String
  /// Seconds from the start of the run. Figures leave out the first five.
  public var start: Double
  public var end: Double
  /// What media has of the capacity, bit/s; nil without a limit.
  public var capacity: Double?
  /// %, of the lesser of capacity and what the sources make at most.
  public var utilisation: Double?
  /// ms
  public var queueP95: Double?
  /// Seconds until the slowest media flow has converged.
  public var convergence: Double?
  /// Jain index of the media flows' mean rates.
  public var jain: Double?

  public init(link: String, start: Double, end: Double) {
    self.link = link
    self.start = start
    self.end = end
  }
}

extension FlowSummary {
  var json: JSON {
    [
      "name": .string(name), "kind": .string(kind.rawValue), "start": .number(start),
      "stop": .number(stop), "sentBytes": .integer(sentBytes),
      "receivedBytes": .integer(receivedBytes), "meanRate": .optional(meanRate),
      "loss": .optional(loss), "residualLoss": .optional(residualLoss),
      "path": .array(path.map { .string($0) }), "delays": .array(delays.map { .number($0) }),
      "frameDelayP95": .optional(frameDelayP95), "feedbackOverhead": .optional(feedbackOverhead),
      "watermarkCrossings": .optional(watermarkCrossings),
    ]
  }

  init(_ reader: ResultReader) throws(ResultError) {
    self.init(
      name: try reader["name"].text, kind: try reader["kind"].word(Kind.self),
      start: try reader["start"].number, stop: try reader["stop"].number)
    sentBytes = try reader["sentBytes"].integer
    receivedBytes = try reader["receivedBytes"].integer
    meanRate = try reader["meanRate"].number
    loss = try reader.optional("loss")?.number
    residualLoss = try reader.optional("residualLoss")?.number
    path = try reader.optional("path")?.list { item throws(ResultError) in try item.text } ?? []
    delays =
      try reader.optional("delays")?.list { item throws(ResultError) in try item.number } ?? []
    frameDelayP95 = try reader.optional("frameDelayP95")?.number
    feedbackOverhead = try reader.optional("feedbackOverhead")?.number
    watermarkCrossings = try reader.optional("watermarkCrossings")?.number
  }
}

extension LinkPhase {
  var json: JSON {
    [
      "link": .string(link), "start": .number(start), "end": .number(end),
      "capacity": .optional(capacity), "utilisation": .optional(utilisation),
      "queueP95": .optional(queueP95), "convergence": .optional(convergence),
      "jain": .optional(jain),
    ]
  }

  init(_ reader: ResultReader) throws(ResultError) {
    self.init(
      link: try reader["link"].text, start: try reader["start"].number,
      end: try reader["end"].number)
    capacity = try reader.optional("capacity")?.number
    utilisation = try reader.optional("utilisation")?.number
    queueP95 = try reader.optional("queueP95")?.number
    convergence = try reader.optional("convergence")?.number
    jain = try reader.optional("jain")?.number
  }
}

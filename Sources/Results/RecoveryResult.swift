// What faults did to people, for the report: each loss with the attempts to come back, and how long
// media was away.

import Basics

/// One loss of the connection, and what became of it.
public struct ReconnectionSummary: Sendable, Equatable {
  /// An attempt to come back, and when the policy allowed it. Seconds since the connection, or the
  /// attempt before, was lost.
  public struct Attempt: Sendable, Equatable {
    public var waited: Double
    /// nil for one that the SFU asked for.
    public var allowed: ClosedRange<Double>?
    public var isViolation: Bool

    public init(waited: Double, allowed: ClosedRange<Double>?, isViolation: Bool) {
      self.waited = waited
      self.allowed = allowed
      self.isViolation = isViolation
    }
  }

  public enum Outcome: String, Sendable { case resumed, rejoined, gaveUp, open }

  public var participant: String
  /// Seconds from the start of the run.
  public var lost: Double
  /// nil for never.
  public var back: Double?
  public var outcome: Outcome
  public var attempts: [Attempt] = []

  public init(participant: String, lost: Double, back: Double?, outcome: Outcome) {
    self.participant = participant
    self.lost = lost
    self.back = back
    self.outcome = outcome
  }
}

/// How soon media was back for one person, over all faults and everybody at the other end.
public struct MediaRecovery: Sendable, Equatable {
  /// `pair` is everybody and everybody.
  public enum Side: String, Sendable { case pair, subscriber, publisher }

  /// Empty for `pair`.
  public var participant: String
  public var side: Side
  /// Faults times people at the other end.
  public var count: Int
  /// ms, from the healing to the first frame captured after it.
  public var fromHealP95: Double
  public var fromHealMaximum: Double
  /// ms, from the fault's beginning.
  public var fromLossMaximum: Double
  /// ms, the longest time without a frame.
  public var gapMaximum: Double

  public init(
    participant: String, side: Side, count: Int, fromHealP95: Double, fromHealMaximum: Double,
    fromLossMaximum: Double, gapMaximum: Double
  ) {
    self.participant = participant
    self.side = side
    self.count = count
    self.fromHealP95 = fromHealP95
    self.fromHealMaximum = fromHealMaximum
    self.fromLossMaximum = fromLossMaximum
    self.gapMaximum = gapMaximum
  }
}

extension ReconnectionSummary {
  var json: JSON {
    [
      "participant": .string(participant), "lost": .number(lost), "back": .optional(back),
      "outcome": .string(outcome.rawValue),
      "attempts": .array(
        attempts.map { attempt in
          [
            "waited": .number(attempt.waited),
            "allowed": attempt.allowed.map { .range($0) } ?? .null,
            "isViolation": .bool(attempt.isViolation),
          ]
        }),
    ]
  }

  init(_ reader: ResultReader) throws(ResultError) {
    self.init(
      participant: try reader["participant"].text, lost: try reader["lost"].number,
      back: try reader.optional("back")?.number, outcome: try reader["outcome"].word(Outcome.self))
    attempts = try reader["attempts"].list { attempt throws(ResultError) in
      Attempt(
        waited: try attempt["waited"].number, allowed: try attempt.optional("allowed")?.range,
        isViolation: try attempt["isViolation"].flag)
    }
  }
}

extension MediaRecovery {
  var json: JSON {
    [
      "participant": .string(participant), "side": .string(side.rawValue),
      "count": .integer(Int64(count)), "fromHealP95": .number(fromHealP95),
      "fromHealMaximum": .number(fromHealMaximum), "fromLossMaximum": .number(fromLossMaximum),
      "gapMaximum": .number(gapMaximum),
    ]
  }

  init(_ reader: ResultReader) throws(ResultError) {
    self.init(
      participant: try reader["participant"].text, side: try reader["side"].word(Side.self),
      count: try reader["count"].count, fromHealP95: try reader["fromHealP95"].number,
      fromHealMaximum: try reader["fromHealMaximum"].number,
      fromLossMaximum: try reader["fromLossMaximum"].number,
      gapMaximum: try reader["gapMaximum"].number)
  }
}

// Expectations: what must hold for the run to pass.

import Basics
import Results

extension Scenario {
  public struct Expectation: Sendable, Equatable {
    /// Unique in the scenario.
    public var id: String
    /// As written: a group, an identity, `all`, `tag:NAME` or `room:NAME`.
    public var of: String
    public var subjects: [Subject]
    public var metric: Metric
    public var statistic: Statistic
    public var comparison: Assertion.Comparison
    /// In `unit`.
    public var limit: Double
    /// The unit of the statistic, such as `ms`; that of the metric unless the statistic counts.
    public var unit: String
    /// nil for the whole run.
    public var window: Window?
    /// Judge only what is received from these; nil for everyone.
    public var from: [Subject]?
    /// Judge only what is received from those whose schedule has them talk in the window.
    public var fromTalkers = false
    public var kind: MediaKind?
    /// Judge this source of each publisher alone; nil for the microphone, and the camera where there is one.
    public var source: MediaSource?
    public var across = Across.each
    /// 0...1: the fraction of participants that must hold.
    public var share: Double?
    public var minSamples = 1
    public var criteria: [String] = []
    /// The flow or link whose own statistic is 100 %; nil for a limit in the metric's unit.
    public var against: String?

    /// The tracks that it speaks of.
    public var tracks: TrackSelection { source.map(TrackSelection.source) ?? .usual }

    /// Stands in `from` for whoever talks in the window, by the schedule.
    public static let talkers = "talkers"

    public struct Subject: Sendable, Equatable {
      public enum Kind: Sendable { case participant, flow, link }

      public var identity: String
      public var room: String
      public var kind = Kind.participant

      public init(identity: String, room: String) {
        self.identity = identity
        self.room = room
      }

      /// A flow, or a direction of a shared link such as `bottleneck.up`.
      public init(_ kind: Kind, _ name: String) {
        identity = name
        room = ""
        self.kind = kind
      }
    }

    /// `end` is part of it, `start` is not: a sample tells of the time before it.
    public struct Window: Sendable, Equatable {
      public var start: Instant
      public var end: Instant

      public init(start: Instant, end: Instant) {
        self.start = start
        self.end = end
      }
    }

    /// How the participants (or pairs) come to one verdict.
    public enum Across: String, Sendable, CaseIterable {
      /// Every one must hold and must have samples.
      case each
      /// The worst of those that have samples must hold.
      case worst
      /// All samples together.
      case pooled
    }
  }

  public typealias MediaKind = TrackKind

  /// One number out of many samples.
  public enum Statistic: Sendable, Equatable, CustomStringConvertible {
    /// 0...100, by nearest rank.
    case percentile(Double)
    case mean, min, max, last, first
    /// The total of event samples; the growth of a counter.
    case sum
    /// How many samples there are.
    case count
    /// Events, or a counter's growth, a second.
    case rate

    static let words: [(String, Statistic)] = [
      ("mean", .mean), ("min", .min), ("max", .max), ("last", .last), ("first", .first),
      ("sum", .sum), ("count", .count), ("rate", .rate),
    ]

    public var description: String {
      if case .percentile(let p) = self {
        return p == p.rounded() ? "p\(Int(p))" : "p\(p)"
      }
      return Statistic.words.first { $0.1 == self }!.0
    }
  }
}

// Samples of a metric over a run, and where expectations read them.

import Basics

/// One series, in order of time.
public struct MetricSamples: Sendable, Equatable, Codable {
  /// Nanoseconds since the start of the run.
  public var times: [Int64]
  /// As many as `times`, in the metric's unit. A counter's are its running total, zero at first.
  public var values: [Double]

  public init(times: [Int64] = [], values: [Double] = []) {
    precondition(times.count == values.count)
    self.times = times
    self.values = values
  }

  public mutating func append(_ value: Double, at moment: Instant) {
    times.append(moment.nanoseconds)
    values.append(value)
  }
}

/// What a run measured.
public protocol MetricSource {
  /// The series that `participant` has of `metric`; nil where there is none. Gauges and counters go
  /// on every second while the participant is in the room: when its track has gone, a counter
  /// stands still.
  ///
  /// - Parameters:
  ///   - peer: the publisher for a metric per pair, else nil.
  ///   - kind: nil for audio and video together (a counter's totals are then summed).
  func samples(
    participant: String, metric: String, peer: String?, kind: TrackKind?
  ) -> MetricSamples?

  /// The same of some of the tracks; a source that keeps them apart implements it.
  func samples(
    participant: String, metric: String, peer: String?, kind: TrackKind?, tracks: TrackSelection
  ) -> MetricSamples?

  /// Every publisher of whom `participant` should have had samples of `metric`, in a fixed order:
  /// also one whose media never came.
  func peers(of participant: String, metric: String, kind: TrackKind?) -> [String]

  /// Those of them who publish the tracks that are meant.
  func peers(
    of participant: String, metric: String, kind: TrackKind?, tracks: TrackSelection
  ) -> [String]

  /// When samples of a series were due, and when none came.
  func coverage(
    participant: String, metric: String, peer: String?, kind: TrackKind?, tracks: TrackSelection
  ) -> SampleCoverage

  /// Whether `participant` has nothing to hear of `peer` in `window` by the plan, so that no samples are due.
  func isSilent(
    participant: String, metric: String, peer: String, kind: TrackKind?, in window: Interval
  ) -> Bool

  /// Whether the plan lets `participant` talk in `window`.
  func talks(_ participant: String, in window: Interval) -> Bool
}

extension MetricSource {
  public func coverage(
    participant: String, metric: String, peer: String?, kind: TrackKind?, tracks: TrackSelection
  ) -> SampleCoverage {
    SampleCoverage()
  }

  public func isSilent(
    participant: String, metric: String, peer: String, kind: TrackKind?, in window: Interval
  ) -> Bool {
    false
  }

  public func talks(_ participant: String, in window: Interval) -> Bool { false }
}

/// When samples were due, and when none came.
public struct SampleCoverage: Sendable, Equatable {
  /// Ends of seconds, or moments of events, in nanoseconds since the start of the run; ascending.
  public var due: [Int64] = []
  /// Those of `due` without a sample.
  public var missing: [Int64] = []
  /// Those of `missing` before which a freeze was counted that goes on.
  public var continued: [Int64] = []
  /// Whether these are seconds, each with as many samples as those that have some.
  public var isPerSecond = true

  public init() {}

  /// The part in a window, whose start does not belong to it.
  public func within(_ start: Instant, _ end: Instant) -> SampleCoverage {
    var part = self
    let isIn = { (time: Int64) in time > start.nanoseconds && time <= end.nanoseconds }
    part.due = due.filter(isIn)
    part.missing = missing.filter(isIn)
    part.continued = continued.filter(isIn)
    return part
  }
}

extension [Double] {
  /// The value of which `percent` (0...100) of these are no greater, by the nearest rank. They are
  /// ascending, and there are some.
  public func nearestRank(_ percent: Int) -> Double {
    self[Swift.max(0, (percent * count + 99) / 100 - 1)]
  }
}

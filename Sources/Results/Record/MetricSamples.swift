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
}

extension [Double] {
  /// The value of which `percent` (0...100) of these are no greater, by the nearest rank. They are
  /// ascending, and there are some.
  public func nearestRank(_ percent: Int) -> Double {
    self[Swift.max(0, (percent * count + 99) / 100 - 1)]
  }
}

// Whether the picture follows the capacity: the ladder of criterion 002:29 under the oracle of
// definition D8 (docs/ladder.md).

import Basics
import Results
import Scenario

/// The rungs and what each takes.
enum Ladder {
  struct Rung: Sendable {
    var lines: Int
    var minimum: Bitrate
    var maximum: Bitrate
  }

  static let rungs = [
    Rung(lines: 360, minimum: .kbps(300), maximum: .kbps(800)),
    Rung(lines: 480, minimum: .kbps(500), maximum: .kbps(1_200)),
    Rung(lines: 720, minimum: .kbps(1_000), maximum: .kbps(2_500)),
    Rung(lines: 1_080, minimum: .kbps(2_500), maximum: .kbps(5_000)),
  ]
  /// What is known of the capacity is no better than this.
  static let slack = 0.1
  /// What headers take of the capacity, below RTP.
  private static let overhead = 0.05
  /// One talker, headers included.
  private static let audio = Bitrate.kbps(60)

  /// What is left of a link for the payload of video.
  static func usable(_ capacity: Bitrate, talkers: Int) -> Bitrate {
    max(.zero, (capacity - audio * Double(min(3, talkers))) * (1 - overhead))
  }

  /// The right lines for a capacity that is known within the slack, zero for sound alone: for each
  /// value the highest rung whose minimum fits.
  static func accepted(_ usable: Bitrate, upTo top: Int) -> Set<Int> {
    func highest(_ rate: Bitrate) -> Int {
      rungs.last { $0.minimum <= rate && $0.lines <= top }?.lines ?? 0
    }
    let (low, high) = (highest(usable * (1 - slack)), highest(usable * (1 + slack)))
    return Set([0] + rungs.map(\.lines)).filter { $0 >= low && $0 <= high }
  }
}

struct LadderJudge {
  let evidence: Evidence
  let store: MetricStore

  /// What followed on one change of capacity.
  struct Step {
    var at: Instant
    var isDown: Bool
    /// From the change to the moment from which on the lines were right; to the next change where they
    /// never were.
    var settled: Duration
    var switches: Int
  }

  typealias TrackSteps = (publisher: String, source: MediaSource, steps: [Step])

  /// What followed on each change of capacity, by track: against the rungs of the criterion for a viewer of one
  /// camera that has them, else against what the allocator's order leaves each track.
  func steps(of seat: Evidence.Participant) -> [TrackSteps] {
    let identity = seat.member.identity
    let changes = evidence.capacityChanges(of: seat)
    guard changes.count > 1, evidence.scenario.ladderObstacle(for: seat.member) == nil else {
      return []
    }
    let tracks = OfferedTrack.all(for: seat, in: evidence)
    let talkers = store.peers(of: identity, metric: "assay.audioEndToEndDelay", kind: .audio)
    let usable = changes.map { Ladder.usable($0.rate, talkers: talkers.count) }
    var known: [(track: OfferedTrack, accepted: [Set<Int>])] = []
    return tracks.indices.compactMap { index -> TrackSteps? in
      let track = tracks[index]
      guard
        let shown = store.samples(
          participant: identity, metric: "assay.rung", peer: track.publisher, kind: .video,
          tracks: .source(track.source))
      else { return nil }
      let samples = withAbsences(shown, of: identity, track.publisher, track.source)
      // In a large room most tracks are alike.
      let same = known.first { $0.track.isEqual(to: track) && $0.track.rungs == track.rungs }
      let accepted = same?.accepted ?? usable.map { acceptedLines(index, of: tracks, $0) }
      if same == nil { known.append((track, accepted)) }
      return (track.publisher, track.source, steps(samples, changes, accepted))
    }
  }

  private func acceptedLines(_ index: Int, of tracks: [OfferedTrack], _ usable: Bitrate) -> Set<Int>
  {
    let track = tracks[index]
    let isLadder = track.rungs.allSatisfy { rung in
      Ladder.rungs.contains { $0.lines == rung.lines }
    }
    guard tracks.count == 1, !track.isScreen, isLadder, let top = track.rungs.last?.lines else {
      return LadderShare.accepted(index, of: tracks, usable)
    }
    return Ladder.accepted(usable, upTo: top)
  }

  private func steps(
    _ samples: MetricSamples, _ changes: [(from: Instant, rate: Bitrate)],
    _ accepted: [Set<Int>]
  ) -> [Step] {
    let end = Instant.zero + evidence.scenario.duration
    return changes.indices.dropFirst().map { index in
      let change = changes[index]
      let until = index + 1 < changes.count ? changes[index + 1].from : end
      let (settled, switches) = follow(samples, from: change.from, to: until, accepted[index])
      return Step(
        at: change.from, isDown: change.rate < changes[index - 1].rate, settled: settled,
        switches: switches)
    }
  }

  /// Nothing is shown in a second in which a picture was due and none came.
  private func withAbsences(
    _ samples: MetricSamples, of viewer: String, _ publisher: String, _ source: MediaSource
  ) -> MetricSamples {
    let missing = store.coverage(
      participant: viewer, metric: "assay.rung", peer: publisher, kind: .video,
      tracks: .source(source)
    ).missing
    guard !missing.isEmpty else { return samples }
    var all = zip(samples.times, samples.values).map { ($0, $1) } + missing.map { ($0, 0) }
    all.sort { $0.0 < $1.0 }
    return MetricSamples(times: all.map(\.0), values: all.map(\.1))
  }

  private func follow(
    _ samples: MetricSamples, from start: Instant, to end: Instant, _ accepted: Set<Int>
  ) -> (settled: Duration, switches: Int) {
    var lines: Int?
    var rightSince: Instant?
    var switches = 0
    for (time, value) in zip(samples.times, samples.values) {
      let moment = Instant(nanoseconds: time)
      guard moment < end else { break }
      if moment > start, let lines, lines != Int(value) { switches += 1 }
      lines = Int(value)
      if !accepted.contains(Int(value)) {
        rightSince = nil
      } else if rightSince == nil {
        rightSince = max(moment, start)
      }
    }
    return ((rightSince ?? end) - start, switches)
  }
}

// What a run measured, by participant, metric and publisher; what expectations and charts read.

import Basics
import Results
import Scenario

struct MetricStore: MetricSource {
  /// Series of one participant and metric, each of one publisher's track.
  private struct Entry {
    var peer: String
    var kind: Scenario.MediaKind?
    var source: MediaSource?
    var samples: MetricSamples
  }

  struct Key: Hashable {
    var participant: String
    var metric: String

    init(_ participant: String, _ metric: String) {
      self.participant = participant
      self.metric = metric
    }
  }

  private var entries: [Key: [Entry]] = [:]
  /// Whom each participant should receive, by kind, in a fixed order.
  private var publishers: [String: [(identity: String, kind: Scenario.MediaKind)]] = [:]
  /// What each publisher sends to each participant, by participant and publisher.
  private var sources: [String: [String: [MediaSource]]] = [:]
  /// The seconds in which each participant was in the room.
  private var presence: [String: [Int64]] = [:]
  /// When data is due; nil where no scenario says.
  let due: DueMedia?
  /// Events that were due.
  private(set) var events: [Key: [NotedEvent]] = [:]
  /// The seconds, by their ends, in which a media flow, or one of a link's, was to send.
  private(set) var active: [String: [Int64]] = [:]
  /// Not metrics: a sample in each second with packets sent, received, or with feedback, of a flow or of
  /// all on a link.
  static let sent = "sent"
  static let received = "received"
  static let feedback = "feedback"

  init(_ due: DueMedia? = nil) { self.due = due }

  // MARK: - Filling

  mutating func setPublishers(
    _ list: [(identity: String, kind: Scenario.MediaKind)], of participant: String
  ) {
    publishers[participant] = list
  }

  mutating func setSources(_ list: [String: [MediaSource]], of participant: String) {
    sources[participant] = list
  }

  mutating func setPresence(_ seconds: [Int64], of participant: String) {
    presence[participant] = seconds
  }

  mutating func add(
    _ samples: MetricSamples, participant: String, metric: String, peer: String = "",
    kind: Scenario.MediaKind? = nil, source: MediaSource? = nil
  ) {
    entries[Key(participant, metric), default: []].append(
      Entry(peer: peer, kind: kind, source: source, samples: samples))
  }

  mutating func setActive(_ seconds: [Int64], of subject: String) { active[subject] = seconds }

  /// Notes that a sample of `metric` was due at a moment, and whether none came.
  mutating func note(
    _ metric: String, of participant: String, peer: String = "", kind: Scenario.MediaKind? = nil,
    at moment: Instant, isMissing: Bool
  ) {
    events[Key(participant, metric), default: []].append(
      NotedEvent(peer: peer, kind: kind, at: moment.nanoseconds, isMissing: isMissing))
  }

  // MARK: - Reading

  /// Series as they were added.
  func entries(
    _ participant: String, _ metric: String, _ peer: String?, _ kind: Scenario.MediaKind?,
    _ tracks: TrackSelection = .all
  ) -> [MetricSamples] {
    (entries[Key(participant, metric)] ?? []).filter {
      (peer == nil || $0.peer == peer) && (kind == nil || $0.kind == nil || $0.kind == kind)
        && isMeant($0, tracks, participant)
    }.map(\.samples)
  }

  /// Of which kinds of track a metric was measured.
  func kinds(_ participant: String, _ metric: String, _ peer: String) -> [Scenario.MediaKind] {
    (entries[Key(participant, metric)] ?? []).filter { $0.peer == peer }.compactMap(\.kind)
  }

  func samples(
    participant: String, metric: String, peer: String?, kind: Scenario.MediaKind?
  ) -> MetricSamples? {
    samples(participant: participant, metric: metric, peer: peer, kind: kind, tracks: .all)
  }

  func samples(
    participant: String, metric: String, peer: String?, kind: Scenario.MediaKind?,
    tracks: TrackSelection
  ) -> MetricSamples? {
    guard let definition = MetricCatalogue.metric(named: metric) else { return nil }
    let matching = entries(participant, metric, peer, kind, tracks)
    guard !matching.isEmpty else { return nil }
    if definition.kind == .counter { return total(matching, at: presence[participant] ?? []) }
    return matching.count == 1 ? matching[0] : merged(matching)
  }

  private func isMeant(
    _ entry: Entry, _ tracks: TrackSelection, _ participant: String
  ) -> Bool {
    switch tracks {
    case .all: true
    case .source(let source): entry.source == source
    case .usual:
      entry.source != .screenShare
        || !(sources[participant]?[entry.peer]?.contains(.camera) ?? false)
    }
  }

  /// What `publisher` sends of a kind, in the order of its tracks.
  func sources(
    of publisher: String, to participant: String, kind: Scenario.MediaKind
  ) -> [MediaSource] {
    sources[participant]?[publisher]?.filter { $0.kind == kind } ?? []
  }

  func peers(
    of participant: String, metric: String, kind: Scenario.MediaKind?, tracks: TrackSelection
  ) -> [String] {
    guard case .source(let source) = tracks else {
      return peers(of: participant, metric: metric, kind: kind)
    }
    return peers(of: participant, metric: metric, kind: source.kind).filter {
      sources[participant]?[$0]?.contains(source) ?? false
    }
  }

  func peers(
    of participant: String, metric: String, kind: Scenario.MediaKind?
  ) -> [String] {
    let kinds = MetricStore.kinds(of: metric)
    let measured = entries[Key(participant, metric)] ?? []
    var result: [String] = []
    for publisher in publishers[participant] ?? []
    where (kind == nil || publisher.kind == kind) && !result.contains(publisher.identity) {
      // Some tracks of another kind have it too, as decoded sound has decode errors.
      let isMeasured = measured.contains {
        $0.peer == publisher.identity && $0.kind == publisher.kind
      }
      if kinds.contains(publisher.kind) || isMeasured { result.append(publisher.identity) }
    }
    return result
  }

  /// Which kinds of track have this metric always.
  static func kinds(of metric: String) -> [Scenario.MediaKind] {
    MetricCatalogue.metric(named: metric)?.kinds ?? [.video]
  }

  /// The sum of running totals at each second of presence: a counter goes on while its owner is
  /// there, also when its track has gone.
  private func total(_ series: [MetricSamples], at seconds: [Int64]) -> MetricSamples {
    var cursors = Array(repeating: 0, count: series.count)
    var held = Array(repeating: 0.0, count: series.count)
    var result = MetricSamples()
    for second in seconds {
      for index in series.indices {
        while cursors[index] < series[index].times.count,
          series[index].times[cursors[index]] <= second
        {
          held[index] = series[index].values[cursors[index]]
          cursors[index] += 1
        }
      }
      result.append(held.reduce(0, +), at: Instant(nanoseconds: second))
    }
    return result
  }

  /// Several series in order of time.
  private func merged(_ series: [MetricSamples]) -> MetricSamples {
    var pairs: [(Int64, Double)] = []
    for samples in series { pairs += zip(samples.times, samples.values).map { ($0, $1) } }
    pairs.sort { $0.0 < $1.0 }
    return MetricSamples(times: pairs.map(\.0), values: pairs.map(\.1))
  }
}

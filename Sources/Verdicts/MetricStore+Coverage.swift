// Which samples were due and did not come: seconds of a series, and events that were noted as missing.

import Basics
import Results
import Scenario

extension MetricStore {
  /// Metrics of events that their measurement notes when they are due; of the others seconds are.
  private static let noted: Set<String> = [
    "assay.connectTime", "assay.reconnectFromLoss", "assay.reconnectFromHeal", "assay.resumed",
    "assay.mediaBackFromLoss", "assay.mediaBackFromHeal", "assay.mediaGap", "assay.dataLost",
    "assay.dataLate", "assay.dataDuplicated", "assay.dataOutOfOrder", "assay.dataDelay",
    "assay.joinRequestsPer100ms", "assay.disconnectNotifyDelay", "assay.muteDelay",
    "assay.speakingIndicatorOnset",
    "assay.speakingIndicatorPrecision", "assay.speakingIndicatorRecall", "assay.stepDownTime",
    "assay.stepUpTime", "assay.switchesPerStep",
  ]

  /// Of one participant's metric.
  struct NotedEvent {
    var peer: String
    var kind: Scenario.MediaKind?
    var at: Int64
    var isMissing: Bool
  }

  func coverage(
    participant: String, metric: String, peer: String?, kind: Scenario.MediaKind?,
    tracks: TrackSelection
  ) -> SampleCoverage {
    guard let definition = MetricCatalogue.metric(named: metric) else { return SampleCoverage() }
    let isFlow = active[participant] != nil
    if MetricStore.noted.contains(metric) || events[Key(participant, metric)] != nil {
      return notedCoverage(participant, metric, peer, kind)
    }
    switch definition.scope {
    case .participant: return own(definition, participant)
    case .pair where isFlow: return flowCoverage(definition, participant, kind)
    case .pair: return pair(definition, participant, peer, kind, tracks)
    case .flow, .link: return flowCoverage(definition, participant, kind)
    }
  }

  private func notedCoverage(
    _ participant: String, _ metric: String, _ peer: String?, _ kind: Scenario.MediaKind?
  ) -> SampleCoverage {
    var coverage = SampleCoverage()
    coverage.isPerSecond = false
    let matching = (events[Key(participant, metric)] ?? []).filter {
      (peer == nil || $0.peer == peer) && (kind == nil || $0.kind == nil || $0.kind == kind)
    }.sorted { $0.at < $1.at }
    coverage.due = matching.map(\.at)
    coverage.missing = matching.filter(\.isMissing).map(\.at)
    return coverage
  }

  // MARK: - Seconds of a participant

  /// The SFU sends a word about each connection every five seconds.
  private static let wordsApart = 10

  private func own(_ metric: Metric, _ participant: String) -> SampleCoverage {
    guard let due else { return SampleCoverage() }
    // What is summed up once was observed as long as its participant was.
    let witness = metric.kind == .once ? "assay.joined" : metric.name
    let series = entries(participant, witness, nil, nil)
    // Where nothing has a rate there is nothing to compare an estimate with.
    if series.isEmpty, metric.name.contains("stimate") { return SampleCoverage() }
    let stride = metric.name == "assay.connectionQuality" ? MetricStore.wordsApart : 1
    return compare(due.presence(of: participant), series, stride, metric, participant)
  }

  // MARK: - Seconds of a pair

  private func pair(
    _ metric: Metric, _ viewer: String, _ peer: String?, _ kind: Scenario.MediaKind?,
    _ tracks: TrackSelection
  ) -> SampleCoverage {
    guard let due, let peer else { return SampleCoverage() }
    var coverage = SampleCoverage()
    let usual = MetricStore.kinds(of: metric.name)
    for each in Scenario.MediaKind.allCases where kind == nil || kind == each {
      // Some tracks of another kind have it too.
      guard usual.contains(each) || hasEntries(viewer, metric.name, peer, each) else { continue }
      let seconds = due.seconds(
        viewer, of: peer, each, tracks, isTalk: metric.name == "assay.audioEndToEndDelay")
      guard !seconds.isEmpty else { continue }
      let series = witnesses(of: metric, each, viewer, peer).flatMap {
        entries(viewer, $0, peer, each, tracks)
      }
      // Pictures are compared only where they are real ones.
      if metric.unit == "dB" || metric.name == "assay.ssim",
        entries(viewer, metric.name, peer, each, tracks).isEmpty
      {
        continue
      }
      let part = compare(seconds, series, 1, metric, viewer)
      coverage.due += part.due
      coverage.missing += part.missing
    }
    if metric.name == "freezeCount" {
      coverage.continued = frozen(coverage.missing, viewer, peer, tracks)
    }
    return coverage
  }

  private func hasEntries(
    _ viewer: String, _ metric: String, _ peer: String, _ kind: Scenario.MediaKind
  ) -> Bool {
    kinds(viewer, metric, peer).contains(kind)
  }

  /// From so many samples of a log on it may be thinned out (`SampleLog`).
  private static let thinnedFrom = 2_000

  /// Series one of which has a sample in every second in which this metric is measured.
  private func witnesses(
    of metric: Metric, _ kind: Scenario.MediaKind, _ viewer: String, _ peer: String
  ) -> [String] {
    let frames = kind == .video ? ["framesPerSecond"] : ["assay.audioConcealment"]
    switch metric.name {
    case "freezeCount", "totalFreezesDuration": return frames
    case "assay.psnr", "assay.ssim": return [metric.name] + frames
    default: break
    }
    switch metric.kind {
    // A total that stands still is not sampled.
    case .counter, .once: return frames + ["jitter"]
    case .event:
      let isThinned = entries(viewer, metric.name, peer, kind).contains {
        $0.times.count >= MetricStore.thinnedFrom
      }
      return isThinned ? [metric.name] + frames : [metric.name]
    case .gauge: return [metric.name]
    }
  }

  /// Of `missing`, the seconds that follow one without a frame: the freeze was counted when it began.
  private func frozen(
    _ missing: [Int64], _ viewer: String, _ peer: String, _ tracks: TrackSelection
  ) -> [Int64] {
    let rates = entries(viewer, "framesPerSecond", peer, .video, tracks)
    let still = Set(
      rates.flatMap {
        zip($0.times, $0.values).filter { $0.1 == 0 }.map { MetricStore.second($0.0) }
      })
    return missing.filter { still.contains($0 - DueMedia.second) }
  }

  // MARK: - Flows and links

  private func flowCoverage(
    _ metric: Metric, _ subject: String, _ kind: Scenario.MediaKind?
  ) -> SampleCoverage {
    guard let seconds = active[subject] else { return SampleCoverage() }
    let witness: String
    switch metric.name {
    // An interval of 200 ms has its rate whether anything came or not.
    case "assay.sendRate", "assay.receiveRate", "assay.goodput", "assay.receiveRate2s",
      "assay.watermarkCrossings", "assay.rateRegained", "assay.utilisation",
      "assay.overallUtilisation":
      return SampleCoverage()
    case "assay.convergenceTime", "assay.fairShare": witness = MetricStore.received
    case "assay.targetRate", "assay.feedbackRate", "assay.feedbackOverhead":
      witness = MetricStore.feedback
    case "assay.backOffTime": witness = MetricStore.sent
    default: witness = metric.kind == .counter ? "framesPerSecond" : metric.name
    }
    return compare(seconds, entries(subject, witness, nil, kind), 1, metric, subject)
  }

  // MARK: - Comparison

  /// The end of the second that a sample at `time` tells of.
  private static func second(_ time: Int64) -> Int64 {
    (time + DueMedia.second - 1) / DueMedia.second * DueMedia.second
  }

  /// - Parameter stride: samples are this many seconds apart at most.
  private func compare(
    _ due: [Int64], _ series: [MetricSamples], _ stride: Int, _ metric: Metric, _ subject: String
  ) -> SampleCoverage {
    var coverage = SampleCoverage()
    coverage.due = due
    guard let last = due.last else { return coverage }
    let count = Int(last / DueMedia.second) + 1
    let reach = max(stride, MetricStore.thinning(count))
    var isCovered = [Bool](repeating: false, count: count)
    for samples in series {
      for time in samples.times {
        let second = Int(MetricStore.second(time) / DueMedia.second)
        for place in max(0, second - reach + 1)..<(second + reach) where place < count {
          isCovered[place] = true
        }
      }
    }
    coverage.missing = due.filter { !isCovered[Int($0 / DueMedia.second)] }
    if metric.absence == .inconclusiveInRoom, !coverage.missing.isEmpty {
      let away = secondsAway(subject, reach)
      coverage.missing.removeAll(where: away.contains)
    }
    return coverage
  }

  /// Gauges of a run of so many seconds keep one sample of this many (`SampleLog.capacity`).
  private static func thinning(_ seconds: Int) -> Int {
    var stride = 1
    while seconds / stride > 4_000 { stride *= 2 }
    return stride
  }

  /// Seconds in which a participant knew that it was not in the room.
  private func secondsAway(_ participant: String, _ reach: Int) -> Set<Int64> {
    var away: Set<Int64> = []
    for samples in entries(participant, "assay.joined", nil, nil) {
      for (time, value) in zip(samples.times, samples.values) where value == 0 {
        for offset in 0..<Int64(reach) {
          away.insert(MetricStore.second(time) + offset * DueMedia.second)
        }
      }
    }
    return away
  }

  // MARK: - What is silent

  func isSilent(
    participant: String, metric: String, peer: String, kind: Scenario.MediaKind?,
    in window: Interval
  ) -> Bool {
    let kinds = MetricStore.kinds(of: metric).filter { kind == nil || kind == $0 }
    guard let due, kinds == [.audio],
      metric == "assay.audioEndToEndDelay" || due.plan.isDiscontinuous(peer)
    else { return false }
    return due.isSilent(participant, of: peer, in: window)
  }

  func talks(_ participant: String, in window: Interval) -> Bool {
    due?.talks(participant, in: window) ?? false
  }
}

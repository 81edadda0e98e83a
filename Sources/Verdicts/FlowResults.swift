// What a result tells of flows and shared links: totals, phases, and series for the charts.

import Basics
import Results
import Scenario

extension FlowMeasurement {
  /// Phases shorter than this have no figures of their own.
  private static let settling = 5 * RateSeries.perSecond

  func fill(_ result: inout RunResult, from store: MetricStore) {
    guard !flows.isEmpty else { return }
    result.flows = flows.map { summary($0, store) }
    for link in links {
      let phases = phases(on: [link.name])
      result.phases += phases.compactMap { phase(of: link, $0.event, $0.range) }
      result.series += series(of: link)
    }
  }

  private func summary(_ flow: FlowRates, _ store: MetricStore) -> FlowSummary {
    let group = flow.group
    let kind: FlowSummary.Kind =
      switch group.kind {
      case .media: .media
      case .tcp: .tcp
      case .udp: .udp
      }
    let end = (group.stop ?? .zero + duration).seconds
    var summary = FlowSummary(
      name: flow.name, kind: kind, start: group.start.seconds, stop: end)
    summary.path = flow.links
    summary.sentBytes = bytes(flow.sent)
    summary.receivedBytes = bytes(flow.received)
    summary.meanRate = Double(summary.receivedBytes * 8) / max(0.001, end - group.start.seconds)
    if case .media(let log) = flow.record.traffic, !log.packets.isEmpty {
      let arrived = log.arrivals.count { $0 < .distantFuture }
      let sent = log.packets.count
      summary.loss = 100 * max(0, Double(sent - arrived) / Double(sent))
      addDelays(to: &summary, store)
    }
    return summary
  }

  private func addDelays(to summary: inout FlowSummary, _ store: MetricStore) {
    let name = summary.name
    let values = { (metric: String, kind: Scenario.MediaKind?) in
      store.samples(participant: name, metric: metric, peer: nil, kind: kind)?.values ?? []
    }
    let mean = { (values: [Double]) in
      values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
    let packets = values("assay.packetDelay", nil).sorted()
    if !packets.isEmpty { summary.delays = (0...100).map { packets.nearestRank($0) } }
    let frames = values("assay.endToEndDelay", .video).sorted()
    if !frames.isEmpty { summary.frameDelayP95 = frames.nearestRank(95) }
    summary.residualLoss = mean(values("assay.lossAfterRepair", .video))
    summary.feedbackOverhead = mean(values("assay.feedbackOverhead", nil))
    summary.watermarkCrossings = values("assay.watermarkCrossings", nil).last
  }

  private func bytes(_ series: RateSeries) -> Int64 {
    Int64((series.values.reduce(0, +) / Double(8 * RateSeries.perSecond)).rounded())
  }

  // MARK: - Phases

  private func phase(
    of link: LinkRates, _ event: Instant, _ range: Range<Int>
  ) -> LinkPhase? {
    let settled =
      (range.lowerBound + Self.settling)..<max(range.upperBound, range.lowerBound + Self.settling)
    guard settled.count >= RateSeries.perSecond else { return nil }
    let active = flows.filter {
      $0.isMedia && $0.links.contains(link.name) && $0.isActive(settled)
    }
    guard !active.isEmpty else { return nil }
    var phase = LinkPhase(
      link: link.name, start: event.seconds,
      end: RateSeries.end(of: range.upperBound - 1).seconds)
    let capacity = link.available[range.lowerBound]
    phase.capacity = capacity.isFinite ? capacity : nil
    let limits = settled.compactMap { limit(of: link, at: $0) }
    let most = limits.reduce(0, +) / Double(max(1, limits.count))
    if most > 0, most.isFinite { phase.utilisation = 100 * link.media.mean(settled) / most }
    phase.queueP95 = queueP95(
      link, from: event + .seconds(5), to: RateSeries.end(of: range.upperBound - 1))
    let convergence = active.map { self.convergence(of: $0.received, in: range).seconds }
    phase.convergence = convergence.max()
    if active.count > 1 {
      phase.jain = FlowMeasurement.jain(active.map { $0.received.mean(settled) })
    }
    return phase
  }

  private func queueP95(_ link: LinkRates, from start: Instant, to end: Instant) -> Double? {
    let waits = link.waits.filter { $0.at > start && $0.at <= end }.map(\.wait.milliseconds)
    return waits.isEmpty ? nil : waits.sorted().nearestRank(95)
  }

  // MARK: - Series

  private func series(of link: LinkRates) -> [Series] {
    let sharing = flows.filter { $0.links.contains(link.name) }
    guard !sharing.isEmpty else { return [] }
    let step = RateSeries.step.seconds
    var all = sharing.map { flow in
      Series(
        participant: link.name, metric: "assay.receiveRate", subject: flow.name, unit: "bps",
        start: 0, step: step,
        values: flow.received.values.indices.map { index in
          flow.demand.values[index] > 0 ? flow.received.values[index] : nil
        })
    }
    all.append(
      Series(
        participant: link.name, metric: "linkCapacity", subject: link.name, unit: "bps", start: 0,
        step: step, values: link.available.map { $0.isFinite ? $0 : nil }))
    var queue = [Double?](repeating: nil, count: link.available.count)
    for wait in link.waits {
      let index = RateSeries.index(wait.at)
      guard queue.indices.contains(index) else { continue }
      queue[index] = max(queue[index] ?? 0, wait.wait.milliseconds)
    }
    all.append(
      Series(
        participant: link.name, metric: "assay.queueDelay", subject: "", unit: "ms", start: 0,
        step: step, values: queue))
    return all + fairness(on: link)
  }

  /// Jain's index over 1, 5 and 20 s, where there is more than one to share.
  private func fairness(on link: LinkRates) -> [Series] {
    [1, 5, 20].compactMap { seconds in
      let samples = fairness(on: link, seconds)
      guard !samples.values.isEmpty else { return nil }
      var values = [Double?](repeating: nil, count: Int(duration.seconds.rounded(.up)))
      for (time, value) in zip(samples.times, samples.values) {
        let index = Int((time - 1) / Duration.seconds(1).nanoseconds)
        if values.indices.contains(index) { values[index] = value }
      }
      return Series(
        participant: link.name, metric: "assay.fairness\(seconds)s", subject: "", unit: "1",
        start: 0, step: 1, values: values)
    }
  }
}

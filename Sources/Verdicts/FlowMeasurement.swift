// The metrics of RFC 8868 §3, from the rates of a run's flows and links; docs/rfc8867.md defines
// those that the RFC leaves open.

import Basics
import Results
import Scenario

struct FlowMeasurement {
  let flows: [FlowRates]
  let links: [LinkRates]
  private let evidence: Evidence
  private let steps: Int
  var duration: Duration { evidence.scenario.duration }

  init(_ evidence: Evidence) {
    self.evidence = evidence
    let step = RateSeries.step.nanoseconds
    let steps = Int((evidence.scenario.duration.nanoseconds + step - 1) / step)
    self.steps = steps
    let flows = evidence.record.flows.compactMap { FlowRates($0, evidence, steps: steps) }
    self.flows = flows
    links = evidence.record.links.filter { $0.owner == .network }.map {
      LinkRates($0, flows: flows, steps: steps)
    }
  }

  func fill(_ store: inout MetricStore) {
    let seconds = stride(from: Self.second - 1, to: steps, by: Self.second)
      .map { RateSeries.end(of: $0).nanoseconds }
    for flow in flows {
      store.setPresence(seconds, of: flow.name)
      add(rates(of: flow), of: flow.name, &store)
      if case .media(let log) = flow.record.traffic {
        addPackets(flow.name, log, &store)
        for series in flow.record.series {
          store.add(
            series.samples, participant: flow.name, metric: series.metric, kind: series.kind)
        }
      }
    }
    for link in links { addLink(link, &store) }
    for flow in flows where flow.isMedia { addActivity([flow], of: flow.name, &store) }
    for link in links {
      let senders = flows.filter { $0.isMedia && $0.links.contains(link.name) }
      if !senders.isEmpty { addActivity(senders, of: link.name, &store) }
    }
  }

  /// A flow that starts, or goes on, has this long until samples of it are due; and what it sends last may
  /// not arrive within the run.
  private static let settling = 3

  /// When media flows were to send, and when all of them sent, were received and had feedback.
  private func addActivity(
    _ flows: [FlowRates], of subject: String, _ store: inout MetricStore
  ) {
    let observed = Int(evidence.end.seconds) - Self.settling
    var active: [Int64] = []
    var (sent, received, feedback) = (MetricSamples(), MetricSamples(), MetricSamples())
    for second in stride(from: Self.settling, through: observed, by: 1) {
      let whole = ((second - 1) * Self.second)..<(second * Self.second)
      let settled = ((second - Self.settling) * Self.second)..<whole.upperBound
      let senders = flows.filter { $0.isActive(settled) }
      guard !senders.isEmpty else { continue }
      let end = Instant.seconds(Double(second))
      active.append(end.nanoseconds)
      if senders.allSatisfy({ $0.sent.mean(whole) > 0 }) { sent.append(1, at: end) }
      if senders.allSatisfy({ $0.received.mean(whole) > 0 }) { received.append(1, at: end) }
      if senders.allSatisfy({ $0.feedback.mean(whole) > 0 }) { feedback.append(1, at: end) }
    }
    store.setActive(active, of: subject)
    store.add(sent, participant: subject, metric: MetricStore.sent)
    store.add(received, participant: subject, metric: MetricStore.received)
    store.add(feedback, participant: subject, metric: MetricStore.feedback)
  }

  private func add(
    _ metrics: [(String, MetricSamples)], of subject: String, _ store: inout MetricStore
  ) {
    for (metric, samples) in metrics where !samples.values.isEmpty {
      store.add(samples, participant: subject, metric: metric)
    }
  }

  // MARK: - Flows

  private static let second = RateSeries.perSecond

  private func rates(of flow: FlowRates) -> [(String, MetricSamples)] {
    var (sent, received, goodput) = (MetricSamples(), MetricSamples(), MetricSamples())
    var (overTwo, feedback, overhead) = (MetricSamples(), MetricSamples(), MetricSamples())
    for index in 0..<steps where flow.isActive(index..<(index + 1)) {
      let end = RateSeries.end(of: index)
      sent.append(flow.sent.values[index], at: end)
      received.append(flow.received.values[index], at: end)
      goodput.append(flow.goodput.values[index], at: end)
      if flow.isActive((index + 1 - 2 * Self.second)..<(index + 1)) {
        overTwo.append(flow.received.mean(of: .seconds(2), endingWith: index), at: end)
      }
      guard flow.isMedia, (index + 1) % Self.second == 0 else { continue }
      let reports = flow.feedback.mean(of: .seconds(1), endingWith: index)
      let media = flow.received.mean(of: .seconds(1), endingWith: index)
      feedback.append(reports, at: end)
      if media > 0 { overhead.append(100 * reports / media, at: end) }
    }
    return [
      ("assay.sendRate", sent), ("assay.receiveRate", received), ("assay.goodput", goodput),
      ("assay.receiveRate2s", overTwo), ("assay.feedbackRate", feedback),
      ("assay.feedbackOverhead", overhead),
      ("assay.convergenceTime", convergence(of: flow)),
      ("assay.watermarkCrossings", crossings(of: flow)),
      ("assay.fairShare", fairShare(of: flow)), ("assay.rateRegained", regained(by: flow)),
      ("assay.packetLost", flow.isMedia ? MetricSamples() : loss(of: flow)),
    ]
  }

  /// Of a flow whose packets are not logged: one sample, at the end.
  private func loss(of flow: FlowRates) -> MetricSamples {
    let sent = flow.sent.values.reduce(0, +)
    var samples = MetricSamples()
    guard sent > 0 else { return samples }
    let lost = 100 * max(0, 1 - flow.received.values.reduce(0, +) / sent)
    samples.append(lost, at: RateSeries.end(of: steps - 1))
    return samples
  }

  private func addPackets(
    _ name: String, _ log: MediaFlowLog, _ store: inout MetricStore
  ) {
    var (delay, lost) = (MetricSamples(), MetricSamples())
    let end = evidence.end
    for (number, packet) in log.packets.enumerated() {
      let arrival =
        number < log.arrivals.count ? log.arrivals[number] : .distantFuture
      if arrival < .distantFuture { delay.append((arrival - packet.at).milliseconds, at: arrival) }
      // What was sent in the last second may still be on its way.
      if end - packet.at > .seconds(1) {
        lost.append(arrival < .distantFuture ? 0 : 100, at: packet.at)
      }
    }
    add(
      [
        ("assay.packetDelay", delay), ("assay.packetLost", lost),
        ("assay.targetRate", log.targets),
      ], of: name, &store)
  }

  /// Media flows that were active throughout `range` on one of `links`.
  private func rivals(on links: [String], throughout range: Range<Int>) -> [FlowRates] {
    flows.filter { other in
      other.isMedia && other.links.contains(where: links.contains) && other.isActive(range)
    }
  }

  private static let fairShareSpan = Duration.seconds(20)

  private func fairShare(of flow: FlowRates) -> MetricSamples {
    var samples = MetricSamples()
    guard flow.isMedia else { return samples }
    for index in stride(from: Self.second - 1, to: steps, by: Self.second) {
      let range = (index + 1 - 20 * Self.second)..<(index + 1)
      guard flow.isActive(range) else { continue }
      let all = rivals(on: flow.links, throughout: range).map { $0.received.mean(range) }
      let equal = all.reduce(0, +) / Double(all.count)
      guard all.count > 1, equal > 0 else { continue }
      samples.append(100 * flow.received.mean(range) / equal, at: RateSeries.end(of: index))
    }
    return samples
  }

  // MARK: - Events

  /// A rate has converged once it stays within this share of where the phase ends up, for 3 s.
  private static let band = 0.2
  private static let hold = 3 * second

  /// From each event on the flow's links to the moment from which its rate over a second stays near
  /// the mean of the last third of the time until the next event.
  private func convergence(of flow: FlowRates) -> MetricSamples {
    var samples = MetricSamples()
    guard flow.isMedia else { return samples }
    for (event, range) in phases(on: flow.links) {
      guard range.count >= 3 * Self.second,
        flow.isActive((range.lowerBound + Self.second)..<range.upperBound)
      else { continue }
      samples.append(convergence(of: flow.received, in: range).seconds, at: event)
    }
    return samples
  }

  func convergence(of series: RateSeries, in range: Range<Int>) -> Duration {
    let steady = series.mean((range.upperBound - range.count / 3)..<range.upperBound)
    var since = range.lowerBound
    var held = 0
    for index in range {
      let rate = series.mean(max(range.lowerBound, index + 1 - Self.second)..<(index + 1))
      if abs(rate - steady) <= Self.band * steady {
        held += 1
        if held >= Self.hold { return RateSeries.step * (since - range.lowerBound) }
      } else {
        since = index + 1
        held = 0
      }
    }
    return RateSeries.step * min(since - range.lowerBound, range.count)
  }

  /// The spans between events on these links, in steps.
  func phases(on names: [String]) -> [(event: Instant, range: Range<Int>)] {
    let events = Set(links.filter { names.contains($0.name) }.flatMap(\.events)).sorted()
    return events.indices.compactMap { position in
      let start = RateSeries.firstIndex(from: events[position])
      let end =
        position + 1 < events.count ? RateSeries.firstIndex(from: events[position + 1]) : steps
      return start < end ? (events[position], start..<end) : nil
    }
  }

  // MARK: - Stability

  /// Four times apart, as RFC 8868's example, of what the flow could have.
  private static let watermarks = (low: 0.2, high: 0.8)

  private func crossings(of flow: FlowRates) -> MetricSamples {
    var samples = MetricSamples()
    guard flow.isMedia else { return samples }
    var wasHigh: Bool?
    var count = 0
    for index in 0..<steps {
      let range = (index - 1)..<(index + 1)
      guard flow.isActive(range) else {
        wasHigh = nil
        continue
      }
      // Two steps of 200 ms and half of one: the window of 500 ms.
      let rate =
        (2 * flow.received.mean(range) + 0.5 * flow.received.mean((index - 2)..<(index - 1))) / 2.5
      let most = share(of: flow, at: index)
      if rate >= Self.watermarks.high * most {
        if wasHigh == false { count += 1 }
        wasHigh = true
      } else if rate <= Self.watermarks.low * most {
        if wasHigh == true { count += 1 }
        wasHigh = false
      }
      if (index + 1) % Self.second == 0 {
        samples.append(Double(count), at: RateSeries.end(of: index))
      }
    }
    return samples
  }

  /// The least of the flow's own maximum and an equal share of each link.
  private func share(of flow: FlowRates, at index: Int) -> Double {
    var share = flow.demand.values[index]
    for link in links where flow.links.contains(link.name) {
      let count = rivals(on: [link.name], throughout: index..<(index + 1)).count
      share = min(share, link.available[index] / Double(max(1, count)))
    }
    return share
  }

  /// After each pause of a flow on the same links, every second until the next event.
  private func regained(by flow: FlowRates) -> MetricSamples {
    var samples = MetricSamples()
    guard flow.isMedia else { return samples }
    let phases = phases(on: flow.links)
    for event in evidence.scenario.events {
      guard event.action == .pause, let span = event.duration,
        flows.contains(where: { other in
          event.target.flows.contains(other.name)
            && other.links.contains(where: flow.links.contains)
        }),
        let after = phases.first(where: { $0.event == event.at + span })
      else { continue }
      let pause = RateSeries.index(event.at)
      let before = flow.received.mean((pause - 20 * Self.second)..<pause)
      guard before > 0 else { continue }
      let first = after.range.lowerBound + 5 * Self.second - 1
      for index in stride(from: first, to: after.range.upperBound, by: Self.second) {
        samples.append(
          100 * flow.received.mean(of: .seconds(5), endingWith: index) / before,
          at: RateSeries.end(of: index))
      }
    }
    return samples
  }

  // MARK: - Links

  private func addLink(_ link: LinkRates, _ store: inout MetricStore) {
    var (used, queue, overall) = (MetricSamples(), MetricSamples(), MetricSamples())
    var (carried, possible) = (0.0, 0.0)
    for index in 0..<steps {
      guard let most = limit(of: link, at: index) else { continue }
      carried += link.media.values[index]
      possible += most
      guard most > 0 else { continue }
      used.append(100 * link.media.values[index] / most, at: RateSeries.end(of: index))
    }
    if possible > 0 {
      overall.append(100 * carried / possible, at: RateSeries.end(of: steps - 1))
    }
    for wait in link.waits { queue.append(wait.wait.milliseconds, at: wait.at) }
    add(
      [
        ("assay.utilisation", used), ("assay.overallUtilisation", overall),
        ("assay.queueDelay", queue),
        ("assay.backOffTime", backOff(on: link)), ("assay.fairness1s", fairness(on: link, 1)),
        ("assay.fairness5s", fairness(on: link, 5)),
        ("assay.fairness20s", fairness(on: link, 20)),
      ], of: link.name, &store)
    for span in [1, 5, 20] {
      for index in stride(from: Self.second - 1, to: steps, by: Self.second) {
        let range = (index + 1 - span * Self.second)..<(index + 1)
        let rates = rivals(on: [link.name], throughout: range).map { $0.received.mean(range) }
        guard rates.count > 1 else { continue }
        store.note(
          "assay.fairness\(span)s", of: link.name, at: RateSeries.end(of: index),
          isMissing: rates.allSatisfy { $0 == 0 })
      }
    }
  }

  /// What media could use of a link: nil while there is none.
  func limit(of link: LinkRates, at index: Int) -> Double? {
    let demand = rivals(on: [link.name], throughout: index..<(index + 1))
      .reduce(0) { $0 + $1.demand.values[index] }
    return demand > 0 ? min(demand, link.available[index]) : nil
  }

  func fairness(on link: LinkRates, _ seconds: Int) -> MetricSamples {
    var samples = MetricSamples()
    for index in stride(from: Self.second - 1, to: steps, by: Self.second) {
      let range = (index + 1 - seconds * Self.second)..<(index + 1)
      let rates = rivals(on: [link.name], throughout: range).map { $0.received.mean(range) }
      guard rates.count > 1, let jain = FlowMeasurement.jain(rates) else { continue }
      samples.append(jain, at: RateSeries.end(of: index))
    }
    return samples
  }

  /// Jain's index: 1 for equal rates, 1/n where one has all; nil where nobody has any.
  static func jain(_ rates: [Double]) -> Double? {
    let squares = rates.reduce(0) { $0 + $1 * $1 }
    guard squares > 0 else { return nil }
    let sum = rates.reduce(0, +)
    return sum * sum / (Double(rates.count) * squares)
  }

  private func backOff(on link: LinkRates) -> MetricSamples {
    var samples = MetricSamples()
    let senders = flows.filter { $0.isMedia && $0.links.contains(link.name) }
    guard !senders.isEmpty else { return samples }
    for event in link.events {
      let start = RateSeries.firstIndex(from: event)
      guard start > 0, start < steps, link.available[start] < link.available[start - 1] else {
        continue
      }
      let last = (start + 1..<steps).first { index in
        let rate = senders.reduce(0) { $0 + $1.sent.mean((index - 1)..<(index + 1)) }
        return rate <= link.available[index]
      }
      let until = last.map { RateSeries.end(of: $0) } ?? RateSeries.end(of: steps - 1)
      samples.append((until - event).milliseconds, at: event)
    }
    return samples
  }
}

// How evenly participants share a link on which no flow is.

import Basics
import Results
import Scenario

extension Measurement {
  private static let spans = [1, 5, 20]

  /// Jain's index of those who send, or receive, over a shared link on which no flow is.
  mutating func measureSharing() {
    for link in evidence.record.links where link.owner == .network {
      let isUp = link.direction == .up
      guard !flows.flows.contains(where: { $0.isMedia && $0.links.contains(link.name) })
      else { continue }
      let metric = isUp ? "assay.bitrateSent" : "assay.bitrateReceived"
      let sharers = evidence.participants.filter { $0.group.via.contains(link.scenarioLink) }
      let rates = sharers.compactMap { seat in
        store.samples(participant: seat.member.identity, metric: metric, peer: nil, kind: nil)
      }
      noteSharers(sharers, on: link.name, metric)
      for span in Measurement.spans {
        let samples = Measurement.fairness(rates, seconds: span)
        guard !samples.values.isEmpty else { continue }
        store.add(samples, participant: link.name, metric: "assay.fairness\(span)s")
      }
    }
  }

  /// An index that leaves somebody out who should be there says nothing.
  private mutating func noteSharers(
    _ sharers: [Evidence.Participant], on link: String, _ metric: String
  ) {
    guard sharers.count > 1 else { return }
    var seconds: [Int64: Bool] = [:]
    for seat in sharers {
      let coverage = store.coverage(
        participant: seat.member.identity, metric: metric, peer: nil, kind: nil,
        tracks: .all)
      for second in coverage.due { seconds[second] = seconds[second] ?? false }
      for second in coverage.missing { seconds[second] = true }
    }
    for second in seconds.keys.sorted() {
      for span in Measurement.spans {
        store.note(
          "assay.fairness\(span)s", of: link, at: Instant(nanoseconds: second),
          isMissing: seconds[second]!)
      }
    }
  }

  /// Of rates by the second, those who were there throughout the span.
  static func fairness(_ rates: [MetricSamples], seconds: Int) -> MetricSamples {
    let second: Int64 = 1_000_000_000
    let bySecond = rates.map { samples in
      Dictionary(zip(samples.times.map { $0 / second }, samples.values)) { $1 }
    }
    var result = MetricSamples()
    for last in Set(bySecond.flatMap(\.keys)).sorted() {
      let means = bySecond.compactMap { values -> Double? in
        let span = (0..<Int64(seconds)).compactMap { values[last - $0] }
        return span.count == seconds ? span.reduce(0, +) / Double(seconds) : nil
      }
      guard means.count > 1, let index = FlowMeasurement.jain(means) else { continue }
      result.append(index, at: Instant(nanoseconds: last * second))
    }
    return result
  }
}

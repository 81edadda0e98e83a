// What the reference SFU takes its viewers' links for, beside what they carry (RFC 8867 where the SFU
// stands before the bottleneck).

import Basics
import Bots
import RefSFU

struct DownlinkWatch {
  /// As RFC 8868 §3 has rates.
  static let interval = RateSeries.step

  /// bit/s, by viewer.
  private var estimates: [String: SampleLog] = [:]
  /// Over what the viewer's links leave it, by viewer.
  private var ratios: [String: SampleLog] = [:]
  /// Bytes received until each look of the last second, by viewer.
  private var received: [String: [Int]] = [:]

  /// Called every `interval`. Links that follow a trace, or have no rate, give nothing to compare with.
  mutating func look(at world: World) {
    guard let sfu = world.sfu else { return }
    let now = world.simulator.now
    let viewers = world.seats.filter(\.receives)
    for seat in viewers { note(seat) }
    for seat in viewers {
      let identity = seat.member.identity
      guard let room = room(of: seat, among: viewers, in: world), room > .zero,
        let estimate = sfu.downlinkEstimate(of: identity, in: seat.member.room)
      else { continue }
      estimates[identity, default: SampleLog()]
        .append(Double(estimate.bitsPerSecond), at: now)
      ratios[identity, default: SampleLog()].append(estimate / room, at: now)
    }
  }

  private mutating func note(_ seat: World.Seat) {
    var counts = received[seat.member.identity] ?? []
    counts.append(seat.bot.observations.bytesReceived)
    if counts.count > RateSeries.perSecond + 1 { counts.removeFirst() }
    received[seat.member.identity] = counts
  }

  /// Of the last second.
  private func rate(of seat: World.Seat) -> Bitrate {
    guard let counts = received[seat.member.identity], counts.count > 1 else { return .zero }
    let bits = Double(8 * (counts[counts.count - 1] - counts[0]))
    return .bps(bits * Double(RateSeries.perSecond) / Double(counts.count - 1))
  }

  /// The least of its own link's rate and, of each shared one, what the other viewers leave, though
  /// no less than an equal part; nil without any.
  private func room(
    of seat: World.Seat, among viewers: [World.Seat], in world: World
  ) -> Bitrate? {
    var least: Bitrate?
    for instance in world.instances where instance.direction == .down {
      guard case .rate(var rate) = instance.setting.capacity else { continue }
      if instance.owner == "network" {
        guard seat.group.via.contains(instance.scenarioLink) else { continue }
        let sharers = viewers.filter { $0.group.via.contains(instance.scenarioLink) }
        let taken = sharers.reduce(.zero - self.rate(of: seat)) { $0 + self.rate(of: $1) }
        rate = max(rate - taken, rate * (1 / Double(max(1, sharers.count))))
      } else if instance.link != seat.down {
        continue
      }
      least = least.map { min($0, rate) } ?? rate
    }
    return least
  }

  func fill(_ store: inout MetricStore, for identity: String) {
    let series = [
      ("assay.downlinkEstimate", estimates[identity]), ("assay.estimateRatio", ratios[identity]),
    ]
    for case (let metric, let samples?) in series {
      store.add(MetricSamples(samples), participant: identity, metric: metric)
    }
  }
}

extension World.Seat {
  /// Whether media may come to it now.
  fileprivate var receives: Bool {
    bot.state == .connected && group.subscribe != .none && group.grants.canSubscribe
  }
}

extension Measurement {
  private static let spans = [1, 5, 20]

  /// Jain's index of those who send, or receive, over a shared link on which no flow is.
  mutating func measureSharing() {
    for instance in world.instances where instance.owner == "network" {
      let isUp = instance.direction == .up
      guard !flows.flows.contains(where: { $0.isMedia && $0.links.contains(instance.name) })
      else { continue }
      let rates = world.seats.filter { $0.group.via.contains(instance.scenarioLink) }
        .compactMap { seat in
          store.samples(
            participant: seat.member.identity,
            metric: isUp ? "assay.bitrateSent" : "assay.bitrateReceived", peer: nil, kind: nil)
        }
      for span in Measurement.spans {
        let samples = Measurement.fairness(rates, seconds: span)
        guard !samples.values.isEmpty else { continue }
        store.add(samples, participant: instance.name, metric: "assay.fairness\(span)s")
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

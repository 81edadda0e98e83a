// What the reference SFU takes its viewers' links for, beside what they carry (RFC 8867 where the SFU
// stands before the bottleneck).

import Basics
import Bots
import RefSFU
import Results

struct DownlinkWatch {
  /// As RFC 8868 §3 has rates.
  static let interval = Duration.milliseconds(200)
  private static let perSecond = 5

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
    if counts.count > DownlinkWatch.perSecond + 1 { counts.removeFirst() }
    received[seat.member.identity] = counts
  }

  /// Of the last second.
  private func rate(of seat: World.Seat) -> Bitrate {
    guard let counts = received[seat.member.identity], counts.count > 1 else { return .zero }
    let bits = Double(8 * (counts[counts.count - 1] - counts[0]))
    return .bps(bits * Double(DownlinkWatch.perSecond) / Double(counts.count - 1))
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

  /// What was sampled of one viewer.
  func series(of identity: String) -> [SampleSeries] {
    let series = [
      ("assay.downlinkEstimate", estimates[identity]), ("assay.estimateRatio", ratios[identity]),
    ]
    return series.compactMap { metric, samples in
      samples.map {
        SampleSeries(
          metric: metric, peer: "", kind: nil, source: nil, samples: MetricSamples($0))
      }
    }
  }
}

extension World.Seat {
  /// Whether media may come to it now.
  fileprivate var receives: Bool {
    bot.state == .connected && group.subscribe != .none && group.grants.canSubscribe
  }
}

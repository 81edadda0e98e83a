// Ready-made links, each with the measurement or the reasoning behind its figures.

import Basics

/// A link by name; a scenario starts from it with `use:`.
public struct LinkPreset: Sendable {
  public var name: String
  /// Why these figures.
  public var why: String
  public var up: Scenario.LinkDirection
  public var down: Scenario.LinkDirection

  var networkCost: UInt16 {
    switch name {
    case "wifi", "lossy-wifi": 10
    case "lte", "lte-driving", "3g": 900
    default: 0
    }
  }

  static func named(_ name: String) -> LinkPreset? { all.first { $0.name == name } }

  private typealias Direction = Scenario.LinkDirection

  private static func direction(
    _ rate: Bitrate, delay: Int, jitter: Int = 0, queue: Int = 300,
    loss: Scenario.Loss = .none, aqm: Scenario.QueueManagement = .dropTail
  ) -> Scenario.LinkDirection {
    var direction = Scenario.LinkDirection()
    direction.capacity = .rate(rate)
    direction.delay = .milliseconds(delay)
    if jitter > 0 {
      direction.jitter = .nrBPDV(std: .milliseconds(jitter), max: .milliseconds(3 * jitter))
    }
    direction.queue = .time(.milliseconds(queue))
    direction.loss = loss
    direction.aqm = aqm
    return direction
  }

  public static let all: [LinkPreset] = [
    LinkPreset(
      name: "perfect", why: "nothing in the way: shows what the SFU and the clients cost alone",
      up: Direction(), down: Direction()),
    LinkPreset(
      name: "fibre", why: "FTTH 100/100 to a server in the same country; queue of a home router",
      up: direction(.kbps(100_000), delay: 10), down: direction(.kbps(100_000), delay: 10)),
    LinkPreset(
      name: "cable", why: "DOCSIS 3.0: shared and slotted upstream, hence 2 ms jitter going up",
      up: direction(.kbps(10_000), delay: 15, jitter: 2),
      down: direction(.kbps(100_000), delay: 15, jitter: 1)),
    LinkPreset(
      name: "dsl", why: "ADSL2+ at 2 km of copper; interleaving adds to the delay",
      up: direction(.kbps(1_000), delay: 25), down: direction(.kbps(16_000), delay: 25)),
    LinkPreset(
      name: "lte", why: "a still phone in good coverage; HARQ retransmits in steps of 8 ms",
      up: direction(.kbps(8_000), delay: 30, jitter: 5),
      down: direction(.kbps(25_000), delay: 30, jitter: 4)),
    LinkPreset(
      name: "lte-driving",
      why:
        "a moving car: the mean of drive tests (Winstein et al., NSDI 2013), bursts at handover; "
        + "the capacity itself varies only with a trace",
      up: direction(
        .kbps(2_500), delay: 40, jitter: 8, queue: 800,
        loss: .gilbertElliott(p: 0.001, r: 0.1, lossInBad: 1, lossInGood: 0)),
      down: direction(
        .kbps(5_000), delay: 40, jitter: 8, queue: 800,
        loss: .gilbertElliott(p: 0.001, r: 0.1, lossInBad: 1, lossInGood: 0))),
    LinkPreset(
      name: "3g", why: "HSPA at mid-cell: the rates and delay that browsers' throttling calls 3G",
      up: direction(.kbps(750), delay: 75, jitter: 10, queue: 500),
      down: direction(.kbps(1_600), delay: 75, jitter: 10, queue: 500)),
    LinkPreset(
      name: "wifi", why: "802.11n in the same room, over fibre: contention gives 2 ms jitter",
      up: direction(.kbps(40_000), delay: 12, jitter: 2),
      down: direction(.kbps(50_000), delay: 12, jitter: 2)),
    LinkPreset(
      name: "lossy-wifi",
      why: "at the edge of coverage: 3 % lost in bursts of 3 packets (p = 0.01, r = 0.33)",
      up: direction(
        .kbps(8_000), delay: 15, jitter: 6,
        loss: .gilbertElliott(p: 0.01, r: 0.33, lossInBad: 1, lossInGood: 0)),
      down: direction(
        .kbps(12_000), delay: 15, jitter: 6,
        loss: .gilbertElliott(p: 0.01, r: 0.33, lossInBad: 1, lossInGood: 0))),
    LinkPreset(
      name: "satellite",
      why: "geostationary: 36,000 km up and down is 240 ms one way, modems add the rest",
      up: direction(.kbps(3_000), delay: 280, jitter: 5, queue: 600),
      down: direction(.kbps(25_000), delay: 280, jitter: 5, queue: 600)),
    LinkPreset(
      name: "high-rtt", why: "another continent over good lines: 300 ms round trip, no loss",
      up: direction(.kbps(50_000), delay: 150, jitter: 2),
      down: direction(.kbps(50_000), delay: 150, jitter: 2)),
    LinkPreset(
      name: "bufferbloat",
      why: "a 2 s queue that drops only when full: delay is the only sign of congestion",
      up: direction(.kbps(2_000), delay: 20, queue: 2_000),
      down: direction(.kbps(8_000), delay: 20, queue: 2_000)),
  ]
}

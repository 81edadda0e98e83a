// Whether a run on the wall clock proves anything: judged from the figures of its harness alone.

import Basics

/// Above which figures a run proves nothing. All follow from the lag limit (`--max-lag`), so that one flag
/// says how precise a run must be.
public struct HarnessLimits: Sendable, Equatable {
  /// Milliseconds.
  public var lagMs: Double

  public init(lagMs: Double) { self.lagMs = lagMs }

  /// The longest stall: 150 ms at a lag limit of 10 ms. A gap that long can be a freeze at any frame rate
  /// (webrtc-stats, freezeCount: the mean frame duration and 150 ms more).
  public var stallMs: Double { 15 * lagMs }
  /// What a process may wait for a core: 5 % of the time, 15 % of a second.
  public var waited: HarnessHealth.Share { .init(mean: lagMs / 200, worst: lagMs * 3 / 200) }
  /// What the hypervisor may take: as much.
  public var steal: HarnessHealth.Share { waited }
  /// CPU pressure: 25 % of the time, 60 % of a second.
  public var pressure: HarnessHealth.Share { .init(mean: lagMs / 40, worst: lagMs * 6 / 100) }
  /// Above this mean share of waiting the machine's pressure is the harness's or the SFU's too: 1 %.
  public var feltWaiting: Double { waited.mean / 5 }
  /// Of a machine that does not tell its pressure: how busy it may be.
  public var machineShare: Double { max(0.95, lagMs / 100) }
}

extension HarnessHealth {
  /// Why the run proves nothing, with figures; empty where it may prove something.
  ///
  /// An SFU that takes most of the busy time is the cause of the waiting, and waiting then excuses nothing:
  /// only the harness's own lag does. A stopped SFU waits for nothing.
  public func shortcomings(_ limits: HarnessLimits) -> [String] {
    var found: [String] = []
    if lagP99Ms > limits.lagMs {
      found.append(
        "schedule lag p99 by time \(Text.ms(lagP99Ms)) over \(Text.ms(limits.lagMs))")
    }
    if lagMaxMs > limits.stallMs {
      found.append(
        "longest stall \(Text.ms(lagMaxMs)) at \(Text.seconds(longestStallAt)) over "
          + "\(Text.ms(limits.stallMs)), \(Text.ms(missedMs)) missed in all")
    }
    if socketDrops > 0 { found.append("\(socketDrops) datagrams lost in socket buffers") }
    if let text = steal.excess(over: limits.steal) {
      found.append("the hypervisor took \(text)")
    }
    guard !isSFUTheLoad else { return found }
    if let text = waited?.excess(over: limits.waited) {
      found.append("the harness waited for a core \(text)")
    }
    if let text = sfu?.waited.excess(over: limits.waited) {
      found.append("the SFU waited for a core \(text)")
    }
    if let text = pressureExcess(limits) { found.append(text) }
    return found
  }

  /// Whether the SFU took more than half of all the time for which the machine was busy.
  var isSFUTheLoad: Bool {
    guard let sfu else { return false }
    return sfu.processorShare > machineShare * Double(cores) / 2
  }

  /// Where the SFU runs here, the machine's pressure may be the SFU's. It decides alone where nobody knows
  /// what the SFU or the harness waited. Where both are known, one of them has to have felt it: load of a
  /// lower priority starves nobody.
  private func pressureExcess(_ limits: HarnessLimits) -> String? {
    guard isSFULocal else { return nil }
    let machine = "on this machine, which the SFU shares,"
    guard let pressure else {
      guard machineShare > limits.machineShare else { return nil }
      return "\(machine) all cores were \(Text.percent(machineShare)) busy"
    }
    var limit = limits.pressure
    if let waited, let sfu {
      guard max(waited.mean, sfu.waited.mean) > limits.feltWaiting else { return nil }
      limit.worst = .infinity
    }
    return pressure.excess(over: limit).map { "\(machine) tasks waited for a core \($0)" }
  }

  /// The check that decides whether the others count.
  public func assertion(_ limits: HarnessLimits) -> Assertion {
    var assertion = Assertion(
      id: "harness", verdict: .pass, of: "harness", metric: "assay.scheduleLag", stat: "p99",
      comparison: .atMost, observed: lagP99Ms, limit: limits.lagMs, unit: "ms")
    assertion.origin = .rule
    let found = shortcomings(limits)
    if found.isEmpty {
      assertion.reason = "The harness kept up: \(figures)."
    } else {
      assertion.verdict = .inconclusive
      assertion.reason =
        "The harness could not keep up (\(found.joined(separator: ", "))): what was measured may be "
        + "its own doing, or the machine's. Give it a quieter machine or fewer people."
    }
    return assertion
  }

  /// `schedule lag p99 by time 0 ms, longest stall 4 ms, …`: every figure that is judged.
  public var figures: String {
    var parts = [
      "schedule lag p99 by time \(Text.ms(lagP99Ms))", "longest stall \(Text.ms(lagMaxMs))",
      "\(Text.ms(missedMs)) missed",
      socketDrops == 1 ? "1 socket drop" : "\(socketDrops) socket drops",
    ]
    if let waited { parts.append("waited for a core \(waited.text)") }
    if let pressure { parts.append("CPU pressure \(pressure.text)") }
    parts.append("steal \(Text.percent(steal.mean))")
    if let sfu {
      parts.append(
        "SFU waited \(sfu.waited.text) and took \(Text.percent(sfu.processorShare)) of a core")
    } else if isSFULocal {
      parts.append("the SFU's process is not known")
    }
    parts.append("harness \(Text.percent(processorShare)) of a core")
    parts.append("machine \(Text.percent(machineShare)) busy")
    return parts.joined(separator: ", ")
  }
}

extension HarnessHealth.Share {
  /// `12 % of the time (31 % of the worst second)`.
  fileprivate var text: String {
    "\(Text.percent(mean)) of the time (\(Text.percent(worst)) of the worst second)"
  }

  /// Itself and its limit as text, where it is over it.
  fileprivate func excess(over limit: HarnessHealth.Share) -> String? {
    if mean > limit.mean {
      return "\(Text.percent(mean)) of the time, over \(Text.percent(limit.mean))"
    }
    guard worst > limit.worst else { return nil }
    return "\(Text.percent(worst)) of the worst second, over \(Text.percent(limit.worst))"
  }
}

/// Figures as text: whole numbers from ten on, one decimal below.
private enum Text {
  static func ms(_ value: Double) -> String { "\(number(value)) ms" }
  static func seconds(_ value: Double) -> String { "\(tenths(value)) s" }
  static func percent(_ share: Double) -> String { "\(number(share * 100)) %" }

  private static func number(_ value: Double) -> String {
    value.magnitude < 9.95 ? tenths(value) : "\(whole(value))"
  }

  private static func tenths(_ value: Double) -> String {
    let tenths = whole(value * 10)
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(abs(tenths % 10))"
  }

  private static func whole(_ value: Double) -> Int64 { Int64(exactly: value.rounded()) ?? .max }
}

extension RunResult {
  /// Takes in what the harness says of itself: its check is one more, and where it could not keep up no
  /// failure counts as one. The run's verdict follows from its checks.
  public mutating func judgeHarness(_ health: HarnessHealth, _ limits: HarnessLimits) {
    let check = health.assertion(limits)
    harness = health
    if check.verdict == .inconclusive {
      let why = "Not judged, since the harness could not keep up"
      for index in assertions.indices { assertions[index].excuse(why) }
    }
    assertions.append(check)
    verdict = Verdict.combined(Assertion.deciding(assertions).map(\.verdict))
  }
}

extension Assertion {
  /// Makes a failure inconclusive, of each participant too; what was observed stays.
  fileprivate mutating func excuse(_ why: String) {
    guard verdict == .fail else { return }
    verdict = .inconclusive
    reason = reason.isEmpty ? why : "\(why): \(reason)"
    for index in perParticipant.indices where perParticipant[index].verdict == .fail {
      perParticipant[index].verdict = .inconclusive
    }
  }
}

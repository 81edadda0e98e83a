// Links, rates and times as reports name them.

import Basics

extension Scenario.LinkDirection {
  /// As a person would say it.
  public var text: String {
    var parts: [String] = []
    switch capacity {
    case .unlimited: parts.append("unlimited")
    case .rate(let rate): parts.append(rate.text)
    case .trace(let path): parts.append("trace \(path.split(separator: "/").last ?? "")")
    }
    parts.append(delay.text)
    if case .time(let time) = queue, capacity != .unlimited { parts.append("queue \(time.text)") }
    switch jitter {
    case .none: break
    case .uniform(let span, _): parts.append("jitter to \(span.text)")
    case .normal(let std, _), .nrBPDV(let std, _): parts.append("jitter σ \(std.text)")
    }
    switch loss {
    case .none: break
    case .random(let share): parts.append("loss \(percent(share))")
    case .gilbertElliott(let p, let r, let bad, let good):
      let share = p + r > 0 ? (p * bad + r * good) / (p + r) : 0
      parts.append("burst loss \(percent(share))")
    case .markov4: parts.append("loss in four states")
    case .packets(let numbers): parts.append("loses \(numbers.count) packets")
    }
    if aqm == .codel { parts.append(ecn ? "CoDel with ECN" : "CoDel") }
    if let mtu { parts.append("MTU \(mtu) B") }
    if duplicate > 0 { parts.append("duplicates \(percent(duplicate))") }
    if corrupt > 0 { parts.append("corrupts \(percent(corrupt))") }
    if let reorder {
      parts.append("holds back \(percent(reorder.probability)) for \(reorder.delay.text)")
    }
    if jitter != .none || reorder != nil { parts.append(reorders ? "reorders" : "keeps order") }
    return parts.joined(separator: ", ")
  }

  /// Whether packets may overtake each other.
  public var reorders: Bool {
    switch jitter {
    case .uniform(_, let reorders), .normal(_, let reorders): reorders || reorder != nil
    case .none, .nrBPDV: reorder != nil
    }
  }

  private func percent(_ share: Double) -> String {
    let tenths = (share * 1_000).rounded() / 10
    return (tenths == tenths.rounded() ? "\(Int(tenths))" : "\(tenths)") + " %"
  }
}

extension Scenario {
  /// What each link does, a line each; one where both directions are alike.
  public var linkLines: [String] {
    links.flatMap { link in
      link.up == link.down
        ? ["link \(link.name): \(link.up.text)"]
        : ["link \(link.name).up: \(link.up.text)", "link \(link.name).down: \(link.down.text)"]
    }
  }
}

extension Scenario.LinkFields {
  /// As a person would say it: `rate 250 kbps, delay 100 ms`.
  public var text: String {
    var parts: [String] = []
    if let capacity {
      switch capacity {
      case .unlimited: parts.append("no limit")
      case .rate(let rate): parts.append("rate \(rate.text)")
      case .trace: parts.append("trace")
      }
    }
    if let delay { parts.append("delay \(delay.text)") }
    if let jitter {
      var direction = Scenario.LinkDirection()
      direction.jitter = jitter
      parts.append(
        jitter == .none ? "no jitter" : "jitter" + (direction.reorders ? " that reorders" : ""))
    }
    if queue != nil { parts.append("queue") }
    if let loss { parts.append(loss == .none ? "no loss" : "loss") }
    if reorder != nil { parts.append("reordering") }
    if let mtu { parts.append("MTU \(mtu) B") }
    return parts.isEmpty ? "changed" : parts.joined(separator: ", ")
  }
}

extension Bitrate {
  public var text: String {
    let bps = bitsPerSecond
    if bps >= 1_000_000, bps % 100_000 == 0 {
      return bps % 1_000_000 == 0 ? "\(bps / 1_000_000) Mbps" : "\(Double(bps) / 1e6) Mbps"
    }
    return bps % 1_000 == 0 ? "\(bps / 1_000) kbps" : "\(bps) bps"
  }
}

extension Duration {
  public var text: String {
    let ns = nanoseconds
    if ns % 1_000_000_000 == 0 { return "\(ns / 1_000_000_000) s" }
    if ns % 1_000_000 == 0 { return "\(ns / 1_000_000) ms" }
    return "\(Double(ns) / 1e6) ms"
  }
}

// From the scenario's links to the simulator's: instances, directions, and what an event changes.

import Basics
import Foundation
import NetSim

extension Scenario.LinkDirection {
  /// The same in the simulator's terms.
  /// - Throws: `ScenarioError`-like text for a trace file that cannot be read.
  func configuration() throws -> LinkConfiguration {
    var result = LinkConfiguration(delay: delay)
    switch capacity {
    case .unlimited: break
    case .rate(let rate): result.rate = rate
    case .trace(let path): result.trace = try CapacityTrace(file: path)
    }
    switch queue {
    case .time(let time): result.queue = .time(time)
    case .size(let size): result.queue = .bytes(Int(size.bytes))
    case .packets(let count): result.queue = .packets(count)
    }
    if aqm == .codel {
      result.aqm = .codel(
        target: .milliseconds(5), interval: .milliseconds(100), marksECN: ecn)
    }
    switch loss {
    case .none: break
    case .random(let share): result.loss = .bernoulli(share)
    case .gilbertElliott(let p, let r, let bad, let good):
      result.loss = .gilbertElliott(p: p, r: r, lossInBad: bad, lossInGood: good)
    case .markov4(let p13, let p31, let p32, let p23, let p14):
      result.loss = .fourState(p13: p13, p31: p31, p32: p32, p23: p23, p14: p14)
    case .packets(let numbers): result.loss = .indices(numbers)
    }
    switch jitter {
    case .none: break
    case .uniform(let span):
      // Added to the delay, from nothing to the whole span.
      result.delay += span / 2
      result.jitter = .uniform(span / 2, reorders: true)
    case .normal(let std): result.jitter = .normal(std, reorders: true)
    case .nrBPDV(let std, let max):
      let limit = std > .zero ? max / std : 3
      result.jitter = .nrBPDV(standardDeviation: std, limit: limit)
    }
    result.reordering = reorder.map {
      Reordering(probability: $0.probability, extraDelay: $0.delay)
    }
    result.filter.mtu = mtu
    result.duplication = duplicate
    result.corruption = corrupt
    return result
  }

  /// As a person would say it.
  var text: String {
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
    case .uniform(let span): parts.append("jitter to \(span.text)")
    case .normal(let std), .nrBPDV(let std, _): parts.append("jitter σ \(std.text)")
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
    if aqm == .codel { parts.append("CoDel") }
    if let mtu { parts.append("MTU \(mtu) B") }
    return parts.joined(separator: ", ")
  }

  private func percent(_ share: Double) -> String {
    let tenths = (share * 1_000).rounded() / 10
    return (tenths == tenths.rounded() ? "\(Int(tenths))" : "\(tenths)") + " %"
  }
}

extension Scenario.LinkFields {
  /// As a person would say it: `rate 250 kbps, delay 100 ms`.
  var text: String {
    var parts: [String] = []
    if let capacity {
      switch capacity {
      case .unlimited: parts.append("no limit")
      case .rate(let rate): parts.append("rate \(rate.text)")
      case .trace: parts.append("trace")
      }
    }
    if let delay { parts.append("delay \(delay.text)") }
    if jitter != nil { parts.append("jitter") }
    if queue != nil { parts.append("queue") }
    if let loss { parts.append(loss == .none ? "no loss" : "loss") }
    if reorder != nil { parts.append("reordering") }
    if let mtu { parts.append("MTU \(mtu) B") }
    return parts.isEmpty ? "changed" : parts.joined(separator: ", ")
  }
}

extension CapacityTrace {
  /// - Throws: `RunError`, with the line that is wrong.
  init(file: String) throws(RunError) {
    guard let data = FileManager.default.contents(atPath: file) else {
      throw RunError.unreadableTrace(file)
    }
    let text = String(decoding: data, as: UTF8.self)
    do throws(TraceError) {
      try self.init(text: text)
    } catch {
      throw RunError.badTrace(CapacityTrace.place(of: error, in: text, file), error.text)
    }
  }

  private static func place(of error: TraceError, in text: String, _ file: String) -> String {
    var previous = 0
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let line = line.filter { $0 != "\r" }
      guard !line.isEmpty else { continue }
      guard let moment = Int(line), moment >= previous else { return "\(file):\(index + 1)" }
      previous = moment
    }
    return file
  }
}

extension TraceError {
  fileprivate var text: String {
    switch self {
    case .notANumber: "not a whole number of milliseconds"
    case .decreasing: "before the line above it"
    case .empty: "no moment after 0"
    }
  }
}

extension Bitrate {
  var text: String {
    let bps = bitsPerSecond
    if bps >= 1_000_000, bps % 100_000 == 0 {
      return bps % 1_000_000 == 0 ? "\(bps / 1_000_000) Mbps" : "\(Double(bps) / 1e6) Mbps"
    }
    return bps % 1_000 == 0 ? "\(bps / 1_000) kbps" : "\(bps) bps"
  }
}

extension Duration {
  var text: String {
    let ns = nanoseconds
    if ns % 1_000_000_000 == 0 { return "\(ns / 1_000_000_000) s" }
    if ns % 1_000_000 == 0 { return "\(ns / 1_000_000) ms" }
    return "\(Double(ns) / 1e6) ms"
  }
}

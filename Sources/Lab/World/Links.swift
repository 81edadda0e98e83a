// From the scenario's links to the simulator's: instances, directions, and what an event changes.

import Basics
import NetSim
import Scenario

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
    case .uniform(let span, let reorders):
      // Added to the delay, from nothing to the whole span.
      result.delay += span / 2
      result.jitter = .uniform(span / 2, reorders: reorders)
    case .normal(let std, let reorders): result.jitter = .normal(std, reorders: reorders)
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
}

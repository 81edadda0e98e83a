// Rules about the SFU and the network as a whole, not about each participant.

import Basics
import Results

extension ServerRecord {
  /// Silence of less than this counts as presence.
  static let presenceGap = Duration.seconds(4)
}

extension RunRecord {
  /// The rules that this record can be held to as a whole.
  func judgedAsWhole() -> [Assertion] {
    var assertions = [packetsAddUp, queuesBounded]
    if let memoryFlat { assertions.append(memoryFlat) }
    return assertions
  }

  /// Whether every packet is accounted for.
  private var packetsAddUp: Assertion {
    .ofWorld(
      "rule/packets-add-up",
      !unaccounted.isEmpty ? .fail : packetsSent == 0 ? .skipped : .pass,
      observed: Double(unaccounted.reduce(0) { $0 + abs($1.packets) }), limit: 0, unit: "1",
      samples: packetsSent,
      reason: unaccounted.isEmpty
        ? "Holds: what goes in comes out or is dropped for a reason (Assay bookkeeping)."
        : "Unaccounted: "
          + unaccounted.map { "\($0.packets) of the \($0.name)" }.joined(separator: ", ") + ".")
  }

  private var queuesBounded: Assertion {
    let queues = server?.queues ?? []
    let over = queues.filter { $0.held > $0.limit }
    let worst = queues.max { $0.held / $0.limit < $1.held / $1.limit }
    return .ofWorld(
      "rule/queues-bounded", queues.isEmpty ? .skipped : over.isEmpty ? .pass : .fail,
      stat: "max", observed: worst.map { 100 * $0.held / $0.limit }, limit: 100, unit: "%",
      samples: queues.count,
      reason: over.isEmpty
        ? "Holds: no queue of the SFU grows beyond its bound (Assay bounds)."
        : "Beyond their bounds: "
          + over.map { "\($0.name), \($0.held) of \($0.limit) \($0.unit)" }
          .joined(separator: "; ") + ".")
  }

  /// Until then sample logs fill, and queues and histories find their size.
  private static let memorySettles = Instant.zero + .seconds(3_600)
  /// A run must go on for so long, or it proves nothing.
  private static let memoryNeeds = Instant.zero + .seconds(7_200)
  /// Growth in percent that is no leak: the longest queue so far, and what is written down of each fault
  /// and each interval of talk.
  private static let allowedGrowth = 10.0

  /// Whether memory was flat after the first hour; nil for a run that is too short to tell.
  private var memoryFlat: Assertion? {
    let samples = server?.memory ?? []
    guard let last = samples.last, last.at >= RunRecord.memoryNeeds,
      let first = samples.first(where: { $0.at >= RunRecord.memorySettles })
    else { return nil }
    let growth = samples.drop { $0.at <= first.at }.map { sample in
      100 * Double(sample.bytes - first.bytes) / Double(first.bytes)
    }
    let most = max(0, growth.max() ?? 0)
    let isFlat = most <= RunRecord.allowedGrowth
    let meaning = "after the first hour a run takes no more memory (Assay memory)"
    return .ofWorld(
      "rule/memory-flat", isFlat ? .pass : .fail, stat: "max", observed: most,
      limit: RunRecord.allowedGrowth, unit: "%", samples: growth.count,
      reason: isFlat
        ? "Holds: \(meaning)." : "Broken (\(Int(most.rounded())) % more): \(meaning).")
  }

  /// Memory for the result, once an hour.
  var hourlyMemory: [RunResult.Memory] {
    (server?.memory ?? []).filter { $0.at.nanoseconds % 3_600_000_000_000 == 0 }
      .map { RunResult.Memory(at: $0.at.seconds, bytes: $0.bytes) }
  }

  /// Whether anything was left once everybody had gone; nil where nobody looked.
  public var nothingLeft: Assertion? {
    guard let left = server?.leftovers else { return nil }
    return .ofWorld(
      "rule/no-leaks", left.isEmpty ? .pass : .fail,
      observed: Double(left.reduce(0) { $0 + abs($1.packets) }), limit: 0, unit: "1", samples: 1,
      reason: left.isEmpty
        ? "Holds: once everybody has left, the SFU holds nothing (Assay teardown)."
        : "Left behind: " + left.map { "\($0.packets) \($0.name)" }.joined(separator: ", ") + ".")
  }
}

extension Assertion {
  /// A rule about the world as a whole, not about each who is in it.
  static func ofWorld(
    _ id: String, _ verdict: Verdict, stat: String = "", observed: Double?, limit: Double,
    unit: String, samples: Int, reason: String
  ) -> Assertion {
    var result = Assertion(
      id: id, verdict: verdict, of: "all", metric: "", stat: stat, comparison: .atMost,
      observed: observed, limit: limit, unit: unit)
    result.origin = .rule
    result.samples = samples
    result.reason = reason
    return result
  }
}

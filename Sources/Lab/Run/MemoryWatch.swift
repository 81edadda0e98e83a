// How much memory the process holds in the course of a long run. What it says hangs on the allocator, so
// it stands beside the wall time in a result, apart from what a seed determines.

import Basics
import CLinux
import Results

struct MemoryWatch {
  private struct Sample {
    var at: Instant
    var bytes: Int64
  }

  private var samples: [Sample] = []

  private static let interval = Duration.seconds(600)
  /// Until then sample logs fill, and queues and histories find their size.
  private static let settled = Duration.seconds(3_600)
  /// A run must go on for so long after that, or it proves nothing.
  private static let least = Duration.seconds(7_200)
  /// Growth in percent that is no leak: the longest queue so far, and what is written down of each fault
  /// and each spell of talk.
  private static let allowedGrowth = 10.0

  /// Called every second of the run's time.
  mutating func look(at world: World) {
    let now = world.simulator.now
    guard now >= .zero + MemoryWatch.interval * (samples.count + 1) else { return }
    note(assay_memory_in_use(), at: now)
  }

  /// - Parameter bytes: that the allocator has given out and not got back.
  mutating func note(_ bytes: Int64, at now: Instant) {
    samples.append(Sample(at: now, bytes: bytes))
  }

  /// For the result, once an hour.
  var hourly: [RunResult.Memory] {
    samples.filter { $0.at.nanoseconds % MemoryWatch.settled.nanoseconds == 0 }
      .map { RunResult.Memory(at: $0.at.seconds, bytes: $0.bytes) }
  }

  /// Whether memory was flat after the first hour; nil for a run that is too short to tell.
  var judged: Assertion? {
    guard let last = samples.last, last.at >= .zero + MemoryWatch.least,
      let first = samples.first(where: { $0.at >= .zero + MemoryWatch.settled })
    else { return nil }
    let growth = samples.drop { $0.at <= first.at }.map { sample in
      100 * Double(sample.bytes - first.bytes) / Double(first.bytes)
    }
    let most = max(0, growth.max() ?? 0)
    let isFlat = most <= MemoryWatch.allowedGrowth
    let meaning = "after the first hour a run takes no more memory (Assay memory)"
    return .ofWorld(
      "rule/memory-flat", isFlat ? .pass : .fail, stat: "max", observed: most,
      limit: MemoryWatch.allowedGrowth, unit: "%", samples: growth.count,
      reason: isFlat
        ? "Holds: \(meaning)." : "Broken (\(Int(most.rounded())) % more): \(meaning).")
  }
}

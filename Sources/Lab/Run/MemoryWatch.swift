// How much memory the process holds in the course of a long run. What it says hangs on the allocator, so
// it stands beside the wall time in a result, apart from what a seed determines.

import Basics
import CLinux
import Results

struct MemoryWatch {
  private(set) var samples: [ServerRecord.Memory] = []

  private static let interval = Duration.seconds(600)

  /// Called every second of the run's time.
  mutating func look(at world: World) {
    let now = world.simulator.now
    guard now >= .zero + MemoryWatch.interval * (samples.count + 1) else { return }
    note(assay_memory_in_use(), at: now)
  }

  /// - Parameter bytes: that the allocator has given out and not got back.
  mutating func note(_ bytes: Int64, at now: Instant) {
    samples.append(ServerRecord.Memory(at: now, bytes: bytes))
  }
}

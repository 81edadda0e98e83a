// A simulator that keeps pace with an event loop's clock.

import Basics
import NetSim

/// Simulated time zero is a moment of the loop's time; from then on both run alike. Simulated time
/// stands still between two calls of `advance`.
struct WallClock {
  let simulator: Simulator
  /// The loop's time at which simulated time begins.
  let origin: Instant
  /// How late the simulator did what was due, in microseconds: one value for each stall.
  private(set) var lag = Histogram()
  /// When the longest stall began, in simulated time.
  private(set) var longestStallAt = Instant.zero
  /// Until when stalls were looked for.
  private var seen = Instant.zero
  /// How often to be called at least, so that a stall shows while nothing is due; nil for not at all.
  private let beat: Duration?

  init(_ simulator: Simulator, origin: Instant, beat: Duration? = nil) {
    self.simulator = simulator
    self.origin = origin
    self.beat = beat
  }

  /// When the loop has to call again.
  var nextTimeout: Instant? { nextDue.map(real) }

  private var nextDue: Instant? {
    guard let beat else { return simulator.nextTimeout }
    return min(seen + beat, simulator.nextTimeout ?? .distantFuture)
  }

  func real(_ simulated: Instant) -> Instant { simulated + (origin - .zero) }

  /// Simulates everything that is due at `now`, the loop's time.
  mutating func advance(to now: Instant) {
    noteStall(at: now)
    let simulated = Instant.zero + (now - origin)
    if simulated >= simulator.now { simulator.run(until: simulated) }
  }

  /// Notes how long what is due at `now` has been due, without doing it.
  mutating func noteStall(at now: Instant) {
    let simulated = Instant.zero + (now - origin)
    if let due = nextDue, due <= simulated {
      let late = simulated - max(due, seen)
      if late.wholeMicroseconds > lag.maximum { longestStallAt = simulated - late }
      lag.record(late.wholeMicroseconds)
    }
    seen = max(seen, simulated)
  }
}

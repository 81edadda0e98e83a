// A simulator that keeps pace with an event loop's clock.

import Basics
import NetSim

/// Simulated time zero is a moment of the loop's time; from then on both run alike. Simulated time
/// stands still between two calls of `advance`.
struct WallClock {
  let simulator: Simulator
  /// The loop's time at which simulated time begins.
  let origin: Instant
  /// How late the simulator did what was due, in microseconds.
  private(set) var lag = Histogram()

  init(_ simulator: Simulator, origin: Instant) {
    self.simulator = simulator
    self.origin = origin
  }

  /// When the loop has to call again.
  var nextTimeout: Instant? { simulator.nextTimeout.map(real) }

  func real(_ simulated: Instant) -> Instant { simulated + (origin - .zero) }

  /// Simulates everything that is due at `now`, the loop's time.
  mutating func advance(to now: Instant) {
    let simulated = Instant.zero + (now - origin)
    if let due = simulator.nextTimeout, due <= simulated {
      lag.record((simulated - due).wholeMicroseconds)
    }
    if simulated >= simulator.now { simulator.run(until: simulated) }
  }
}

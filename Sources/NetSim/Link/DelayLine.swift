// Propagation delay with jitter (RFC 8868 §4.5) and reordering (tc-netem(8)).
import Basics

/// Says when each packet comes out. Draws from its own two streams.
struct DelayLine {
  private var jitter: RandomStream
  private var reorder: RandomStream
  /// When the last packet that keeps its place comes out.
  private var lastExit = Instant.zero
  /// The serialization delay of that packet.
  private var lastSerial = Duration.zero
  private var sinceReordered = 0

  init(jitter: RandomStream, reorder: RandomStream) {
    self.jitter = jitter
    self.reorder = reorder
  }

  /// - Parameters:
  ///   - now: when the packet's last bit enters.
  ///   - rate: gives its serialization delay, RFC 8868's serial(n); nil for none.
  mutating func exit(
    at now: Instant, size: DataSize, rate: Bitrate?, _ configuration: LinkConfiguration
  ) -> Instant {
    var extra = Duration.zero
    if let reordering = configuration.reordering, isChosen(reordering) {
      guard let held = reordering.extraDelay else { return now }
      return now + configuration.delay + held
    }
    var spacing = Duration.zero
    var mayOvertake = false
    switch configuration.jitter {
    case .none: break
    case .uniform(let span, let reorders):
      extra = span * (2 * jitter.uniform() - 1)
      mayOvertake = reorders
    case .normal(let deviation, let reorders):
      extra = Duration(
        nanosecondsRounding: jitter.normal(standardDeviation: Double(deviation.nanoseconds)))
      mayOvertake = reorders
    case .nrBPDV(let deviation, let limit):
      let z = jitter.normal(standardDeviation: 1)
      extra = deviation * abs(max(min(z, limit), -limit))
      spacing = lastSerial
      lastSerial = rate.map { size / $0 } ?? .zero
    }
    let exit = now + max(.zero, configuration.delay + extra)
    if mayOvertake { return exit }
    lastExit = max(exit, lastExit + spacing)
    return lastExit
  }

  private mutating func isChosen(_ reordering: Reordering) -> Bool {
    let draw = reorder.chance(reordering.probability)
    sinceReordered += 1
    guard sinceReordered >= reordering.gap, draw else { return false }
    sinceReordered = 0
    return true
  }
}

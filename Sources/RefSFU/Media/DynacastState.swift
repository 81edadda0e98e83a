// Which layers of a track have takers, so that publishers stop encoding the others (LiveKit
// dynacast; sender-side control in the manner of RFC 7728).

import Basics

/// The layers a publisher shall send. Upgrades count at once; a downgrade waits, since viewers come
/// and go.
public struct DynacastState: Sendable {
  public struct Limits: Equatable, Sendable {
    /// How long nobody must want a layer before it is switched off.
    public var downgradeDelay: Duration
    /// The same right after publication, when viewers are still on their way.
    public var initialDelay: Duration

    public static let liveKit = Limits(downgradeDelay: .seconds(5), initialDelay: .seconds(10))
  }

  public let limits: Limits
  /// The highest layer to send, with all below it, since congested viewers fall back to those; nil
  /// for none.
  public private(set) var maximum: Int?
  private var takers: [Int]
  /// Until when each layer counts as wanted although nobody takes it.
  private var keptUntil: [Instant]
  private let initialEnd: Instant

  /// A track published at `now`; all its layers are sent at first.
  public init(layers count: Int, limits: Limits = .liveKit, at now: Instant) {
    precondition(count > 0)
    self.limits = limits
    initialEnd = now + limits.initialDelay
    takers = Array(repeating: 0, count: count)
    keptUntil = Array(repeating: initialEnd, count: count)
    maximum = count - 1
  }

  /// When `handleTimeout` lowers `maximum`; nil while somebody takes that layer.
  public var nextTimeout: Instant? {
    guard let maximum, takers[maximum] == 0 else { return nil }
    return keptUntil[maximum]
  }

  public func isEnabled(_ layer: Int) -> Bool { layer <= maximum ?? -1 }

  /// A subscriber now takes layers up to `new` instead of `old`; nil for none.
  /// - Returns: whether `maximum` changed.
  public mutating func change(from old: Int?, to new: Int?, at now: Instant) -> Bool {
    if let old {
      let layer = clamped(old)
      precondition(takers[layer] > 0, "nobody took this layer")
      takers[layer] -= 1
      if takers[layer] == 0 { keptUntil[layer] = max(now + limits.downgradeDelay, initialEnd) }
    }
    if let new { takers[clamped(new)] += 1 }
    return update(at: now)
  }

  /// Lowers `maximum` to what is wanted, when that is due.
  /// - Returns: whether it changed.
  public mutating func handleTimeout(at now: Instant) -> Bool { update(at: now) }

  private mutating func update(at now: Instant) -> Bool {
    let before = maximum
    maximum = takers.indices.last { takers[$0] > 0 || keptUntil[$0] > now }
    return maximum != before
  }

  private func clamped(_ layer: Int) -> Int { min(max(layer, 0), takers.count - 1) }
}

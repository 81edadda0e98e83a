// What a bot finds wrong in what the SFU sends: a browser would drop it, or show it late, and say nothing.

import Basics
import Results

/// The counts of a bot's checks. A check that holds costs one addition.
public struct ProtocolAudit: Sendable {
  private var checks = [Int](repeating: 0, count: ProtocolFault.allCases.count)
  private var found: [ProtocolFault: ProtocolFaultCount] = [:]

  /// Between two looks at what has to come regularly: three of RFC 3550's intervals (§6.2).
  static let interval = Duration.seconds(15)
  /// After so long a stream has reports: RFC 3550's interval, which is lengthened by half (§6.3.1), and what
  /// an SFU may wait for the publisher's own.
  static let reportsDue = Duration.seconds(10)
  /// So many packets in that time are media that goes on.
  static let steadyPackets = 100

  public init() {}

  /// Notes one check.
  /// - Parameter detail: what stood where; read for the first fault of a kind only.
  mutating func check(
    _ fault: ProtocolFault, _ holds: Bool, at now: Instant, _ detail: @autoclosure () -> String
  ) {
    checks[fault.rawValue] += 1
    if !holds { note(fault, at: now, detail) }
  }

  @inline(never)
  private mutating func note(_ fault: ProtocolFault, at now: Instant, _ detail: () -> String) {
    if found[fault] == nil {
      found[fault] = ProtocolFaultCount(
        fault: fault, checks: 0, found: 0, first: now, detail: detail())
    }
    found[fault]!.found += 1
  }

  /// Of every kind that was checked, in the order of the kinds.
  public var counts: [ProtocolFaultCount] {
    ProtocolFault.allCases.compactMap { fault in
      let made = checks[fault.rawValue]
      guard made > 0 else { return nil }
      var count =
        found[fault]
        ?? ProtocolFaultCount(fault: fault, checks: 0, found: 0, first: nil, detail: "")
      count.checks = made
      return count
    }
  }

  /// Faults of all kinds.
  public var total: Int { found.values.reduce(0) { $0 + $1.found } }
}

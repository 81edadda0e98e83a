// What of a run `--pcap` writes: whose packets, of which kinds, when, and how much.

import Basics

public struct CaptureSettings: Sendable, Equatable {
  public enum Kind: String, Sendable, CaseIterable {
    case rtp, rtcp, stun, dtls, other
  }

  /// Identities whose packets are written; empty for all.
  public var participants: [String] = []
  /// Empty for all.
  public var kinds: [Kind] = []
  /// Of the run; nil for the whole.
  public var window: ClosedRange<Duration>?
  /// Bytes of both files together, above which nothing more is written.
  public var sizeLimit: Int64 = 1 << 30
  /// Bytes of each packet that are written, headers included.
  public var snapshotLength = 262_144

  public init() {}

  func covers(_ now: Instant) -> Bool { window.map { $0.contains(now - .zero) } ?? true }
}

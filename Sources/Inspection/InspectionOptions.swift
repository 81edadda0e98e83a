// What an inspection is told besides the capture.

import Basics
import Capture
import Wire

public struct InspectionOptions: Sendable {
  /// A bound of the window that is measured.
  public enum Moment: Equatable, Sendable {
    /// Since the capture's first packet.
    case offset(Duration)
    /// Since midnight, UTC, of the capture's first day.
    case timeOfDay(Duration)
  }

  /// Secrets for DTLS; those inside the capture are added.
  public var keyLog = KeyLog()
  /// Descriptions that name payload types and header extensions.
  public var descriptions: [SessionDescription] = []
  /// Payload types as `--pt` gives them.
  public var payloadTypes: [RTPMap] = []
  public var from: Moment?
  public var to: Moment?
  /// Only these streams are reported; empty for all.
  public var ssrcs: [UInt32] = []
  /// Report what precedes a record that cannot be read.
  public var allowsDamage = false

  public init() {}
}

// What the loop has done so far.

import Basics

public struct Counters: Sendable {
  public struct Direction: Sendable {
    public var packets: UInt64 = 0
    public var bytes: UInt64 = 0
    /// System calls.
    public var batches: UInt64 = 0
  }

  public var received = Direction()
  public var sent = Direction()
  /// Messages in those batches; fewer than packets where the kernel cut segments (UDP_SEGMENT).
  public var messagesSent: UInt64 = 0
  /// Datagrams that the kernel refused, full buffers among the reasons.
  public var sendErrors: UInt64 = 0
  /// Datagrams from addresses that no socket has.
  public var unroutable: UInt64 = 0
  /// Datagrams longer than a packet.
  public var truncated: UInt64 = 0
  public var connectionsAccepted: UInt64 = 0
  /// Connections over the limit, slow readers, and those that said nothing in time.
  public var connectionsDropped: UInt64 = 0
  /// How long after the moment a node asked for it was called, in microseconds.
  public var lag = Histogram()

  public init() {}
}

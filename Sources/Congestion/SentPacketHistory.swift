// Packets that left and wait for word of their arrival (libwebrtc
// modules/congestion_controller/rtp/transport_feedback_adapter.cc, revision 3710345).

import Basics

/// Sent packets by transport-wide number. Budget: 15 ns a packet.
public struct SentPacketHistory: Sendable {
  /// Packets nobody spoke of are forgotten after this.
  static let window = Duration.seconds(60)
  /// Once feedback has reached a packet, as lost or by leaving it out because a message was lost,
  /// word of its arrival may still come until it is so old.
  static let lateWindow = Duration.seconds(1)
  private static let smallestSize = 256
  private static let largestSize = 32_768

  private var slots: [SentPacket?]
  /// The newest packet here that feedback spoke of.
  private var newestReported = Int64.min

  /// Packets it has room for: a power of two.
  var capacity: Int { slots.count }

  public init() { slots = Array(repeating: nil, count: SentPacketHistory.smallestSize) }

  public mutating func add(_ packet: SentPacket) {
    while let old = slots[index(packet.sequenceNumber)],
      old.sequenceNumber != packet.sequenceNumber,
      slots.count < SentPacketHistory.largestSize,
      packet.sentAt - old.sentAt <= wait(for: old)
    {
      grow()
    }
    slots[index(packet.sequenceNumber)] = packet
  }

  /// Appends what `feedback` says of packets known here to `results`. A received packet is
  /// forgotten; one reported as lost is not, since a later message may know better.
  public mutating func take(_ feedback: ArrivalFeedback, into results: inout [PacketResult]) {
    for entry in feedback.entries {
      let index = index(entry.sequenceNumber)
      guard let packet = slots[index], packet.sequenceNumber == entry.sequenceNumber else {
        continue
      }
      newestReported = max(newestReported, packet.sequenceNumber)
      results.append(PacketResult(sent: packet, arrival: entry.arrival))
      if entry.arrival != nil { slots[index] = nil }
    }
  }

  /// How old a packet becomes before another one may have its place. Without the shorter time a lost
  /// message would have the history hold every packet of a minute.
  private func wait(for packet: SentPacket) -> Duration {
    packet.sequenceNumber <= newestReported
      ? SentPacketHistory.lateWindow : SentPacketHistory.window
  }

  private func index(_ sequenceNumber: Int64) -> Int {
    Int(truncatingIfNeeded: sequenceNumber) & (slots.count - 1)
  }

  private mutating func grow() {
    let old = slots
    slots = Array(repeating: nil, count: old.count * 2)
    for packet in old {
      guard let packet else { continue }
      // Two never collide here: they differed in the lower bits already.
      slots[index(packet.sequenceNumber)] = packet
    }
  }
}

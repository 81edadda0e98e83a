// Packets that left and wait for word of their arrival (libwebrtc
// modules/congestion_controller/rtp/transport_feedback_adapter.cc, revision 3710345).

import Basics

/// Sent packets by transport-wide number. Budget: 15 ns a packet.
public struct SentPacketHistory: Sendable {
  /// Packets nobody spoke of are forgotten after this.
  static let window = Duration.seconds(60)
  /// A packet reported as lost may still be reported as received for so long.
  static let lateWindow = Duration.seconds(1)
  private static let smallestSize = 256
  private static let largestSize = 32_768

  private struct Slot {
    var packet: SentPacket
    var isReportedLost: Bool
  }

  private var slots: [Slot?]

  public init() { slots = Array(repeating: nil, count: SentPacketHistory.smallestSize) }

  public mutating func add(_ packet: SentPacket) {
    while let old = slots[index(packet.sequenceNumber)],
      old.packet.sequenceNumber != packet.sequenceNumber,
      slots.count < SentPacketHistory.largestSize,
      packet.sentAt - old.packet.sentAt
        <= (old.isReportedLost ? SentPacketHistory.lateWindow : SentPacketHistory.window)
    {
      grow()
    }
    slots[index(packet.sequenceNumber)] = Slot(packet: packet, isReportedLost: false)
  }

  /// Appends what `feedback` says of packets known here to `results`. A received packet is
  /// forgotten; one reported as lost is not, since a later message may know better.
  public mutating func take(_ feedback: ArrivalFeedback, into results: inout [PacketResult]) {
    for entry in feedback.entries {
      let index = index(entry.sequenceNumber)
      guard let slot = slots[index], slot.packet.sequenceNumber == entry.sequenceNumber else {
        continue
      }
      results.append(PacketResult(sent: slot.packet, arrival: entry.arrival))
      if entry.arrival == nil {
        slots[index]!.isReportedLost = true
      } else {
        slots[index] = nil
      }
    }
  }

  private func index(_ sequenceNumber: Int64) -> Int {
    Int(truncatingIfNeeded: sequenceNumber) & (slots.count - 1)
  }

  private mutating func grow() {
    let old = slots
    slots = Array(repeating: nil, count: old.count * 2)
    for slot in old {
      guard let slot else { continue }
      // Two never collide here: they differed in the lower bits already.
      slots[index(slot.packet.sequenceNumber)] = slot
    }
  }
}

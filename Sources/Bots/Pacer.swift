// Spreads video over time as libwebrtc's modules/pacing does: 2.5 times the media rate, bursts of 5 ms,
// audio not held back, retransmissions before media.

import Basics

/// Packets that wait for their turn to leave.
struct Pacer: ~Copyable {
  /// A built packet and the stream it belongs to.
  struct Entry: ~Copyable {
    var stream: Int
    var packet: Packet
  }

  private static let factor = 2.5
  private static let burst = Duration.milliseconds(5)
  /// A queue that would take longer than this is drained faster (libwebrtc: 2 s).
  private static let queueTimeLimit = Duration.seconds(2)

  private var retransmissions = RingBuffer<Entry>()
  private var media = RingBuffer<Entry>(minimumCapacity: 64)
  private(set) var queuedBytes = 0
  /// When the link budget of what was sent is paid off.
  private var paidUntil = Instant.zero
  private var rate = Bitrate.kbps(300)

  init() {}

  /// The sum of the targets of all running encoders.
  mutating func setMediaRate(_ mediaRate: Bitrate) {
    rate = max(.kbps(100), mediaRate) * Pacer.factor
  }

  mutating func enqueue(_ packet: consuming Packet, stream: Int, isRetransmission: Bool) {
    queuedBytes += packet.count
    if isRetransmission {
      retransmissions.append(Entry(stream: stream, packet: packet))
    } else {
      media.append(Entry(stream: stream, packet: packet))
    }
  }

  var nextTimeout: Instant? {
    retransmissions.isEmpty && media.isEmpty ? nil : paidUntil - Pacer.burst
  }

  /// The next packet that may leave at `now`.
  mutating func next(at now: Instant) -> Entry? {
    guard paidUntil - Pacer.burst <= now,
      let entry = retransmissions.popFirst() ?? media.popFirst()
    else { return nil }
    queuedBytes -= entry.packet.count
    let drainRate = DataSize.bytes(queuedBytes) / Pacer.queueTimeLimit
    paidUntil = max(paidUntil, now) + DataSize.bytes(entry.packet.count) / max(rate, drainRate)
    return entry
  }

  mutating func removeAll() {
    retransmissions.removeAll()
    media.removeAll()
    queuedBytes = 0
  }
}

// Packets that carry nothing new, for probes and padding: what was sent last over RTX, or padding
// alone (libwebrtc modules/rtp_rtcp/source/rtp_sender.cc, GeneratePadding).

import Basics
import Wire

extension Subscription {
  /// libwebrtc: kMinPayloadPaddingBytes, max_padding_size_factor, kMaxPaddingLength.
  private static let shortestCopy = 50
  private static let longestCopy = 3
  private static let longestPadding = 224

  /// A packet on the RTX stream of about `size` bytes; nil before anything was sent, and without
  /// RTX.
  func padding(_ size: Int, at now: Instant, into outbox: inout Outbox) -> Packet? {
    guard let rtxSSRC, let rtxPayloadType = codec.rtxPayloadType, let lastNumber else { return nil }
    if size >= Subscription.shortestCopy,
      let sent = history?.record(of: lastNumber, at: now),
      let packet = retransmission(of: lastNumber, sent, at: now),
      packet.count <= size * Subscription.longestCopy
    {
      return packet
    }
    var packet = outbox.pool.makePacket()
    var extensions = RTPExtensions()
    extensions.mid = mid
    subscriber.downlink.reserve(in: &extensions)
    packet.beginRTP(
      RTPFields(
        marker: false, payloadType: rtxPayloadType, sequenceNumber: nextRTXNumber(),
        timestamp: 0, ssrc: rtxSSRC),
      extensions: extensions, map: SubscriberOffer.extensionMap)
    packet.appendPadding(UInt8(min(max(size, 1), Subscription.longestPadding)))
    return packet
  }
}

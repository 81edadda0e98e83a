// Packets that carry nothing new, for probes and padding: what was sent last over RTX, or padding
// alone (libwebrtc modules/rtp_rtcp/source/rtp_sender.cc, GeneratePadding).

import Basics
import Wire

extension Subscription {
  /// libwebrtc: kMinPayloadPaddingBytes, max_padding_size_factor, kMaxPaddingLength, which padding
  /// alone always has (Janus 1.1.2 crashes on a byte of it).
  private static let shortestCopy = 50
  private static let longestCopy = 3
  private static let paddingLength: UInt8 = 224

  /// A packet on the RTX stream of about `size` bytes; nil before anything was sent, and without
  /// RTX.
  func padding(_ size: Int, at now: Instant, into outbox: inout Outbox) -> Packet? {
    guard let rtxSSRC, let rtxPayloadType = codec.rtxPayloadType, let lastNumber else { return nil }
    // To those who look on from outside, a mutant that padded would answer after all.
    guard mutant != .noRetransmission else { return nil }
    if size >= Subscription.shortestCopy,
      let sent = history?.record(of: lastNumber, at: now),
      let packet = retransmission(of: lastNumber, sent, at: now),
      packet.count <= size * Subscription.longestCopy
    {
      return packet
    }
    return padding(
      RTPFields(
        marker: false, payloadType: rtxPayloadType, sequenceNumber: nextRTXNumber(),
        timestamp: 0, ssrc: rtxSSRC), size: Subscription.paddingLength, from: outbox.pool)
  }

  /// So small that three times what a check takes has room for it.
  private static let probeLength: UInt8 = 32

  /// A packet of little padding on the RTX stream; nil without RTX.
  func pathProbe(into outbox: inout Outbox) -> Packet? {
    guard let rtxSSRC, let rtxPayloadType = codec.rtxPayloadType, lastNumber != nil,
      mutant != .noRetransmission
    else { return nil }
    return padding(
      RTPFields(
        marker: false, payloadType: rtxPayloadType, sequenceNumber: nextRTXNumber(),
        timestamp: 0, ssrc: rtxSSRC), size: Subscription.probeLength, from: outbox.pool)
  }

  /// A packet of padding alone (RFC 3550 §5.1).
  func padding(_ fields: RTPFields, size: UInt8, from pool: PacketPool) -> Packet {
    var packet = pool.makePacket()
    var extensions = RTPExtensions()
    extensions.mid = mid
    subscriber.downlink.reserve(in: &extensions)
    packet.beginRTP(fields, extensions: extensions, map: self.extensions)
    packet.appendPadding(size)
    return packet
  }
}

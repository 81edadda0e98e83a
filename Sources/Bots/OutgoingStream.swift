// One RTP stream that a bot sends, with its retransmissions (RFC 3550, RFC 4588).

import Basics
import Transport
import Wire

/// Numbers, cache and statistics of one SSRC.
struct OutgoingStream {
  let ssrc: UInt32
  let rtxSSRC: UInt32?
  let payloadType: UInt8
  let rtxPayloadType: UInt8?
  let rid: ShortName?
  let mid: ShortName
  /// The header extensions that packets carry: at first those offered, then those accepted.
  var map: RTPExtensionMap
  private(set) var sequenceNumber: UInt16
  /// Of the first packet of a captured stream.
  private var firstSequenceNumber: UInt16?
  private var rtxSequenceNumber: UInt16
  private let cache: RetransmissionCache?
  var statistics: SenderStatistics
  /// Until the other end has named this SSRC in a report, packets carry mid and rid.
  var isKnownToPeer = false
  private(set) var retransmittedPackets = 0
  /// On the RTX stream, without being asked for.
  private(set) var paddingPackets = 0

  init(
    mid: ShortName, rid: ShortName?, codec: CodecProfile, map: RTPExtensionMap, epoch: Duration,
    pool: PacketPool, starts: StartValues, random: inout RandomStream
  ) {
    self.mid = mid
    self.rid = rid
    self.map = map
    payloadType = codec.payloadType
    rtxPayloadType = codec.rtxPayloadType
    ssrc = UInt32(truncatingIfNeeded: random.next()) | 1
    rtxSSRC = codec.rtxPayloadType == nil ? nil : UInt32(truncatingIfNeeded: random.next()) | 1
    // Below 2^15, so that the first wrap does not meet SRTP's start (RFC 3711 §3.3.1).
    sequenceNumber = starts.first(
      UInt16(random.below(0x8000)), period: 1 << 16, margin: StartValues.packets)
    rtxSequenceNumber = starts.first(
      UInt16(random.below(0x8000)), period: 1 << 16, margin: StartValues.packets / 20)
    cache = codec.rtxPayloadType == nil ? nil : RetransmissionCache(pool: pool)
    statistics = SenderStatistics(ssrc: ssrc, clockRate: codec.clockRate, epoch: epoch)
  }

  /// Packets kept for those who ask again.
  var cachedPackets: Int { cache?.count ?? 0 }

  /// Fields of the next packet; takes its sequence number.
  mutating func nextFields(timestamp: UInt32, marker: Bool) -> RTPFields {
    defer { sequenceNumber &+= 1 }
    return RTPFields(
      marker: marker, payloadType: payloadType, sequenceNumber: sequenceNumber,
      timestamp: timestamp, ssrc: ssrc)
  }

  /// Fields of a packet whose sequence number lies `offset` behind the stream's first.
  mutating func fields(offset: UInt16, timestamp: UInt32, marker: Bool) -> RTPFields {
    let first = firstSequenceNumber ?? sequenceNumber
    firstSequenceNumber = first
    let number = first &+ offset
    if Int16(bitPattern: number &- sequenceNumber) >= 0 { sequenceNumber = number &+ 1 }
    return RTPFields(
      marker: marker, payloadType: payloadType, sequenceNumber: number, timestamp: timestamp,
      ssrc: ssrc)
  }

  /// The extensions every packet of this stream starts from.
  var extensions: RTPExtensions {
    var extensions = RTPExtensions()
    if !isKnownToPeer {
      extensions.mid = mid
      extensions.rid = rid
    }
    return extensions
  }

  /// Notes a packet as sent and keeps it for those who ask again.
  /// - Parameter sampled: when what it carries was captured, to which sender reports refer (RFC 3550
  ///   §6.4.1), however long it waited for its turn.
  mutating func sent(
    _ packet: borrowing Packet, header: RTPHeader, sampled: Instant, at now: Instant
  ) {
    statistics.sent(
      timestamp: header.timestamp, payloadSize: header.payloadRange.count, sampled: sampled)
    cache?.store(packet, sequenceNumber: header.sequenceNumber, at: now)
  }

  /// The retransmission that answers a NACK for `number`; nil when there is none to give.
  mutating func retransmission(of number: UInt16, roundTrip: Duration, at now: Instant) -> Packet? {
    guard let cache, let packet = cache.packet(for: number, at: now, rtt: roundTrip),
      let wrapped = wrapped(packet)
    else { return nil }
    retransmittedPackets += 1
    return wrapped
  }

  /// A packet on the RTX stream that nobody asked for, of about `size` bytes: a copy of what was
  /// sent last, or padding alone (libwebrtc modules/rtp_rtcp/source/rtp_sender.cc,
  /// GeneratePadding). Nil before anything was sent, and without RTX.
  mutating func padding(_ size: Int, pool: PacketPool, at now: Instant) -> Packet? {
    guard let cache, let rtxSSRC, let rtxPayloadType, statistics.packets > 0 else { return nil }
    if size >= OutgoingStream.shortestCopy,
      let packet = cache.copy(of: sequenceNumber &- 1, at: now),
      packet.count <= size * OutgoingStream.longestCopy, let wrapped = wrapped(packet)
    {
      paddingPackets += 1
      return wrapped
    }
    var packet = pool.makePacket()
    packet.beginRTP(
      RTPFields(
        marker: false, payloadType: rtxPayloadType, sequenceNumber: rtxSequenceNumber,
        timestamp: 0, ssrc: rtxSSRC), extensions: repairExtensions, map: map)
    packet.appendPadding(OutgoingStream.paddingLength)
    rtxSequenceNumber &+= 1
    paddingPackets += 1
    return packet
  }

  /// libwebrtc: kMinPayloadPaddingBytes, max_padding_size_factor, kMaxPaddingLength, which padding
  /// alone always has (Janus 1.1.2 crashes on a byte of it).
  private static let shortestCopy = 50
  private static let longestCopy = 3
  private static let paddingLength: UInt8 = 224

  /// The other end learns of the RTX stream from its mid and repaired-rid (RFC 8852 §3.2).
  private var repairExtensions: RTPExtensions {
    var extensions = RTPExtensions()
    extensions.mid = mid
    extensions.repairedRid = rid
    extensions.transportSequenceNumber = 0
    return extensions
  }

  private mutating func wrapped(_ packet: consuming Packet) -> Packet? {
    var packet = packet
    guard let rtxSSRC, let rtxPayloadType, let original = try? RTPHeader(packet.bytes) else {
      return nil
    }
    packet.rewriteRTP(
      original, RTPFields(original), extensions: repairExtensions, map: map)
    guard let header = try? RTPHeader(packet.bytes) else { return nil }
    packet.wrapRTX(
      header, payloadType: rtxPayloadType, ssrc: rtxSSRC, sequenceNumber: rtxSequenceNumber)
    rtxSequenceNumber &+= 1
    return packet
  }
}

// RTP with its extensions and payloads (RFC 3550, 8285, 4588, 2198, 7741, 9628) and RTCP.

import Basics
import Wire

/// Ids for the one-byte form, and ids that only the two-byte form has.
private let maps: [RTPExtensionMap] = ([1, 12] as [UInt8]).map { first in
  var map = RTPExtensionMap()
  for (index, kind) in RTPExtensionKind.allCases.enumerated() { map[kind] = first + UInt8(index) }
  return map
}

// Outlives its packets; fuzzers, and the suite that replays what they found, have one thread.
nonisolated(unsafe) private let pool = PacketPool()

func rtpHolds(_ bytes: [UInt8]) -> Bool {
  guard bytes.count <= FuzzTarget.datagramSize else { return true }
  return maps.allSatisfy { rtpHolds(bytes, $0) }
}

private func rtpHolds(_ bytes: [UInt8], _ map: RTPExtensionMap) -> Bool {
  var packet = pool.makePacket(bytes)
  guard let header = try? RTPHeader(packet.bytes) else { return true }
  let extensions = RTPExtensions(packet.bytes, header, map)
  let payload = packet.bytes.array(header.payloadRange)
  var written = pool.makePacket()
  written.beginRTP(RTPFields(header), extensions: extensions, map: map)
  written.append(payload.span.bytes)
  let rewritten = packet.copy()
  guard isSame(written, header, extensions, payload, map), payloadsHold(payload),
    retransmissionHolds(rewritten, header, payload)
  else { return false }
  packet.rewriteRTP(header, RTPFields(header), extensions: extensions, map: map)
  return isSame(packet, header, extensions, payload, map)
}

private func isSame(
  _ packet: borrowing Packet, _ header: RTPHeader, _ extensions: RTPExtensions,
  _ payload: [UInt8], _ map: RTPExtensionMap
) -> Bool {
  guard let again = try? RTPHeader(packet.bytes) else { return false }
  return RTPFields(again) == RTPFields(header)
    && RTPExtensions(packet.bytes, again, map) == extensions
    && packet.bytes.array(again.payloadRange) == payload
}

private func retransmissionHolds(
  _ original: borrowing Packet, _ header: RTPHeader, _ payload: [UInt8]
) -> Bool {
  var packet = original.copy()
  packet.wrapRTX(header, payloadType: 97, ssrc: 1, sequenceNumber: 2)
  guard let wrapped = try? RTPHeader(packet.bytes), wrapped.ssrc == 1,
    (try? packet.unwrapRTX(wrapped, payloadType: header.payloadType, ssrc: header.ssrc)) != nil,
    let again = try? RTPHeader(packet.bytes)
  else { return false }
  // What RTX loses is the padding.
  return RTPFields(again) == RTPFields(header)
    && packet.bytes.array(again.payloadRange) == payload
}

private func payloadsHold(_ payload: [UInt8]) -> Bool {
  let bytes = payload.span.bytes
  let whole = 0..<payload.count
  _ = try? H264Payload(bytes, whole).isKeyframe
  _ = try? OpusPacket(bytes, whole).samples
  if let vp8 = try? VP8Descriptor(bytes, whole) {
    _ = VP8FrameHeader(bytes, whole, vp8)
    let written = vp8.bytes
    guard written.count == vp8.size,
      (try? VP8Descriptor(written.span.bytes, 0..<written.count)) == vp8
    else { return false }
  }
  if let vp9 = try? VP9Descriptor(bytes, whole) {
    let written = vp9.bytes
    guard written.count == vp9.size,
      (try? VP9Descriptor(written.span.bytes, 0..<written.count)) == vp9
    else { return false }
  }
  return redundancyHolds(payload)
}

private func redundancyHolds(_ payload: [UInt8]) -> Bool {
  let bytes = payload.span.bytes
  let primary = try? RED.primary(bytes, 0..<payload.count)
  guard let blocks = try? RED.blocks(bytes, 0..<payload.count) else { return primary == nil }
  guard blocks.last == primary else { return false }
  let redundant = blocks.dropLast().map {
    RED.RedundantData(
      payloadType: $0.payloadType, timestampOffset: $0.timestampOffset,
      data: Array(payload[$0.range]))
  }
  let prefix = RED.prefix(redundant, primaryType: blocks.last!.payloadType)
  return prefix + payload[blocks.last!.range] == payload
}

func rtcpHolds(_ bytes: [UInt8]) -> Bool {
  guard bytes.count <= FuzzTarget.datagramSize,
    let packets = try? RTCPReader.packets(bytes.span.bytes)
  else { return true }
  var writer = RTCPWriter()
  for packet in packets { writer.append(packet) }
  return (try? RTCPReader.packets(writer.bytes.span.bytes)) == packets
}

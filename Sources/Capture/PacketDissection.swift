// From a record to the datagrams it holds: link layer, IP, fragments, UDP, TCP and TURN taken off.

import Basics
import Wire

/// Keeps what datagrams need of earlier records: fragments, TCP streams, TURN channels.
struct PacketDissection {
  /// What the records so far were.
  struct Counts: Equatable, Sendable {
    var datagrams = 0
    var fragments = 0
    var truncated = 0
    var others = 0
    var malformed = 0
    var unsupportedLink = 0
    var relayed = 0
    var reassembled = 0
    var tcpPackets = 0
  }

  private(set) var counts = Counts()
  private var reassembly = FragmentReassembly()
  private var tcp = TCPStreams()
  private var turn = TURNUnwrapping()

  var tcpGaps: Int { tcp.gaps }
  var abandonedFragments: Int { reassembly.abandoned }

  /// Calls `deliver` with each datagram of `record`.
  mutating func dissect(
    _ record: CaptureRecord, _ deliver: (CapturedDatagram, RawSpan) -> Void
  ) {
    let bytes = record.bytes.bytes
    switch record.content {
    case .unsupported: counts.unsupportedLink += 1
    case .payload(let source, let destination):
      let datagram = CapturedDatagram(
        packetNumber: record.number, time: record.time, source: source,
        destination: destination, ecn: .notCapable, transport: .none,
        interface: record.interface, originalSize: record.originalSize, headerSize: 0)
      count(datagram, bytes)
      deliver(datagram, bytes)
    case .frame(let link):
      do throws(WireError) {
        guard let offset = try link.ipOffset(in: bytes) else {
          counts.others += 1
          return
        }
        try dissect(try IPPacket(bytes, offset), bytes, record, ipOffset: offset, deliver)
      } catch {
        counts.malformed += 1
      }
    }
  }

  private mutating func dissect(
    _ packet: IPPacket, _ frame: RawSpan, _ record: CaptureRecord, ipOffset: Int,
    _ deliver: (CapturedDatagram, RawSpan) -> Void
  ) throws(WireError) {
    let headerSize = packet.payload.lowerBound - ipOffset
    guard let fragment = packet.fragment else {
      try transport(packet, frame, record, headerSize, isReassembled: false, deliver)
      return
    }
    counts.fragments += 1
    guard packet.protocolNumber == IPPacket.udp,
      let payload = reassembly.add(fragment, of: packet, frame, at: record.time)
    else { return }
    counts.reassembled += 1
    var whole = packet
    whole.fragment = nil
    whole.payload = 0..<payload.count
    whole.payloadSize = payload.count
    try transport(whole, payload.span.bytes, record, headerSize, isReassembled: true, deliver)
  }

  private mutating func transport(
    _ packet: IPPacket, _ frame: RawSpan, _ record: CaptureRecord, _ headerSize: Int,
    isReassembled: Bool, _ deliver: (CapturedDatagram, RawSpan) -> Void
  ) throws(WireError) {
    var datagram = CapturedDatagram(
      packetNumber: record.number, time: record.time,
      source: Address(packet.source, port: 0), destination: Address(packet.destination, port: 0),
      ecn: packet.ecn, transport: .udp, interface: record.interface, originalSize: 0,
      headerSize: headerSize)
    datagram.isReassembled = isReassembled
    switch packet.protocolNumber {
    case IPPacket.udp:
      let range = try PacketDissection.udp(frame, packet, &datagram)
      unwrap(datagram, frame.extracting(range), deliver)
    case IPPacket.tcp:
      guard let segment = try? TCPSegment(frame, packet) else {
        counts.others += 1
        return
      }
      datagram.source.port = segment.sourcePort
      datagram.destination.port = segment.destinationPort
      datagram.headerSize += segment.headerSize
      datagram.transport = .tcp
      let before = counts.tcpPackets
      receive(segment, datagram, frame, deliver)
      if counts.tcpPackets == before { counts.others += 1 }
    default:
      counts.others += 1
    }
  }

  ///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  ///   |          source port          |       destination port        |
  ///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  ///   |            length             |           checksum            |
  ///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
  private static func udp(
    _ frame: RawSpan, _ packet: IPPacket, _ datagram: inout CapturedDatagram
  ) throws(WireError) -> Range<Int> {
    var reader = ByteReader(frame, packet.payload)
    datagram.source.port = try reader.u16()
    datagram.destination.port = try reader.u16()
    let length = Int(try reader.u16())
    _ = try reader.u16()
    // Segmentation offload leaves lengths to the network card.
    guard length == 0 || length >= 8 else { throw .badLength }
    datagram.originalSize = length == 0 ? reader.remaining : length - 8
    datagram.headerSize += 8
    return try reader.take(min(datagram.originalSize, reader.remaining))
  }

  private mutating func receive(
    _ segment: TCPSegment, _ datagram: CapturedDatagram, _ frame: RawSpan,
    _ deliver: (CapturedDatagram, RawSpan) -> Void
  ) {
    var packets: [[UInt8]] = []
    tcp.receive(segment, from: datagram.source, to: datagram.destination, frame) {
      packets.append($0.array)
    }
    for bytes in packets {
      counts.tcpPackets += 1
      var datagram = datagram
      datagram.originalSize = bytes.count
      unwrap(datagram, bytes.span.bytes, deliver)
    }
  }

  private mutating func unwrap(
    _ datagram: CapturedDatagram, _ bytes: RawSpan,
    _ deliver: (CapturedDatagram, RawSpan) -> Void
  ) {
    guard let (range, peer) = turn.unwrap(bytes, datagram.source, datagram.destination) else {
      count(datagram, bytes)
      deliver(datagram, bytes)
      return
    }
    counts.relayed += 1
    var inner = datagram
    inner.relayedPeer = peer
    inner.headerSize += range.lowerBound
    inner.originalSize = range.count
    count(inner, bytes)
    deliver(inner, bytes.extracting(range))
  }

  private mutating func count(_ datagram: CapturedDatagram, _ bytes: RawSpan) {
    counts.datagrams += 1
    if datagram.originalSize > bytes.byteCount { counts.truncated += 1 }
  }
}

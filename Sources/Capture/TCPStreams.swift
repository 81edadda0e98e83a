// Packets inside TCP connections: ICE over TCP with RFC 4571 frames (RFC 6544 §10.1), and TURN
// messages and ChannelData (RFC 8656 §12.5), in bounded memory.
//
//   RFC 4571     |      LENGTH (16)      |  RTP, RTCP, STUN or DTLS packet ...
//   TURN         |  STUN message, or channel number (16), length (16), data padded to a word ...

import Basics
import Wire

/// One TCP segment of a captured frame.
struct TCPSegment {
  var sourcePort: UInt16
  var destinationPort: UInt16
  var sequenceNumber: UInt32
  var isSYN: Bool
  /// Where its data lie in the frame.
  var data: Range<Int>
  var headerSize: Int
  /// The snapshot length cut the data.
  var isTruncated: Bool

  ///   |          source port          |       destination port        |
  ///   |                        sequence number                        |
  ///   |                     acknowledgment number                     |
  ///   | offset|       |C E U A P R S F|            window             |
  init(_ frame: RawSpan, _ packet: IPPacket) throws(WireError) {
    var reader = ByteReader(frame, packet.payload)
    sourcePort = try reader.u16()
    destinationPort = try reader.u16()
    sequenceNumber = try reader.u32()
    _ = try reader.u32()
    headerSize = Int(try reader.u8() >> 4) * 4
    isSYN = try reader.u8() & 0x02 != 0
    guard headerSize >= 20, headerSize <= packet.payload.count else { throw .badLength }
    data = (packet.payload.lowerBound + headerSize)..<packet.payload.upperBound
    isTruncated = packet.payloadSize > packet.payload.count
  }
}

/// The directions of TCP connections that may hold media.
struct TCPStreams {
  private struct Key: Hashable {
    var source: Address
    var destination: Address
  }

  private enum Framing { case unknown, rfc4571, turn, other }

  private struct Stream {
    var framing = Framing.unknown
    var nextSequenceNumber: UInt32?
    var bytes: [UInt8] = []
    /// Segments that came before the one in front of them.
    var early: [(sequenceNumber: UInt32, bytes: [UInt8])] = []
    /// How often no framing was found at a segment's start.
    var attempts = 0
  }

  private static let streamLimit = 4_096
  private static let bufferLimit = 1 << 17
  private static let earlyLimit = 32
  private static let attemptLimit = 8

  private var streams: [Key: Int] = [:]
  private var states: [Stream] = []
  /// Places in a stream where segments are missing from the capture.
  private(set) var gaps = 0

  /// Takes a segment and calls `deliver` with each packet that it completes.
  mutating func receive(
    _ segment: TCPSegment, from source: Address, to destination: Address, _ frame: RawSpan,
    _ deliver: (RawSpan) -> Void
  ) {
    let key = Key(source: source, destination: destination)
    let index: Int
    if let known = streams[key] {
      index = known
      if segment.isSYN { states[index] = Stream() }
    } else {
      if states.count >= TCPStreams.streamLimit { forgetOthers() }
      guard states.count < TCPStreams.streamLimit else { return }
      index = states.count
      streams[key] = index
      states.append(Stream())
    }
    if segment.isSYN {
      states[index].nextSequenceNumber = segment.sequenceNumber &+ 1
      return
    }
    guard states[index].framing != .other, !segment.data.isEmpty else { return }
    add(frame.array(segment.data), segment.sequenceNumber, to: index)
    if segment.isTruncated { restart(index, at: nil) }
    extract(index, deliver)
  }

  /// Makes room: connections without media need not be known.
  private mutating func forgetOthers() {
    var kept: [Stream] = []
    for (key, index) in streams {
      if states[index].framing == .other {
        streams[key] = nil
      } else {
        streams[key] = kept.count
        kept.append(states[index])
      }
    }
    states = kept
  }

  private mutating func add(_ bytes: [UInt8], _ number: UInt32, to index: Int) {
    guard let expected = states[index].nextSequenceNumber else {
      append(bytes, number, to: index)
      return
    }
    let ahead = Int32(bitPattern: number &- expected)
    if ahead > 0 {
      states[index].early.append((number, bytes))
      guard states[index].early.count > TCPStreams.earlyLimit else { return }
      // What is missing was not captured: go on behind it.
      gaps += 1
      let first = states[index].early.min { Int32(bitPattern: $0.0 &- $1.0) < 0 }!
      restart(index, at: first.sequenceNumber)
    } else if -Int(ahead) < bytes.count {
      append(Array(bytes[(-Int(ahead))...]), expected, to: index)
    }
    takeEarly(index)
  }

  private mutating func takeEarly(_ index: Int) {
    while let expected = states[index].nextSequenceNumber,
      let place = states[index].early.firstIndex(where: {
        Int32(bitPattern: $0.sequenceNumber &- expected) <= 0
      })
    {
      let (number, bytes) = states[index].early.remove(at: place)
      let overlap = Int(expected &- number)
      if overlap < bytes.count { append(Array(bytes[overlap...]), expected, to: index) }
    }
  }

  private mutating func append(_ bytes: [UInt8], _ number: UInt32, to index: Int) {
    states[index].bytes.append(contentsOf: bytes)
    states[index].nextSequenceNumber = number &+ UInt32(truncatingIfNeeded: bytes.count)
    if states[index].bytes.count > TCPStreams.bufferLimit { restart(index, at: nil) }
  }

  /// Forgets a partial packet; the framing is looked for again.
  private mutating func restart(_ index: Int, at number: UInt32?) {
    states[index].bytes.removeAll(keepingCapacity: true)
    states[index].nextSequenceNumber = number
    states[index].framing = .unknown
  }

  private mutating func extract(_ index: Int, _ deliver: (RawSpan) -> Void) {
    if states[index].framing == .unknown { detect(index) }
    guard states[index].framing == .rfc4571 || states[index].framing == .turn else { return }
    let bytes = states[index].bytes
    let isTURN = states[index].framing == .turn
    var offset = 0
    while let (packet, size) = TCPStreams.packet(bytes, offset, isTURN: isTURN) {
      deliver(bytes.span.bytes.extracting(packet))
      offset += size
    }
    states[index].bytes.removeFirst(offset)
  }

  /// The range of the packet at `offset`, and the bytes it takes with its framing and padding.
  private static func packet(
    _ bytes: [UInt8], _ offset: Int, isTURN: Bool
  ) -> (packet: Range<Int>, size: Int)? {
    guard bytes.count - offset >= 4 else { return nil }
    func u16(_ at: Int) -> Int { Int(bytes[offset + at]) << 8 | Int(bytes[offset + at + 1]) }
    let packet: Range<Int>
    let size: Int
    if !isTURN {
      size = 2 + u16(0)
      packet = (offset + 2)..<(offset + size)
    } else if bytes[offset] >= 0x40 {
      packet = offset..<(offset + 4 + u16(2))
      size = (packet.count + 3) & ~3
    } else {
      size = STUNMessage.headerSize + u16(2)
      packet = offset..<(offset + size)
    }
    guard offset + size <= bytes.count else { return nil }
    return (packet, size)
  }

  /// Looks for the framing at the beginning of what is held: whole frames that begin as RFC 7983
  /// allows, up to the end or up to three of them.
  private mutating func detect(_ index: Int) {
    let bytes = states[index].bytes
    guard bytes.count >= 12 else { return }
    if TCPStreams.isSTUN(bytes, 0) || (0x40...0x4F).contains(bytes[0]) && TCPStreams.isTURN(bytes) {
      states[index].framing = .turn
      return
    }
    var offset = 0
    var found = 0
    while found < 3, let (packet, size) = TCPStreams.packet(bytes, offset, isTURN: false) {
      guard TCPStreams.isMedia(bytes, packet) else { break }
      if TCPStreams.isSTUN(bytes, packet.lowerBound) { found = 3 }
      found += 1
      offset += size
    }
    if found >= 3 || (found > 0 && offset == bytes.count) {
      states[index].framing = .rfc4571
      return
    }
    states[index].attempts += 1
    states[index].bytes.removeAll(keepingCapacity: true)
    guard states[index].attempts >= TCPStreams.attemptLimit else { return }
    states[index] = Stream()
    states[index].framing = .other
  }

  private static func isSTUN(_ bytes: [UInt8], _ offset: Int) -> Bool {
    guard bytes.count - offset >= 8, bytes[offset] < 4 else { return false }
    return bytes[(offset + 4)..<(offset + 8)].elementsEqual([0x21, 0x12, 0xA4, 0x42])
  }

  /// Whether ChannelData that hold a packet of media begin here.
  private static func isTURN(_ bytes: [UInt8]) -> Bool {
    guard let (packet, _) = packet(bytes, 0, isTURN: true), packet.count > 4 else { return false }
    return isMedia(bytes, (packet.lowerBound + 4)..<packet.upperBound)
  }

  private static func isMedia(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
    guard range.count >= 8, range.upperBound <= bytes.count else { return false }
    switch PacketKind(bytes.span.bytes.extracting(range)) {
    case .rtp, .rtcp: return true
    case .dtls: return range.count >= 13 && bytes[range.lowerBound + 1] == 0xFE
    case .stun: return isSTUN(bytes, range.lowerBound)
    default: return false
    }
  }
}

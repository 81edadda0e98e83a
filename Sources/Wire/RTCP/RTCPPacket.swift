// The RTCP packets as values (RFC 3550 §6, RFC 4585 §6, RFC 5104 §4.2, §4.3).

import Basics

/// One packet of a compound, or a reduced-size (RFC 5506) packet.
public enum RTCPPacket: Equatable, Sendable {
  case senderReport(SenderReport)
  case receiverReport(ReceiverReport)
  case sourceDescription([SDESChunk])
  /// At most 31 SSRCs; `reason` is UTF-8 of at most 255 bytes, empty where none is given.
  case bye(ssrcs: [UInt32], reason: [UInt8])
  case nack(GenericNACK)
  case pictureLossIndication(senderSSRC: UInt32, mediaSSRC: UInt32)
  case fullIntraRequest(FullIntraRequest)
  case receiverEstimatedMaximumBitrate(REMB)
  case transportFeedback(TransportFeedback)
  case temporaryMaximumBitrateRequest(TemporaryMaximumBitrate)
  case temporaryMaximumBitrateNotification(TemporaryMaximumBitrate)
  /// A well-formed packet of another type: all its bytes, header and padding included.
  case other([UInt8])
}

/// Packet types, formats and the sizes they fix.
enum RTCP {
  static let headerSize = 4
  static let senderReport: UInt8 = 200
  static let receiverReport: UInt8 = 201
  static let sourceDescription: UInt8 = 202
  static let bye: UInt8 = 203
  static let transportLayerFeedback: UInt8 = 205
  static let payloadSpecificFeedback: UInt8 = 206
  /// Formats of transport layer feedback.
  static let nack: UInt8 = 1
  static let temporaryMaximumBitrateRequest: UInt8 = 3
  static let temporaryMaximumBitrateNotification: UInt8 = 4
  static let transportWideFeedback: UInt8 = 15
  /// Formats of payload-specific feedback.
  static let pictureLossIndication: UInt8 = 1
  static let fullIntraRequest: UInt8 = 4
  static let applicationLayerFeedback: UInt8 = 15
  /// "REMB" (draft-alvestrand-rmcat-remb-03 §2.2).
  static let rembIdentifier: UInt32 = 0x5245_4D42
  /// What the five-bit count field holds at most.
  static let maximumCount = 31
}

/// Reads the packets of a datagram in their order.
public enum RTCPReader {
  /// Calls `body` with each packet of `bytes`, a compound or reduced-size packet.
  /// - Throws: `truncated`, `wrongProtocol` (version), `badLength`, `badValue`; packets before the
  ///   bad one have been given to `body`.
  public static func read(
    _ bytes: RawSpan, _ body: (RTCPPacket) -> Void
  ) throws(WireError) {
    var reader = ByteReader(bytes)
    repeat {
      let start = reader.offset
      let header = try RTCPHeader(&reader)
      let bodyRange = try reader.take(header.bodySize)
      let contents = try header.contents(of: bytes, bodyRange)
      var content = ByteReader(bytes, contents)
      if let packet = try RTCPPacket(header, &content) {
        body(packet)
      } else {
        body(.other(bytes.array(start..<reader.offset)))
      }
    } while !reader.isAtEnd
  }

  /// All packets of `bytes`; throws what `read` throws.
  public static func packets(_ bytes: RawSpan) throws(WireError) -> [RTCPPacket] {
    var packets: [RTCPPacket] = []
    try read(bytes) { packets.append($0) }
    return packets
  }
}

/// The four bytes that every RTCP packet begins with (RFC 3550 §6.4.1).
///
///    0                   1                   2                   3
///    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///   |V=2|P| RC/FMT  |      PT       |       length in words - 1     |
///   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
struct RTCPHeader {
  let hasPadding: Bool
  /// Reports, chunks or SSRCs; of feedback the format.
  let count: UInt8
  let packetType: UInt8
  /// Bytes behind these four, padding included.
  let bodySize: Int

  @_lifetime(reader: copy reader)
  init(_ reader: inout ByteReader) throws(WireError) {
    let first = try reader.u8()
    guard first >> 6 == 2 else { throw .wrongProtocol }
    hasPadding = first & 0x20 != 0
    count = first & 0x1F
    packetType = try reader.u8()
    bodySize = 4 * Int(try reader.u16())
  }

  /// The part of `body` that is not padding.
  func contents(of bytes: RawSpan, _ body: Range<Int>) throws(WireError) -> Range<Int> {
    guard hasPadding else { return body }
    guard !body.isEmpty, let last = bytes.byte(at: body.upperBound - 1) else { throw .badLength }
    let padding = Int(last)
    guard padding > 0, padding <= body.count else { throw .badLength }
    return body.lowerBound..<(body.upperBound - padding)
  }
}

extension RTCPPacket {
  /// Nil for a type or format that is not known here.
  @_lifetime(reader: copy reader)
  init?(_ header: RTCPHeader, _ reader: inout ByteReader) throws(WireError) {
    switch header.packetType {
    case RTCP.senderReport:
      self = .senderReport(try SenderReport(&reader, reportCount: Int(header.count)))
    case RTCP.receiverReport:
      self = .receiverReport(try ReceiverReport(&reader, reportCount: Int(header.count)))
    case RTCP.sourceDescription:
      self = .sourceDescription(try SDESChunk.chunks(&reader, count: Int(header.count)))
    case RTCP.bye:
      let ssrcs = try reader.ssrcs(Int(header.count))
      let reason = reader.isAtEnd ? [] : try reader.bytes(Int(try reader.u8()))
      self = .bye(ssrcs: ssrcs, reason: reason)
    case RTCP.transportLayerFeedback:
      switch header.count {
      case RTCP.nack: self = .nack(try GenericNACK(&reader))
      case RTCP.temporaryMaximumBitrateRequest:
        self = .temporaryMaximumBitrateRequest(try TemporaryMaximumBitrate(&reader))
      case RTCP.temporaryMaximumBitrateNotification:
        self = .temporaryMaximumBitrateNotification(try TemporaryMaximumBitrate(&reader))
      case RTCP.transportWideFeedback: self = .transportFeedback(try TransportFeedback(&reader))
      default: return nil
      }
    case RTCP.payloadSpecificFeedback:
      switch header.count {
      case RTCP.pictureLossIndication:
        self = .pictureLossIndication(senderSSRC: try reader.u32(), mediaSSRC: try reader.u32())
      case RTCP.fullIntraRequest: self = .fullIntraRequest(try FullIntraRequest(&reader))
      case RTCP.applicationLayerFeedback:
        guard let remb = try REMB(&reader) else { return nil }
        self = .receiverEstimatedMaximumBitrate(remb)
      default: return nil
      }
    default: return nil
    }
  }
}

extension ByteReader {
  @_lifetime(self: copy self)
  mutating func ssrcs(_ count: Int) throws(WireError) -> [UInt32] {
    var ssrcs: [UInt32] = []
    for _ in 0..<count { ssrcs.append(try u32()) }
    return ssrcs
  }
}

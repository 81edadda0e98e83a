// Writing compound RTCP packets (RFC 3550 §6.1).

import Basics

/// Gathers packets into one datagram.
public struct RTCPWriter {
  private var writer = ByteWriter(capacity: 256)

  public init() {}

  /// The compound packet so far.
  public var bytes: [UInt8] { writer.bytes }
  public var count: Int { writer.count }

  /// Appends one packet. Counts that the header's five bits cannot hold (31) are the caller's
  /// error.
  public mutating func append(_ packet: RTCPPacket) {
    switch packet {
    case .senderReport(let report):
      write(RTCP.senderReport, count: report.reports.count) { report.write(to: &$0) }
    case .receiverReport(let report):
      write(RTCP.receiverReport, count: report.reports.count) { report.write(to: &$0) }
    case .sourceDescription(let chunks):
      write(RTCP.sourceDescription, count: chunks.count) { writer in
        for chunk in chunks { chunk.write(to: &writer) }
      }
    case .bye(let ssrcs, let reason):
      write(RTCP.bye, count: ssrcs.count) { writer in
        for ssrc in ssrcs { writer.u32(ssrc) }
        if !reason.isEmpty {
          let text = reason.prefix(255)
          writer.u8(UInt8(text.count))
          writer.append(text)
          writer.pad(to: 4)
        }
      }
    case .nack(let nack):
      write(RTCP.transportLayerFeedback, count: Int(RTCP.nack)) { nack.write(to: &$0) }
    case .pictureLossIndication(let senderSSRC, let mediaSSRC):
      write(RTCP.payloadSpecificFeedback, count: Int(RTCP.pictureLossIndication)) { writer in
        writer.u32(senderSSRC)
        writer.u32(mediaSSRC)
      }
    case .fullIntraRequest(let request):
      write(RTCP.payloadSpecificFeedback, count: Int(RTCP.fullIntraRequest)) {
        request.write(to: &$0)
      }
    case .receiverEstimatedMaximumBitrate(let remb):
      write(RTCP.payloadSpecificFeedback, count: Int(RTCP.applicationLayerFeedback)) {
        remb.write(to: &$0)
      }
    case .transportFeedback(let feedback):
      write(RTCP.transportLayerFeedback, count: Int(RTCP.transportWideFeedback)) {
        feedback.write(to: &$0)
      }
    case .temporaryMaximumBitrateRequest(let maximum):
      let format = Int(RTCP.temporaryMaximumBitrateRequest)
      write(RTCP.transportLayerFeedback, count: format) { maximum.write(to: &$0) }
    case .temporaryMaximumBitrateNotification(let maximum):
      let format = Int(RTCP.temporaryMaximumBitrateNotification)
      write(RTCP.transportLayerFeedback, count: format) { maximum.write(to: &$0) }
    case .other(let bytes):
      writer.append(bytes)
    }
  }

  /// Writes the header, then the body, then what padding the body needs (RFC 3550 §6.4.1).
  private mutating func write(
    _ packetType: UInt8, count: Int, body: (inout ByteWriter) -> Void
  ) {
    precondition(count <= RTCP.maximumCount)
    let start = writer.count
    writer.u8(0x80 | UInt8(count))
    writer.u8(packetType)
    writer.u16(0)
    body(&writer)
    let padding = -(writer.count - start) & 3
    if padding > 0 {
      for _ in 1..<padding { writer.u8(0) }
      writer.u8(UInt8(padding))
      writer.patch(u8: 0xA0 | UInt8(count), at: start)
    }
    let words = (writer.count - start) / 4 - 1
    precondition(words <= Int(UInt16.max))
    writer.patch(u16: UInt16(words), at: start + 2)
  }
}

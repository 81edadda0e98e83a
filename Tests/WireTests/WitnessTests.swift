// Chromium's own traffic, in clear: every packet reads, writes as the same bytes, and counts as
// tshark counts it.

import Basics
import Capture
import TestKit
import Testing
import Wire

private let capture = sharedFile("captures/chromium-plain.pcapng")

/// What tshark has to be told to see RTP on ports that no signalling announced.
private let options = ["-d", "udp.port==44324,rtp", "-d", "udp.port==38723,rtp"]

/// The extension ids and, of the side that offers, the ICE password of `chromium-offer.sdp`.
private let offeredMap = {
  var map = RTPExtensionMap()
  map[.absSendTime] = 2
  map[.transportSequenceNumber] = 4
  map[.mid] = 9
  map[.rid] = 10
  map[.repairedRid] = 11
  map[.audioLevel] = 12
  return map
}()
private let offeredUsername = "hGfz"
private let offeredPassword = Array("wB9R3TlW0uRyIC0fGJn6h2mI".utf8)

/// Read once; nil where the capture is absent or broken.
private let allPayloads = capture.flatMap { try? CaptureReader.datagrams(of: $0).map(\.payload) }

private func payloads(_ kind: PacketKind) throws -> [[UInt8]] {
  try #require(allPayloads).filter { PacketKind($0.span.bytes) == kind }
}

/// How often each value occurs in `values`, comma lists taken apart.
private func tally(_ values: some Sequence<String>) -> [String: Int] {
  values.flatMap { $0.split(separator: ",").map(String.init) }
    .reduce(into: [:]) { $0[$1, default: 0] += 1 }
}

@Suite(.enabled(if: capture != nil, needsShared))
struct WitnessTests {
  @Test func everyRTPPacketKeepsItsBytes() throws {
    let pool = PacketPool()
    for bytes in try payloads(.rtp) {
      let header = try RTPHeader(bytes.span.bytes)
      let extensions = RTPExtensions(bytes.span.bytes, header, offeredMap)
      #expect(extensions.transportSequenceNumber != nil)
      var packet = pool.makePacket(bytes)
      packet.rewriteRTP(header, RTPFields(header), extensions: extensions, map: offeredMap)
      let rewritten = packet.bytes.array
      let headerAgain = try RTPHeader(rewritten.span.bytes)
      #expect(RTPFields(headerAgain) == RTPFields(header))
      #expect(headerAgain.paddingSize == header.paddingSize)
      #expect(
        rewritten[headerAgain.headerSize...] == bytes[header.headerSize...])
      #expect(RTPExtensions(rewritten.span.bytes, headerAgain, offeredMap) == extensions)
      // Audio carries only extensions that are known here.
      if header.payloadType == 111 { #expect(rewritten == bytes) }
    }
  }

  @Test(.enabled(if: Tshark.path != nil, "tshark is not installed"))
  func rtpCountsAreTsharks() throws {
    let file = try #require(capture)
    let rows = try Tshark.fields(
      file, ["rtp.p_type", "rtp.ext.profile"], filter: "rtp && rtp.p_type", options: options)
    let read = try payloads(.rtp).map { bytes in
      let header = try RTPHeader(bytes.span.bytes)
      let profile = String(header.extensionProfile ?? 0, radix: 16)
      let digits = String(repeating: "0", count: 4 - profile.count) + profile
      return "\(header.payloadType)/0x\(digits)"
    }
    #expect(tally(read) == tally(rows.map { $0.joined(separator: "/") }))
    #expect(read.count > 1_000)
  }

  @Test func everyRTCPPacketKeepsItsBytes() throws {
    for bytes in try payloads(.rtcp) {
      var writer = RTCPWriter()
      try RTCPReader.read(bytes.span.bytes) { writer.append($0) }
      #expect(writer.bytes == bytes)
    }
  }

  @Test(.enabled(if: Tshark.path != nil, "tshark is not installed"))
  func rtcpCountsAreTsharks() throws {
    let file = try #require(capture)
    let rows = try Tshark.fields(file, ["rtcp.pt"], filter: "rtcp", options: options)
    var types: [String] = []
    for bytes in try payloads(.rtcp) {
      try RTCPReader.read(bytes.span.bytes) { types.append(String(type(of: $0))) }
    }
    #expect(tally(types) == tally(rows.map { $0[0] }))
  }

  @Test(.enabled(if: Tshark.path != nil, "tshark is not installed"))
  func transportFeedbackIsTsharks() throws {
    let file = try #require(capture)
    let fields = ["baseseq", "statuscount", "reftime", "pktcount", "recv_delta"]
    let rows = try Tshark.fields(
      file, fields.map { "rtcp.rtpfb.transportcc.\($0)" },
      filter: "rtcp.rtpfb.transportcc.statuscount", options: options)
    var read: [[String]] = []
    for bytes in try payloads(.rtcp) {
      try RTCPReader.read(bytes.span.bytes) { packet in
        guard case .transportFeedback(let feedback) = packet else { return }
        let deltas = feedback.packets.compactMap { status in
          if case .received(let delta) = status { String(delta) } else { nil }
        }
        read.append([
          String(feedback.baseSequenceNumber), String(feedback.packets.count),
          String(feedback.referenceTime), String(feedback.feedbackCount),
          deltas.joined(separator: ","),
        ])
      }
    }
    #expect(
      read
        == rows.map { row in
          let deltas = row[4].split(separator: ",").compactMap {
            UInt16($0.dropFirst(2), radix: 16)
          }
          return row.dropLast() + [
            deltas.map { String(Int16(bitPattern: $0)) }.joined(separator: ",")
          ]
        })
    #expect(read.count > 200)
  }

  private func type(of packet: RTCPPacket) -> UInt8 {
    switch packet {
    case .senderReport: 200
    case .receiverReport: 201
    case .sourceDescription: 202
    case .bye: 203
    case .nack, .transportFeedback, .temporaryMaximumBitrateRequest,
      .temporaryMaximumBitrateNotification:
      205
    case .pictureLossIndication, .fullIntraRequest, .receiverEstimatedMaximumBitrate: 206
    case .other(let bytes): bytes[1]
    }
  }

  /// The receiver's password signs requests and their responses (RFC 8445 §7.2.2); the capture's
  /// SDP tells one side's.
  @Test func everySTUNMessageIsWhole() throws {
    var offered = Set<STUNTransactionID>()
    var signed = 0
    let messages = try payloads(.stun)
    for bytes in messages {
      let message = try STUNMessage(bytes)
      #expect(message.isFingerprinted(in: bytes))
      #expect(message.unknownRequiredAttributes.isEmpty)
      if message.username?.hasPrefix("\(offeredUsername):") == true {
        offered.insert(message.transactionID)
      }
      guard offered.contains(message.transactionID) else { continue }
      signed += 1
      #expect(message.isSigned(in: bytes, key: offeredPassword))
      #expect(message.bytes(integrityKey: offeredPassword, hmacSHA1: hmacSHA1) == bytes)
    }
    #expect(messages.count == 58)
    #expect(signed == 28)
  }

  @Test(.enabled(if: Tshark.path != nil, "tshark is not installed"))
  func stunAttributesAreTsharks() throws {
    let file = try #require(capture)
    let rows = try Tshark.fields(
      file, ["stun.type", "stun.att.priority", "stun.att.port"], filter: "stun")
    let read = try payloads(.stun).map { bytes in
      let message = try STUNMessage(bytes)
      return [
        message.messageClass == .request ? "0x0001" : "0x0101",
        message.priority.map(String.init) ?? "",
        message.xorMappedAddress.map { String($0.port) } ?? "",
      ]
    }
    #expect(read == rows)
  }

  /// Video is VP8 in RED (118), retransmissions are 97 and 119 of 96 and 118.
  @Test func videoPayloadsAreVP8() throws {
    var keyframes = 0
    var pictureIDs: [UInt16] = []
    for bytes in try payloads(.rtp) {
      let header = try RTPHeader(bytes.span.bytes)
      guard header.payloadType == 118 else { continue }
      let block = try RED.primary(bytes.span.bytes, header.payloadRange)
      #expect(block.payloadType == 96)
      #expect(try RED.blocks(bytes.span.bytes, header.payloadRange) == [block])
      let descriptor = try VP8Descriptor(bytes.span.bytes, block.range)
      #expect(Array(bytes[block.range].prefix(descriptor.size)) == descriptor.bytes)
      if let id = descriptor.pictureID, id != pictureIDs.last { pictureIDs.append(id) }
      let frame = VP8FrameHeader(bytes.span.bytes, block.range, descriptor)
      if let resolution = frame?.resolution {
        keyframes += 1
        #expect(resolution == VideoResolution(width: 320, height: 180))
      }
    }
    #expect(keyframes >= 1)
    for (a, b) in zip(pictureIDs, pictureIDs.dropFirst()) { #expect(b == (a + 1) & 0x7FFF) }
  }

  @Test func audioPayloadsAreOpus() throws {
    for bytes in try payloads(.rtp) {
      let header = try RTPHeader(bytes.span.bytes)
      guard header.payloadType == 111, !header.payloadRange.isEmpty else { continue }
      #expect(try OpusPacket(bytes.span.bytes, header.payloadRange).samples == 960)
    }
  }
}

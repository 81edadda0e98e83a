// What the payloads of RTP packets add: decryption, frames, keyframes, retransmissions.

import Basics
import Capture
import Results
import Transport
import Wire

/// A packet of a stream on its way to what reads payloads.
struct StreamPacket {
  var fields: RTPFields
  var number: Int64
  var arrival: SequenceTracker.Arrival
  var time: Instant
  var packetNumber: Int
  var codec: Codec?
  /// Bytes behind the header, the authentication tag of SRTP among them.
  var payloadSize = 0
  /// RFC 6464, where the packet has it.
  var audioLevel: AudioLevel?
}

extension CaptureInspector {
  func readPayload(
    _ packet: StreamPacket, _ stream: StreamState, _ datagram: CapturedDatagram,
    _ bytes: RawSpan, _ index: Int
  ) {
    let transport = flows[index].transport
    let isCut = datagram.originalSize > bytes.byteCount
    guard transport.isEncrypted else {
      noteMedia(transport, .clear)
      readClear(packet, stream, bytes, isCut: isCut)
      return
    }
    guard let opening = opening(for: index) else {
      noteMedia(transport, .closed)
      stream.setPayload(.encrypted)
      readClosed(packet, stream)
      return
    }
    guard !isCut, bytes.byteCount <= SRTPOpening.sizeLimit else {
      transport.facts.srtp.cut += 1
      readClosed(packet, stream)
      return
    }
    do throws(SRTPError) {
      try opening.open(bytes, isRTCP: false, fromClient: isFromClient(index)) { clear in
        transport.facts.srtp.opened += 1
        noteMedia(transport, .opened)
        stream.setPayload(.opened)
        readClear(packet, stream, clear, isCut: false)
      }
    } catch {
      noteFailure(error, transport, datagram.packetNumber)
      if error != .replayed { readClosed(packet, stream) }
    }
  }

  /// Keeps rollover counters and replay windows going outside the measured window.
  func openUnmeasured(_ datagram: CapturedDatagram, _ bytes: RawSpan, _ index: Int) {
    guard flows[index].transport.isEncrypted, let opening = opening(for: index),
      datagram.originalSize == bytes.byteCount, bytes.byteCount <= SRTPOpening.sizeLimit
    else { return }
    try? opening.open(bytes, isRTCP: false, fromClient: isFromClient(index)) { _ in }
  }

  func noteFailure(_ error: SRTPError, _ transport: TransportState, _ packetNumber: Int) {
    if error == .replayed {
      transport.facts.srtp.repeated += 1
    } else {
      transport.facts.srtp.failed += 1
      transport.facts.srtp.firstFailure = transport.facts.srtp.firstFailure ?? packetNumber
    }
  }

  func noteMedia(_ transport: TransportState, _ media: CapturedTransport.Media) {
    if transport.facts.media != media, transport.facts.media != .opened {
      transport.facts.media = media
    }
  }

  func readClosed(_ packet: StreamPacket, _ stream: StreamState) {
    if let codec = packet.codec, codec.isRTX {
      stream.setRole(.retransmission(of: codecs.retransmitted[stream.ssrc]))
    } else if let codec = packet.codec, codec.isFEC {
      stream.setRole(.forwardErrorCorrection(of: codecs.protected[stream.ssrc]))
    } else if packet.arrival != .duplicate {
      recorder?.add(packet, stream, size: packet.payloadSize - tagSize(stream), nil)
      addToFrame(packet, stream, content: nil)
    }
  }

  func readClear(
    _ packet: StreamPacket, _ stream: StreamState, _ bytes: RawSpan, isCut: Bool
  ) {
    guard let range = payloadRange(packet, bytes, isCut: isCut) else { return }
    if let codec = packet.codec, codec.isRTX, stream.facts.role == .media {
      stream.setRole(.retransmission(of: codecs.retransmitted[stream.ssrc]))
    }
    guard !range.isEmpty else {
      stream.countPaddingOnly()
      recorder?.addPadding(packet, stream)
      stream.frames.addPadding(packet.number, skipped: stream.sequence.skipped)
      return
    }
    if let codec = packet.codec, codec.isFEC {
      stream.setRole(.forwardErrorCorrection(of: codecs.protected[stream.ssrc]))
      return
    }
    if packet.codec?.isRTX ?? false || packet.codec == nil {
      if readRetransmission(packet, stream, bytes, range) { return }
    }
    let (media, innerType) = PayloadReading.media(bytes, range, packet.codec)
    let inner = innerType.map { codecs[$0] } ?? packet.codec
    if inner == nil || packet.codec?.isRED ?? false, stream.contentCodec == nil {
      if let proved = inner ?? PayloadReading.proof(bytes, media) { stream.prove(proved) }
    }
    let codec = inner ?? stream.contentCodec
    if codec?.isFEC ?? false { return }
    let content = PayloadReading.frame(bytes, media, codec)
    if let content, content.isKeyframe {
      stream.answerKeyframeRequest(at: packet.time, packetNumber: packet.packetNumber)
    }
    if packet.arrival != .duplicate {
      recorder?.add(packet, stream, size: media.count, content)
      addToFrame(packet, stream, content: content)
    }
  }

  /// Without padding; empty for padding alone.
  func payloadRange(
    _ packet: StreamPacket, _ bytes: RawSpan, isCut: Bool
  ) -> Range<Int>? {
    let start = packet.fields.headerSize
    guard start <= bytes.byteCount else { return nil }
    guard packet.fields.hasPadding, !isCut else { return start..<bytes.byteCount }
    let padding = Int(bytes.byte(at: bytes.byteCount - 1) ?? 0)
    return start..<max(start, bytes.byteCount - padding)
  }

  /// Bytes of SRTP's tag (RFC 3711 §5.2, RFC 7714 §13.1); what nothing tells is taken for AES-GCM.
  private func tagSize(_ stream: StreamState) -> Int {
    let profile = flows[stream.flow].transport.association?.facts.profile ?? ""
    return profile.contains("SHA1_80") ? 10 : profile.contains("SHA1_32") ? 4 : 16
  }

  func addToFrame(
    _ packet: StreamPacket, _ stream: StreamState, content: FrameContent?
  ) {
    guard stream.facts.kind != .audio else { return }
    stream.frames.add(
      packet.number, timestamp: stream.extend(packet.fields.timestamp),
      marker: packet.fields.marker, at: packet.time, packetNumber: packet.packetNumber,
      content: content, skipped: stream.sequence.skipped)
  }

  // MARK: - Retransmissions

  /// Whether the packet is a retransmission (RFC 4588), which then repairs its stream.
  func readRetransmission(
    _ packet: StreamPacket, _ stream: StreamState, _ bytes: RawSpan, _ range: Range<Int>
  ) -> Bool {
    var reader = ByteReader(bytes, range)
    guard let original = try? reader.u16() else { return packet.codec?.isRTX ?? false }
    let isTold = packet.codec?.isRTX ?? false
    if !isTold, case .media = stream.facts.role {
      // Nothing says so: three packets that repeat number and timestamp of one stream do.
      guard stream.retransmissionVotePackets < 64, stream.contentCodec == nil else { return false }
      stream.retransmissionVotePackets += 1
      guard let media = mediaStream(original, packet.fields, stream, mustRepeat: true)
      else { return false }
      stream.retransmissionVotes += 1
      guard stream.retransmissionVotes >= 3 else { return false }
      stream.setRole(.retransmission(of: media.ssrc))
    }
    guard let media = mediaStream(original, packet.fields, stream, mustRepeat: false) else {
      return isTold
    }
    stream.setRole(.retransmission(of: media.ssrc))
    guard let number = media.repair(original) else { return true }
    let codec = packet.codec?.retransmits.flatMap { codecs[$0] } ?? media.contentCodec
    let (payload, innerType) = PayloadReading.media(
      bytes, reader.offset..<range.upperBound, codec)
    let inner = innerType.flatMap { codecs[$0] } ?? codec
    let content = PayloadReading.frame(bytes, payload, inner)
    var repaired = packet
    repaired.number = number
    if content?.isKeyframe ?? false {
      media.answerKeyframeRequest(at: packet.time, packetNumber: packet.packetNumber)
    }
    recorder?.add(repaired, media, size: payload.count, content)
    addToFrame(repaired, media, content: content)
    return true
  }

  /// The stream of the same flow that a retransmission repeats.
  func mediaStream(
    _ original: UInt16, _ fields: RTPFields, _ stream: StreamState, mustRepeat: Bool
  ) -> StreamState? {
    if case .retransmission(let ssrc?) = stream.facts.role {
      return self.stream(ssrc, onFlowOf: stream)
    }
    if let ssrc = codecs.retransmitted[stream.ssrc],
      let told = self.stream(ssrc, onFlowOf: stream)
    {
      return told
    }
    var near: [StreamState] = []
    for candidate in flows[stream.flow].streams.prefix(InspectionLimits.comparedStreams)
    where candidate !== stream && candidate.facts.role == .media && candidate.facts.kind != .audio {
      if candidate.recentTimestamp(of: original) == fields.timestamp { return candidate }
      if candidate.isNear(fields.timestamp) { near.append(candidate) }
    }
    return !mustRepeat && near.count == 1 ? near[0] : nil
  }

  func stream(_ ssrc: UInt32, onFlowOf other: StreamState) -> StreamState? {
    streamIndices[UInt64(other.flow) << 32 | UInt64(ssrc)].map { streams[$0] }
  }
}

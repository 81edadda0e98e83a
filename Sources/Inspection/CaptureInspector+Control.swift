// What is not media: RTCP, connectivity checks, handshakes, and the keys that these lead to.

import Basics
import Capture
import Results
import Transport
import Wire

extension CaptureInspector {
  // MARK: - RTCP

  func receiveRTCP(_ datagram: CapturedDatagram, _ bytes: RawSpan, _ index: Int) {
    let transport = flows[index].transport
    let isCut = datagram.originalSize > bytes.byteCount
    if transport.isEncrypted, let opening = opening(for: index), !isCut,
      bytes.byteCount <= SRTPOpening.sizeLimit
    {
      do throws(SRTPError) {
        try opening.open(bytes, isRTCP: true, fromClient: isFromClient(index)) { clear in
          transport.facts.srtp.opened += 1
          readCompound(datagram, clear, index, isOpened: true)
        }
        return
      } catch {
        noteFailure(error, transport, datagram.packetNumber)
      }
    }
    readCompound(datagram, bytes, index, isSealed: transport.association != nil)
  }

  func readCompound(
    _ datagram: CapturedDatagram, _ bytes: RawSpan, _ index: Int, isSealed: Bool = false,
    isOpened: Bool = false
  ) {
    let transport = flows[index].transport
    var found: [(UInt8, UInt8, Bool)] = []
    let headers = CompoundHeaders(bytes) { found.append(($0, $1, $2)) }
    let shape = isSealed && headers.shape == .whole ? .firstOnly : headers.shape
    guard shape != .malformed else {
      counts.other += 1
      return
    }
    counts.rtcp += 1
    if shape == .firstOnly { found = Array(found.prefix(1)) }
    for (type, format, isREMB) in found {
      flows[index].rtcp.add(type, format, isREMB: isREMB)
    }
    update(index) {
      $0.packets += 1
      $0.bytes += datagram.originalSize
      if shape == .firstOnly { $0.encryptedCompounds += 1 }
    }
    if shape == .firstOnly {
      let wasEncrypted = transport.isEncrypted
      if datagram.originalSize == bytes.byteCount { transport.encryptedCompounds += 1 }
      if !wasEncrypted, transport.isEncrypted { close(transport) }
      return
    }
    if !isOpened { transport.clearCompounds += 1 }
    if !flows[index].isConfirmed { confirm(transport) }
    guard isInWindow(datagram.time) else { return }
    try? RTCPReader.read(bytes) { readPacket($0, datagram, index) }
  }

  /// Media of a transport turned out to be encrypted.
  func close(_ transport: TransportState) {
    for stream in streams where flows[stream.flow].transport === transport {
      stream.setPayload(.encrypted)
    }
    transport.facts.media = .closed
  }

  func readPacket(_ packet: RTCPPacket, _ datagram: CapturedDatagram, _ index: Int) {
    if case .transportFeedback(let report) = packet {
      update(index) { feedback.add(report, to: &$0.transportFeedback) }
    } else if case .receiverEstimatedMaximumBitrate(let remb) = packet {
      update(index) { $0.receiverEstimate.add(Double(remb.bitrate.bitsPerSecond)) }
    } else {
      feedback.receive(packet, datagram, flows[index].key, self)
    }
  }

  /// The stream of an SSRC that feedback on `flow` speaks of: what goes the other way first.
  func reportedStream(_ ssrc: UInt32, by flow: FlowKey) -> StreamState? {
    guard let found = streamsBySSRC[ssrc] else { return nil }
    let reversed = flow.reversed
    let best =
      found.first { flows[streams[$0].flow].key == reversed }
      ?? found.first { flows[streams[$0].flow].key.source.ip == flow.destination.ip }
      ?? found.first
    return best.map { streams[$0] }
  }

  /// The stream that the sender of RTCP on `flow` sends.
  func sentStream(_ ssrc: UInt32, by flow: FlowKey) -> StreamState? {
    guard let found = streamsBySSRC[ssrc] else { return nil }
    let best =
      found.first { flows[streams[$0].flow].key == flow }
      ?? found.first { flows[streams[$0].flow].key.source.ip == flow.source.ip }
    return best.map { streams[$0] }
  }

  // MARK: - STUN and DTLS

  func receiveSTUN(_ datagram: CapturedDatagram, _ bytes: RawSpan, _ index: Int) {
    guard let message = try? STUNMessage(bytes) else {
      counts.other += 1
      return
    }
    counts.stun += 1
    update(index) {
      $0.packets += 1
      $0.bytes += datagram.originalSize
      $0.stun += 1
    }
    let flow = flows[index]
    if !flow.isConfirmed { confirm(flow.transport) }
    flow.transport.hasICE = flow.transport.hasICE || message.username != nil
    let news = ice.receive(
      message, on: flow.transport, isForward: flow.isForward, at: datagram.time)
    guard let news else { return }
    let pair = "\(flow.key.source) to \(flow.key.destination)"
    switch news {
    case .firstCheck:
      addEvent(datagram.time, datagram.packetNumber, "ICE: first connectivity check, \(pair)")
    case .firstResponse:
      addEvent(datagram.time, datagram.packetNumber, "ICE: first response, \(pair)")
    case .nominated:
      addEvent(datagram.time, datagram.packetNumber, "ICE: nominated pair answered, \(pair)")
    case .error(let code):
      addEvent(datagram.time, datagram.packetNumber, "ICE: error \(code), \(pair)")
    }
  }

  func receiveDTLS(_ datagram: CapturedDatagram, _ bytes: RawSpan, _ index: Int) {
    counts.dtls += 1
    update(index) {
      $0.packets += 1
      $0.bytes += datagram.originalSize
      $0.dtls += 1
    }
    let flow = flows[index]
    let transport = flow.transport
    let isHello = DTLSObserver.clientHelloRandom(bytes) != nil
    if isHello, transport.association.map({ $0.isAnother(bytes) }) ?? true {
      if let old = transport.association { transport.facts.dtls.append(old.facts) }
      transport.association = DTLSObserver(client: flow.key.source, started: datagram.time)
      transport.opening = nil
      transport.hasLookedForKeys = false
      confirm(transport)
      addEvent(
        datagram.time, datagram.packetNumber,
        "DTLS: ClientHello, \(flow.key.source) to \(flow.key.destination)")
    }
    guard let association = transport.association else { return }
    let (had, wasComplete) = (association.hasServerHello, association.isComplete)
    association.receive(
      bytes, fromClient: flow.key.source == association.client, at: datagram.time)
    if !had, association.hasServerHello {
      addEvent(
        datagram.time, datagram.packetNumber, "DTLS: ServerHello, \(association.facts.version)")
    }
    if !wasComplete, association.isComplete {
      let took = (datagram.time - association.facts.started).milliseconds
      addEvent(
        datagram.time, datagram.packetNumber,
        "DTLS: handshake complete after \(Moments.number(took, 1)) ms")
    }
  }

  func isFromClient(_ index: Int) -> Bool {
    let flow = flows[index]
    guard let association = flow.transport.association else { return true }
    return flow.key.source == association.client
  }

  /// The keys of a flow: those of its own association, or, where ICE moved to another pair, of an
  /// association with one of its ends.
  func opening(for index: Int) -> SRTPOpening? {
    let transport = flows[index].transport
    if let opening = transport.opening { return opening }
    guard !transport.hasLookedForKeys, !keyLog.isEmpty else { return nil }
    if let association = transport.association {
      guard association.hasServerHello else { return nil }
      transport.opening = SRTPOpening(association, keyLog)
      transport.hasLookedForKeys = true
      return transport.opening
    }
    transport.hasLookedForKeys = true
    let key = flows[index].key
    for other in transports {
      guard let association = other.association, let opening = other.opening else { continue }
      let ends = [other.facts.forward.source, other.facts.forward.destination]
      guard ends.contains(key.source) || ends.contains(key.destination) else { continue }
      transport.association = association
      transport.opening = opening
      return opening
    }
    return nil
  }
}

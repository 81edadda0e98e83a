// The receiving end of a media flow without an SFU: repair, jitter buffer, transport-wide feedback.

import Basics
import Transport
import Wire

public final class MediaFlowReceiver: Node {
  public private(set) var log = ReceivedFlowLog()
  private var transport: PeerTransport
  private let address: Address
  private let tracks: [RemoteTrack]
  private var feedback: TransportFeedbackGenerator
  /// No SFU stands between the ends of a flow: nobody asks for these.
  private var faults = ProtocolAudit()
  private var unwrapper = SequenceUnwrapper()
  private var nextSecond: Instant?

  /// - Parameter sender: the end it receives from, which starts everything.
  public init(
    at address: Address, from sender: MediaFlowSender, protection: MediaProtection,
    random: RandomStream
  ) {
    self.address = address
    transport = PeerTransport(
      role: .controlled, identity: DTLSIdentity(random: random.child("certificate")),
      protection: protection, random: random.child("transport"))
    tracks = sender.identities.map { identity in
      RemoteTrack(
        identity, playout: PlayoutDelay.Configuration(), delayDecimation: 1, decodesMedia: false)
    }
    feedback = TransportFeedbackGenerator(senderSSRC: Bot.reportSSRC)
    feedback.mediaSSRC = sender.identities.first?.ssrc ?? 0
  }

  var description: RemoteTransportDescription {
    RemoteTransportDescription(
      credentials: transport.ice.localCredentials, fingerprint: transport.localFingerprint,
      candidates: [
        RemoteCandidate(
          address: address, priority: ICEAgent.hostPriority(networkCost: 0, index: 0))
      ])
  }

  /// Prepares for what the other end is about to start.
  func connect(to remote: RemoteTransportDescription, at now: Instant) {
    transport.setLocalAddresses([(address, 0)], at: now)
    transport.setRemote(remote, dtlsRole: .server, at: now)
    nextSecond = now + FlowLimits.reportInterval
  }

  /// The other end's source stands still, or goes on: silence is no freeze.
  public func setPaused(_ isPaused: Bool, at now: Instant) {
    for track in tracks { track.setPaused(isPaused, at: now) }
  }

  // MARK: - Node

  public var nextTimeout: Instant? {
    var next = earlier(transport.nextTimeout, feedback.nextTimeout)
    next = earlier(next, nextSecond)
    for track in tracks where track.due < .distantFuture { next = earlier(next, track.due) }
    return next
  }

  public func receive(
    _ packet: consuming Packet, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {
    var packet = packet
    let mark = packet.ecn
    switch transport.receive(&packet, on: path, at: now, into: &outbox) {
    case .handled: break
    case .rtp: receiveMedia(&packet, mark, at: now, into: &outbox)
    case .rtcp: receiveReports(packet.bytes, at: now)
    }
  }

  public func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {}

  public func interfacesChanged(
    _ interfaces: [Interface], at now: Instant, into outbox: inout Outbox
  ) {}

  public func handleTimeout(at now: Instant, into outbox: inout Outbox) {
    if let due = transport.nextTimeout, due <= now {
      transport.handleTimeout(at: now, into: &outbox)
    }
    service(at: now, into: &outbox)
    if let due = feedback.nextTimeout, due <= now { sendFeedback(at: now, into: &outbox) }
    if let due = nextSecond, due <= now { closeSecond(at: now, into: &outbox) }
  }

  // MARK: - Media

  private var roundTrip: Duration { transport.ice.roundTrip ?? FlowLimits.defaultRoundTrip }

  private func receiveMedia(
    _ packet: inout Packet, _ mark: ECN, at now: Instant, into outbox: inout Outbox
  ) {
    guard var header = try? RTPHeader(packet.bytes) else { return }
    let extensions = RTPExtensions(packet.bytes, header, PublisherOffer.extensionMap)
    if let number = extensions.transportSequenceNumber {
      log.arrived(unwrapper.unwrap(number), at: now)
      feedback.received(number, at: now)
    }
    if mark == .congestionExperienced { log.congestionExperienced += 1 }
    var isRetransmission = false
    if let track = tracks.first(where: { $0.identity.rtxSSRC == header.ssrc }) {
      // Padding on the RTX stream is a probe (RFC 3550 §5.1): it has no payload.
      guard !header.payloadRange.isEmpty,
        (try? packet.unwrapRTX(
          header, payloadType: track.identity.codec.payloadType, ssrc: track.identity.ssrc)) != nil,
        let restored = try? RTPHeader(packet.bytes)
      else { return }
      header = restored
      isRetransmission = true
    }
    guard let track = tracks.first(where: { $0.identity.ssrc == header.ssrc }) else { return }
    track.receive(
      packet.bytes, header, isRetransmission: isRetransmission, roundTrip: roundTrip, at: now,
      &faults)
    service(at: now, into: &outbox)
  }

  private func receiveReports(_ bytes: RawSpan, at now: Instant) {
    try? RTCPReader.read(bytes) { packet in
      guard case .senderReport(let report) = packet else { return }
      tracks.first { $0.identity.ssrc == report.ssrc }?.received(report, epoch: .zero, at: now)
    }
  }

  private func service(at now: Instant, into outbox: inout Outbox) {
    for track in tracks where track.due <= now {
      guard let request = track.handleTimeout(at: now).request(to: track.identity.ssrc) else {
        continue
      }
      send(request, at: now, into: &outbox)
    }
  }

  // MARK: - Feedback

  private func sendFeedback(at now: Instant, into outbox: inout Outbox) {
    for report in feedback.feedback(at: now) {
      var writer = RTCPWriter()
      writer.append(.transportFeedback(report))
      send(writer, at: now, into: &outbox)
    }
  }

  private func closeSecond(at now: Instant, into outbox: inout Outbox) {
    nextSecond = now + FlowLimits.reportInterval
    for track in tracks {
      track.setRoundTrip(roundTrip)
      track.advance(to: now)
      track.observeSecond(at: now)
    }
    service(at: now, into: &outbox)
    let blocks = tracks.compactMap { $0.reportBlock(at: now) }
    guard !blocks.isEmpty else { return }
    var writer = RTCPWriter()
    writer.append(.receiverReport(ReceiverReport(ssrc: Bot.reportSSRC, reports: blocks)))
    send(writer, at: now, into: &outbox)
  }

  private func send(_ writer: RTCPWriter, at now: Instant, into outbox: inout Outbox) {
    let before = transport.bytesSent
    transport.sendRTCP(outbox.pool.makePacket(writer.bytes), at: now, into: &outbox)
    guard transport.bytesSent > before else { return }
    log.feedback.append((now, Int(transport.bytesSent - before) + FlowLimits.headers))
  }

  // MARK: - Results

  /// Ends all measurement; call once, at the end of the run.
  public func finish(at now: Instant) {
    for track in tracks { track.finish(at: now) }
  }

  /// What a viewer saw and heard, by the names of the metric catalogue.
  public var series: [BotSeries] { tracks.flatMap(\.series) }

  /// Totals of what was received.
  public var inbound: [RemoteTrackSummary] { tracks.map(\.summary) }
}

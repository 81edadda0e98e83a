// The sending end of a media flow without an SFU: one camera and one microphone under congestion
// control, over a transport of its own (RFC 8867 §2).

import Basics
import Codecs
import Congestion
import Transport
import Wire

public struct MediaFlowConfiguration: Sendable {
  /// One layer; its target is what the flow starts with.
  public var encoder: EncoderModel
  /// Zero for no audio.
  public var audioBitrate = Bitrate.kbps(20)
  /// Whether media packets are ECN-capable (RFC 6679 §6).
  public var usesECN = false
  /// Whether congestion control decides the rate, or the encoder keeps its own.
  public var isControlled = true
  /// Congestion control with a part broken on purpose.
  public var mutant: CongestionConfiguration.Mutant?
  public var protection = MediaProtection.srtp
  /// Unix time at the run's start.
  public var epoch = Duration.seconds(1_767_225_600)

  public init(encoder: EncoderModel) { self.encoder = encoder }

  /// What its packets cost on the wire beside their payload, bit/s.
  private static func overhead(packets: Double) -> Double {
    packets * 8 * Double(FlowLimits.overhead)
  }

  private var audioOnTheWire: Double {
    guard audioBitrate > .zero else { return 0 }
    return Double(audioBitrate.bitsPerSecond) + Self.overhead(packets: 50)
  }

  /// Packets a second of video at this rate: frames are cut evenly.
  private func packets(at videoRate: Double) -> Double {
    let framesPerSecond = Double(encoder.framesPerSecond)
    let frame = videoRate / 8 / framesPerSecond
    return framesPerSecond * max(1, (frame / Double(FlowLimits.payload)).rounded(.up))
  }

  /// What is left for the camera's encoder of all that may be sent (libwebrtc's
  /// RtpVideoSender::OnBitrateUpdated takes the overhead off in the same way).
  /// - Parameter share: what retransmissions leave of the camera's part.
  func videoRate(of target: Bitrate, share: Double) -> Bitrate {
    let onTheWire = (Double(target.bitsPerSecond) - audioOnTheWire) * share
    return .bps(max(0, onTheWire - Self.overhead(packets: packets(at: onTheWire))))
  }

  /// What the encoders put on the wire with video at this rate, headers included.
  public func onTheWire(_ videoRate: Bitrate) -> Bitrate {
    let video = Double(videoRate.bitsPerSecond)
    return .bps(video + Self.overhead(packets: packets(at: video)) + audioOnTheWire)
  }

  /// Starts where the encoder starts, and does not go below what it makes at least: libwebrtc's pacer
  /// lets that through in any case (goog_cc_network_control.cc, GetPacingRates).
  var congestion: CongestionConfiguration {
    var congestion = CongestionConfiguration()
    congestion.startBitrate = onTheWire(encoder.targetBitrate)
    congestion.minimumBitrate = onTheWire(encoder.minimumBitrate)
    congestion.mutant = mutant
    return congestion
  }
}

/// A packet that waits for its turn, and the track it belongs to.
struct FlowPacket: ~Copyable {
  var track: Int
  var packet: Packet
}

public final class MediaFlowSender: Node {
  public private(set) var log = SentFlowLog()
  private let configuration: MediaFlowConfiguration
  private let address: Address
  private var transport: PeerTransport
  private var tracks: [LocalTrack] = []
  private var sender: PacedSender<FlowPacket>
  private var unwrappers: [SequenceUnwrapper] = []
  /// What the encoders follow: congestion control's target, when it was applied last.
  private var appliedTarget = Bitrate.zero
  private var appliedAt = Instant.zero
  private var load = RetransmissionLoad()
  /// What waits in the pacer to be sent again: asking twice does not make it two
  /// (libwebrtc's RtpPacketHistory::GetPacketAndMarkAsPending).
  private var repairs: Set<UInt16> = []
  private var isStarted = false
  private var isPaused = false
  private var nextReport: Instant?
  private var lastCall = Instant.zero

  public init(
    _ configuration: MediaFlowConfiguration, at address: Address, pool: PacketPool,
    random: RandomStream
  ) {
    self.configuration = configuration
    self.address = address
    sender = PacedSender(configuration.congestion, firstNumber: 0, at: .zero)
    transport = PeerTransport(
      role: .controlling, identity: DTLSIdentity(random: random.child("certificate")),
      protection: configuration.protection, random: random.child("transport"))
    var video = VideoSource.Configuration(layers: [configuration.encoder])
    video.captureRate = configuration.encoder.framesPerSecond
    var media: [(TrackSource, LocalTrackConfiguration.Media)] = [(.camera, .video(video))]
    if configuration.audioBitrate > .zero {
      var audio = AudioSource.Configuration()
      audio.bitrate = configuration.audioBitrate
      audio.usesDTX = false
      audio.schedule = .always
      media.append((.microphone, .audio(audio)))
    }
    for (index, (source, media)) in media.enumerated() {
      tracks.append(
        LocalTrack(
          LocalTrackConfiguration(source: source, media: media), cid: "\(source)",
          mid: ShortName(String(index))!, map: PublisherOffer.extensionMap,
          epoch: configuration.epoch, pool: pool, clips: EncodedClips(),
          random: random.child("\(source)")))
      unwrappers.append(SequenceUnwrapper())
    }
  }

  /// What the receiver is to know of the streams.
  var identities: [RemoteTrack.Identity] {
    tracks.map { track in
      RemoteTrack.Identity(
        publisherSID: "", trackSID: track.cid, mid: track.mid.description,
        ssrc: track.streams[0].ssrc, rtxSSRC: track.streams[0].rtxSSRC, kind: track.kind,
        codec: track.codec)
    }
  }

  private var description: RemoteTransportDescription {
    RemoteTransportDescription(
      credentials: transport.ice.localCredentials, fingerprint: transport.localFingerprint,
      candidates: [
        RemoteCandidate(
          address: address, priority: ICEAgent.hostPriority(networkCost: 0, index: 0))
      ])
  }

  // MARK: - Commands

  /// Connects to `receiver`; media flows as soon as there is a transport.
  public func start(to receiver: MediaFlowReceiver, at now: Instant, into outbox: inout Outbox) {
    receiver.connect(to: description, at: now)
    transport.setLocalAddresses([(address, 0)], at: now)
    transport.setRemote(receiver.description, dtlsRole: .client, at: now)
    transport.handleTimeout(at: now, into: &outbox)
  }

  /// Camera and microphone stand still, or go on; the transport stays.
  public func setPaused(_ isPaused: Bool, at now: Instant) {
    guard isPaused != self.isPaused else { return }
    self.isPaused = isPaused
    guard isStarted else { return }
    for track in tracks {
      if isPaused { track.stop() } else { track.start(at: now) }
    }
  }

  public func stop(at now: Instant, into outbox: inout Outbox) {
    setPaused(true, at: now)
    nextReport = nil
    sender.removeAll()
    repairs.removeAll()
    transport.close(at: now, into: &outbox)
  }

  // MARK: - Node

  public var nextTimeout: Instant? {
    var next = earlier(transport.nextTimeout, nextReport)
    guard transport.canSendMedia, isStarted else { return next }
    for track in tracks { next = earlier(next, track.nextTimeout) }
    return earlier(next, sender.nextTimeout(at: lastCall))
  }

  public func receive(
    _ packet: consuming Packet, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {
    var packet = packet
    switch transport.receive(&packet, on: path, at: now, into: &outbox) {
    case .handled: startWhenConnected(at: now, into: &outbox)
    case .rtcp: receiveFeedback(packet.bytes, at: now, into: &outbox)
    case .rtp: break
    }
  }

  public func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {}

  public func interfacesChanged(
    _ interfaces: [Interface], at now: Instant, into outbox: inout Outbox
  ) {}

  public func handleTimeout(at now: Instant, into outbox: inout Outbox) {
    if let due = transport.nextTimeout, due <= now {
      transport.handleTimeout(at: now, into: &outbox)
      startWhenConnected(at: now, into: &outbox)
    }
    if let due = nextReport, due <= now { sendReports(at: now, into: &outbox) }
    if isStarted { sender.handleTimeout(at: now) }
    produce(at: now, into: &outbox)
  }

  private func startWhenConnected(at now: Instant, into outbox: inout Outbox) {
    guard !isStarted, transport.canSendMedia else { return }
    isStarted = true
    sender = PacedSender(configuration.congestion, firstNumber: 0, at: now)
    sender.setAllocated(
      maximum: configuration.onTheWire(configuration.encoder.maximumBitrate), at: now)
    nextReport = now + FlowLimits.reportInterval
    guard !isPaused else { return }
    for track in tracks { track.start(at: now) }
    produce(at: now, into: &outbox)
  }

  // MARK: - Sending

  private func produce(at now: Instant, into outbox: inout Outbox) {
    lastCall = now
    guard transport.canSendMedia, isStarted else { return }
    followTarget(at: now)
    for (index, track) in tracks.enumerated() {
      guard let due = track.nextTimeout, due <= now else { continue }
      let kind: Congestion.PacketKind = track.kind == .audio ? .audio : .video
      track.produce(at: now, pool: outbox.pool) { packet, _ in
        enqueue(packet, of: index, kind, at: now)
      }
    }
    while let departure = sender.next(at: now) {
      switch consume departure {
      case .packet(let entry, let size, let kind, let probe):
        let track = entry.track
        transmit(
          entry.packet, of: track, size: size, kind: kind, probe: probe, at: now, into: &outbox)
      case .padding(let size, let probe): pad(size, probe: probe, at: now, into: &outbox)
      }
    }
  }

  private func enqueue(
    _ packet: consuming Packet, of track: Int, _ kind: Congestion.PacketKind, at now: Instant
  ) {
    let size = FlowLimits.wireSize(of: packet)
    sender.enqueue(FlowPacket(track: track, packet: packet), size: size, kind: kind, at: now)
  }

  /// Hands the target on to the camera, less what retransmissions take; sound keeps its rate.
  private func followTarget(at now: Instant) {
    let target = sender.encoderTarget
    guard configuration.isControlled,
      target != appliedTarget || now - appliedAt >= FlowLimits.targetInterval
    else { return }
    if target != appliedTarget { log.targets.append(Double(target.bitsPerSecond), at: now) }
    appliedTarget = target
    appliedAt = now
    let video = configuration.videoRate(of: target, share: load.share(at: now))
    for track in tracks { track.withVideo { $0.setTargetBitrate(video, layer: 0) } }
  }

  private func pad(
    _ size: DataSize, probe: ProbeMark?, at now: Instant, into outbox: inout Outbox
  ) {
    guard
      let packet = tracks[0].streams[0].padding(Int(size.bytes), pool: outbox.pool, at: now)
    else { return sender.cannotPad(size, at: now) }
    let made = FlowLimits.wireSize(of: packet)
    transmit(
      packet, of: 0, size: made, kind: .padding, probe: probe, at: now, into: &outbox)
  }

  private func transmit(
    _ packet: consuming Packet, of index: Int, size: DataSize, kind: Congestion.PacketKind,
    probe: ProbeMark?, at now: Instant, into outbox: inout Outbox
  ) {
    var packet = packet
    let track = tracks[index]
    guard let header = try? RTPHeader(packet.bytes) else { return }
    var extensions = RTPExtensions(packet.bytes, header, PublisherOffer.extensionMap)
    extensions.transportSequenceNumber = sender.number(
      of: size, kind: kind, probe: probe, at: now)
    packet.rewriteRTP(
      header, RTPFields(header), extensions: extensions, map: PublisherOffer.extensionMap)
    var mediaNumber: Int64 = -1
    if kind == .audio || kind == .video, let sent = try? RTPHeader(packet.bytes) {
      track.streams[0].sent(packet, header: sent, sampled: now, at: now)
      let number = unwrappers[index].unwrap(sent.sequenceNumber)
      if kind == .video { mediaNumber = number }
      log.encodedBytes += sent.payloadRange.count
    }
    if kind == .videoRetransmission || kind == .padding {
      mediaNumber = repaired(by: packet, of: index)
      if kind == .videoRetransmission { repairs.remove(UInt16(truncatingIfNeeded: mediaNumber)) }
    }
    if configuration.usesECN { packet.ecn = .ect0 }
    let before = transport.bytesSent
    transport.sendRTP(packet, at: now, into: &outbox)
    let bytes = Int32(clamping: transport.bytesSent - before) + Int32(FlowLimits.headers)
    if kind == .video || kind == .videoRetransmission {
      load.sent(Int(bytes), isRetransmission: kind != .video, at: now)
    }
    log.packets.append(
      SentFlowPacket(at: now, bytes: bytes, kind: FlowPacketKind(kind), mediaNumber: mediaNumber))
  }

  /// The original number in an RTX packet (RFC 4588 §4); -1 for padding without payload.
  private func repaired(by packet: borrowing Packet, of index: Int) -> Int64 {
    guard let header = try? RTPHeader(packet.bytes), header.payloadRange.count >= 2 else {
      return -1
    }
    var reader = ByteReader(packet.bytes, header.payloadRange)
    return (try? reader.u16()).map { unwrappers[index].peek($0) } ?? -1
  }

  private func sendReports(at now: Instant, into outbox: inout Outbox) {
    nextReport = now + FlowLimits.reportInterval
    var writer = RTCPWriter()
    for track in tracks {
      for stream in track.streams {
        if let report = stream.statistics.report(at: now) { writer.append(.senderReport(report)) }
      }
    }
    guard writer.count > 0 else { return }
    transport.sendRTCP(outbox.pool.makePacket(writer.bytes), at: now, into: &outbox)
  }

  // MARK: - Feedback

  private func receiveFeedback(
    _ bytes: RawSpan, at now: Instant, into outbox: inout Outbox
  ) {
    var packets: [RTCPPacket] = []
    try? RTCPReader.read(bytes) { packets.append($0) }
    for packet in packets {
      switch packet {
      case .transportFeedback(let report): receive(report, at: now)
      case .nack(let nack): answer(nack, at: now)
      case .pictureLossIndication(_, let ssrc): requestKeyframe(ssrc, at: now)
      case .fullIntraRequest(let request):
        for entry in request.entries { requestKeyframe(entry.ssrc, at: now) }
      case .receiverReport(let report):
        for block in report.reports { note(block, at: now) }
      default: break
      }
    }
    produce(at: now, into: &outbox)
  }

  private func receive(_ report: TransportFeedback, at now: Instant) {
    sender.received(
      base: report.baseSequenceNumber, reference: report.referenceTime,
      deltas: report.packets.lazy.map { status in
        if case .received(let delta) = status { delta } else { nil }
      }, at: now)
  }

  private func answer(_ nack: GenericNACK, at now: Instant) {
    guard let index = tracks.firstIndex(where: { $0.streams[0].ssrc == nack.mediaSSRC }) else {
      return
    }
    let roundTrip = transport.ice.roundTrip ?? FlowLimits.defaultRoundTrip
    for number in nack.sequenceNumbers {
      guard !repairs.contains(number),
        load.admits(FlowLimits.payload, below: sender.controller.target, at: now),
        let packet = tracks[index].streams[0].retransmission(
          of: number, roundTrip: roundTrip, at: now)
      else { continue }
      repairs.insert(number)
      enqueue(packet, of: index, .videoRetransmission, at: now)
    }
  }

  private func requestKeyframe(_ ssrc: UInt32, at now: Instant) {
    tracks.first { $0.streams[0].ssrc == ssrc }?.requestKeyframe(layer: 0, at: now)
  }

  private func note(_ block: ReportBlock, at now: Instant) {
    for track in tracks where track.streams[0].ssrc == block.ssrc {
      track.streams[0].isKnownToPeer = true
      track.streams[0].statistics.received(block, at: now)
    }
  }

  /// Slots of the pool that it holds: for retransmission, and waiting to be sent.
  public var packetsHeld: Int {
    tracks.flatMap(\.streams).reduce(sender.queuedPackets) { $0 + $1.cachedPackets }
  }

  /// Totals of what was sent.
  public var outbound: [LocalTrackSummary] { tracks.map(\.summary) }
}

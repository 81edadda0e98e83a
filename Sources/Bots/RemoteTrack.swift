// A track that a bot receives: repair, jitter buffer, and what it saw and heard of it.

import Basics
import Codecs
import Transport
import Wire

final class RemoteTrack {
  /// What the offer and the SFU's updates said of it.
  struct Identity: Equatable {
    var publisherSID: String
    var trackSID: String
    var mid: String
    var ssrc: UInt32
    var rtxSSRC: UInt32?
    var kind: MediaKind
    var codec: CodecProfile
  }

  let identity: Identity
  /// The header extensions that were accepted for its section.
  var extensions = RTPExtensionMap()
  /// The publisher's identity, filled in from the roster.
  var publisher = ""
  var source = TrackSource.unknown
  private(set) var isMuted = false
  private var mutedAt: Instant?
  /// Whether it is shown at all; a tile that is not gets no packets.
  private(set) var isWanted = true
  /// For lack of bandwidth, as the SFU said.
  private(set) var isPaused = false
  private var goesOnSince: Instant?
  /// When the SFU held it back, as it said.
  private(set) var pauses = IntervalLog()
  private(set) var hasEnded = false
  private(set) var isReleased = false
  var perSecond = TrackSeconds()
  var lastSecond: Instant?

  /// When `handleTimeout` has something to do; `distantFuture` for never.
  private(set) var due = Instant.distantFuture
  /// The earliest moment for which the bot has a timer for it.
  var scheduled = Instant.distantFuture
  private(set) var reception: ReceptionStatistics
  private var unwrapper = SequenceUnwrapper()
  private(set) var audit: StreamAudit
  /// One of the two.
  let video: VideoReceiver?
  let audio: AudioReceiver?
  private(set) var retransmissionsReceived = 0
  /// Of padding alone, on its RTX stream.
  var paddingPackets = 0
  private(set) var packetsAfterMute = 0
  private(set) var nacksSent = 0
  private(set) var plisSent = 0
  private(set) var firstMedia: Instant?
  /// Totals at the end of the last second, for rates.
  private var lastExpected: Int64 = 0
  private var lastLost: Int64 = 0
  private var lastRecovered = 0
  private var lastLossAfterRepair: Int64 = 0

  init(
    _ identity: Identity, playout: PlayoutDelay.Configuration, delayDecimation: Int,
    decodesMedia: Bool
  ) {
    self.identity = identity
    audit = StreamAudit(identity)
    reception = ReceptionStatistics(ssrc: identity.ssrc, clockRate: identity.codec.clockRate)
    let isVideo = identity.kind == .video
    video =
      isVideo
      ? VideoReceiver(
        identity.codec.encoding == "VP9" ? .vp9 : .vp8, playout,
        delayDecimation: delayDecimation, decodesMedia: decodesMedia) : nil
    audio =
      isVideo
      ? nil : AudioReceiver(delayDecimation: delayDecimation, decodesMedia: decodesMedia)
  }

  /// What was shown of it last, frame by frame.
  var recent: RecentFrames { video?.meter.recent ?? audio?.meter.recent ?? RecentFrames() }
  var sequenceCycles: Int { unwrapper.cycles }

  /// Gives back what only a track that goes on needs; what was measured stays.
  func release() {
    guard hasEnded, !isReleased else { return }
    isReleased = true
    video?.release()
    audio?.release()
  }

  // MARK: - State

  func setMuted(_ muted: Bool, at now: Instant) {
    guard muted != isMuted else { return }
    isMuted = muted
    mutedAt = muted ? now : nil
    updateSuspension(at: now)
  }

  func setWanted(_ wanted: Bool, at now: Instant) {
    guard wanted != isWanted else { return }
    isWanted = wanted
    updateSuspension(at: now)
  }

  /// Whether the SFU held it back at some time since `moment`, for lack of bandwidth.
  func wasPaused(since moment: Instant) -> Bool {
    isPaused || goesOnSince.map { $0 >= moment } ?? false
  }

  /// The SFU paused the stream for lack of bandwidth, or resumed it.
  func setPaused(_ paused: Bool, at now: Instant) {
    guard paused != isPaused else { return }
    isPaused = paused
    pauses.note(paused, at: now)
    if !paused { goesOnSince = now }
    video?.setPaused(paused, at: now)
    updateSuspension(at: now)
  }

  /// What the roster says of the track and its publisher.
  func learn(_ info: SessionParticipant, at now: Instant) {
    publisher = info.identity
    guard let track = info.tracks.first(where: { $0.sid == identity.trackSID }) else { return }
    source = track.source
    setMuted(track.isMuted, at: now)
  }

  /// No packets come any more.
  func end(at now: Instant) {
    guard !hasEnded else { return }
    setWanted(false, at: now)
    pauses.note(false, at: now)
    finish(at: now)
    lastSecond = lastSecond ?? now
    hasEnded = true
  }

  /// A track that is muted or not shown on purpose neither freezes nor asks for keyframes.
  private func updateSuspension(at now: Instant) {
    if isMuted || !isWanted || isPaused {
      video?.suspend(at: now)
      audio?.buffer.suspend(at: now)
    } else {
      video?.resume(at: now)
    }
    updateDue()
  }

  private func updateDue() {
    due = (video?.nextTimeout ?? audio?.nextTimeout) ?? .distantFuture
  }

  // MARK: - Packets

  /// Whether a browser would take the packet, of its media SSRC or its RTX stream.
  func admits(
    _ packet: RawSpan, _ header: RTPHeader, isRTX: Bool, at now: Instant,
    _ faults: inout ProtocolAudit
  ) -> Bool {
    audit.admits(packet, header, isRTX: isRTX, extensions, at: now, &faults)
  }

  /// Takes an RTP packet of this track's media SSRC, or one that came back out of RTX.
  func receive(
    _ packet: RawSpan, _ header: RTPHeader, isRetransmission: Bool, roundTrip: Duration,
    at now: Instant, _ faults: inout ProtocolAudit
  ) {
    if let mutedAt, identity.kind == .audio, !header.payloadRange.isEmpty,
      now - mutedAt > roundTrip + BotLimits.muteGrace,
      !OpusPacket.isSilence(packet, header.payloadRange)
    {
      packetsAfterMute += 1
      perSecond.packetsAfterMute.append(Double(packetsAfterMute), at: now)
    }
    if isRetransmission {
      retransmissionsReceived += 1
    } else {
      reception.received(
        header.sequenceNumber, timestamp: header.timestamp,
        payloadSize: header.payloadRange.count, at: now)
    }
    let sequenceNumber = unwrapper.unwrap(header.sequenceNumber)
    if !isRetransmission { audit.received(sequenceNumber, at: now) }
    var frame: StreamAudit.Frame?
    if let video {
      frame =
        video.receive(
          packet, header, sequenceNumber: sequenceNumber, isRetransmission: isRetransmission,
          at: now
        ).flatMap { StreamAudit.Frame($0, at: now) }
    } else if let sound = audio?.receive(packet, header, at: now) {
      frame = StreamAudit.Frame(sound, at: now)
    }
    if let frame, !isRetransmission { audit.began(frame, identity.ssrc, at: now, &faults) }
    updateDue()
  }

  func received(_ report: SenderReport, epoch: Duration, at now: Instant) {
    reception.received(report, at: now)
    audit.received(report, epoch: epoch, at: now)
  }

  /// Whether the reports came that were due since the last call.
  func checkReports(at now: Instant, _ faults: inout ProtocolAudit) {
    audit.checkReports(identity.ssrc, at: now, &faults)
  }

  func setRoundTrip(_ roundTrip: Duration) {
    video?.setRoundTrip(roundTrip)
  }

  // MARK: - Time

  /// What became due.
  struct Due {
    var nacks: [UInt16] = []
    var needsKeyframe = false

    /// What asks the sender of `ssrc` for it; nil where nothing is due.
    func request(to ssrc: UInt32) -> RTCPWriter? {
      guard !nacks.isEmpty || needsKeyframe else { return nil }
      var writer = RTCPWriter()
      if !nacks.isEmpty {
        writer.append(
          .nack(
            GenericNACK(senderSSRC: Bot.reportSSRC, mediaSSRC: ssrc, sequenceNumbers: nacks)))
      }
      if needsKeyframe {
        writer.append(.pictureLossIndication(senderSSRC: Bot.reportSSRC, mediaSSRC: ssrc))
      }
      return writer
    }
  }

  func handleTimeout(at now: Instant) -> Due {
    var result = Due()
    if let video {
      result.nacks = video.dueNACKs(at: now)
      if !result.nacks.isEmpty { nacksSent += 1 }
      let (needsKeyframe, firstRender) = video.poll(at: now)
      result.needsKeyframe = needsKeyframe
      if needsKeyframe { plisSent += 1 }
      firstMedia = firstMedia ?? firstRender
    } else if let audio {
      let firstPlayed = audio.poll(at: now)
      firstMedia = firstMedia ?? firstPlayed
    }
    updateDue()
    return result
  }

  func reportBlock(at now: Instant) -> ReportBlock? {
    hasEnded ? nil : reception.reportBlock(at: now)
  }

  /// Closes a second: returns the shares of packets lost before and after repair in it, in percent;
  /// nil where none were expected.
  func lossInSecond() -> (before: Double, after: Double)? {
    let expected = reception.expected - lastExpected
    let lost = max(0, reception.cumulativeLost - lastLost)
    let recoveredSoFar = video?.nack.recovered ?? 0
    let pending = Int64(video?.nack.pending ?? 0)
    let recovered = Int64(recoveredSoFar - lastRecovered)
    let residual = max(0, reception.cumulativeLost - Int64(recoveredSoFar))
    let after = max(0, residual - lastLossAfterRepair - pending)
    lastExpected = reception.expected
    lastLost = reception.cumulativeLost
    lastRecovered = recoveredSoFar
    lastLossAfterRepair = max(lastLossAfterRepair, residual - pending)
    guard expected > 0 else { return nil }
    func share(_ count: Int64) -> Double { min(100, 100 * Double(count) / Double(expected)) }
    return (share(max(lost, recovered)), share(after))
  }

  func advance(to now: Instant) {
    video?.meter.advance(to: now)
    audio?.advance(to: now)
    updateDue()
  }

  func finish(at now: Instant) {
    video?.meter.finish(at: now)
    audio?.finish(at: now)
  }
}

/// Repair, buffer and meter of a video track.
final class VideoReceiver {
  private(set) var nack = NACKGenerator(limits: .libwebrtc)
  private(set) var keyframes = KeyframeWait()
  private let codec: VideoCodec
  private var buffer: VideoJitterBuffer
  fileprivate(set) var meter: VideoQualityMeter
  /// Where real pictures are decoded.
  private var pictures: PictureReceiver?

  init(
    _ codec: VideoCodec, _ playout: PlayoutDelay.Configuration, delayDecimation: Int,
    decodesMedia: Bool
  ) {
    self.codec = codec
    pictures = decodesMedia ? PictureReceiver(codec) : nil
    var configuration = VideoJitterBuffer.Configuration()
    configuration.playout = playout
    buffer = VideoJitterBuffer(configuration)
    meter = VideoQualityMeter(delayDecimation: delayDecimation)
  }

  var nextTimeout: Instant? { earlier(nack.nextTimeout, buffer.nextTimeout) }
  var timestampCycles: Int { buffer.timestampCycles }
  var pictureIDWraps: Int { buffer.pictureIDWraps }

  /// NACKs are spaced by libwebrtc's default: who sends no media has no round trip from reports.
  func setRoundTrip(_ roundTrip: Duration) { buffer.setRoundTripTime(roundTrip) }

  func suspend(at now: Instant) {
    buffer.suspend()
    keyframes.ended()
    meter.suspended(at: now)
    nack.clear()
  }

  func resume(at now: Instant) {
    buffer.resume(at: now)
    meter.resumed(at: now)
  }

  func setPaused(_ paused: Bool, at now: Instant) { meter.setPaused(paused, at: now) }

  /// - Returns: what was read; nil for padding.
  func receive(
    _ packet: RawSpan, _ header: RTPHeader, sequenceNumber: Int64, isRetransmission: Bool,
    at now: Instant
  ) -> VideoPacket? {
    let arrival = nack.received(
      header.sequenceNumber, isRetransmission: isRetransmission, at: now)
    if case .overflow = arrival {
      nack.clear()
      buffer.retransmissionFailed(at: now)
    }
    guard
      let video = VideoPacket(
        packet, header, codec: codec, sequenceNumber: sequenceNumber,
        isRetransmission: isRetransmission)
    else { return nil }
    pictures?.received(packet, header, video)
    buffer.receive(video, at: now)
    keyframes.received(isKeyframe: video.isKeyframe, at: now)
    return video
  }

  func release() {
    nack.clear()
    buffer.release()
    meter.release()
    pictures?.release()
  }

  func dueNACKs(at now: Instant) -> [UInt16] {
    guard let timeout = nack.nextTimeout, timeout <= now else { return [] }
    return nack.due(at: now)
  }

  /// Records what became due; returns whether a keyframe is wanted, and when a frame first shows.
  func poll(at now: Instant) -> (needsKeyframe: Bool, firstRender: Instant?) {
    var needsKeyframe = false
    var firstRender: Instant?
    while let event = buffer.poll(at: now) {
      if case .keyframeNeeded = event { needsKeyframe = true }
      meter.record(event, at: now)
      guard case .rendered(let frame) = event else { continue }
      keyframes.ended()
      nack.clear(through: UInt16(truncatingIfNeeded: frame.sequenceNumbers.upperBound))
      firstRender = firstRender ?? frame.renderTime
      if let outcome = pictures?.show(frame) {
        if case .error = outcome { needsKeyframe = true }
        meter.record(outcome, at: frame.renderTime)
      }
    }
    if needsKeyframe { keyframes.asked(at: now) }
    return (needsKeyframe, firstRender)
  }

  var rungs: [RungQuality] { pictures?.rungs ?? [] }
}

/// Buffer and meter of an audio track.
final class AudioReceiver {
  fileprivate var buffer = AudioJitterBuffer()
  private(set) var meter: AudioQualityMeter
  /// Where real sound is decoded.
  private let speech: SpeechReceiver?

  var nextTimeout: Instant? { buffer.nextTimeout }
  var timestampCycles: Int { buffer.timestampCycles }

  init(delayDecimation: Int, decodesMedia: Bool) {
    meter = AudioQualityMeter(delayDecimation: delayDecimation)
    speech = decodesMedia ? SpeechReceiver() : nil
  }

  /// - Returns: what was read; nil for padding.
  func receive(_ packet: RawSpan, _ header: RTPHeader, at now: Instant) -> AudioPacket? {
    guard let packet = AudioPacket(packet, header, keepsPayload: speech != nil) else { return nil }
    buffer.receive(packet, at: now)
    return packet
  }

  /// Records what became due; returns when sound was first played.
  func poll(at now: Instant) -> Instant? {
    var firstPlayed: Instant?
    while let event = buffer.poll(at: now) {
      if case .played(let time, _, _, _) = event { firstPlayed = firstPlayed ?? time }
      if let speech { record(event, heardBy: speech) } else { meter.record(event) }
    }
    return firstPlayed
  }

  private func record(_ event: AudioBufferEvent, heardBy speech: SpeechReceiver) {
    switch event {
    case .played(let time, _, let stamp, let payload):
      if stamp == nil || isCoded(payload) {
        meter.recordDecoding(succeeded: speech.play(payload), at: time)
      }
      meter.record(event)
    case .concealed(let time, _, let next):
      if speech.makeUp(before: isCoded(next) ? next : []) {
        meter.recordRecovery(at: time)
      } else {
        meter.record(event)
      }
    }
  }

  /// What carries the model's stamp, without padding, was never encoded.
  private func isCoded(_ payload: [UInt8]) -> Bool { OpusPacket.hasPadding(payload) }

  /// What was made up until now goes into the second in which it was heard.
  func advance(to now: Instant) {
    buffer.settle(at: now)
    _ = poll(at: now)
    meter.advance(to: now)
  }

  func release() {
    buffer.release()
    meter.release()
  }

  func finish(at now: Instant) {
    buffer.settle(at: now)
    _ = poll(at: now)
    meter.finish(at: now)
  }
}

// A track that a bot receives: repair, jitter buffer, and what it saw and heard of it.

import Basics
import Signal
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
  /// The publisher's identity, filled in from the roster.
  var publisher = ""
  var source = TrackSource.unknown
  private(set) var isMuted = false
  private var mutedAt: Instant?
  /// Whether it is shown at all; a tile that is not gets no packets.
  private(set) var isWanted = true
  private var isPaused = false
  private(set) var hasEnded = false
  var perSecond = TrackSeconds()
  var lastSecond: Instant?

  private(set) var reception: ReceptionStatistics
  private(set) var nack: NACKGenerator
  private var unwrapper = SequenceUnwrapper()
  private(set) var video: VideoJitterBuffer?
  private(set) var audio: AudioJitterBuffer?
  var videoMeter: VideoQualityMeter
  var audioMeter: AudioQualityMeter
  private(set) var retransmissionsReceived = 0
  private(set) var packetsAfterMute = 0
  private(set) var nacksSent = 0
  private(set) var plisSent = 0
  private(set) var firstMedia: Instant?
  /// Totals at the end of the last second, for rates.
  private var lastExpected: Int64 = 0
  private var lastLost: Int64 = 0
  private var lastRecovered = 0
  private var lastLossAfterRepair: Int64 = 0

  init(_ identity: Identity, playout: PlayoutDelay.Configuration, delayDecimation: Int) {
    self.identity = identity
    reception = ReceptionStatistics(ssrc: identity.ssrc, clockRate: identity.codec.clockRate)
    nack = NACKGenerator(limits: .libwebrtc)
    videoMeter = VideoQualityMeter(delayDecimation: delayDecimation)
    audioMeter = AudioQualityMeter(delayDecimation: delayDecimation)
    if identity.kind == .video {
      var configuration = VideoJitterBuffer.Configuration()
      configuration.playout = playout
      video = VideoJitterBuffer(configuration)
    } else {
      audio = AudioJitterBuffer()
    }
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

  /// The SFU paused the stream for lack of bandwidth, or resumed it.
  func setPaused(_ paused: Bool, at now: Instant) {
    guard paused != isPaused else { return }
    isPaused = paused
    updateSuspension(at: now)
  }

  /// What the roster says of the track and its publisher.
  func learn(_ info: ParticipantInfo, at now: Instant) {
    publisher = info.identity
    guard let track = info.tracks.first(where: { $0.sid == identity.trackSID }) else { return }
    source = track.source
    setMuted(track.muted, at: now)
  }

  /// No packets come any more.
  func end(at now: Instant) {
    guard !hasEnded else { return }
    setWanted(false, at: now)
    finish(at: now)
    hasEnded = true
  }

  /// A track that is muted or not shown on purpose neither freezes nor asks for keyframes.
  private func updateSuspension(at now: Instant) {
    if isMuted || !isWanted || isPaused {
      video?.suspend()
      videoMeter.suspended(at: now)
      audio?.suspend(at: now)
      nack.clear()
    } else {
      video?.resume(at: now)
      videoMeter.resumed(at: now)
    }
  }

  // MARK: - Packets

  /// Takes an RTP packet of this track's media SSRC, or one that came back out of RTX.
  func receive(
    _ packet: RawSpan, _ header: RTPHeader, isRetransmission: Bool, roundTrip: Duration,
    at now: Instant
  ) {
    if let mutedAt, identity.kind == .audio, !header.payloadRange.isEmpty,
      now - mutedAt > roundTrip + BotLimits.muteGrace
    {
      packetsAfterMute += 1
    }
    if isRetransmission {
      retransmissionsReceived += 1
    } else {
      reception.received(
        header.sequenceNumber, timestamp: header.timestamp,
        payloadSize: header.payloadRange.count, at: now)
    }
    let sequenceNumber = unwrapper.unwrap(header.sequenceNumber)
    if video != nil {
      if case .overflow = nack.received(header.sequenceNumber, at: now) {
        nack.clear()
        video?.retransmissionFailed(at: now)
      }
      if let video = VideoPacket(
        packet, header, sequenceNumber: sequenceNumber, isRetransmission: isRetransmission)
      {
        self.video?.receive(video, at: now)
      }
    } else if let packet = AudioPacket(packet, header) {
      audio?.receive(packet, at: now)
    }
  }

  func received(_ report: SenderReport, at now: Instant) { reception.received(report, at: now) }

  func setRoundTrip(_ roundTrip: Duration) {
    nack.measured(rtt: roundTrip)
    video?.setRoundTripTime(roundTrip)
  }

  // MARK: - Time

  /// What became due.
  struct Due {
    var nacks: [UInt16] = []
    var needsKeyframe = false
  }

  var nextTimeout: Instant? {
    if video != nil { return earlier(nack.nextTimeout, video?.nextTimeout) }
    return audio?.nextTimeout
  }

  func handleTimeout(at now: Instant) -> Due {
    var due = Due()
    if let timeout = nack.nextTimeout, timeout <= now, video != nil {
      due.nacks = nack.due(at: now)
      if !due.nacks.isEmpty { nacksSent += 1 }
    }
    while let event = video?.poll(at: now) {
      if case .keyframeNeeded = event {
        due.needsKeyframe = true
        plisSent += 1
      }
      if case .rendered(let frame) = event, firstMedia == nil { firstMedia = frame.renderTime }
      videoMeter.record(event, at: now)
    }
    while let event = audio?.poll(at: now) {
      if case .played(let time, _, _) = event, firstMedia == nil { firstMedia = time }
      audioMeter.record(event)
    }
    return due
  }

  func reportBlock(at now: Instant) -> ReportBlock? {
    hasEnded ? nil : reception.reportBlock(at: now)
  }

  /// Closes a second: returns the shares of packets lost before and after repair in it, in percent;
  /// nil where none were expected.
  func lossInSecond() -> (before: Double, after: Double)? {
    let expected = reception.expected - lastExpected
    let lost = max(0, reception.cumulativeLost - lastLost)
    let recovered = Int64(nack.recovered - lastRecovered)
    let residual = max(0, reception.cumulativeLost - Int64(nack.recovered))
    let after = max(0, residual - lastLossAfterRepair - Int64(nack.pending))
    lastExpected = reception.expected
    lastLost = reception.cumulativeLost
    lastRecovered = nack.recovered
    lastLossAfterRepair = max(lastLossAfterRepair, residual - Int64(nack.pending))
    guard expected > 0 else { return nil }
    func share(_ count: Int64) -> Double { min(100, 100 * Double(count) / Double(expected)) }
    return (share(max(lost, video == nil ? 0 : recovered)), share(after))
  }

  func advance(to now: Instant) {
    if video != nil {
      videoMeter.advance(to: now)
    } else {
      settleAudio(at: now)
      audioMeter.advance(to: now)
    }
  }

  func finish(at now: Instant) {
    if video != nil {
      videoMeter.finish(at: now)
    } else {
      settleAudio(at: now)
      audioMeter.finish(at: now)
    }
  }

  /// What was made up until now goes into the second in which it was heard.
  private func settleAudio(at now: Instant) {
    audio?.settle(at: now)
    while let event = audio?.poll(at: now) { audioMeter.record(event) }
  }
}

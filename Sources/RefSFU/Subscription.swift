// One subscriber's copy of one track: which layer it gets, under which numbers, and what was sent.
// (mediasoup's Consumer, LiveKit's DownTrack.)

import Basics
import Results
import Transport
import Wire

final class Subscription {
  /// Which packet of which layer went out under a number, enough to send it again.
  struct Sent {
    var layer: UInt8
    var marker: Bool
    var source: UInt16
    var timestamp: UInt32
    var vp8: VP8Numbers?
  }

  let track: PublishedTrack
  unowned let subscriber: Participant
  var codec: CodecProfile
  /// A deliberate fault of the SFU.
  let mutant: Mutant?
  /// One in the headers of what it sends.
  private let fault: RTPFault?
  let ssrc: UInt32
  let rtxSSRC: UInt32?
  private(set) var mid = ShortName("0")!
  var extensions = SubscriberOffer.extensionMap
  /// The first offer that announces it.
  private(set) var offerID: UInt32 = 0
  private(set) var isActive = false
  /// Whether packets of the track are of any use to it: it is one of the track's listeners.
  private(set) var isListening = false
  /// What the viewer asked for.
  private(set) var settings = VideoSettings()
  var selector = LayerSelector()
  /// What it was allotted; nil for nothing.
  private(set) var rung: Rung?
  /// Whether lack of room alone keeps it from being sent.
  private(set) var isPaused = false
  private var thinnedSince: Instant?
  /// A queue stands before the subscriber: the base has to do until it is gone.
  var isDraining = false
  var statistics: SenderStatistics
  /// How well our packets reach the subscriber.
  var quality: ConnectionQualityScorer
  var window = QualityWindow()
  var rewriter: StreamRewriter
  var history: SentHistory<Sent>?
  /// Under which the last packet of video went out.
  private(set) var lastNumber: UInt16?
  var rtxSequenceNumber: UInt16
  private var takenLayer: Int?
  /// What became of the packets that were for it.
  var copies = PacketLedger.Copies()
  /// Feedback messages from the subscriber.
  var nackCount = 0
  var pliCount = 0
  /// What the subscriber was last told; nil where that may never have arrived.
  private var isPausedForSubscriber: Bool? = false
  /// When the first packet went out.
  private(set) var sendingSince: Instant?
  private let life: LiveObjects.Token

  /// - Parameters:
  ///   - announced: its SSRC where an answer has named it before there was a track, with
  ///     `announcedRTX`.
  ///   - continuation: the numbers of those SSRCs so far.
  init(
    to track: PublishedTrack, codec: CodecProfile, for subscriber: Participant,
    ssrc announced: UInt32? = nil, rtxSSRC announcedRTX: UInt32? = nil,
    continuing continuation: StreamContinuation? = nil, at now: Instant
  ) {
    self.track = track
    self.subscriber = subscriber
    self.codec = codec
    mutant = subscriber.sfu.configuration.mutant
    fault = RTPFault(mutant)
    life = subscriber.sfu.liveObjects.makeToken()
    // Numbers that come again under one key would give the media away (RFC 3711 §9.1).
    let number = mutant == .reusesSequenceNumbers ? 0 : subscriber.subscriptionsMade
    var random = subscriber.random.child("subscription/\(track.sid)/\(number)")
    subscriber.subscriptionsMade += 1
    ssrc = announced ?? UInt32(truncatingIfNeeded: random.next()) | 1
    rtxSSRC =
      announced == nil && codec.rtxPayloadType != nil
      ? UInt32(truncatingIfNeeded: random.next()) | 1 : announcedRTX
    let starts = subscriber.sfu.configuration.startValues
    let sequenceNumber = starts.first(
      UInt16(random.below(0x8000)), period: 1 << 16, margin: StartValues.packets)
    let timestamp = starts.first(
      UInt32(truncatingIfNeeded: random.next()), period: 1 << 32,
      margin: UInt64(StartValues.time.seconds * Double(codec.clockRate)))
    let pictureID = starts.first(
      UInt16(random.below(0x8000)), period: 1 << 15, margin: StartValues.pictures)
    rewriter = StreamRewriter(
      clockRate: codec.clockRate, firstSequenceNumber: sequenceNumber, firstTimestamp: timestamp,
      firstPictureID: pictureID)
    rtxSequenceNumber = starts.first(
      UInt16(random.below(0x8000)), period: 1 << 16, margin: StartValues.packets / 20)
    history = codec.rtxPayloadType == nil ? nil : SentHistory(limits: .video)
    statistics = SenderStatistics(
      ssrc: ssrc, clockRate: codec.clockRate, epoch: subscriber.sfu.epoch)
    if let continuation {
      rewriter = continuation.rewriter
      statistics = continuation.statistics
      rtxSequenceNumber = continuation.rtxSequenceNumber
    }
    quality = ConnectionQualityScorer(
      lossWeight: codec.kind == .video
        ? PacketLossWeight.video : PacketLossWeight.opus(hasFEC: true),
      // The jitter a receiver reports holds the publisher's too (criterion 000:53).
      includesJitter: false, scoresBitrate: false,
      at: now)
  }

  var announcement: SubscriberOffer.Stream {
    SubscriberOffer.Stream(
      codec: codec, ssrc: ssrc, rtxSSRC: rtxSSRC,
      streamID: "\(track.publisher.sid)|\(track.sid)", trackID: track.sid,
      cname: track.publisher.sid)
  }

  /// Where the offer puts it.
  func place(
    mid: ShortName, offerID: UInt32, extensions: RTPExtensionMap = SubscriberOffer.extensionMap
  ) {
    self.mid = mid
    self.offerID = offerID
    self.extensions = extensions
  }

  /// The subscriber refuses the section, or holds it (RFC 3264 §8.4): nothing is sent there.
  func deactivate(at now: Instant) {
    guard isActive else { return }
    isActive = false
    rung = nil
    isPaused = false
    takeLayer(nil, at: now)
    _ = selector.aim(at: nil, temporal: 0, now: now)
    rewriter.stop()
    subscriber.discardWaiting(self)
    updateListening()
    if track.isVideo { subscriber.wishesChanged() }
  }

  /// The answer that covers it has come: packets may flow.
  func activate(at now: Instant) {
    guard !isActive else { return }
    isActive = true
    if track.isVideo { subscriber.wishesChanged() } else { updateListening() }
  }

  /// The subscriber may have missed anything: a keyframe helps it on.
  func refresh(at now: Instant) {
    guard isActive, track.isVideo, let layer = selector.current else { return }
    track.keyframes.request(layer: layer, at: now)
  }

  // MARK: - Layers

  /// The layers of the track have other places: a new start finds its way to the right one.
  func restartLayers(at now: Instant) {
    takeLayer(nil, at: now)
    rung = nil
    isPaused = false
    selector = LayerSelector()
    rewriter.changeSource()
    if history != nil { history = SentHistory(limits: .video) }
    updateListening()
  }

  /// What the viewer asked of the same track before it changed its codec.
  func take(settingsOf old: Subscription) { settings = old.settings }

  func apply(_ settings: VideoSettings, at now: Instant) {
    self.settings = settings
    guard isActive else { return }
    if track.isVideo { subscriber.wishesChanged() } else { updateListening() }
  }

  /// Who goes first when not everything fits: the wished priority, then the larger tile.
  var rank: (priority: UInt32, area: Int) {
    (
      settings.priority == 0 ? 0 : .max - settings.priority + 1,
      settings.width * settings.height
    )
  }

  var isScreen: Bool { track.info.source == .screenShare }

  func takesFull(_ layer: Int) -> Bool { rung?.layer == layer && rung?.isReduced == false }

  /// Whether it is a camera of which the viewer said how large it shows it.
  var isTile: Bool {
    isActive && track.isVideo && !isScreen && !settings.isDisabled && settings.height > 0
  }

  /// The stream as the allocator sees it; nil where there is nothing to choose from.
  func stream(lines: Int?, at now: Instant) -> StreamAllocator.Stream? {
    let rungs = track.ladder.rungs(
      for: settings, lines: lines, mayReduce: track.mayReduce(for: self), isScreen: isScreen,
      at: now)
    guard !rungs.isEmpty else { return nil }
    var stream = StreamAllocator.Stream(rungs)
    stream.held = rung.map { .rung($0) } ?? (isPaused ? .paused : .new)
    stream.isScreen = isScreen
    (stream.priority, stream.area) = rank
    stream.thinnedSince = thinnedSince
    return stream
  }

  /// Takes what it was allotted, nil for a pause.
  /// - Parameter taken: the layer that the publisher shall keep for it.
  func assign(_ rung: Rung?, taken: Int?, at now: Instant) {
    if rung?.isStopgap != true {
      thinnedSince = nil
    } else if thinnedSince == nil {
      thinnedSince = now
    }
    if rung?.layer != self.rung?.layer || rung?.isReduced != self.rung?.isReduced {
      track.needsBoundUpdate = true
    }
    self.rung = rung
    isPaused = rung == nil
    takeLayer(taken, at: now)
    aim(at: now)
    quality.setPaused(isPaused, at: now)
    // What the publisher does not send is nothing the subscriber's link keeps from it (LiveKit
    // getDistanceToDesired).
    let highest = min(taken ?? 0, track.tracker.layers.lastIndex(where: \.isLive) ?? 0)
    quality.miss(layers: Double(max(0, highest - (selector.current ?? 0))), at: now)
  }

  /// Nobody looks at it, or the publisher is silent: then what is under way goes on.
  func rest(at now: Instant) {
    guard settings.isDisabled || selector.current == nil else { return }
    if settings.isDisabled {
      rung = nil
      isPaused = false
      quality.setPaused(false, at: now)
      takeLayer(nil, at: now)
    }
    aim(at: now)
  }

  /// Goes for the allotted rung, and asks for its keyframe where one is needed. The publisher may
  /// have to bring the layer to its other size first.
  func aim(at now: Instant) {
    let highest = LayerState.temporalLayers - 1
    if let rung, rung.isReduced != track.ladder.isReduced(rung.layer), selector.current != nil {
      let current = selector.current!
      let isDown = current > rung.layer || current == rung.layer && rung.isReduced
      _ = selector.aim(at: current, temporal: isDown ? 0 : highest, now: now)
    } else {
      let temporal = isDraining ? 0 : rung?.temporal ?? highest
      _ = selector.aim(at: rung?.layer, temporal: temporal, now: now)
    }
    if selector.current == nil { rewriter.stop() }
    updateListening()
    requestKeyframe(at: now)
  }

  func requestKeyframe(at now: Instant) {
    guard isActive, let layer = selector.keyframeNeeded else { return }
    // A mutant that asked would often switch at a keyframe after all.
    if mutant == .switchWithoutKeyframe, selector.current != nil {
      return
    }
    track.keyframes.request(layer: layer, at: now)
  }

  private func updateListening() {
    let listens =
      track.isVideo
      ? selector.target != nil || selector.current != nil : !settings.isDisabled
    guard isListening != (listens && isActive) else { return }
    isListening.toggle()
    track.updateListeners()
  }

  /// Gives up its claim on the publisher's layers.
  func end(at now: Instant) { takeLayer(nil, at: now) }

  private func takeLayer(_ layer: Int?, at now: Instant) {
    guard layer != takenLayer else { return }
    if track.dynacast.change(from: takenLayer, to: layer, at: now) {
      track.noteDynacast(at: now)
    }
    takenLayer = layer
  }

  var hasPauseNews: Bool { isPausedForSubscriber != isPaused }

  /// Whether the subscriber must be told that the stream was paused or goes on.
  func notePause() -> Bool {
    guard hasPauseNews else { return false }
    isPausedForSubscriber = isPaused
    return true
  }

  /// What the subscriber was told went over a stream that broke.
  func forgetPause() { isPausedForSubscriber = nil }

  // MARK: - Packets

  /// Forwards a packet if it is this subscriber's to have. Budget: 0.4 us beside copy and protection.
  func forward(
    _ packet: borrowing Packet, _ incoming: IncomingPacket, isLate: Bool, at now: Instant,
    into outbox: inout Outbox
  ) {
    // Before there is a way to the subscriber nothing may take a number.
    guard subscriber.egress.canSendMedia else {
      copies.unconnected += 1
      return
    }
    guard isWanted(incoming, isLate: isLate, at: now, into: &outbox) else {
      copies.unwanted += 1
      return
    }
    let outcome = rewriter.rewrite(incoming.input, at: now)
    let output: StreamRewriter.Output
    switch outcome {
    case .forward(let numbers): output = numbers
    case .pad(let numbers):
      copies.replaced += 1
      sendPadding(numbers, at: now, into: &outbox)
      return
    case .refuse:
      copies.refused += 1
      return
    }
    copies.forwarded += 1
    history?.store(
      Sent(
        layer: UInt8(incoming.input.layer), marker: incoming.header.marker,
        source: incoming.header.sequenceNumber, timestamp: output.timestamp, vp8: output.vp8),
      sequenceNumber: output.sequenceNumber, at: now, release: { _ in })
    if sendingSince == nil { sendingSince = now }
    var copy = packet.copy()
    write(output, marker: incoming.header.marker, incoming, into: &copy)
    statistics.sent(
      timestamp: output.timestamp, payloadSize: incoming.header.payloadRange.count, sampled: now)
    window.sent(bytes: incoming.header.payloadRange.count, sequenceNumber: output.sequenceNumber)
    if track.isVideo {
      lastNumber = output.sequenceNumber
      subscriber.lastVideo = self
    }
    subscriber.transmit(copy, track.isVideo ? .video : .audio, at: now, into: &outbox)
  }

  /// Drops a packet so that the numbers after it close up. Where its number is spoken for, as in the
  /// middle of a frame, padding goes out in its place.
  func skip(_ incoming: IncomingPacket, at now: Instant, into outbox: inout Outbox) {
    var input = incoming.input
    input.isWanted = false
    switch rewriter.rewrite(input, at: now) {
    case .forward(let numbers), .pad(let numbers):
      sendPadding(numbers, at: now, into: &outbox)
    case .refuse: break
    }
  }

  private func isWanted(
    _ incoming: IncomingPacket, isLate: Bool, at now: Instant, into outbox: inout Outbox
  ) -> Bool {
    guard track.isVideo else {
      guard rewriter.layer == nil else { return true }
      // What overtook the first one would be missing for good.
      if !isLate { rewriter.begin(incoming.input, at: now) }
      return !isLate
    }
    if mutant == .switchWithoutKeyframe,
      let target = selector.target, rewriter.layer != target, rewriter.layer != nil,
      incoming.input.layer == target, incoming.startsFrame
    {
      rewriter.begin(incoming.input, at: now)
      selector.force(layer: target)
    }
    switch selector.decide(
      layer: incoming.input.layer, temporal: incoming.temporal,
      startsFrame: incoming.startsFrame, isKeyframe: incoming.isKeyframe,
      isLayerSync: incoming.isLayerSync, number: incoming.header.sequenceNumber, isLate: isLate,
      at: now)
    {
    case .begin:
      let previous = rewriter.layer
      let aligned = previous.flatMap {
        track.clock.translate(incoming.input.timestamp, from: incoming.input.layer, to: $0)
      }
      if mutant == .sequenceGapAtSwitch, previous != nil {
        _ = rewriter.insertPadding()
        _ = rewriter.insertPadding()
      }
      rewriter.begin(incoming.input, aligned: aligned, at: now)
    case .forward: break
    case .unwanted:
      skip(incoming, at: now, into: &outbox)
      return false
    case .otherLayer:
      if let numbers = rewriter.straggler(incoming.input) {
        sendPadding(numbers, at: now, into: &outbox)
      }
      return false
    }
    return true
  }

  private func write(
    _ output: StreamRewriter.Output, marker: Bool, _ incoming: IncomingPacket,
    into packet: inout Packet
  ) {
    var fields = RTPFields(
      marker: marker, payloadType: codec.payloadType, sequenceNumber: output.sequenceNumber,
      timestamp: output.timestamp, ssrc: ssrc)
    var vp8 = output.vp8
    var extensions = RTPExtensions()
    extensions.mid = mid
    subscriber.downlink.reserve(in: &extensions)
    if let captured = incoming.extensions.absCaptureTime {
      extensions.absCaptureTime = captured
      extensions.captureClockOffset = track.publisher.senderClock.captureOffset(
        incoming.extensions.captureClockOffset)
    }
    fault?.change(
      &fields, &vp8, &extensions, layer: incoming.input.layer, kind: codec.kind)
    if let vp8, let numbering = incoming.numbering {
      packet.renumber(
        numbering, at: incoming.header.payloadRange.lowerBound, pictureID: vp8.pictureID ?? 0,
        tl0PicIdx: vp8.tl0PictureIndex ?? 0)
    }
    packet.rewriteRTP(incoming.header, fields, extensions: extensions, map: self.extensions)
  }

  /// A packet of padding alone, under a number that would otherwise be missed.
  private func sendPadding(
    _ output: StreamRewriter.Output, at now: Instant, into outbox: inout Outbox
  ) {
    let packet = padding(
      RTPFields(
        marker: false, payloadType: codec.payloadType, sequenceNumber: output.sequenceNumber,
        timestamp: output.timestamp, ssrc: ssrc), size: 1, from: outbox.pool)
    copies.padding += 1
    subscriber.transmit(packet, .video, at: now, into: &outbox)
  }

  /// Answers a NACK from the publisher's cache (RFC 4588).
  func retransmit(_ number: UInt16, roundTrip: Duration, at now: Instant, into outbox: inout Outbox)
  {
    guard mutant != .noRetransmission,
      let sent = history?.answer(number, at: now, rtt: roundTrip),
      // Into a queue nothing of a layer that was left: the keyframe of the present one makes it useless.
      !isDraining || !track.isVideo || Int(sent.layer) == rewriter.layer,
      let packet = retransmission(of: number, sent, at: now)
    else { return }
    copies.retransmitted += 1
    subscriber.transmit(
      packet, track.isVideo ? .videoRetransmission : .audioRetransmission, at: now, into: &outbox)
  }

  /// The packet that went out as `sent`, once more, over RTX; nil when the publisher's is gone.
  func retransmission(of number: UInt16, _ sent: Sent, at now: Instant) -> Packet? {
    guard let rtxSSRC, let rtxPayloadType = codec.rtxPayloadType,
      Int(sent.layer) < track.layers.count,
      var packet = track.layers[Int(sent.layer)].cache?.copy(of: sent.source, at: now),
      let incoming = IncomingPacket(
        packet.bytes, layer: Int(sent.layer), extensions: RTPExtensionMap(), codec: codec)
    else { return nil }
    let output = StreamRewriter.Output(
      sequenceNumber: number, timestamp: sent.timestamp, vp8: sent.vp8)
    write(output, marker: sent.marker, incoming, into: &packet)
    guard let header = try? RTPHeader(packet.bytes) else { return nil }
    packet.wrapRTX(
      header, payloadType: rtxPayloadType, ssrc: rtxSSRC, sequenceNumber: nextRTXNumber())
    return packet
  }

  func nextRTXNumber() -> UInt16 {
    defer { rtxSequenceNumber &+= 1 }
    return rtxSequenceNumber
  }
}

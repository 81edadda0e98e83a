// A track as its publisher sends it: one stream for audio, up to three layers for video.

import Basics
import Transport
import Wire

final class PublishedTrack {
  let sid: String
  let cid: String
  unowned let publisher: Participant
  private(set) var info: TrackSnapshot
  private(set) var section: PublishedSection?
  private(set) var codec: CodecProfile?
  /// Lowest first.
  var layers: [PublisherLayer] = []
  var tracker: LayerTracker
  var ladder: TrackLadder
  var rateBound = RateBound()
  /// Somebody takes another form of the middle layer.
  var needsBoundUpdate = false
  private var reducedAt: Instant?
  private var boundAt: Instant?
  var clock: LayerClock
  var keyframes: KeyframeRequests
  var dynacast: DynacastState
  /// The publisher must be told anew which layers have takers.
  var needsDynacastUpdate = false
  /// How well the publisher's packets arrive.
  var quality: ConnectionQualityScorer
  var window = QualityWindow()
  private(set) var subscriptions: [Subscription] = []
  /// Those of them that get packets at present.
  private(set) var listeners: [Subscription] = []
  /// Whether the publisher was told that somebody takes the track.
  var isTakerTold = false
  /// Who takes it without being a participant.
  var sinks: [SinkTrack] = []
  /// Media has arrived, so others may know of it.
  private(set) var isLive = false
  /// Whether names or the announcement tell which stream is which layer.
  private(set) var isOrderKnown = true
  /// When the codec was negotiated or changed last.
  private(set) var codecSince = Instant.zero
  private let announcedLayers: [AnnouncedLayer]
  private let life: LiveObjects.Token

  init(_ request: TrackAnnouncement, sid: String, publisher: Participant, at now: Instant) {
    self.sid = sid
    self.publisher = publisher
    cid = request.cid
    life = publisher.sfu.liveObjects.makeToken()
    announcedLayers = request.layers.sorted { $0.quality < $1.quality }
    info = TrackSnapshot(
      sid: sid, announcement: request, isMuted: request.isMuted,
      isSimulcast: request.layers.count > 1,
      announcedAt: publisher.sfu.unixMicroseconds(at: now))
    let count =
      request.kind == .video ? max(1, min(SFULimits.layersPerTrack, request.layers.count)) : 1
    let isScreen = request.source == .screenShare
    tracker = LayerTracker(layers: count, limits: isScreen ? .screen : .camera)
    ladder = TrackLadder(layers: count)
    clock = LayerClock(clockRate: request.kind == .video ? 90_000 : 48_000)
    keyframes = KeyframeRequests(
      layers: count, limits: .of(publisher.sfu.configuration.mutant))
    dynacast = DynacastState(layers: count, at: now)
    quality = ConnectionQualityScorer(
      lossWeight: request.kind == .video
        ? PacketLossWeight.video : PacketLossWeight.opus(hasFEC: true), includesRTT: false,
      scoresBitrate: false, at: now)
  }

  var isVideo: Bool { info.announcement.kind == .video }
  var isMuted: Bool { info.isMuted }

  // MARK: - Negotiation

  /// The section that carries the track from now on.
  func bind(_ section: PublishedSection, pool: PacketPool, at now: Instant) {
    guard let codec = section.firstCodec else { return }
    self.section = section
    self.codec = codec
    info.mimeType = codec.mimeType
    info.mid = section.mid
    codecSince = now
    guard layers.isEmpty else {
      if layers.count == 1 { layers[0].announced = section.ssrcs.first }
      return
    }
    let streams = section.rids.isEmpty ? section.ssrcs.count : section.rids.count
    let count = isVideo ? max(1, min(SFULimits.layersPerTrack, streams)) : 1
    let order = LayerOrder(section.ridRestrictions, announced: announcedLayers)
    isOrderKnown = count < 2 || !section.rids.isEmpty && order.isKnown
    if count > 1 { info.isSimulcast = true }
    tracker = LayerTracker(layers: count, limits: tracker.limits)
    keyframes = KeyframeRequests(layers: count, limits: keyframes.limits)
    dynacast = DynacastState(layers: count, at: now)
    ladder = TrackLadder(layers: count)
    for index in 0..<count {
      let place = index < order.places.count ? order.places[index] : index
      let rid = place < section.rids.count ? ShortName(section.rids[place]) : nil
      let ssrc = section.rids.isEmpty && index < section.ssrcs.count ? section.ssrcs[index] : nil
      layers.append(PublisherLayer(rid: rid, announced: ssrc, pool: isVideo ? pool : nil))
      if index < announcedLayers.count {
        let announced = announcedLayers[index]
        ladder.announce(
          layer: index, width: Int(announced.width), height: Int(announced.height),
          bitrate: Bitrate(bitsPerSecond: Int64(announced.bitrate)))
      } else {
        ladder.announce(
          layer: index, width: Int(info.announcement.width),
          height: Int(info.announcement.height), bitrate: .zero)
      }
    }
    if count > 1 { ladder.qualities = LayerOrder.qualities(layers.map(\.rid)) }
    info.rids = layers.compactMap { $0.rid?.description }
    if section.takesBounds { ladder.allowReduction() }
  }

  /// The publisher sends another negotiated codec.
  func change(to codec: CodecProfile, at now: Instant) {
    self.codec = codec
    codecSince = now
    info.mimeType = codec.mimeType
  }

  func noteLive() { isLive = true }

  func setMuted(_ muted: Bool, at now: Instant) {
    info.isMuted = muted
    for index in layers.indices { layers[index].nack.clear() }
    quality.setMuted(muted, at: now)
    for taken in sinks { taken.sink.muted(taken, muted, at: now) }
  }

  // MARK: - Subscriptions

  func add(_ subscription: Subscription) { subscriptions.append(subscription) }

  func remove(_ subscription: Subscription, at now: Instant) {
    subscription.end(at: now)
    subscriptions.removeAll { $0 === subscription }
    updateListeners()
  }

  // MARK: - Layers

  /// Layers were measured: the next allocation will see it.
  func noteRates() { ladder.update(tracker.layers) }

  /// Layers came or went.
  func noteLayers(at now: Instant) {
    noteRates()
    aimSinks(at: now)
    for subscription in subscriptions
    where subscription.isActive && !subscription.settings.isDisabled {
      // Whoever sees nothing yet shall not miss the keyframe that is coming in.
      if subscription.selector.target == nil {
        subscription.subscriber.allocate(at: now)
      } else {
        subscription.subscriber.needsAllocation = true
      }
    }
  }

  func noteDynacast(at now: Instant) {
    needsDynacastUpdate = true
    if publisher.sfu.configuration.dynacast { ladder.setMaximum(dynacast.maximum, at: now) }
  }

  /// A keyframe of this size begins.
  func noteSize(layer: Int, width: Int, height: Int, at now: Instant) {
    layers[layer].area = width * height
    guard ladder.setSize(layer: layer, width: width, height: height) else { return }
    tracker.restart(layer: layer)
    for subscription in subscriptions where subscription.rung?.layer == layer {
      subscription.aim(at: now)
    }
  }

  /// Whether nobody else takes the middle layer at its full size.
  func mayReduce(for subscription: Subscription) -> Bool {
    guard let layer = ladder.reducible else { return false }
    return !subscriptions.contains { $0 !== subscription && $0.takesFull(layer) }
  }

  /// The layer of which the publisher takes bounds.
  var boundedLayer: Int? { section?.takesBounds == true && layers.count == 3 ? 1 : nil }

  /// Bounds the middle layer while all who take it want it small, and no longer than they do.
  func updateBound(at now: Instant) {
    guard let layer = ladder.reducible, needsBoundUpdate || ladder.bound != nil else { return }
    needsBoundUpdate = false
    let isFull = subscriptions.contains { $0.takesFull(layer) }
    let reduced = subscriptions.filter { $0.rung?.layer == layer && $0.rung?.isReduced == true }
    if isFull {
      // Nobody is held down for somebody else: those with less room find another rung.
      for subscription in reduced { subscription.subscriber.needsAllocation = true }
    }
    if !reduced.isEmpty { reducedAt = now }
    if !isFull, !reduced.isEmpty, ladder.bound == nil {
      ladder.reduce()
      boundAt = now
    } else if isFull || now - (reducedAt ?? now) >= DynacastState.Limits.liveKit.downgradeDelay {
      ladder.liftBound()
      boundAt = nil
    }
    if let boundAt, now - boundAt >= TrackLadder.patience, !ladder.isReduced(layer) {
      // It said that it would, and does not.
      ladder.refuseReduction()
      for subscription in reduced { subscription.subscriber.needsAllocation = true }
    }
    rateBound.set(ladder.bound, at: now)
  }

  func updateListeners() { listeners = subscriptions.filter(\.isListening) }

  /// The track is over: everybody's section is freed.
  func endSubscriptions(at now: Instant) {
    for subscription in subscriptions {
      subscription.end(at: now)
      subscription.subscriber.endSubscription(subscription, at: now)
    }
    subscriptions = []
    listeners = []
    endSinks(at: now)
  }
}

/// One RTP stream from a publisher, with its repair.
struct PublisherLayer {
  let rid: ShortName?
  /// The SSRC that the offer names for it, where there are no rids.
  var announced: UInt32?
  var ssrc: UInt32?
  /// Of its last keyframe that told one, in pixels.
  var area = 0
  var nack = NACKGenerator(limits: .liveKit)
  var reception: ReceptionStatistics?
  var seen = SeenNumbers()
  /// What was received lately, for everybody who asks for it again.
  let cache: RetransmissionCache?

  /// - Parameter pool: nil for a stream that is not repaired.
  init(rid: ShortName?, announced: UInt32? = nil, pool: PacketPool?) {
    self.rid = rid
    self.announced = announced
    cache = pool.map { RetransmissionCache(pool: $0) }
  }

  /// The SSRC that turned out to be this layer.
  mutating func bind(_ ssrc: UInt32, clockRate: UInt32) {
    self.ssrc = ssrc
    seen = SeenNumbers()
    reception = ReceptionStatistics(ssrc: ssrc, clockRate: clockRate)
  }
}

extension PublishedSection {
  /// The codec of the first payload type, which is the one a publisher uses.
  var firstCodec: CodecProfile? {
    for payload in payloads {
      if case .media(let codec) = payload.meaning { return codec }
    }
    return nil
  }
}

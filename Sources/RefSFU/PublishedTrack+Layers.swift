// What a track's layers turn out to be once its packets come: their order, and the codec.

import Basics
import Transport
import Wire

extension PublishedTrack {
  /// The bit rate of a layer must exceed that of one above it by this factor to count as larger.
  private static let rateMargin = 1.3

  /// Where neither names nor announcement say which stream is which layer, the sizes of their
  /// keyframes do, or else their rates.
  func reorderIfNeeded(at now: Instant) {
    guard !isOrderKnown, layers.count > 1 else { return }
    let areas = layers.map { Int64($0.area) }
    let live = tracker.layers.indices.filter { tracker.layers[$0].isLive }
    var order = LayerOrder.corrected(areas, margin: 1)
    if order == nil, live.count > 1, live.allSatisfy({ areas[$0] == 0 }) {
      let rates = tracker.layers.map { $0.isMeasured ? $0.bitrate.bitsPerSecond : 0 }
      order = LayerOrder.corrected(rates, margin: PublishedTrack.rateMargin)
    }
    if let order { reorder(order, at: now) }
  }

  /// - Parameter order: for each layer from the lowest on, its place so far.
  private func reorder(_ order: [Int], at now: Instant) {
    for subscription in subscriptions { subscription.restartLayers(at: now) }
    for sink in sinks { sink.restartLayers(self, at: now) }
    layers = order.map { layers[$0] }
    publisher.routes.reorder(self, order)
    tracker.reorder(order)
    clock.reorder(order)
    ladder.reorder(order)
    keyframes = KeyframeRequests(layers: layers.count, limits: keyframes.limits)
    dynacast = DynacastState(layers: layers.count, at: now)
    needsDynacastUpdate = true
    aimSinks(at: now)
    for subscription in subscriptions where subscription.isActive {
      subscription.subscriber.wishesChanged()
    }
  }

  /// The stream that an announced SSRC is: its layer, and whether it only retransmits.
  func announced(_ ssrc: UInt32) -> (layer: Int, isRetransmission: Bool)? {
    guard let section, section.rids.isEmpty else { return nil }
    if let layer = layers.firstIndex(where: { $0.announced == ssrc }) { return (layer, false) }
    guard let pair = section.retransmissionSSRCs.first(where: { $0.rtx == ssrc }),
      let layer = layers.firstIndex(where: { $0.announced == pair.media })
    else { return nil }
    return (layer, true)
  }
}

extension Participant {
  /// Least time between two changes of a track's codec, each of which negotiates with everybody.
  private static let codecInterval = Duration.seconds(2)

  /// A packet of another negotiated codec than the track's: the track becomes one of that codec,
  /// at a keyframe once others have it.
  /// - Returns: whether the packet is of the track's codec now.
  func follow(
    _ codec: CodecProfile, of track: PublishedTrack, _ incoming: IncomingPacket, at now: Instant,
    into outbox: inout Outbox
  ) -> Bool {
    guard track.isLive else {
      track.change(to: codec, at: now)
      return true
    }
    guard incoming.startsFrame, incoming.isKeyframe,
      now - track.codecSince >= Participant.codecInterval
    else { return false }
    let before = track.subscriptions
    track.endSinks(at: now)
    track.change(to: codec, at: now)
    room.feedSinks(track, at: now)
    for old in before { track.remove(old, at: now) }
    for old in before {
      old.subscriber.endSubscription(old, at: now)
      old.subscriber.subscribeIfWanted(to: track, at: now)
      let new = old.subscriber.subscriptions.first { $0.track === track }
      new?.take(settingsOf: old)
    }
    bumpVersion()
    room.announce(self, into: &outbox)
    return true
  }
}

// What a scenario may make a bot do while the call runs.

import Basics
import Transport
import Wire

extension Bot {
  public func setMuted(
    _ source: TrackSource, _ muted: Bool, at now: Instant, into outbox: inout Outbox
  ) {
    intent.setMuted(source, muted)
    guard let track = localTrack(source), track.sid != nil else { return }
    track.setMuted(muted, at: now)
    sendMute(track, at: now, into: &outbox)
  }

  func sendMute(_ track: LocalTrack, at now: Instant, into outbox: inout Outbox) {
    guard let sid = track.sid else { return }
    send(.mute(track: sid, track.isMuted), at: now, into: &outbox)
  }

  /// The SFU muted one of our tracks.
  func setMuted(sid: String, _ muted: Bool, at now: Instant) {
    guard let track = localTracks.first(where: { $0.sid == sid }) else { return }
    intent.setMuted(track.configuration.source, muted)
    track.setMuted(muted, at: now)
  }

  /// Another camera: the same layers, scaled to `height` lines of the largest; nil keeps the size.
  public func switchCamera(height: Int?, at now: Instant) {
    guard let track = localTrack(.camera) else { return }
    track.withVideo { video in
      var layers = video.configuration.layers
      if let height, let top = layers.last?.height, top > 0 {
        for index in layers.indices {
          layers[index].height = max(2, layers[index].height * height / top)
          layers[index].width = max(2, layers[index].width * height / top)
        }
      }
      video.switchCamera(to: layers)
    }
  }

  public func startScreenShare(at now: Instant, into outbox: inout Outbox) {
    guard localTrack(.screenShare) == nil,
      let track = configuration.tracks.first(where: { $0.source == .screenShare })
    else { return }
    intent.sharesScreen = true
    publish(track, at: now, into: &outbox)
  }

  public func stopScreenShare(at now: Instant, into outbox: inout Outbox) {
    intent.sharesScreen = false
    guard let track = localTrack(.screenShare) else { return }
    track.end()
    needsOffer = true
    offerIfNeeded(at: now, into: &outbox)
  }

  /// Subscribes to, or unsubscribes from, tracks of these publishers, those they have and those they
  /// will have; all of theirs without sources.
  public func updateSubscription(
    publishers: [String], sources: [TrackSource], subscribe: Bool, at now: Instant,
    into outbox: inout Outbox
  ) {
    let sources = sources.isEmpty ? TrackSource.all : sources
    var sids: [String] = []
    for identity in publishers {
      for source in sources { intent.choose(source, of: identity, isWanted: subscribe) }
      for track in roster.participant(identity: identity)?.tracks ?? []
      where sources.contains(track.source) {
        sids.append(track.sid)
      }
    }
    toldExceptions.formUnion(sids)
    askFor(sids, subscribe: subscribe, at: now, into: &outbox)
  }

  /// The view from now on.
  public func setView(_ view: BotView, at now: Instant, into outbox: inout Outbox) {
    self.view = view
    updateTrackSettings(at: now, into: &outbox)
  }

  /// Adds a wish to the view, in place of an earlier one about the same publisher.
  public func wish(_ wish: BotView.Wish, at now: Instant, into outbox: inout Outbox) {
    view.wishes.removeAll { $0.publisher == wish.publisher }
    view.wishes.append(wish)
    updateTrackSettings(at: now, into: &outbox)
  }

  private func localTrack(_ source: TrackSource) -> LocalTrack? {
    localTracks.first { $0.configuration.source == source && !$0.hasEnded }
  }
}

extension Bot {
  /// The view it has from the start; nothing is sent before it joins.
  public func setInitialView(_ view: BotView) { self.view = view }
}

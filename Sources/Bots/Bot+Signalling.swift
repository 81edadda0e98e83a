// The client's half of LiveKit's signalling: what each message from the SFU means to a bot.

import Basics
import Signal
import Transport
import Wire

extension Bot {
  func receive(message bytes: [UInt8], at now: Instant, into outbox: inout Outbox) {
    guard let response = try? SignalResponse(decoding: bytes) else { return }
    switch response {
    case .join(let join): joined(join, at: now, into: &outbox)
    case .offer(let offer): answer(offer, at: now, into: &outbox)
    case .answer(let answer): receive(answer, at: now, into: &outbox)
    case .trickle(let trickle): receive(trickle, at: now)
    case .update(let update):
      for info in update.participants { learn(info, at: now, into: &outbox) }
      correctSubscriptions(update.participants, into: &outbox)
      updateWishes(at: now, into: &outbox)
    case .trackPublished(let published): trackPublished(published, at: now, into: &outbox)
    case .trackUnpublished(let unpublished):
      localTracks.first { $0.sid == unpublished.trackSid }?.end()
    case .requestResponse(let response): observations.refusals.append(response.message)
    case .mute(let request): setMuted(sid: request.sid, request.muted, at: now)
    case .speakersChanged(let change): learn(change, at: now, into: &outbox)
    case .connectionQuality(let update): learn(update, at: now)
    case .streamStateUpdate(let update): learn(update, at: now)
    case .subscribedQualityUpdate(let update): applyDynacast(update, at: now)
    case .reconnect(let response): resumed(response, at: now, into: &outbox)
    case .refreshToken(let token): configuration.token = token
    case .leave(let leave): dismissed(leave, at: now, into: &outbox)
    default: break
    }
  }

  private func joined(_ join: JoinResponse, at now: Instant, into outbox: inout Outbox) {
    guard let own = join.participant else { return }
    sid = own.sid
    if state == .connecting { reconnection.deadline = now + BotLimits.mediaTimeout }
    for info in join.otherParticipants { learn(info, at: now, into: &outbox) }
    for configured in configuration.tracks where intent.publishesAtOnce(configured) {
      publish(configured, at: now, into: &outbox)
    }
    correctSubscriptions(join.otherParticipants, into: &outbox)
    awaitsSubscriber = join.subscriberPrimary
    noteTransports(at: now, into: &outbox)
    guard configuration.usesData else { return }
    needsOffer = true
    offerIfNeeded(into: &outbox)
  }

  // MARK: - Publishing

  /// Announces a track; it is negotiated once the SFU has given it a sid.
  func publish(_ track: LocalTrackConfiguration, at now: Instant, into outbox: inout Outbox) {
    let local = makeLocalTrack(track, pool: outbox.pool)
    let isMuted = intent.muted.contains(track.source) && configuration.mutant != .forgetsMute
    local.setMuted(isMuted, at: now)
    localTracks.append(local)
    send(.addTrack(local.announcement), into: &outbox)
  }

  private func trackPublished(
    _ published: TrackPublishedResponse, at now: Instant, into outbox: inout Outbox
  ) {
    guard let track = localTracks.first(where: { $0.cid == published.cid }),
      let sid = published.track?.sid
    else { return }
    track.accepted(as: sid, place: localTracks.count { $0.sid != nil })
    if !configuration.mayPublish.contains(track.configuration.source) {
      observations.unauthorisedTracks += 1
    }
    // It may have been muted since it was announced.
    let isMuted = intent.muted.contains(track.configuration.source)
    if isMuted != track.isMuted, configuration.mutant != .forgetsMute {
      setMuted(track.configuration.source, isMuted, at: now, into: &outbox)
    }
    needsOffer = true
    offerIfNeeded(into: &outbox)
  }

  /// One offer is out at a time; it covers every track that has its sid.
  func offerIfNeeded(into outbox: inout Outbox) {
    let tracks = localTracks.filter { $0.sid != nil }.sorted { $0.place < $1.place }
    guard needsOffer, !awaitsAnswer, !tracks.isEmpty || configuration.usesData else { return }
    needsOffer = false
    awaitsAnswer = true
    offerID += 1
    let text = PublisherOffer.make(
      tracks, data: configuration.usesData, credentials: publisher.ice.localCredentials,
      fingerprint: publisher.localFingerprint, addresses: publisher.ice.localAddresses,
      version: UInt64(offerID))
    send(
      .offer(
        SignalDescription {
          $0.type = "offer"
          $0.sdp = text
          $0.id = offerID
        }), into: &outbox)
  }

  /// Makes the offer that is out again, with what has come since.
  func withdrawOffer(into outbox: inout Outbox) {
    awaitsAnswer = false
    needsOffer = true
    offerIfNeeded(into: &outbox)
  }

  private func receive(
    _ answer: SignalDescription, at now: Instant, into outbox: inout Outbox
  ) {
    guard awaitsAnswer, answer.id == 0 || answer.id == offerID,
      let description = try? SessionDescription(parsing: answer.sdp),
      let remote = RemoteTransportDescription(description)
    else { return }
    awaitsAnswer = false
    publisher.setRemote(remote, dtlsRole: remote.setup == .active ? .server : .client, at: now)
    noteFeedback(in: description)
    for track in localTracks {
      let section = description.media.first { $0.mid == track.mid.description }
      if let section, section.isRejected || section.direction == .inactive { track.stop() }
    }
    let data = description.media.first { $0.mid == PublisherOffer.dataMid }
    if let data, !data.isRejected { openDataChannels(at: now, into: &outbox) }
    noteTransports(at: now, into: &outbox)
    offerIfNeeded(into: &outbox)
  }

  private func receive(_ trickle: TrickleRequest, at now: Instant) {
    guard let candidate = CandidateInit(json: trickle.candidateInit)?.parsed,
      let remote = RemoteCandidate(candidate)
    else { return }
    if trickle.target == .publisher {
      publisher.addRemoteCandidate(remote, at: now)
    } else {
      subscriber.addRemoteCandidate(remote, at: now)
    }
  }

  /// Layers that nobody takes are switched off, and on again when somebody does.
  private func applyDynacast(_ update: SubscribedQualityUpdate, at now: Instant) {
    guard let track = localTracks.first(where: { $0.sid == update.trackSid }) else { return }
    let qualities = update.subscribedCodecs.first?.qualities ?? update.subscribedQualities
    for quality in qualities {
      track.setWanted(quality.enabled, layer: Int(quality.quality.rawValue), at: now)
    }
  }

  // MARK: - Subscribing

  private func answer(
    _ offer: SignalDescription, at now: Instant, into outbox: inout Outbox
  ) {
    guard let (remote, changes) = answers.apply(offer.sdp) else { return }
    // An offer with new credentials restarts ICE, and so does its answer (RFC 8839 §4.4.1.1.1).
    if let known = subscriberPeer, known != remote.credentials,
      configuration.mutant != .noICERestart
    {
      subscriber.restartICE()
    }
    subscriberPeer = remote.credentials
    subscriber.setRemote(remote, dtlsRole: .client, at: now)
    if changes.offersData { subscriber.negotiateData(at: now, into: &outbox) }
    for identity in changes.ended { endRemoteTrack(identity, at: now) }
    for identity in changes.began { beginRemoteTrack(identity, at: now) }
    let text = answers.text(
      credentials: subscriber.ice.localCredentials, fingerprint: subscriber.localFingerprint)
    send(
      .answer(
        SignalDescription {
          $0.type = "answer"
          $0.sdp = text
          $0.id = offer.id
        }), into: &outbox)
    updateWishes(at: now, into: &outbox)
    noteTransports(at: now, into: &outbox)
  }

  private func beginRemoteTrack(_ identity: RemoteTrack.Identity, at now: Instant) {
    let track = RemoteTrack(
      identity, playout: configuration.playout, delayDecimation: configuration.delayDecimation,
      decodesMedia: configuration.decodesMedia)
    remoteBySSRC[identity.ssrc] = remoteTracks.count
    if let rtx = identity.rtxSSRC { remoteByRTX[rtx] = remoteTracks.count }
    remoteTracks.append(track)
    if let info = roster.participant(sid: identity.publisherSID) { track.learn(info, at: now) }
  }

  /// The track stays for its figures, and takes no packets any more.
  private func endRemoteTrack(_ identity: RemoteTrack.Identity, at now: Instant) {
    remoteBySSRC[identity.ssrc] = nil
    endedSSRCs[identity.ssrc] = now
    if let rtx = identity.rtxSSRC {
      remoteByRTX[rtx] = nil
      endedSSRCs[rtx] = now
    }
    sentWishes[identity.trackSID] = nil
    remoteTracks.last { $0.identity == identity }?.end(at: now)
  }

  func endRemoteTracks(at now: Instant) {
    for track in remoteTracks where !track.hasEnded { endRemoteTrack(track.identity, at: now) }
  }

  // MARK: - Learning

  private func learn(_ info: ParticipantInfo, at now: Instant, into outbox: inout Outbox) {
    if info.sid == sid {
      publishWhatIsAllowedNow(info, into: &outbox)
      correctMutes(info, into: &outbox)
      return
    }
    noteMutes(info, at: now)
    if info.state == .disconnected, roster.participant(sid: info.sid) != nil {
      observations.spoke(info.identity, false, at: now)
      observations.toldAbsence(of: info.identity, false, at: now)
    }
    roster.update(info)
    for track in remoteTracks where track.identity.publisherSID == info.sid {
      track.learn(info, at: now)
    }
  }

  private func noteMutes(_ info: ParticipantInfo, at now: Instant) {
    let known = roster.participant(sid: info.sid)?.tracks ?? []
    for track in info.tracks {
      guard let before = known.first(where: { $0.sid == track.sid }), before.muted != track.muted
      else { continue }
      observations.mutes.append(
        .init(at: now, identity: info.identity, source: track.source, isMuted: track.muted))
    }
  }

  /// What the SFU takes for muted has to follow the client (client-sdk-js, LocalParticipant
  /// `updateInfo`): a request may have been lost with its stream.
  private func correctMutes(_ info: ParticipantInfo, into outbox: inout Outbox) {
    for known in info.tracks {
      guard let track = localTracks.first(where: { $0.sid == known.sid }),
        track.isMuted != known.muted
      else { continue }
      sendMute(track, into: &outbox)
    }
  }

  /// Tracks that were refused are announced again when the right to them is given.
  private func publishWhatIsAllowedNow(_ info: ParticipantInfo, into outbox: inout Outbox) {
    guard let permission = info.permission, permission.canPublish else { return }
    let refused = localTracks.filter { $0.sid == nil && !$0.hasEnded }
    guard !refused.isEmpty, !observations.refusals.isEmpty else { return }
    observations.refusals = []
    for track in refused { send(.addTrack(track.announcement), into: &outbox) }
  }

  private func learn(_ change: SpeakersChanged, at now: Instant, into outbox: inout Outbox) {
    for info in change.speakers {
      let identity =
        info.sid == sid ? configuration.identity : roster.participant(sid: info.sid)?.identity
      guard let identity else { continue }
      observations.spoke(identity, info.active, at: now)
      if info.active, identity != configuration.identity { speaker = identity }
    }
    updateWishes(at: now, into: &outbox)
  }

  private func learn(_ update: ConnectionQualityUpdate, at now: Instant) {
    for info in update.updates {
      if info.participantSid == sid {
        // Of a connection that never was, there is no quality.
        guard observations.sessions.contains(where: { $0.connected != nil }) else { continue }
        observations.connectionQuality.append(Double(info.quality.rank), at: now)
      } else if let other = roster.participant(sid: info.participantSid) {
        observations.toldAbsence(of: other.identity, info.quality == .lost, at: now)
      }
    }
  }

  private func learn(_ update: StreamStateUpdate, at now: Instant) {
    for info in update.streamStates {
      remoteTracks.last { $0.identity.trackSID == info.trackSid }?
        .setPaused(info.state == .paused, at: now)
    }
  }

  // MARK: - Wishes

  /// Tells the SFU which sizes the view asks for, where that changed.
  func updateWishes(at now: Instant, into outbox: inout Outbox) {
    guard !view.isEmpty else { return }
    let tracks = remoteTracks.filter { $0.identity.kind == .video && !$0.hasEnded }
    let wishes = view.wishes(
      for: tracks.map { ($0.publisher, $0.source) }, speaker: speaker)
    for (track, wish) in zip(tracks, wishes) {
      guard let wish, sentWishes[track.identity.trackSID] != wish else { continue }
      sentWishes[track.identity.trackSID] = wish
      track.setWanted(!wish.isHidden, at: now)
      send(.trackSetting(wish.settings(of: track.identity.trackSID)), into: &outbox)
    }
  }
}

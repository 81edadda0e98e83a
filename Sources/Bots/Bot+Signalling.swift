// What each event of the session means to a bot.

import Basics
import Transport
import Wire

extension Bot {
  func receive(_ event: ClientEvent, at now: Instant, into outbox: inout Outbox) {
    switch event {
    case .joined(let join): joined(join, at: now, into: &outbox)
    case .resumed(let last): resumed(lastReliableMessage: last, at: now, into: &outbox)
    case .rejected(let refusal): lostConnection(refusal: refusal, at: now)
    case .disconnected: lostConnection(at: now)
    case .leave(let reason, let action):
      dismissed(reason, action, at: now, into: &outbox)
    case .token(let token): configuration.token = token
    case .offer(let offer):
      guard apply(offer.sdp, isOffer: true, at: now, into: &outbox) else { return }
      answer(offer.id, at: now, into: &outbox)
    case .receiveAnswer(let sdp):
      guard apply(sdp, isOffer: false, at: now, into: &outbox) else { return }
      negotiated(at: now, into: &outbox)
    case .answer(let answer): receive(answer, at: now, into: &outbox)
    case .offerDropped: withdrawOffer(at: now, into: &outbox)
    case .candidate(let candidate, .publisher): publisher.addRemoteCandidate(candidate, at: now)
    case .candidate(let candidate, .subscriber): subscriber.addRemoteCandidate(candidate, at: now)
    case .participants(let participants):
      for participant in participants { learn(participant, at: now, into: &outbox) }
      correctSubscriptions(participants, at: now, into: &outbox)
      updateTrackSettings(at: now, into: &outbox)
    case .published(let cid, let sid): published(cid, as: sid, at: now, into: &outbox)
    case .unpublished(let track): localTracks.first { $0.sid == track }?.end()
    case .refused(let text): observations.refusals.append(text)
    case .mute(let track, let muted): setMuted(sid: track, muted, at: now)
    case .speakers(let changes): learn(changes, at: now, into: &outbox)
    case .quality(let changes): learn(changes, at: now)
    case .streamStates(let changes): learn(changes, at: now)
    case .subscribedLayers(let track, let changes): applyDynacast(track, changes, at: now)
    }
  }

  private func joined(_ join: JoinedSession, at now: Instant, into outbox: inout Outbox) {
    sid = join.sid
    if state == .connecting { reconnection.deadline = now + BotLimits.mediaTimeout }
    for other in join.others { learn(other, at: now, into: &outbox) }
    for configured in configuration.tracks where intent.publishesAtOnce(configured) {
      publish(configured, at: now, into: &outbox)
    }
    correctSubscriptions(join.others, at: now, into: &outbox)
    awaitsSubscriber = join.opensSubscriber
    noteTransports(at: now, into: &outbox)
    guard opensDataChannels else { return }
    needsOffer = true
    offerIfNeeded(at: now, into: &outbox)
  }

  // MARK: - Publishing

  /// Announces a track; it is negotiated once the SFU has given it a sid.
  func publish(_ track: LocalTrackConfiguration, at now: Instant, into outbox: inout Outbox) {
    let local = makeLocalTrack(track, pool: outbox.pool)
    let isMuted = intent.muted.contains(track.source) && configuration.mutant != .forgetsMute
    local.setMuted(isMuted, at: now)
    localTracks.append(local)
    send(.publish(local.announcement), at: now, into: &outbox)
  }

  private func published(
    _ cid: String, as sid: String, at now: Instant, into outbox: inout Outbox
  ) {
    guard let track = localTracks.first(where: { $0.cid == cid }) else { return }
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
    offerIfNeeded(at: now, into: &outbox)
  }

  /// One offer is out at a time; it covers every track that has its sid.
  func offerIfNeeded(at now: Instant, into outbox: inout Outbox) {
    let tracks = localTracks.filter { $0.sid != nil }.sorted { $0.place < $1.place }
    guard needsOffer, !awaitsAnswer, !tracks.isEmpty || opensDataChannels else { return }
    needsOffer = false
    awaitsAnswer = true
    offerID += 1
    let text = PublisherOffer.make(
      tracks, data: opensDataChannels, credentials: publisher.ice.localCredentials,
      fingerprint: publisher.localFingerprint, addresses: advertised(publisher.ice.localAddresses),
      version: UInt64(offerID))
    offered = text
    send(.offer(NumberedDescription(id: offerID, sdp: text)), at: now, into: &outbox)
  }

  /// Makes the offer that is out again, with what has come since.
  private func withdrawOffer(at now: Instant, into outbox: inout Outbox) {
    awaitsAnswer = false
    needsOffer = true
    offerIfNeeded(at: now, into: &outbox)
  }

  private func receive(
    _ answer: NumberedDescription, at now: Instant, into outbox: inout Outbox
  ) {
    guard awaitsAnswer, answer.id == 0 || answer.id == offerID,
      let description = try? SessionDescription(parsing: answer.sdp),
      let remote = RemoteTransportDescription(description)
    else { return }
    awaitsAnswer = false
    OfferedSections(offered).check(description, at: now, &faults)
    publisher.setRemote(remote, dtlsRole: remote.localDTLSRole, at: now)
    noteFeedback(in: description)
    for track in localTracks {
      let section = description.media.first { $0.mid == track.mid.description }
      if let section, section.isRejected || section.direction == .inactive { track.stop() }
      if let section, !section.isRejected { track.negotiated(section.extensionMap) }
    }
    let data = description.media.first { $0.mid == PublisherOffer.dataMid }
    if let data, !data.isRejected { openDataChannels(at: now, into: &outbox) }
    noteTransports(at: now, into: &outbox)
    offerIfNeeded(at: now, into: &outbox)
  }

  /// Layers that nobody takes are switched off, and on again when somebody does.
  private func applyDynacast(_ sid: String, _ changes: [LayerChange], at now: Instant) {
    guard let track = localTracks.first(where: { $0.sid == sid }) else { return }
    for change in changes { track.setWanted(change.isWanted, layer: change.layer, at: now) }
  }

  // MARK: - Subscribing

  /// Takes in the SFU's description of what it sends; false for one that cannot be read.
  private func apply(
    _ sdp: String, isOffer: Bool, at now: Instant, into outbox: inout Outbox
  ) -> Bool {
    guard let (remote, changes) = answers.apply(sdp, at: now, &faults) else { return false }
    // An offer with new credentials restarts ICE, and so does its answer (RFC 8839 §4.4.1.1.1).
    if let known = subscriberPeer, known != remote.credentials,
      configuration.mutant != .noICERestart
    {
      subscriber.restartICE()
    }
    subscriberPeer = remote.credentials
    // Of two full agents the offerer controls; against a lite one the full one (RFC 8445 §6.1.1).
    subscriber.setICERole(isOffer && !remote.isLite ? .controlled : .controlling)
    subscriber.setRemote(remote, dtlsRole: remote.localDTLSRole, at: now)
    if changes.offersData { subscriber.negotiateData(at: now, into: &outbox) }
    for identity in changes.ended { endRemoteTrack(identity, at: now) }
    for identity in changes.began { beginRemoteTrack(identity, at: now) }
    for (ssrc, map) in changes.extensions {
      if let index = remoteBySSRC[ssrc] { remoteTracks[index].extensions = map }
    }
    return true
  }

  /// Answers the offer that was applied last.
  private func answer(_ id: UInt32, at now: Instant, into outbox: inout Outbox) {
    let text = answers.text(
      credentials: subscriber.ice.localCredentials, fingerprint: subscriber.localFingerprint,
      setup: subscriber.dtlsRole == .server ? .passive : .active,
      candidates: PublisherOffer.candidates(of: advertised(subscriber.ice.localAddresses)))
    send(.answer(NumberedDescription(id: id, sdp: text)), at: now, into: &outbox)
    negotiated(at: now, into: &outbox)
  }

  private func negotiated(at now: Instant, into outbox: inout Outbox) {
    updateTrackSettings(at: now, into: &outbox)
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
    sentSettings[identity.trackSID] = nil
    remoteTracks.last { $0.identity == identity }?.end(at: now)
  }

  func endRemoteTracks(at now: Instant) {
    for track in remoteTracks where !track.hasEnded { endRemoteTrack(track.identity, at: now) }
  }

  // MARK: - Learning

  private func learn(_ info: SessionParticipant, at now: Instant, into outbox: inout Outbox) {
    if info.sid == sid {
      publishWhatIsAllowedNow(info, at: now, into: &outbox)
      correctMutes(info, at: now, into: &outbox)
      return
    }
    noteMutes(info, at: now)
    if info.identity != configuration.identity { observations.told(of: info.identity) }
    if info.hasLeft, roster.participant(sid: info.sid) != nil {
      observations.spoke(info.identity, false, at: now)
      observations.toldAbsence(of: info.identity, false, at: now)
    }
    roster.update(info)
    for track in remoteTracks where track.identity.publisherSID == info.sid {
      track.learn(info, at: now)
    }
  }

  private func noteMutes(_ info: SessionParticipant, at now: Instant) {
    let known = roster.participant(sid: info.sid)?.tracks ?? []
    for track in info.tracks {
      guard let before = known.first(where: { $0.sid == track.sid }),
        before.isMuted != track.isMuted
      else { continue }
      observations.mutes.append(
        .init(at: now, identity: info.identity, source: track.source, isMuted: track.isMuted))
    }
  }

  /// What the SFU takes for muted has to follow the client (client-sdk-js, LocalParticipant
  /// `updateInfo`): a request may have been lost with its stream.
  private func correctMutes(
    _ info: SessionParticipant, at now: Instant, into outbox: inout Outbox
  ) {
    for known in info.tracks {
      guard let track = localTracks.first(where: { $0.sid == known.sid }),
        track.isMuted != known.isMuted
      else { continue }
      sendMute(track, at: now, into: &outbox)
    }
  }

  /// Tracks that were refused are announced again when the right to them is given.
  private func publishWhatIsAllowedNow(
    _ info: SessionParticipant, at now: Instant, into outbox: inout Outbox
  ) {
    guard info.mayPublish else { return }
    let refused = localTracks.filter { $0.sid == nil && !$0.hasEnded }
    guard !refused.isEmpty, !observations.refusals.isEmpty else { return }
    observations.refusals = []
    for track in refused { send(.publish(track.announcement), at: now, into: &outbox) }
  }

  private func learn(_ changes: [SpeakerChange], at now: Instant, into outbox: inout Outbox) {
    for change in changes {
      let identity =
        change.participant == sid
        ? configuration.identity : roster.participant(sid: change.participant)?.identity
      guard let identity else { continue }
      observations.spoke(identity, change.isSpeaking, at: now)
      if change.isSpeaking, identity != configuration.identity { speaker = identity }
    }
    updateTrackSettings(at: now, into: &outbox)
  }

  private func learn(_ changes: [QualityChange], at now: Instant) {
    for change in changes {
      if change.participant == sid {
        // Of a connection that never was, there is no quality.
        guard observations.sessions.contains(where: { $0.connected != nil }) else { continue }
        observations.connectionQuality.append(Double(change.quality.rawValue), at: now)
      } else if let other = roster.participant(sid: change.participant) {
        observations.toldAbsence(of: other.identity, change.quality == .lost, at: now)
      }
    }
  }

  private func learn(_ changes: [StreamStateChange], at now: Instant) {
    for change in changes {
      remoteTracks.last { $0.identity.trackSID == change.track }?
        .setPaused(change.isPaused, at: now)
    }
  }

  // MARK: - Track settings

  /// Tells the SFU which sizes the view asks for, where that changed.
  func updateTrackSettings(at now: Instant, into outbox: inout Outbox) {
    guard !view.isEmpty else { return }
    let tracks = remoteTracks.filter { $0.identity.kind == .video && !$0.hasEnded }
    let wanted = view.settings(
      for: tracks.map { ($0.publisher, $0.source) }, speaker: speaker)
    for (track, settings) in zip(tracks, wanted) {
      let sid = track.identity.trackSID
      guard let settings, sentSettings[sid] != settings else { continue }
      sentSettings[sid] = settings
      track.setWanted(!settings.isHidden, at: now)
      send(.trackSettings(track: sid, settings), at: now, into: &outbox)
    }
  }
}

// What a participant may ask for over signalling, and what it gets (LiveKit pkg/rtc/signalhandler.go).

import Basics
import Signal
import Transport
import Wire

extension Participant {
  func receive(message bytes: [UInt8], at now: Instant, into outbox: inout Outbox) {
    noteHeard(at: now)
    guard let request = try? SignalRequest(decoding: bytes) else {
      // Garbage ends its own connection and nothing else.
      leave(reason: .unknownReason, at: now, into: &outbox)
      return
    }
    guard request.isWithinLimits else {
      refuseOversized(request, at: now, into: &outbox)
      return
    }
    switch request {
    case .offer(let offer): answerOffer(offer, at: now, into: &outbox)
    case .answer(let answer): receiveAnswer(answer, at: now, into: &outbox)
    case .trickle(let trickle): receiveTrickle(trickle, at: now)
    case .addTrack(let request): addTrack(request, at: now, into: &outbox)
    case .mute(let request): mute(request, at: now, into: &outbox)
    case .subscription(let request): updateSubscription(request, at: now, into: &outbox)
    case .trackSetting(let settings): updateSettings(settings, at: now)
    case .syncState(let state): sync(state, at: now, into: &outbox)
    case .updateMetadata(let change): updateProfile(change, into: &outbox)
    case .simulate(let simulation): simulate(simulation.scenario, at: now, into: &outbox)
    case .publishDataTrackRequest(let request):
      refuse(.publishDataTrack(request), .unsupportedType, "no data tracks here", into: &outbox)
    case .leave: leave(reason: .clientInitiated, at: now, into: &outbox)
    case .ping:
      notePing()
      send(.pong(sfu.unixSeconds(at: now) * 1_000), into: &outbox)
    case .pingReq(let ping):
      notePing()
      send(
        .pongResp(
          SignalPong {
            $0.lastPingTimestamp = ping.timestamp
            $0.timestamp = sfu.unixSeconds(at: now) * 1_000
          }), into: &outbox)
    default: break
    }
  }

  /// A track that is announced with too much is refused; any other message is no client's.
  private func refuseOversized(
    _ request: SignalRequest, at now: Instant, into outbox: inout Outbox
  ) {
    guard case .addTrack(let track) = request else {
      leave(reason: .unknownReason, at: now, into: &outbox)
      return
    }
    let named = AddTrackRequest { $0.cid = String(track.cid.prefix(64)) }
    refuse(.addTrack(named), .limitExceeded, "names or lists are too long", into: &outbox)
  }

  private func receiveTrickle(_ trickle: TrickleRequest, at now: Instant) {
    guard let candidate = CandidateInit(json: trickle.candidateInit)?.parsed,
      let remote = RemoteCandidate(candidate)
    else { return }
    add(remote, to: trickle.target, at: now)
  }

  /// After a resume the client says what it believes; tracks we do not know need a full rejoin.
  private func sync(_ state: SyncState, at now: Instant, into outbox: inout Outbox) {
    let believed = state.publishTracks.compactMap { $0.track?.sid }
    guard believed.allSatisfy({ sid in tracks.contains { $0.sid == sid } }) else {
      send(
        .leave(
          LeaveRequest {
            $0.reason = .stateMismatch
            $0.action = .reconnect
          }), into: &outbox)
      return
    }
    if let subscription = state.subscription { sync(subscription, at: now) }
    replayData(after: state.dataChannelReceiveStates, at: now, into: &outbox)
  }

  /// Takes the client's exceptions from subscribing by itself for its own, and acts on them.
  private func sync(_ subscription: UpdateSubscription, at now: Instant) {
    exceptions =
      sfu.configuration.mutant == .stateNotRestored ? [] : Set(subscription.trackSids)
    for old in subscriptions where subscribesByItself == exceptions.contains(old.track.sid) {
      unsubscribe(from: old.track, at: now)
    }
    for other in room.participants where other !== self {
      for track in other.tracks where track.isLive { subscribeIfWanted(to: track, at: now) }
    }
  }

  // MARK: - Publishing

  private func mayPublish(_ source: TrackSource) -> Bool {
    sfu.configuration.mutant == .ignoresCanPublish || rights.mayPublish(source)
  }

  private func addTrack(
    _ request: AddTrackRequest, at now: Instant, into outbox: inout Outbox
  ) {
    guard mayPublish(request.source) else {
      refuse(.addTrack(request), .notAllowed, "no permission to publish", into: &outbox)
      return
    }
    guard tracks.count < SFULimits.tracksPerParticipant, request.type != .data else {
      refuse(.addTrack(request), .limitExceeded, "too many tracks", into: &outbox)
      return
    }
    if let existing = tracks.first(where: { $0.cid == request.cid }) {
      publishedResponse(existing, into: &outbox)
      return
    }
    guard fits(profileOf: profileSize + request.name.utf8.count + request.stream.utf8.count) else {
      refuse(.addTrack(request), .limitExceeded, "the room's names are too long", into: &outbox)
      return
    }
    let sid = "TR_" + random.string(12, from: SID.alphabet)
    let track = PublishedTrack(request, sid: sid, publisher: self, at: now)
    tracks.append(track)
    publishedResponse(track, into: &outbox)
  }

  private func publishedResponse(_ track: PublishedTrack, into outbox: inout Outbox) {
    send(
      .trackPublished(
        TrackPublishedResponse {
          $0.cid = track.cid
          $0.track = track.info
        }), into: &outbox)
  }

  private func refuse(
    _ request: AnsweredRequest, _ outcome: RequestOutcome, _ message: String,
    into outbox: inout Outbox
  ) {
    send(
      .requestResponse(
        RequestResponse {
          $0.reason = outcome
          $0.message = message
          $0.request = request
        }), into: &outbox)
  }

  private func answerOffer(
    _ message: SignalDescription, at now: Instant, into outbox: inout Outbox
  ) {
    guard let offer = try? SessionDescription(parsing: message.sdp),
      let remote = RemoteTransportDescription(offer)
    else {
      leave(reason: .unknownReason, at: now, into: &outbox)
      return
    }
    if let known = publisherPeer, known != remote.credentials {
      // The client restarts ICE, so the answer does too (RFC 8839 §4.4.1.1.1).
      publisher.restartICE()
      sfu.register(self, .publisher)
    }
    publisherPeer = remote.credentials
    publisher.setRemote(remote, dtlsRole: .server, at: now)
    let local = localTransport(of: .publisher, setup: .passive)
    let (answer, sections) = PublisherAnswer.make(
      to: offer, transport: local, takesData: sfu.configuration.dataChannels
    ) { section in
      guard let trackID = section.msid?.track else { return false }
      return tracks.contains { $0.cid == trackID }
    }
    bind(sections, at: now, into: &outbox)
    if answer.media.contains(where: \.acceptsData) {
      publisher.negotiateData(at: now, into: &outbox)
    }
    send(
      .answer(
        SignalDescription {
          $0.type = "answer"
          $0.sdp = answer.description
          $0.id = message.id
        }), into: &outbox)
  }

  /// Ties the offer's sections to the announced tracks; a track without a section any more has ended.
  private func bind(
    _ sections: [PublishedSection], at now: Instant, into outbox: inout Outbox
  ) {
    for section in sections {
      tracks.first { $0.cid == section.trackID }?.bind(section, pool: outbox.pool, at: now)
    }
    let ended = tracks.filter { track in
      track.section != nil && !sections.contains { $0.trackID == track.cid }
    }
    for track in ended { unpublish(track, at: now, into: &outbox) }
  }

  func unpublish(_ track: PublishedTrack, at now: Instant, into outbox: inout Outbox) {
    tracks.removeAll { $0 === track }
    if track.isLive { note(.unpublished(track: track.sid)) }
    publisher.forgetStreams(routes.forget(tracks: [track]), areOurs: false)
    track.endSubscriptions(at: now)
    bumpVersion()
    room.announce(self, into: &outbox)
  }

  private func mute(_ request: MuteTrackRequest, at now: Instant, into outbox: inout Outbox) {
    guard let track = tracks.first(where: { $0.sid == request.sid }) else { return }
    setMuted(track, request.muted, at: now, into: &outbox)
  }

  func setMuted(
    _ track: PublishedTrack, _ muted: Bool, at now: Instant, into outbox: inout Outbox
  ) {
    track.setMuted(muted, at: now)
    bumpVersion()
    room.announce(self, into: &outbox)
  }

  func localTransport(of target: SignalTarget, setup: DTLSSetup) -> LocalTransport {
    let credentials =
      target == .publisher ? publisher.ice.localCredentials : subscriber.ice.localCredentials
    return LocalTransport(
      credentials: credentials, fingerprint: sfu.identity.fingerprint, setup: setup,
      addresses: sfu.addresses)
  }

  // MARK: - Subscribing

  private func receiveAnswer(
    _ message: SignalDescription, at now: Instant, into outbox: inout Outbox
  ) {
    guard negotiation.answered(id: message.id, at: now) else { return }
    // Sections say nothing new to us, so only the transport's lines are read.
    let text = SDPText(message.sdp)
    let first = text.sections.first ?? ""
    guard let answer = try? SessionDescription(parsing: text.session + first),
      let remote = RemoteTransportDescription(answer)
    else {
      leave(reason: .unknownReason, at: now, into: &outbox)
      return
    }
    subscriber.setRemote(remote, dtlsRole: .server, at: now)
    if let media = answer.media.first, media.isRTP { downlink.negotiated(media.extensionMap) }
    if sfu.configuration.dataChannels, text.sections.contains(where: DataChannels.isAccepted) {
      openDataChannels(at: now, into: &outbox)
    }
    for subscription in subscriptions where subscription.offerID <= negotiation.offerID {
      subscription.activate(at: now)
    }
  }

  func negotiateIfDue(at now: Instant, into outbox: inout Outbox) {
    guard stream != nil, negotiation.begin(at: now) else { return }
    let local = localTransport(of: .subscriber, setup: .actpass)
    let text = negotiation.offer.next(
      sessionID: stableHash(sid) >> 1, transport: local)
    send(
      .offer(
        SignalDescription {
          $0.type = "offer"
          $0.sdp = text
          $0.id = negotiation.offerID
        }), into: &outbox)
  }

  /// Subscribes when the participant takes everything, or asked for this track.
  func subscribeIfWanted(to track: PublishedTrack, at now: Instant) {
    let isException = exceptions.contains(track.sid)
    guard subscribesByItself != isException else { return }
    subscribe(to: track, at: now)
  }

  private func subscribe(to track: PublishedTrack, at now: Instant) {
    guard rights.maySubscribe || sfu.configuration.mutant == .ignoresCanSubscribe,
      !subscriptions.contains(where: { $0.track === track }), let codec = track.codec
    else { return }
    guard http == nil else {
      play(track, at: now)
      return
    }
    let subscription = Subscription(to: track, codec: codec, for: self, at: now)
    subscription.place(
      mid: negotiation.offer.add(subscription.announcement),
      offerID: negotiation.offerID + 1)
    begin(subscription)
    negotiation.request(at: now)
  }

  private func unsubscribe(from track: PublishedTrack, at now: Instant) {
    guard let subscription = subscriptions.first(where: { $0.track === track }) else { return }
    track.remove(subscription, at: now)
    endSubscription(subscription, at: now)
  }

  func begin(_ subscription: Subscription) {
    subscriptions.append(subscription)
    subscriptionBySSRC[subscription.ssrc] = subscription
    subscription.track.add(subscription)
  }

  func endSubscription(_ subscription: Subscription, at now: Instant) {
    subscriptions.removeAll { $0 === subscription }
    pastCopies += subscription.copies
    subscriptionBySSRC[subscription.ssrc] = nil
    discardWaiting(subscription)
    subscriber.forgetStreams([subscription.ssrc, subscription.rtxSSRC], areOurs: true)
    guard http == nil else {
      stopPlaying(subscription.track, at: now)
      return
    }
    negotiation.offer.remove(mid: subscription.mid)
    negotiation.request(at: now)
  }

  func updateSubscription(
    _ request: UpdateSubscription, at now: Instant, into outbox: inout Outbox
  ) {
    let sids = request.trackSids + request.participantTracks.flatMap(\.trackSids)
    let find = room.trackLookup(for: sids.count)
    for sid in sids {
      exceptions.remove(sid)
      if request.subscribe != subscribesByItself,
        exceptions.count < SFULimits.subscriptionExceptions
      {
        exceptions.insert(sid)
      }
      guard let track = find(sid), track.publisher !== self else {
        send(
          .subscriptionResponse(
            SubscriptionResponse {
              $0.trackSid = sid
              $0.error = .trackNotFound
            }), into: &outbox)
        continue
      }
      guard request.subscribe else {
        unsubscribe(from: track, at: now)
        continue
      }
      guard rights.maySubscribe else {
        send(
          .subscriptionPermissionUpdate(
            SubscriptionPermissionUpdate {
              $0.participantSid = track.publisher.sid
              $0.trackSid = sid
              $0.allowed = false
            }), into: &outbox)
        continue
      }
      if track.isLive { subscribe(to: track, at: now) }
    }
  }

  private func updateSettings(_ settings: UpdateTrackSettings, at now: Instant) {
    guard settings.trackSids.count > Room.fewTracks else {
      for sid in settings.trackSids {
        subscriptions.first { $0.track.sid == sid }?.apply(settings, at: now)
      }
      return
    }
    let known = Dictionary(subscriptions.map { ($0.track.sid, $0) }) { first, _ in first }
    for sid in settings.trackSids { known[sid]?.apply(settings, at: now) }
  }
}

extension Room {
  /// From so many ids in a message on, a table is worth its making.
  static let fewTracks = 4

  /// Finds tracks by their ids, `count` of them in time that grows with the tracks and ids, not with their
  /// product.
  func trackLookup(for count: Int) -> (String) -> PublishedTrack? {
    guard count > Room.fewTracks else { return { self.track(sid: $0) } }
    let tracks = participants.flatMap(\.tracks)
    let table = Dictionary(tracks.map { ($0.sid, $0) }) { first, _ in first }
    return { table[$0] }
  }

  func track(sid: String) -> PublishedTrack? {
    for participant in participants {
      if let track = participant.tracks.first(where: { $0.sid == sid }) { return track }
    }
    return nil
  }
}

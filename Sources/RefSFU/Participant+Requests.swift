// What a participant may ask for, and what it gets.

import Basics
import Results
import Transport
import Wire

extension Participant {
  /// Does what the client asks for; every request enters here.
  /// - Throws: why nothing was done, for the client to be told.
  func perform(
    _ request: ClientRequest, at now: Instant, into outbox: inout Outbox
  ) throws(RequestRefusal) {
    switch request {
    case .offer(let offer): answerOffer(offer, at: now, into: &outbox)
    case .answer(let answer): receiveAnswer(answer, at: now, into: &outbox)
    case .candidate(let candidate, let target): add(candidate, to: target, at: now)
    case .addTrack(let announcement):
      try addTrack(announcement, at: now, into: &outbox)
    case .mute(let sid, let muted): mute(sid, muted, at: now, into: &outbox)
    case .subscription(let change): updateSubscription(change, at: now, into: &outbox)
    case .settings(let settings, let sids): apply(settings, to: sids, at: now)
    case .sync(let belief): sync(belief, at: now, into: &outbox)
    case .updateProfile(let change): try updateProfile(change, into: &outbox)
    case .simulate(let fault): simulate(fault, at: now, into: &outbox)
    case .leave: leave(reason: .clientInitiated, at: now, into: &outbox)
    case .ping: notePing()
    }
  }

  /// What came over the stream cannot be read: garbage ends its own connection and nothing else.
  func receivedGarbage(at now: Instant, into outbox: inout Outbox) {
    leave(reason: .unknown, at: now, into: &outbox)
  }

  func add(_ candidate: RemoteCandidate, to target: TransportTarget, at now: Instant) {
    if target == .publisher {
      publisher.addRemoteCandidate(candidate, at: now)
    } else {
      subscriber.addRemoteCandidate(candidate, at: now)
    }
  }

  /// After a resume the client says what it believes; tracks we do not know need a full rejoin.
  private func sync(_ belief: ClientBelief, at now: Instant, into outbox: inout Outbox) {
    guard belief.trackSids.allSatisfy({ sid in tracks.contains { $0.sid == sid } }) else {
      notify(.leave(reason: .stateMismatch, action: .reconnect), into: &outbox)
      return
    }
    if let exceptions = belief.exceptions { sync(exceptions, at: now) }
    replayData(after: belief.data, at: now, into: &outbox)
  }

  /// Takes the client's exceptions from subscribing by itself for its own, and acts on them.
  private func sync(_ believed: [String], at now: Instant) {
    exceptions = sfu.configuration.mutant == .stateNotRestored ? [] : Set(believed)
    for old in subscriptions where subscribesByItself == exceptions.contains(old.track.sid) {
      unsubscribe(from: old.track, at: now)
    }
    for other in room.participants where other !== self {
      for track in other.tracks where track.isLive { subscribeIfWanted(to: track, at: now) }
    }
  }

  /// Both ends have new credentials.
  func restart(
    _ target: TransportTarget, with remote: RemoteTransportDescription, at now: Instant
  ) {
    if target == .publisher {
      publisherPeer = remote.credentials
      publisher.restartICE()
      publisher.setRemote(remote, dtlsRole: .server, at: now)
    } else {
      subscriber.restartICE()
      subscriber.setRemote(remote, dtlsRole: .server, at: now)
    }
    sfu.register(self, target)
  }

  // MARK: - Publishing

  private func mayPublish(_ source: TrackSource) -> Bool {
    sfu.configuration.mutant == .ignoresCanPublish || rights.mayPublish(source)
  }

  private func addTrack(
    _ announcement: TrackAnnouncement, at now: Instant, into outbox: inout Outbox
  ) throws(RequestRefusal) {
    guard mayPublish(announcement.source) else {
      throw RequestRefusal(reason: .notAllowed, message: "no permission to publish")
    }
    guard tracks.count < SFULimits.tracksPerParticipant, announcement.kind != .application else {
      throw RequestRefusal(reason: .limitExceeded, message: "too many tracks")
    }
    if let existing = tracks.first(where: { $0.cid == announcement.cid }) {
      notify(.trackPublished(existing.info), into: &outbox)
      return
    }
    let names = announcement.name.utf8.count + announcement.stream.utf8.count
    guard fits(profileOf: profileSize + names) else {
      throw RequestRefusal(reason: .limitExceeded, message: "the room's names are too long")
    }
    let track = announce(announcement, at: now)
    notify(.trackPublished(track.info), into: &outbox)
  }

  /// Adds a track that has yet to be negotiated.
  @discardableResult
  func announce(_ announcement: TrackAnnouncement, at now: Instant) -> PublishedTrack {
    let sid = "TR_" + random.string(12, from: SID.alphabet)
    let track = PublishedTrack(announcement, sid: sid, publisher: self, at: now)
    tracks.append(track)
    return track
  }

  private func answerOffer(
    _ message: SessionDescriptionText, at now: Instant, into outbox: inout Outbox
  ) {
    let answer: PublisherAnswer
    do throws(NegotiationFault) {
      answer = try acceptOffer(message.sdp, at: now)
    } catch {
      leave(reason: .unknown, at: now, into: &outbox)
      return
    }
    channel.offered(answer.played, by: self, at: now)
    bind(answer.sections, at: now, into: &outbox)
    if answer.takesData { publisher.negotiateData(at: now, into: &outbox) }
    answers += 1
    let local = localTransport(
      of: .publisher, setup: (publisher.negotiatedRole ?? .server).setup)
    var description = answer.description(
      sessionID: sessionID(of: .publisher), version: answers, transport: local)
    channel.announce(in: &description)
    DescriptionFault(sfu.configuration.mutant)?.change(answer: &description)
    var text = SessionDescriptionText(sdp: description.description, id: message.id)
    for section in description.media where section.direction == .sendonly {
      if let mid = section.mid { text.tracks[mid] = section.msid?.track }
    }
    notify(.answer(text), into: &outbox)
    channel.answered(self, at: now)
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

  private func mute(
    _ sid: String, _ muted: Bool, at now: Instant, into outbox: inout Outbox
  ) {
    guard let track = tracks.first(where: { $0.sid == sid }) else { return }
    setMuted(track, muted, at: now, into: &outbox)
  }

  func setMuted(
    _ track: PublishedTrack, _ muted: Bool, at now: Instant, into outbox: inout Outbox
  ) {
    track.setMuted(muted, at: now)
    bumpVersion()
    room.announce(self, into: &outbox)
  }

  func localTransport(of target: TransportTarget, setup: DTLSSetup) -> LocalTransport {
    let credentials =
      target == .publisher ? publisher.ice.localCredentials : subscriber.ice.localCredentials
    return LocalTransport(
      credentials: credentials, fingerprint: sfu.identity.fingerprint, setup: setup,
      addresses: sfu.addresses)
  }

  // MARK: - Subscribing

  private func receiveAnswer(
    _ message: SessionDescriptionText, at now: Instant, into outbox: inout Outbox
  ) {
    guard negotiation.answered(id: message.id, at: now) else { return }
    do throws(NegotiationFault) {
      try applyAnswer(message.sdp, at: now, into: &outbox)
    } catch {
      leave(reason: .unknown, at: now, into: &outbox)
    }
  }

  func negotiateIfDue(at now: Instant, into outbox: inout Outbox) {
    guard channel.stream != nil, negotiation.begin(at: now) else { return }
    channel.negotiate(self, at: now, into: &outbox)
  }

  func sendOffer(at now: Instant, into outbox: inout Outbox) {
    let local = localTransport(of: .subscriber, setup: .actpass)
    var text = negotiation.offer.next(sessionID: sessionID(of: .subscriber), transport: local)
    if let fault = DescriptionFault(sfu.configuration.mutant) {
      text = fault.change(offer: text, number: negotiation.offer.version)
    }
    notify(.offer(SessionDescriptionText(sdp: text, id: negotiation.offerID)), into: &outbox)
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
    channel.subscribe(self, to: track, as: codec, at: now)
  }

  /// Subscribes to the track in a section of our next offer.
  func offer(_ track: PublishedTrack, _ codec: CodecProfile, at now: Instant) {
    let subscription = Subscription(to: track, codec: codec, for: self, at: now)
    subscription.place(
      mid: negotiation.offer.add(subscription.announcement),
      offerID: negotiation.offerID + 1)
    begin(subscription)
    negotiation.request(at: now)
  }

  func unsubscribe(from track: PublishedTrack, at now: Instant) {
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
    channel.unsubscribed(self, from: subscription, at: now)
  }

  /// Frees the section of our offer in which the subscription stood, and its SSRCs.
  func withdraw(_ subscription: Subscription, at now: Instant) {
    subscriber.forgetStreams([subscription.ssrc, subscription.rtxSSRC], areOurs: true)
    negotiation.offer.remove(mid: subscription.mid)
    negotiation.request(at: now)
  }

  func updateSubscription(
    _ change: SubscriptionChange, at now: Instant, into outbox: inout Outbox
  ) {
    let find = room.trackLookup(for: change.trackSids.count)
    for sid in change.trackSids {
      exceptions.remove(sid)
      if change.subscribes != subscribesByItself,
        exceptions.count < SFULimits.subscriptionExceptions
      {
        exceptions.insert(sid)
      }
      guard let track = find(sid), track.publisher !== self else {
        notify(.unknownTrack(sid: sid), into: &outbox)
        continue
      }
      guard change.subscribes else {
        if sfu.configuration.mutant == .ignoresUnsubscribe { continue }
        unsubscribe(from: track, at: now)
        continue
      }
      guard rights.maySubscribe else {
        notify(
          .subscriptionDenied(trackSid: sid, publisherSid: track.publisher.sid), into: &outbox)
        continue
      }
      if track.isLive { subscribe(to: track, at: now) }
    }
  }

  private func apply(_ settings: VideoSettings, to sids: [String], at now: Instant) {
    guard sids.count > Room.fewTracks else {
      for sid in sids { subscriptions.first { $0.track.sid == sid }?.apply(settings, at: now) }
      return
    }
    let known = Dictionary(subscriptions.map { ($0.track.sid, $0) }) { first, _ in first }
    for sid in sids { known[sid]?.apply(settings, at: now) }
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

// A participant: its rights, its signalling stream, its two transports, what it publishes and takes.

import Basics
import Transport
import Wire

final class Participant {
  let sid: String
  let identity: String
  var profile: Profile
  unowned let room: Room
  /// The way to its client.
  let channel: any ParticipantChannel
  var rights: ParticipantRights
  var publisher: PeerTransport
  var subscriber: PeerTransport
  /// In the order they were announced.
  var tracks: [PublishedTrack] = []
  /// In the order they began.
  var subscriptions: [Subscription] = [] { didSet { watched = nil } }
  /// So far, those that ended too.
  var subscriptionsMade = 0
  /// The video among them that its viewer wants; nil for to be found anew.
  var watched: [Subscription]?
  var subscriptionBySSRC: [UInt32: Subscription] = [:]
  var routes = PublisherRoutes()
  var negotiation: SubscriberNegotiation
  /// The credentials of the client's end of the publisher transport.
  var publisherPeer: ICECredentials?
  /// Answers sent, each a new version of the same session description.
  var answers: UInt64 = 0
  var feedback: TransportFeedbackGenerator
  var random: RandomStream
  /// ICE fragments its transports have had.
  var ufrags: [String] = []
  /// Tracks it does not want although it subscribes by itself, or does although it does not.
  var exceptions: Set<String> = []
  var inbox: SignalInbox
  /// Bytes about it that the others may be told.
  var updates: TokenBucket
  /// It changed since the others were told.
  var hasUntoldUpdate = false
  let subscribesByItself: Bool
  /// Media bits per second towards it; nil for no limit.
  var subscriberLimit: Bitrate?
  /// The highest number of its own reliable data messages that was passed on.
  var lastReliableSequence: UInt32 = 0
  /// What a mutant passes on behind the next message.
  var swappedData: DataMessage?
  /// Reliable data that waits for its channel.
  var waitingData: [[UInt8]] = []
  var nextTokenRefresh: Instant
  /// What clients asked to be broken, to try themselves out.
  var resumeFault: ResumeFault?
  var simulatedSpeechEnd: Instant?
  var downlink: Downlink
  /// The video stream that had the last packet.
  var lastVideo: Subscription?
  var reportedLoss = ReportedLoss()
  var mediaCounts = PacketLedger.Media()
  /// Of subscriptions that have ended.
  var pastCopies = PacketLedger.Copies()
  var departures = PacketLedger.Departures()
  /// The other end's round trip, as reports on the subscriber transport show it.
  var roundTrip = Duration.milliseconds(100)

  var allocator = StreamAllocator()
  /// Streams, wishes or layers changed.
  var needsAllocation = false
  var nextAllocation: Instant
  /// Streams were paused, or go on, and the subscriber has yet to be told.
  var hasPauseNews = false
  /// A probe was asked for while no video flows.
  var beginsProbe = false

  private(set) var state = ParticipantState.joining
  private(set) var leaveReason: DisconnectReason?
  private var version: UInt32 = 0
  private let joinedAt: Instant
  var publisherLife = TransportLife()
  var subscriberLife = TransportLife()
  private var streamLostAt: Instant?
  /// Since when neither transport has a path that is alive.
  private var pathLostAt: Instant?
  /// When its silent transport was noticed, or it last came back.
  private var silentSince: Instant?
  var presence: PresenceRecord
  /// When anything last came over a transport.
  var lastDatagram: Instant?
  /// Whether that is so long ago that the others know.
  var isAway = false
  /// How it sends and receives, 0...100, as the last window had it.
  var qualityScore = ConnectionQualityScorer.maximumScore
  private var lastHeard: Instant
  private var isPinging = false
  private var publisherRemotes: [Address] = []
  private var subscriberRemotes: [Address] = []
  /// How the publisher's NTP clock stands to ours.
  var senderClock = SenderClock()
  private var nextReport: Instant
  private var reportRandom: RandomStream
  private var nextLayerUpdate: Instant
  private let life: LiveObjects.Token

  init(
    _ admission: Admission, over channel: any ParticipantChannel, room: Room,
    random: RandomStream, at now: Instant
  ) {
    self.room = room
    self.channel = channel
    self.random = random
    life = room.sfu.liveObjects.makeToken()
    identity = admission.identity
    profile = admission.profile
    rights = admission.rights
    subscribesByItself = admission.subscribesByItself
    sid = "PA_" + self.random.string(12, from: SID.alphabet)
    joinedAt = now
    lastHeard = now
    inbox = SignalInbox(at: now)
    updates = TokenBucket(
      capacity: SFULimits.updateBurst, rate: SFULimits.updateRate, at: now)
    presence = PresenceRecord(room: room.name, identity: identity, joinedAt: now)
    let sfu = room.sfu
    negotiation = SubscriberNegotiation(data: sfu.configuration.dataChannels)
    subscriberLimit = sfu.subscriberLimit
    downlink = Downlink(
      sfu.configuration.measuredCongestion,
      firstNumber: UInt16(truncatingIfNeeded: self.random.next()), at: now)
    publisher = PeerTransport(
      role: .lite, identity: sfu.identity, protection: sfu.configuration.protection,
      random: random.child("publisher"))
    subscriber = PeerTransport(
      role: .lite, identity: sfu.identity, protection: sfu.configuration.protection,
      random: random.child("subscriber"))
    publisher.tap = sfu.tap
    subscriber.tap = sfu.tap
    feedback = TransportFeedbackGenerator(
      senderSSRC: Participant.reportSSRC,
      origin: sfu.configuration.startValues == .random
        ? .zero : TransportFeedbackGenerator.wrap - StartValues.time)
    feedback.setInterval(SFULimits.feedbackInterval)
    nextTokenRefresh = now + SFULimits.tokenRefreshInterval
    reportRandom = random.child("reports")
    nextReport = now + SFULimits.reportInterval
    nextLayerUpdate = now + SFULimits.layerInterval
    nextAllocation = now
    allocator.neverRises = sfu.configuration.mutant == .allocatorNeverUpgrades
    allocator.flaps = sfu.configuration.mutant == .allocatorFlaps
    sfu.register(self, .publisher)
    sfu.register(self, .subscriber)
  }

  /// The SSRC under which the SFU reports (RFC 3550 §6.4): it sends no media of its own.
  static let reportSSRC: UInt32 = 1

  var sfu: SFU { room.sfu }
  var isHidden: Bool { rights.hidden }
  var hasLeft: Bool { state == .disconnected }

  var snapshot: ParticipantSnapshot {
    ParticipantSnapshot(
      sid: sid, identity: identity, profile: profile, rights: rights, state: state,
      joinedAt: sfu.unixSeconds(at: joinedAt), version: version,
      tracks: tracks.filter(\.isLive).map(\.info), isPublisher: !tracks.isEmpty,
      leaveReason: leaveReason)
  }

  /// Notes that `snapshot` changed, so that receivers can tell old from new.
  func bumpVersion() { version += 1 }

  // MARK: - Signalling

  func notify(_ notification: ParticipantNotification, into outbox: inout Outbox) {
    channel.send(notification, into: &outbox)
  }

  /// The first message, and the first offer.
  func welcome(at now: Instant, into outbox: inout Outbox) {
    state = .joined
    if channel.stream != nil {
      let others = room.participants.filter { $0 !== self && !$0.isHidden }
      notify(
        .joined(
          JoinNews(
            isOffered: channel.downlink == .subscriber, room: room.snapshot, participant: snapshot,
            others: others.map(snapshot(of:)))),
        into: &outbox)
    }
    renewCredentials(at: now, into: &outbox)
    negotiation.request(at: now)
  }

  /// Another participant as this one is told of it when it joins.
  private func snapshot(of other: Participant) -> ParticipantSnapshot {
    var snapshot = other.snapshot
    guard sfu.configuration.mutant == .hidesMute else { return snapshot }
    for index in snapshot.tracks.indices { snapshot.tracks[index].isMuted = false }
    return snapshot
  }

  /// A resumed session: the same participant on a new stream. Everything is told anew, since what was
  /// said before the loss may never have arrived, and both transports restart ICE.
  func resume(on stream: StreamID, at now: Instant, into outbox: inout Outbox) {
    channel.stream = stream
    if resumeFault == .silent {
      breakStream(at: now, into: &outbox)
      return
    }
    streamLostAt = nil
    silentSince = nil
    lastHeard = now
    notify(.resumed(lastReliableSequence: lastReliableSequence), into: &outbox)
    notify(.participantsChanged(room.news(for: self, at: now)), into: &outbox)
    notify(.roomChanged(room.snapshot), into: &outbox)
    room.tellSpeakers(to: self, into: &outbox)
    room.tellQuality(to: self, into: &outbox)
    renewCredentials(at: now, into: &outbox)
    restartSubscriber(at: now)
    for track in tracks { track.needsDynacastUpdate = true }
    hasPauseNews = true
    for subscription in subscriptions {
      subscription.forgetPause()
      subscription.refresh(at: now)
    }
    note(.resumed)
    if resumeFault == .afterAnswer { breakStream(at: now, into: &outbox) }
  }

  /// New credentials for the transport that we offer; the offer goes at once.
  func restartSubscriber(at now: Instant) {
    // Where the client offers, it restarts ICE, and hears once more what it has to offer.
    guard channel.downlink == .subscriber else { return negotiation.restart(at: now) }
    subscriber.restartICE()
    sfu.register(self, .subscriber)
    negotiation.restart(at: now)
  }

  /// Signalling ends as if the network had lost it, as a client asked for.
  private func breakStream(at now: Instant, into outbox: inout Outbox) {
    resumeFault = nil
    guard let stream = channel.stream else { return }
    outbox.send(.close(stream, code: SFULimits.brokenStreamCode))
    sfu.forget(stream)
    streamClosed(at: now)
  }

  func streamClosed(at now: Instant) {
    channel.stream = nil
    inbox.removeAll()
    streamLostAt = now
  }

  /// A message came, if only a ping.
  func noteHeard(at now: Instant) {
    lastHeard = now
    notePresence(at: now)
  }

  /// From now on its silence means something; old clients never ping.
  func notePing() { isPinging = true }

  // MARK: - Leaving

  /// Takes the participant out of the room, tells it why, and tells the others.
  /// - Parameters:
  ///   - action: what the client is to do next; nil for what the reason suggests.
  ///   - saying: false breaks the stream without a word.
  func leave(
    reason: DisconnectReason, action: LeaveAction? = nil, saying: Bool = true, at now: Instant,
    into outbox: inout Outbox
  ) {
    guard !hasLeft else { return }
    state = .disconnected
    leaveReason = reason
    endPresence(at: now)
    bumpVersion()
    if let stream = channel.stream {
      if reason != .clientInitiated, saying {
        notify(.leave(reason: reason, action: action ?? reason.action), into: &outbox)
      }
      outbox.send(.close(stream, code: saying ? 1_000 : SFULimits.brokenStreamCode))
    }
    for track in tracks { track.endSubscriptions(at: now) }
    for subscription in subscriptions {
      subscription.track.remove(subscription, at: now)
      pastCopies += subscription.copies
    }
    subscriptions = []
    subscriptionBySSRC = [:]
    publisher.close(at: now, into: &outbox)
    subscriber.close(at: now, into: &outbox)
    room.remove(self, at: now, into: &outbox)
  }

  // MARK: - Datagrams

  func ufrag(of target: TransportTarget) -> String {
    target == .publisher
      ? publisher.ice.localCredentials.ufrag : subscriber.ice.localCredentials.ufrag
  }

  /// The transport that carries what the client gets.
  var egress: PeerTransport {
    _read {
      if channel.downlink == .publisher { yield publisher } else { yield subscriber }
    }
    _modify {
      if channel.downlink == .publisher { yield &publisher } else { yield &subscriber }
    }
  }

  /// Whether ICE has checked `path`.
  func accepts(_ path: Path, target: TransportTarget) -> Bool {
    target == .publisher ? publisher.ice.accepts(path) : subscriber.ice.accepts(path)
  }

  /// Whether DTLS or SRTP has authenticated on `path` lately.
  func holds(_ path: Path, target: TransportTarget, at now: Instant) -> Bool {
    target == .publisher
      ? publisher.ice.holds(path, at: now) : subscriber.ice.holds(path, at: now)
  }

  /// Remembers an address that leads here, so that leaving can be forgotten.
  /// - Returns: an older one that no longer does.
  func remember(remote: Address, of target: TransportTarget) -> Address? {
    var remotes = checkedRemotes(of: target)
    remotes.removeAll { $0 == remote }
    remotes.append(remote)
    let forgotten =
      remotes.count > TransportLimits.checkedPathLimit ? remotes.removeFirst() : nil
    if target == .publisher { publisherRemotes = remotes } else { subscriberRemotes = remotes }
    return forgotten
  }

  func checkedRemotes(of target: TransportTarget) -> [Address] {
    target == .publisher ? publisherRemotes : subscriberRemotes
  }

  func receive(
    _ packet: inout Packet, on path: Path, target: TransportTarget, at now: Instant,
    into outbox: inout Outbox
  ) {
    var carriesMedia = true
    let before = publisher.authenticated + subscriber.authenticated
    // What anybody may have sent is no sign of life.
    defer {
      if publisher.authenticated + subscriber.authenticated != before {
        noteLife(of: target, carriesMedia: carriesMedia, at: now)
      }
      if !carriesMedia, target == channel.downlink { probeNewPath(at: now, into: &outbox) }
    }
    if target == .publisher {
      switch publisher.receive(&packet, on: path, at: now, into: &outbox) {
      case .rtp: receivePublished(&packet, at: now, into: &outbox)
      case .rtcp:
        receiveSenderReports(packet.bytes, at: now)
        if channel.downlink == .publisher {
          receiveFeedback(packet.bytes, at: now, into: &outbox)
        }
      case .handled:
        carriesMedia = false
        receiveData(at: now, into: &outbox)
        if channel.downlink == .publisher { deliverWaitingData(at: now, into: &outbox) }
        if channel.primary == .publisher { noteConnected(at: now, into: &outbox) }
      }
    } else {
      switch subscriber.receive(&packet, on: path, at: now, into: &outbox) {
      case .rtp: mediaCounts.misplaced += 1
      case .rtcp: receiveFeedback(packet.bytes, at: now, into: &outbox)
      case .handled:
        carriesMedia = false
        if !waitingData.isEmpty { deliverWaitingData(at: now, into: &outbox) }
        noteConnected(at: now, into: &outbox)
      }
    }
  }

  private func noteConnected(at now: Instant, into outbox: inout Outbox) {
    let primary = channel.primary == .publisher ? publisher.state : subscriber.state
    guard state == .joined, primary == .connected else { return }
    state = .active
    bumpVersion()
    room.announce(self, into: &outbox)
    channel.connected(self, at: now)
    for subscription in subscriptions { subscription.requestKeyframe(at: now) }
  }

  // MARK: - Time

  func tick(at now: Instant, into outbox: inout Outbox) {
    takeTurn(at: now, into: &outbox)
    if hasLeft { return }
    if let due = publisher.nextTimeout, due <= now {
      publisher.handleTimeout(at: now, into: &outbox)
      receiveData(at: now, into: &outbox)
    }
    if let due = subscriber.nextTimeout, due <= now {
      subscriber.handleTimeout(at: now, into: &outbox)
    }
    if isPinging, let silent = channel.stream, now - lastHeard >= SFULimits.signallingTimeout {
      outbox.send(.close(silent, code: 1_001))
      sfu.forget(silent)
      streamClosed(at: now)
    }
    askToResumeIfSilent(at: now, into: &outbox)
    notePaths(at: now)
    if let reason = departureReason(at: now), sfu.configuration.mutant != .ghostNeverRemoved {
      leave(reason: reason, at: now, into: &outbox)
      return
    }
    tickSession(at: now, into: &outbox)
    tickDownlink(at: now, into: &outbox)
    negotiateIfDue(at: now, into: &outbox)
    askPublisher(at: now, into: &outbox)
    tellOfTakers(into: &outbox)
    sendTransportFeedback(at: now, into: &outbox)
    if nextLayerUpdate <= now {
      nextLayerUpdate = now + SFULimits.layerInterval
      updateLayers(at: now)
    }
    allocateIfDue(at: now, into: &outbox)
    if nextReport <= now {
      nextReport = now + SFULimits.reportInterval * reportRandom.uniform(in: 0.5...1.5)
      sendReports(at: now, into: &outbox)
    }
  }

  /// Signalling lives and no check comes any more: the client may not know it yet.
  private func askToResumeIfSilent(at now: Instant, into outbox: inout Outbox) {
    guard state == .active, let stream = channel.stream, egress.state == .interrupted else {
      silentSince = nil
      return
    }
    guard let since = silentSince else {
      silentSince = now
      return
    }
    guard now - since >= SFULimits.silenceTimeout else { return }
    notify(.leave(reason: .connectionTimeout, action: .resume), into: &outbox)
    outbox.send(.close(stream, code: 1_000))
    sfu.forget(stream)
    streamClosed(at: now)
  }

  /// Notes when the last path on which something could be sent has ended.
  private func notePaths(at now: Instant) {
    let isAlive = publisher.ice.selectedPath != nil || subscriber.ice.selectedPath != nil
    pathLostAt = isAlive || state != .active ? nil : pathLostAt ?? now
  }

  /// Why the participant has to be taken out, if it has.
  private func departureReason(at now: Instant) -> DisconnectReason? {
    if negotiation.isOverdue(at: now) { return .stateMismatch }
    // A failed handshake is final: nobody is to wait for the end of joining.
    if state != .active, publisher.hasFailed || subscriber.hasFailed { return .joinFailure }
    if state == .active {
      if publisher.state == .failed || subscriber.state == .failed { return .connectionTimeout }
    } else if now - joinedAt >= SFULimits.joinTimeout {
      return .joinFailure
    }
    guard let streamLostAt else {
      // Signalling, or none at all as with WHIP and WHEP, keeps no session alive.
      guard let pathLostAt, now - pathLostAt >= SFULimits.departureTimeout else { return nil }
      return .connectionTimeout
    }
    return now - streamLostAt >= SFULimits.departureTimeout ? .signalClose : nil
  }
}

extension SFU {
  /// Where the run's start lies for NTP timestamps: after the start of 1900 (RFC 3550 §4).
  var epoch: Duration { .seconds(Int(configuration.epochSeconds)) + NTPTime.unixEpoch }

  func unixSeconds(at now: Instant) -> Int64 { configuration.epochSeconds + Int64(now.seconds) }
  func unixMicroseconds(at now: Instant) -> Int64 {
    configuration.epochSeconds * 1_000_000 + now.nanoseconds / 1_000
  }
}

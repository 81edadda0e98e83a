// A synthetic participant: it joins a room over its session's signalling, publishes, watches, and
// measures what a person would have seen and heard.

import Basics
import Codecs
import Congestion
import Transport
import Wire

public final class Bot: Node {
  public internal(set) var configuration: BotConfiguration
  public internal(set) var state = BotState.idle
  public internal(set) var observations = BotObservations()
  /// What it found wrong in what the SFU sends.
  public internal(set) var faults = ProtocolAudit()
  var uplinkAudit = UplinkAudit()
  var view = BotView()
  var publisher: PeerTransport
  var subscriber: PeerTransport
  var localTracks: [LocalTrack] = []
  /// In the order they were announced.
  var remoteTracks: [RemoteTrack] = []
  /// Of those that ended long ago.
  var pastTracks: [PastTrack] = []
  var pastStreams: [BotStream] = []
  /// Datagrams that it was handed, and those that transports took or dropped that are over.
  var datagrams = 0
  var pastArrivals = 0
  var remoteBySSRC: [UInt32: Int] = [:]
  var remoteByRTX: [UInt32: Int] = [:]
  /// When it lost the right to subscribe in the course of its session.
  var subscribingEnded: Instant?
  /// SSRCs of this session whose tracks have ended, and when.
  var endedSSRCs: [UInt32: Instant] = [:]
  var roster = BotRoster()
  /// The credentials of the SFU's end of the subscriber transport.
  var subscriberPeer: ICECredentials?
  var answers: SubscriberAnswer
  var random: RandomStream
  var sid = ""
  /// Its signalling, whatever SFU that speaks to.
  var session: any ClientSession
  private var takesEvents = false
  var speaker: String?
  var sentSettings: [String: TrackSettings] = [:]
  var offerID: UInt32 = 0
  /// The offer that is out, or was answered last.
  var offered = ""
  var awaitsAnswer = false
  /// Whether the SFU said that it will open the subscriber transport whatever comes.
  var awaitsSubscriber = true
  var needsOffer = false
  var reconnection = ReconnectionState()
  var policyRandom: RandomStream
  private let identity: DTLSIdentity
  private(set) var interfaces: [Interface] = []
  private var advertisedAddresses: [Address: Address]?
  /// What has been encoded so far, by whichever of those who share it.
  let clips: EncodedClips
  var retransmissionLimiter = RetransmissionLimiter()
  var uplink: PacedSender<BotPacket>
  /// The address that its media comes from.
  var uplinkNetwork: IPAddress?
  var followed = FollowedTarget()
  var lastMediaCall = Instant.zero
  var arrivals = ArrivalReports()
  var reportedLoss = ReportedLoss()
  /// Signalling connections so far.
  var connectionsOpened: UInt32 = 0
  var tracksMade = 0
  var data = BotData()
  /// Tracks of which this session's SFU was told whether they are wanted.
  var toldExceptions: Set<String> = []
  var intent = BotIntent()
  private var nextSecond: Instant?
  /// Remote tracks by their place, at the moments at which they have something to do.
  var remoteTimers = TimerQueue<Int>()

  /// Of sessions, and tracks, that are over.
  var earlierWraps = Wraps()

  /// - Parameters:
  ///   - clips: shared by bots that encode the same pictures.
  ///   - session: of this bot alone.
  public init(
    _ configuration: BotConfiguration, random: RandomStream, clips: EncodedClips = EncodedClips(),
    session: any ClientSession = LiveKitSession()
  ) {
    self.session = session
    self.configuration = configuration
    self.clips = clips
    answers = SubscriberAnswer(configuration.bandwidthFeedback)
    self.random = random
    identity = DTLSIdentity(random: random.child("certificate"))
    policyRandom = random.child("reconnection")
    uplink = PacedSender(
      configuration.congestion,
      firstNumber: configuration.startValues.first(
        UInt16(truncatingIfNeeded: self.random.next()), period: 1 << 16,
        margin: StartValues.packets),
      at: .zero)
    publisher = Bot.makeTransport(identity, configuration, random.child("publisher"))
    subscriber = Bot.makeTransport(identity, configuration, random.child("subscriber"))
  }

  private static func makeTransport(
    _ identity: DTLSIdentity, _ configuration: BotConfiguration, _ random: RandomStream
  ) -> PeerTransport {
    PeerTransport(
      role: .controlling, identity: identity, protection: configuration.protection,
      random: random)
  }

  /// The addresses under which others reach its own, where those are behind a gateway; one without
  /// such an address is no candidate. Nil where all are reached as they are.
  public func setAdvertisedAddresses(_ addresses: [Address: Address]?) {
    advertisedAddresses = addresses
  }

  /// The addresses that go into candidates.
  func advertised(
    _ local: [(address: Address, networkCost: UInt16)]
  ) -> [(address: Address, networkCost: UInt16)] {
    guard let advertisedAddresses else { return local }
    return local.compactMap { own in
      advertisedAddresses[own.address].map { ($0, own.networkCost) }
    }
  }

  /// Where it finds the SFU from now on, as when a name leads elsewhere.
  public func setSignalAddress(_ address: Address) { configuration.signalAddress = address }

  /// Speaks to another kind of SFU from now on; call before it joins.
  public func setSession(_ session: any ClientSession) {
    precondition(state == .idle, "the bot has joined")
    self.session = session
  }

  /// The tap that sees this bot's media in clear, both transports.
  public func setTap(_ tap: any MediaTap) {
    publisher.tap = tap
    subscriber.tap = tap
  }

  // MARK: - Node

  public var nextTimeout: Instant? {
    var next = earlier(nextSecond, remoteTimers.nextTime)
    guard state != .idle else { return next }
    next = earlier(next, reconnectionTimeout)
    next = earlier(next, earlier(publisher.nextTimeout, subscriber.nextTimeout))
    if publisher.canSendMedia {
      for track in localTracks { next = earlier(next, track.nextTimeout) }
      if !localTracks.isEmpty { next = earlier(next, uplink.nextTimeout(at: lastMediaCall)) }
    }
    next = earlier(next, arrivals.nextTimeout)
    next = earlier(next, session.nextTimeout)
    return next
  }

  public func receive(
    _ packet: consuming Packet, on path: Path, at now: Instant, into outbox: inout Outbox
  ) {
    var packet = packet
    datagrams += 1
    observations.bytesReceived += packet.count
    if path.local.port == configuration.port {
      switch publisher.receive(&packet, on: path, at: now, into: &outbox) {
      case .rtcp: receivePublisherFeedback(packet.bytes, at: now, into: &outbox)
      case .rtp: break
      case .handled:
        sendWaitingData(at: now, into: &outbox)
        noteTransports(at: now, into: &outbox)
      }
    } else {
      switch subscriber.receive(&packet, on: path, at: now, into: &outbox) {
      case .rtp: receiveMedia(&packet, at: now, into: &outbox)
      case .rtcp: receiveSenderReports(packet.bytes, at: now)
      case .handled:
        receiveData(at: now)
        noteTransports(at: now, into: &outbox)
      }
    }
  }

  public func receive(_ event: StreamEvent, at now: Instant, into outbox: inout Outbox) {
    session.receive(event, at: now, into: &outbox)
    takeEvents(at: now, into: &outbox)
  }

  public func interfacesChanged(
    _ interfaces: [Interface], at now: Instant, into outbox: inout Outbox
  ) {
    self.interfaces = interfaces
    applyInterfaces(at: now)
  }

  private func applyInterfaces(at now: Instant) {
    let addresses = { (port: UInt16) in
      self.interfaces.map { (Address($0.ip, port: port), $0.networkCost) }
    }
    publisher.setLocalAddresses(addresses(configuration.port), at: now)
    subscriber.setLocalAddresses(addresses(configuration.port + 1), at: now)
  }

  public func handleTimeout(at now: Instant, into outbox: inout Outbox) {
    if state != .idle {
      if let due = publisher.nextTimeout, due <= now {
        publisher.handleTimeout(at: now, into: &outbox)
        noteTransports(at: now, into: &outbox)
      }
      if let due = subscriber.nextTimeout, due <= now {
        subscriber.handleTimeout(at: now, into: &outbox)
        receiveData(at: now)
        noteTransports(at: now, into: &outbox)
      }
      produceMedia(at: now, into: &outbox)
      handleReconnection(at: now, into: &outbox)
    }
    if let due = arrivals.nextTimeout, due <= now { sendArrivals(at: now, into: &outbox) }
    if let due = remoteTimers.nextTime, due <= now { handleRemoteTracks(at: now, into: &outbox) }
    if let due = nextSecond, due <= now { closeSecond(at: now, into: &outbox) }
    if let due = session.nextTimeout, due <= now {
      session.handleTimeout(at: now, into: &outbox)
      takeEvents(at: now, into: &outbox)
    }
  }

  /// Its rights changed: what it gets now is no longer a fault, or is one.
  public func rightsChanged(canPublish: Bool?, canSubscribe: Bool?, at now: Instant) {
    if let canSubscribe {
      configuration.maySubscribe = canSubscribe
      subscribingEnded = canSubscribe ? nil : now
    }
    if let canPublish {
      configuration.mayPublish =
        canPublish ? TrackSource.all : []
    }
  }

  /// A new session has the rights of the token that opens it, whatever became of those of the last.
  private func takeRightsFromToken() {
    guard let rights = session.rights(in: configuration.token) else { return }
    configuration.maySubscribe = rights.maySubscribe
    configuration.mayPublish = rights.mayPublish
    subscribingEnded = nil
  }

  // MARK: - Joining and leaving

  /// Opens a signalling connection; everything else follows from its messages.
  /// - Parameter token: to be used from now on, instead of the one it has.
  public func join(with token: String? = nil, at now: Instant, into outbox: inout Outbox) {
    switch state {
    case .idle, .disconnected: break
    case .connecting, .connected, .reconnecting: return
    }
    if let token { configuration.token = token }
    if case .disconnected = state { startOver(at: now) }
    enter(.connecting, at: now)
    reconnection = .joining(at: now)
    observations.joinRequested(at: now)
    nextSecond = Instant(
      nanoseconds: (now.nanoseconds / 1_000_000_000 + 1) * 1_000_000_000)
    openSession(resuming: false, at: now, into: &outbox)
  }

  /// Opens a signalling connection, over the old session or for a new one.
  func openSession(resuming: Bool, at now: Instant, into outbox: inout Outbox) {
    if !resuming { takeRightsFromToken() }
    connectionsOpened += 1
    session.open(
      SessionOpening(
        server: configuration.signalAddress, identity: configuration.identity,
        token: configuration.token, resuming: resuming ? sid : nil,
        autoSubscribe: configuration.subscribesByItself, maySubscribe: configuration.maySubscribe,
        adaptiveStream: !view.isEmpty,
        receiver: LocalTransportDescription(subscriber, advertised)), into: &outbox)
    takeEvents(at: now, into: &outbox)
  }

  /// Fresh transports and tracks for another session.
  func startOver(at now: Instant) {
    let session = "session/\(connectionsOpened)"
    keepWraps()
    pastArrivals += arrivalsNow
    publisher = Bot.makeTransport(identity, configuration, random.child("\(session)/publisher"))
    subscriber = Bot.makeTransport(identity, configuration, random.child("\(session)/subscriber"))
    localTracks = []
    tracksMade = 0
    endRemoteTracks(at: now)
    roster = BotRoster()
    observations.forgetAbsences(at: now)
    answers = SubscriberAnswer(configuration.bandwidthFeedback)
    uplink = PacedSender(
      configuration.congestion, firstNumber: UInt16(truncatingIfNeeded: random.next()), at: now)
    uplinkNetwork = nil
    followed = FollowedTarget()
    arrivals = ArrivalReports()
    uplinkAudit = UplinkAudit()
    subscriberPeer = nil
    sentSettings = [:]
    toldExceptions = []
    endedSSRCs = [:]
    offerID = 0
    awaitsAnswer = false
    needsOffer = false
    data.startOver()
    applyInterfaces(at: now)
  }

  public func leave(at now: Instant, into outbox: inout Outbox) {
    guard state == .connected || state == .connecting || state == .reconnecting else { return }
    session.send(.leave, into: &outbox)
    session.close(into: &outbox)
    publisher.close(at: now, into: &outbox)
    subscriber.close(at: now, into: &outbox)
    depart(.left, at: now)
  }

  /// The session is over.
  func depart(_ reason: BotDeparture, at now: Instant) {
    if case .disconnected = state { return }
    enter(.disconnected(reason), at: now)
    uplink.removeAll()
    for track in localTracks { track.stop() }
    for track in remoteTracks { track.setWanted(false, at: now) }
    observations.departed(at: now)
  }

  /// Looks at what ICE and DTLS have come to.
  func noteTransports(at now: Instant, into outbox: inout Outbox) {
    let publishes = localTracks.contains { $0.sid != nil || !awaitsSubscriber }
    let isUp =
      (subscriber.state == .connected || !awaitsSubscriber)
      && (!publishes || publisher.state == .connected)
    if state == .connecting, isUp {
      enter(.connected, at: now)
      observations.connected(at: now)
      reconnection = ReconnectionState()
    }
    if state == .reconnecting, isUp, session.isOpen, !awaitsAnswer,
      reconnection.isResumed || reconnection.mustRejoin
    {
      enter(.connected, at: now)
      sendWaitingData(at: now, into: &outbox)
      observations.back(at: now, resumed: reconnection.isResumed)
      reconnection = ReconnectionState()
    }
    if publisher.canSendMedia {
      for track in localTracks where track.sid != nil && !track.hasStarted { track.start(at: now) }
    }
    guard publisher.hasFailed || subscriber.hasFailed else { return }
    if state == .reconnecting {
      // The old session cannot go on over these.
      reconnection.mustRejoin = true
    } else if reconnection.nextAttempt == nil {
      session.close(into: &outbox)
      lostConnection(at: now)
    }
  }

  func send(_ request: ClientRequest, at now: Instant, into outbox: inout Outbox) {
    session.send(request, into: &outbox)
    takeEvents(at: now, into: &outbox)
  }

  /// Handles what the session has to tell. What comes meanwhile waits for its turn.
  private func takeEvents(at now: Instant, into outbox: inout Outbox) {
    guard !takesEvents else { return }
    takesEvents = true
    defer { takesEvents = false }
    while let event = session.nextEvent() { receive(event, at: now, into: &outbox) }
  }

  // MARK: - Seconds

  private func closeSecond(at now: Instant, into outbox: inout Outbox) {
    nextSecond = now + BotLimits.second
    for index in remoteTracks.indices {
      if let roundTrip = subscriber.ice.roundTrip { remoteTracks[index].setRoundTrip(roundTrip) }
      remoteTracks[index].advance(to: now)
      service(index, at: now, into: &outbox)
    }
    observeSecond(at: now)
    auditReports(at: now)
    guard state == .connected || state == .connecting || state == .reconnecting else { return }
    sendReports(at: now, into: &outbox)
  }

  private func sendReports(at now: Instant, into outbox: inout Outbox) {
    var senders = RTCPWriter()
    for track in localTracks {
      for stream in track.streams {
        if let report = stream.statistics.report(at: now) { senders.append(.senderReport(report)) }
      }
    }
    sendRTCP(senders, onSubscriber: false, at: now, into: &outbox)
    let blocks = remoteTracks.compactMap { $0.reportBlock(at: now) }
    var index = 0
    while index < blocks.count {
      let end = min(index + BotLimits.reportsPerPacket, blocks.count)
      var writer = RTCPWriter()
      writer.append(
        .receiverReport(
          ReceiverReport(ssrc: Bot.reportSSRC, reports: Array(blocks[index..<end]))))
      sendRTCP(writer, onSubscriber: true, at: now, into: &outbox)
      index = end
    }
  }
}

// Reconnections after a loss: attempts by the policy, resume over the old session first, a full
// rejoin when the SFU no longer knows it, and giving up with a reason (LiveKit RTCEngine). A join that
// fails is tried again in the same way.

import Basics
import Transport

/// A loss and what became of it.
public struct Reconnection: Sendable, Equatable {
  public var lost: Instant
  public var back: Instant?
  /// Whether the old session went on; else it was joined anew.
  public var wasResumed = false

  /// The wait before each attempt as it really was.
  public var waits: [Wait] = []

  public struct Wait: Sendable, Equatable {
    /// Of the policy's attempts, from 0; nil for one that the SFU asked for.
    public var number: Int?
    /// When the connection, or the attempt before, was lost.
    public var from: Instant
    /// When the attempt was made; nil for never.
    public var until: Instant?
  }

  public init(lost: Instant) { self.lost = lost }

  /// When each attempt was made.
  public var attempts: [Instant] { waits.compactMap(\.until) }
}

/// Where a bot stands between two attempts, or in the first one.
struct ReconnectionState {
  var attempt = 0
  var lastDelay = Duration.zero
  /// When the next attempt is made; nil while one is under way.
  var nextAttempt: Instant?
  /// When an attempt without an answer is given up.
  var deadline: Instant?
  /// The SFU does not know the session any more.
  var mustRejoin = false
  /// Of the attempts so far, the last that the SFU refused.
  var lastAnswer: BotDeparture.Refusal?
  /// The SFU took the session up; what is left are the transports.
  var isResumed = false

  /// Of a client that is not in yet.
  static func joining(at now: Instant) -> ReconnectionState {
    var state = ReconnectionState()
    state.mustRejoin = true
    state.deadline = now + BotLimits.reconnectTimeout
    return state
  }
}

extension Bot {
  /// The connection or a transport was lost, or a join failed: tries again, unless the SFU said no.
  func lostConnection(refusal: BotDeparture.Refusal? = nil, at now: Instant) {
    switch state {
    case .connected:
      let skips = configuration.mutant == .skipsReconnecting
      enter(skips ? .connecting : .reconnecting, at: now)
      reconnection = ReconnectionState()
      reconnection.mustRejoin = skips || configuration.mutant == .noResume
      observations.lost(at: now)
      scheduleAttempt(at: now)
    case .reconnecting, .connecting:
      if let refusal {
        guard !isFinal(refusal) else { return depart(.refused(refusal), at: now) }
        reconnection.lastAnswer = refusal
      }
      scheduleAttempt(at: now)
    case .idle, .disconnected: break
    }
  }

  /// Who is not in yet takes a no for an answer; who was in, one about its token, where its policy does.
  private func isFinal(_ refusal: BotDeparture.Refusal) -> Bool {
    state == .connecting
      ? !refusal.mayPass
      : refusal.isOfToken && configuration.reconnectPolicy.endsAtRefusedToken
  }

  private func scheduleAttempt(at now: Instant) {
    reconnection.deadline = nil
    reconnection.isResumed = false
    let policy = configuration.reconnectPolicy
    let mayTry =
      reconnection.attempt < policy.attempts || configuration.mutant == .unlimitedAttempts
    guard mayTry else {
      depart(
        .gaveUp(attempts: reconnection.attempt, lastAnswer: reconnection.lastAnswer), at: now)
      return
    }
    let delay = policy.delay(
      attempt: configuration.mutant == .constantDelay ? 0 : reconnection.attempt,
      last: reconnection.lastDelay, random: &policyRandom)
    observations.scheduled(reconnection.attempt, isJoin: state == .connecting, at: now)
    reconnection.attempt += 1
    reconnection.lastDelay = delay
    reconnection.nextAttempt = now + delay
  }

  /// When reconnection has something to do.
  var reconnectionTimeout: Instant? {
    guard state == .reconnecting || state == .connecting else { return nil }
    return earlier(reconnection.nextAttempt, reconnection.deadline)
  }

  func handleReconnection(at now: Instant, into outbox: inout Outbox) {
    guard state == .reconnecting || state == .connecting else { return }
    if let due = reconnection.deadline, due <= now {
      session.close(into: &outbox)
      scheduleAttempt(at: now)
    }
    guard let due = reconnection.nextAttempt, due <= now else { return }
    reconnection.nextAttempt = nil
    reconnection.deadline = now + BotLimits.reconnectTimeout
    observations.attempted(isJoin: state == .connecting, at: now)
    if reconnection.mustRejoin { startOver(at: now) }
    openSession(resuming: !reconnection.mustRejoin, at: now, into: &outbox)
  }

  /// The SFU took up the old session: tells it what this end believes and wants, since requests of
  /// the time before may never have arrived, and restarts ICE.
  func resumed(lastReliableMessage: UInt32, at now: Instant, into outbox: inout Outbox) {
    guard state == .reconnecting else { return }
    reconnection.isResumed = true
    var held = ResumeState()
    held.tracks = localTracks.compactMap { track in
      guard let sid = track.sid, !track.hasEnded else { return nil }
      return ResumeState.Track(cid: track.cid, sid: sid)
    }
    held.subscription = exceptionsFromSubscribing
    held.dataReceived = data.received
    send(.resumeState(held), at: now, into: &outbox)
    for track in localTracks where track.sid == nil && !track.hasEnded {
      send(.publish(track.announcement), at: now, into: &outbox)
    }
    sentSettings = [:]
    updateTrackSettings(at: now, into: &outbox)
    resendData(after: lastReliableMessage, at: now, into: &outbox)
    if configuration.mutant != .noICERestart { publisher.restartICE() }
    awaitsAnswer = false
    needsOffer = true
    offerIfNeeded(at: now, into: &outbox)
    noteTransports(at: now, into: &outbox)
  }

  /// The SFU sends the client away, or asks it to come back in another way.
  func dismissed(
    _ reason: DismissalReason, _ action: DismissalAction, at now: Instant,
    into outbox: inout Outbox
  ) {
    session.close(into: &outbox)
    switch action {
    case .disconnect: depart(.dismissed(reason), at: now)
    case .resume: lostConnection(at: now)
    case .rejoin:
      if state == .connected {
        enter(.reconnecting, at: now)
        reconnection = ReconnectionState()
        observations.lost(at: now)
      }
      reconnection.mustRejoin = true
      // An invitation to rejoin is taken at once (RTCEngine: leave.action).
      reconnection.deadline = nil
      reconnection.nextAttempt = now
      observations.scheduled(nil, isJoin: state == .connecting, at: now)
    }
  }
}

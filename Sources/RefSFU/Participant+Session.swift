// What keeps a session going, or breaks it on purpose: fresh tokens, and the faults that clients may
// ask for to try themselves out (LiveKit pkg/rtc/room.go, SimulateScenario).

import Basics
import Signal
import Transport

/// What the next resume of a participant is to run into.
enum ResumeFault {
  /// The stream ends before anything was said.
  case silent
  /// The stream ends behind the answer.
  case afterAnswer
}

extension DisconnectReason {
  /// What the client is to do next: rejoin where the fault was ours.
  var action: LeaveAction {
    switch self {
    // Whose transport has failed may have a better one the next time (LiveKit: onAnyTransportFailed).
    case .serverShutdown, .stateMismatch, .migration, .connectionTimeout: .reconnect
    default: .disconnect
    }
  }
}

extension Participant {
  /// A token of its own rights as they are now, for its next resume.
  func refreshToken(at now: Instant, into outbox: inout Outbox) {
    nextTokenRefresh = now + SFULimits.tokenRefreshInterval
    var fresh = AccessToken(
      apiKey: token.apiKey, identity: identity, video: rights, now: sfu.unixSeconds(at: now),
      lifetime: SFULimits.refreshedTokenLifetime)
    fresh.name = profile.name
    fresh.metadata = profile.metadata
    fresh.attributes = profile.attributes
    fresh.kind = token.kind
    guard let text = fresh.signed(with: sfu.configuration.keys) else { return }
    send(.refreshToken(text), into: &outbox)
  }

  func simulate(
    _ scenario: SimulatedScenario?, at now: Instant, into outbox: inout Outbox
  ) {
    guard sfu.configuration.allowsSimulation else { return }
    switch scenario {
    case .speakerUpdate(let seconds):
      announceAsSpeaker(true, into: &outbox)
      simulatedSpeechEnd = now + .seconds(Int(min(max(seconds, 1), 60)))
    case .nodeFailure, .migration:
      // The signalling breaks without a word, and nobody remembers the session.
      leave(reason: .migration, saying: false, at: now, into: &outbox)
    case .serverLeave: leave(reason: .serverShutdown, action: .disconnect, at: now, into: &outbox)
    case .leaveRequestFullReconnect:
      leave(reason: .unknownReason, action: .reconnect, at: now, into: &outbox)
    case .switchCandidateProtocol:
      // UDP is all there is, so the switch is one to new credentials.
      restartSubscriber(at: now)
    case .subscriberBandwidth(let rate):
      subscriberLimit = rate > 0 ? Bitrate(bitsPerSecond: rate) : sfu.subscriberLimit
    case .disconnectSignalOnResume: resumeFault = .afterAnswer
    case .disconnectSignalOnResumeNoMessages: resumeFault = .silent
    case nil: break
    }
  }

  /// Everybody is told that this participant speaks, or no longer does.
  func announceAsSpeaker(_ isActive: Bool, into outbox: inout Outbox) {
    let update = SignalResponse.speakersChanged(
      SpeakersChanged {
        $0.speakers = [
          SpeakerInfo {
            $0.sid = sid
            $0.level = isActive ? 0.9 : 0
            $0.active = isActive
          }
        ]
      })
    for other in room.participants { other.send(update, into: &outbox) }
  }

  /// What was begun and is due: the end of simulated speech, the next token.
  func tickSession(at now: Instant, into outbox: inout Outbox) {
    if let end = simulatedSpeechEnd, end <= now {
      simulatedSpeechEnd = nil
      announceAsSpeaker(false, into: &outbox)
    }
    if stream != nil, nextTokenRefresh <= now { refreshToken(at: now, into: &outbox) }
  }
}

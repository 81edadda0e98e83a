// What keeps a session going, or breaks it on purpose: fresh tokens, and the faults that clients may
// ask for to try themselves out (LiveKit pkg/rtc/room.go, SimulateScenario).

import Basics
import Transport

extension Participant {
  /// Its rights as they are now, for its next resume.
  func renewCredentials(at now: Instant, into outbox: inout Outbox) {
    nextTokenRefresh = now + SFULimits.tokenRefreshInterval
    notify(
      .credentials(
        Credentials(
          identity: identity, profile: profile, rights: rights,
          issuedAt: sfu.unixSeconds(at: now))), into: &outbox)
  }

  func simulate(_ fault: SimulatedFault, at now: Instant, into outbox: inout Outbox) {
    guard sfu.configuration.allowsSimulation else { return }
    switch fault {
    case .speech(let seconds):
      announceAsSpeaker(true, into: &outbox)
      simulatedSpeechEnd = now + .seconds(Int(min(max(seconds, 1), 60)))
    case .lostSession: leave(reason: .migration, saying: false, at: now, into: &outbox)
    case .leave(let reason, let action):
      leave(reason: reason, action: action, at: now, into: &outbox)
    case .iceRestart: restartSubscriber(at: now)
    case .subscriberLimit(let limit): subscriberLimit = limit ?? sfu.subscriberLimit
    case .resume(let fault): resumeFault = fault
    }
  }

  /// Everybody is told that this participant speaks, or no longer does.
  func announceAsSpeaker(_ isActive: Bool, into outbox: inout Outbox) {
    let level = SpeakerLevel(sid: sid, level: isActive ? 0.9 : 0, isActive: isActive)
    room.tell(Broadcast(.speakersChanged([level])), into: &outbox)
  }

  /// What was begun and is due: the end of simulated speech, the next token.
  func tickSession(at now: Instant, into outbox: inout Outbox) {
    if let end = simulatedSpeechEnd, end <= now {
      simulatedSpeechEnd = nil
      announceAsSpeaker(false, into: &outbox)
    }
    if channel.stream != nil, nextTokenRefresh <= now { renewCredentials(at: now, into: &outbox) }
  }
}

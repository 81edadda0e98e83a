// LiveKit's messages as events of a session.

import Basics
import Signal
import Transport
import Wire

extension ClientEvent {
  /// Nil for a message that means nothing to a bot.
  init?(_ response: SignalResponse) {
    switch response {
    case .join(let join):
      guard let joined = JoinedSession(join) else { return nil }
      self = .joined(joined)
    case .reconnect(let response): self = .resumed(lastReliableMessage: response.lastMessageSeq)
    case .offer(let offer): self = .offer(NumberedDescription(id: offer.id, sdp: offer.sdp))
    case .answer(let answer): self = .answer(NumberedDescription(id: answer.id, sdp: answer.sdp))
    case .trickle(let trickle):
      guard let parsed = CandidateInit(json: trickle.candidateInit)?.parsed,
        let candidate = RemoteCandidate(parsed)
      else { return nil }
      self = .candidate(candidate, of: trickle.target == .publisher ? .publisher : .subscriber)
    case .update(let update): self = .participants(update.participants.map(SessionParticipant.init))
    case .trackPublished(let published):
      guard let sid = published.track?.sid else { return nil }
      self = .published(cid: published.cid, sid: sid)
    case .trackUnpublished(let unpublished): self = .unpublished(track: unpublished.trackSid)
    case .requestResponse(let response): self = .refused(response.message)
    case .mute(let request): self = .mute(track: request.sid, request.muted)
    case .refreshToken(let token): self = .token(token)
    case .leave(let leave):
      self = .leave(
        DismissalReason(rawValue: leave.reason.rawValue) ?? .unknownReason,
        DismissalAction(leave.action))
    default:
      guard let event = ClientEvent(indication: response) else { return nil }
      self = event
    }
  }

  /// What the SFU says of media and connections.
  private init?(indication response: SignalResponse) {
    switch response {
    case .speakersChanged(let change):
      self = .speakers(
        change.speakers.map { SpeakerChange(participant: $0.sid, isSpeaking: $0.active) })
    case .connectionQuality(let update):
      self = .quality(
        update.updates.map {
          QualityChange(participant: $0.participantSid, quality: SessionQuality($0.quality))
        })
    case .streamStateUpdate(let update):
      self = .streamStates(
        update.streamStates.map {
          StreamStateChange(track: $0.trackSid, isPaused: $0.state == .paused)
        })
    case .subscribedQualityUpdate(let update):
      let qualities = update.subscribedCodecs.first?.qualities ?? update.subscribedQualities
      self = .subscribedLayers(
        track: update.trackSid,
        qualities.map { LayerChange(layer: Int($0.quality.rawValue), isWanted: $0.enabled) })
    default: return nil
    }
  }
}

extension JoinedSession {
  fileprivate init?(_ join: JoinResponse) {
    guard let own = join.participant else { return nil }
    sid = own.sid
    others = join.otherParticipants.map(SessionParticipant.init)
    opensSubscriber = join.subscriberPrimary
  }
}

extension SessionParticipant {
  init(_ info: ParticipantInfo) {
    sid = info.sid
    identity = info.identity
    version = info.version
    hasLeft = info.state == .disconnected
    mayPublish = info.permission?.canPublish ?? false
    tracks = info.tracks.map { Track(sid: $0.sid, source: $0.source, isMuted: $0.muted) }
  }
}

extension SessionQuality {
  init(_ quality: ConnectionQuality) {
    switch quality {
    case .lost: self = .lost
    case .poor: self = .poor
    case .good: self = .good
    case .excellent: self = .excellent
    }
  }
}

extension DismissalAction {
  init(_ action: LeaveAction) {
    switch action {
    case .disconnect: self = .disconnect
    case .resume: self = .resume
    case .reconnect: self = .rejoin
    }
  }
}

// LiveKit's requests as the SFU's own, and the answers that name the request.

import Basics
import Signal
import Transport
import Wire

extension ClientRequest {
  /// Nil for what asks for nothing that the SFU does.
  init?(_ message: SignalRequest) {
    switch message {
    case .offer(let offer): self = .offer(SessionDescriptionText(sdp: offer.sdp, id: offer.id))
    case .answer(let answer):
      self = .answer(SessionDescriptionText(sdp: answer.sdp, id: answer.id))
    case .trickle(let trickle):
      guard let candidate = CandidateInit(json: trickle.candidateInit)?.parsed,
        let remote = RemoteCandidate(candidate)
      else { return nil }
      self = .candidate(remote, trickle.target == .publisher ? .publisher : .subscriber)
    case .addTrack(let request): self = .addTrack(TrackAnnouncement(request))
    case .mute(let request): self = .mute(trackSid: request.sid, request.muted)
    case .subscription(let update): self = .subscription(SubscriptionChange(update))
    case .trackSetting(let settings):
      self = .settings(VideoSettings(settings), trackSids: settings.trackSids)
    case .syncState(let state): self = .sync(ClientBelief(state))
    case .updateMetadata(let change): self = .updateProfile(Profile(change))
    case .simulate(let simulation):
      guard let fault = simulation.scenario.flatMap({ SimulatedFault($0) }) else { return nil }
      self = .simulate(fault)
    case .leave: self = .leave
    case .ping, .pingReq: self = .ping
    default: return nil
    }
  }
}

extension SubscriptionChange {
  init(_ update: UpdateSubscription) {
    trackSids = update.trackSids + update.participantTracks.flatMap(\.trackSids)
    subscribes = update.subscribe
  }
}

extension ClientBelief {
  fileprivate init(_ state: SyncState) {
    trackSids = state.publishTracks.compactMap { $0.track?.sid }
    exceptions = state.subscription?.trackSids
    data = state.dataChannelReceiveStates.map {
      DataReceiveState(publisherSid: $0.publisherSid, lastSequence: $0.lastSeq)
    }
  }
}

extension VideoSettings {
  fileprivate init(_ settings: UpdateTrackSettings) {
    self.init(
      isDisabled: settings.disabled,
      quality: settings.width > 0 || settings.quality == .off
        ? nil : Int(settings.quality.rawValue),
      width: Int(settings.width), height: Int(settings.height),
      framesPerSecond: Double(settings.fps))
    priority = settings.priority
  }
}

extension Profile {
  init(_ change: UpdateParticipantMetadata) {
    self.init(name: change.name, metadata: change.metadata, attributes: change.attributes)
  }
}

extension TrackAnnouncement {
  init(_ request: AddTrackRequest) {
    self.init(
      cid: request.cid,
      kind: request.type == .video ? .video : request.type == .audio ? .audio : .application,
      source: request.source, name: request.name, isMuted: request.muted,
      width: request.width, height: request.height,
      layers: request.layers.map { AnnouncedLayer($0) }, disablesDTX: request.disableDtx,
      isStereo: request.stereo, stream: request.stream,
      traits: TrackTraits(
        encryption: request.encryption.rawValue, disablesRED: request.disableRed,
        backupCodecPolicy: request.backupCodecPolicy.rawValue,
        audioFeatures: request.audioFeatures.map(\.rawValue),
        packetTrailers: request.packetTrailerFeatures.map(\.rawValue)))
  }
}

extension AnnouncedLayer {
  fileprivate init(_ layer: VideoLayer) {
    self.init(
      quality: Int(layer.quality.rawValue), width: layer.width, height: layer.height,
      bitrate: layer.bitrate, ssrc: layer.ssrc, repairSSRC: layer.repairSsrc,
      spatialLayer: layer.spatialLayer, rid: layer.rid)
  }
}

extension SimulatedFault {
  /// As pkg/rtc/room.go takes them; UDP is all there is, so a switch of the candidates' protocol is
  /// one to new credentials.
  fileprivate init?(_ scenario: SimulatedScenario) {
    switch scenario {
    case .speakerUpdate(let seconds): self = .speech(seconds: seconds)
    case .nodeFailure, .migration: self = .lostSession
    case .serverLeave: self = .leave(.serverShutdown, .disconnect)
    case .leaveRequestFullReconnect: self = .leave(.unknown, .reconnect)
    case .switchCandidateProtocol: self = .iceRestart
    case .subscriberBandwidth(let rate):
      self = .subscriberLimit(rate > 0 ? Bitrate(bitsPerSecond: rate) : nil)
    case .disconnectSignalOnResume: self = .resume(.afterAnswer)
    case .disconnectSignalOnResumeNoMessages: self = .resume(.silent)
    }
  }
}

extension RequestResponse {
  /// The answer to requests that have one; nil for the others.
  init?(to message: SignalRequest, _ refusal: RequestRefusal?) {
    self.init()
    if let refusal {
      reason = refusal.reason == .notAllowed ? .notAllowed : .limitExceeded
      self.message = refusal.message
    }
    switch message {
    case .addTrack(let request) where refusal != nil: self.request = .addTrack(request)
    case .updateMetadata(let change):
      requestID = change.requestID
      request = .updateMetadata(change)
    case .publishDataTrackRequest(let request):
      reason = .unsupportedType
      self.message = "no data tracks here"
      self.request = .publishDataTrack(request)
    default: return nil
    }
  }
}

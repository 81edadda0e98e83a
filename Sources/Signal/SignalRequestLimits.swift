// What a client may say in one message: every list and text has a limit, so that no message costs more
// than its bytes suggest, and nothing that others are told grows without end.

extension SignalRequest {
  /// Whether every list and text of the message is within `SignalLimits`.
  public var isWithinLimits: Bool {
    switch self {
    case .offer(let description), .answer(let description): description.isWithinLimits
    case .trickle(let trickle): trickle.candidateInit.utf8.count <= SignalLimits.candidateSize
    case .addTrack(let request): request.isWithinLimits
    case .mute(let request): request.sid.isIdentifier
    case .subscription(let request): request.isWithinLimits
    case .trackSetting(let settings): settings.trackSids.areIdentifiers
    case .updateLayers(let update):
      update.trackSid.isIdentifier && update.layers.count <= SignalLimits.trackLayers
    case .subscriptionPermission(let permission): permission.isWithinLimits
    case .syncState(let state): state.isWithinLimits
    case .updateMetadata(let change):
      change.attributes.count <= SignalLimits.attributes
    case .updateAudioTrack(let update):
      update.trackSid.isIdentifier && update.features.count <= SignalLimits.trackFeatures
    case .updateVideoTrack(let update): update.trackSid.isIdentifier
    case .leave, .simulate, .ping, .pingReq, .publishDataTrackRequest, .unpublishDataTrackRequest,
      .updateDataSubscription, .unknown:
      true
    }
  }
}

extension SignalDescription {
  var isWithinLimits: Bool { sdp.utf8.count <= SignalLimits.descriptionSize }
}

extension AddTrackRequest {
  /// What becomes part of every update about its publisher.
  public var isWithinLimits: Bool {
    cid.isIdentifier && sid.isIdentifier && name.utf8.count <= SignalLimits.trackNameSize
      && stream.utf8.count <= SignalLimits.trackNameSize
      && layers.count <= SignalLimits.trackLayers
      && simulcastCodecs.count <= SignalLimits.trackCodecs
      && simulcastCodecs.allSatisfy {
        $0.codec.isIdentifier && $0.cid.isIdentifier && $0.layers.count <= SignalLimits.trackLayers
      }
      && audioFeatures.count <= SignalLimits.trackFeatures
      && packetTrailerFeatures.count <= SignalLimits.trackFeatures
  }
}

extension UpdateSubscription {
  /// Its lists count together.
  public var isWithinLimits: Bool {
    let count = participantTracks.reduce(trackSids.count + participantTracks.count) {
      $0 + $1.trackSids.count
    }
    return count <= SignalLimits.identifiers && trackSids.areIdentifiers
      && participantTracks.allSatisfy {
        $0.participantSid.isIdentifier && $0.trackSids.areIdentifiers
      }
  }
}

extension SubscriptionPermission {
  var isWithinLimits: Bool {
    let count = trackPermissions.reduce(trackPermissions.count) { $0 + $1.trackSids.count }
    return count <= SignalLimits.identifiers
  }
}

extension SyncState {
  var isWithinLimits: Bool {
    answer?.isWithinLimits ?? true && offer?.isWithinLimits ?? true
      && subscription?.isWithinLimits ?? true
      && publishTracks.count <= SignalLimits.syncedTracks
      && dataChannels.count <= SignalLimits.syncedTracks
      && dataChannelReceiveStates.count <= SignalLimits.identifiers
      && trackSidsDisabled.areIdentifiers
  }
}

extension String {
  fileprivate var isIdentifier: Bool { utf8.count <= SignalLimits.identifierSize }
}

extension [String] {
  fileprivate var areIdentifiers: Bool {
    count <= SignalLimits.identifiers && allSatisfy(\.isIdentifier)
  }
}

// What a client says in LiveKit's signalling protocol, the joining by /rtc/v1 included.

/// What a client says.
public enum SignalRequest: ProtoEnvelope {
  case offer(SignalDescription)
  case answer(SignalDescription)
  case trickle(TrickleRequest)
  case addTrack(AddTrackRequest)
  case mute(MuteTrackRequest)
  case subscription(UpdateSubscription)
  case trackSetting(UpdateTrackSettings)
  case leave(LeaveRequest)
  case updateLayers(UpdateVideoLayers)
  case subscriptionPermission(SubscriptionPermission)
  case syncState(SyncState)
  case simulate(SimulateScenario)
  case ping(Int64)
  case updateMetadata(UpdateParticipantMetadata)
  case pingReq(SignalPing)
  case updateAudioTrack(UpdateLocalAudioTrack)
  case updateVideoTrack(UpdateLocalVideoTrack)
  case publishDataTrackRequest(PublishDataTrackRequest)
  case unpublishDataTrackRequest(UnpublishDataTrackRequest)
  case updateDataSubscription(UpdateDataSubscription)
  /// A member we do not know, by its number; 0 is a message without one.
  case unknown(Int)

  /// The first byte of an encoded `answer`.
  public static let answerTag: UInt8 = 2 << 3 | 2

  public static func read(
    _ number: Int, from r: inout ProtoReader
  ) throws(ProtoError) -> Self? {
    switch number {
    case 1: try r.member(Self.offer)
    case 2: try r.member(Self.answer)
    case 3: try r.member(Self.trickle)
    case 4: try r.member(Self.addTrack)
    case 5: try r.member(Self.mute)
    case 6: try r.member(Self.subscription)
    case 7: try r.member(Self.trackSetting)
    case 8: try r.member(Self.leave)
    case 10: try r.member(Self.updateLayers)
    case 11: try r.member(Self.subscriptionPermission)
    case 12: try r.member(Self.syncState)
    case 13: try r.member(Self.simulate)
    case 14: try r.member(Self.ping)
    case 15: try r.member(Self.updateMetadata)
    case 16: try r.member(Self.pingReq)
    case 17: try r.member(Self.updateAudioTrack)
    case 18: try r.member(Self.updateVideoTrack)
    case 19: try r.member(Self.publishDataTrackRequest)
    case 20: try r.member(Self.unpublishDataTrackRequest)
    case 21: try r.member(Self.updateDataSubscription)
    default: nil
    }
  }

  public func write(to w: inout ProtoWriter) {
    switch self {
    case .offer(let m): w.member(1, m)
    case .answer(let m): w.member(2, m)
    case .trickle(let m): w.member(3, m)
    case .addTrack(let m): w.member(4, m)
    case .mute(let m): w.member(5, m)
    case .subscription(let m): w.member(6, m)
    case .trackSetting(let m): w.member(7, m)
    case .leave(let m): w.member(8, m)
    case .updateLayers(let m): w.member(10, m)
    case .subscriptionPermission(let m): w.member(11, m)
    case .syncState(let m): w.member(12, m)
    case .simulate(let m): w.member(13, m)
    case .ping(let m): w.member(14, m)
    case .updateMetadata(let m): w.member(15, m)
    case .pingReq(let m): w.member(16, m)
    case .updateAudioTrack(let m): w.member(17, m)
    case .updateVideoTrack(let m): w.member(18, m)
    case .publishDataTrackRequest(let m): w.member(19, m)
    case .unpublishDataTrackRequest(let m): w.member(20, m)
    case .updateDataSubscription(let m): w.member(21, m)
    case .unknown: break
    }
  }
}

/// The parameter `join_request` of /rtc/v1.
public struct WrappedJoinRequest: ProtoMessage {
  public var compression = JoinCompression.uncompressed
  /// A `JoinRequest`, perhaps compressed.
  public var joinRequest = [UInt8]()

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &compression)
    try f.field(2, &joinRequest)
  }
}

/// How a client joins by /rtc/v1, with its first offer in it.
public struct JoinRequest: ProtoMessage {
  public var clientInfo: ClientInfo?
  public var connectionSettings: ConnectionSettings?
  public var metadata = ""
  public var participantAttributes: [String: String] = [:]
  public var addTrackRequests: [AddTrackRequest] = []
  public var publisherOffer: SignalDescription?
  public var reconnect = false
  public var reconnectReason = ReconnectReason.unknown
  public var participantSid = ""
  public var syncState: SyncState?

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &clientInfo)
    try f.field(2, &connectionSettings)
    try f.field(3, &metadata)
    try f.field(4, &participantAttributes)
    try f.field(5, &addTrackRequests)
    try f.field(6, &publisherOffer)
    try f.field(7, &reconnect)
    try f.field(8, &reconnectReason)
    try f.field(9, &participantSid)
    try f.field(10, &syncState)
  }
}

/// What of the query of /rtc went into messages of /rtc/v1.
public struct ConnectionSettings: ProtoMessage {
  public var autoSubscribe = false
  public var adaptiveStream = false
  public var subscriberAllowPause: Bool?
  public var disableIceLite = false
  public var autoSubscribeDataTrack: Bool?

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &autoSubscribe)
    try f.field(2, &adaptiveStream)
    try f.field(3, &subscriberAllowPause)
    try f.field(4, &disableIceLite)
    try f.field(5, &autoSubscribeDataTrack)
  }
}

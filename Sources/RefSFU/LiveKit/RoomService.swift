// LiveKit's RoomService: what an application server asks of the SFU over HTTP
// (pkg/service/roomservice.go).

import Basics
import Signal

extension SFU {
  /// Answers a call to `/twirp/…`.
  func answerCall(
    _ request: StreamRequest, path: String, _ tokens: LiveKitTokens, at now: Instant,
    into outbox: inout Outbox
  ) -> StreamResponse {
    do throws(TwirpError) {
      let call = try TwirpCall(request, path: path, service: "livekit.RoomService")
      let grant = try grant(of: request, tokens, at: now)
      return try perform(call, by: grant, at: now, into: &outbox)
    } catch {
      return error.response
    }
  }

  private func grant(
    of request: StreamRequest, _ tokens: LiveKitTokens, at now: Instant
  ) throws(TwirpError) -> VideoGrant {
    if isShuttingDown { throw TwirpError(.unavailable, "shutting down") }
    guard let text = request.bearer else {
      throw TwirpError(.unauthenticated, AccessTokenError.permissionDenied.message)
    }
    do throws(AccessTokenError) {
      return try tokens.verified(text, at: unixSeconds(at: now)).video
    } catch {
      throw TwirpError(.unauthenticated, error.message)
    }
  }

  private func perform(
    _ call: TwirpCall, by grant: VideoGrant, at now: Instant, into outbox: inout Outbox
  ) throws(TwirpError) -> StreamResponse {
    switch call.method {
    case "CreateRoom":
      return call.reply(try createRoom(call.message(), by: grant, at: now, into: &outbox))
    case "ListRooms":
      return call.reply(try listRooms(call.message(), by: grant))
    case "DeleteRoom":
      return call.reply(try deleteRoom(call.message(), by: grant, at: now, into: &outbox))
    case "UpdateRoomMetadata":
      return call.reply(try updateRoomMetadata(call.message(), by: grant, into: &outbox))
    case "ListParticipants":
      return call.reply(try listParticipants(call.message(), by: grant))
    case "GetParticipant":
      let who: RoomParticipantIdentity = try call.message()
      let participant = try find(who.identity, in: who.room, by: grant)
      return call.reply(ParticipantInfo(participant.snapshot))
    case "RemoveParticipant":
      let who: RoomParticipantIdentity = try call.message()
      try removeParticipant(who.identity, from: who.room, by: grant, at: now, into: &outbox)
      return call.reply(RemoveParticipantResponse())
    case "MutePublishedTrack":
      return call.reply(try muteTrack(call.message(), by: grant, at: now, into: &outbox))
    case "UpdateParticipant":
      return call.reply(try updateParticipant(call.message(), by: grant, at: now, into: &outbox))
    case "SendData":
      return call.reply(try sendData(call.message(), by: grant, at: now, into: &outbox))
    case "UpdateSubscriptions":
      return call.reply(try updateSubscriptions(call.message(), by: grant, at: now, into: &outbox))
    case "PerformRpc":
      throw TwirpError(.unimplemented, "PerformRpc: the SFU calls nobody, it only carries calls")
    case "ForwardParticipant", "MoveParticipant":
      throw TwirpError(.unimplemented, "\(call.method): only LiveKit's cloud joins rooms")
    default:
      throw TwirpError(.badRoute, "no handler for method \(call.method)")
    }
  }

  // MARK: - Rooms

  /// Makes the room, or changes what is named of one that exists.
  private func createRoom(
    _ request: CreateRoomRequest, by grant: VideoGrant, at now: Instant,
    into outbox: inout Outbox
  ) throws(TwirpError) -> RoomInfo {
    guard grant.roomCreate else { throw .permissionDenied }
    guard !request.name.isEmpty, request.name.utf8.count <= SFULimits.roomNameSize else {
      throw TwirpError(
        .invalidArgument, "name must have 1 to \(SFULimits.roomNameSize) characters")
    }
    try checkSize(ofMetadata: request.metadata)
    let existing = rooms.first { $0.name == request.name }
    guard existing != nil || rooms.count < SFULimits.rooms else {
      throw TwirpError(.resourceExhausted, "too many rooms")
    }
    let room = existing ?? room(named: request.name, at: now)
    if existing == nil {
      room.settings.emptyTimeout = SFULimits.roomEmptyTimeout
      room.settings.departureTimeout = SFULimits.roomDepartureTimeout
    }
    if request.emptyTimeout > 0 { room.settings.emptyTimeout = request.emptyTimeout }
    if request.departureTimeout > 0 { room.settings.departureTimeout = request.departureTimeout }
    if request.maxParticipants > 0 {
      room.settings.maximumParticipants = Int(request.maxParticipants)
    }
    if !request.metadata.isEmpty { room.settings.metadata = request.metadata }
    room.announceItself(into: &outbox)
    return RoomInfo(room.snapshot)
  }

  private func listRooms(
    _ request: ListRoomsRequest, by grant: VideoGrant
  ) throws(TwirpError) -> ListRoomsResponse {
    guard grant.roomList else { throw .permissionDenied }
    let wanted = rooms.filter { request.names.isEmpty || request.names.contains($0.name) }
    return ListRoomsResponse { $0.rooms = wanted.map { RoomInfo($0.snapshot) } }
  }

  private func deleteRoom(
    _ request: DeleteRoomRequest, by grant: VideoGrant, at now: Instant,
    into outbox: inout Outbox
  ) throws(TwirpError) -> DeleteRoomResponse {
    guard grant.roomCreate else { throw .permissionDenied }
    guard let room = rooms.first(where: { $0.name == request.room }) else { throw .unknownRoom }
    delete(room, at: now, into: &outbox)
    return DeleteRoomResponse()
  }

  private func updateRoomMetadata(
    _ request: UpdateRoomMetadataRequest, by grant: VideoGrant, into outbox: inout Outbox
  ) throws(TwirpError) -> RoomInfo {
    let room = try find(room: request.room, by: grant)
    try checkSize(ofMetadata: request.metadata)
    room.settings.metadata = request.metadata
    room.announceItself(into: &outbox)
    return RoomInfo(room.snapshot)
  }

  private func checkSize(ofMetadata metadata: String) throws(TwirpError) {
    guard metadata.utf8.count <= SFULimits.metadataSize else { throw .metadataTooLarge }
  }

  // MARK: - Participants

  private func listParticipants(
    _ request: ListParticipantsRequest, by grant: VideoGrant
  ) throws(TwirpError) -> ListParticipantsResponse {
    let room = try find(room: request.room, by: grant)
    return ListParticipantsResponse {
      $0.participants = room.participants.map { ParticipantInfo($0.snapshot) }
    }
  }

  private func muteTrack(
    _ request: MuteRoomTrackRequest, by grant: VideoGrant, at now: Instant,
    into outbox: inout Outbox
  ) throws(TwirpError) -> MuteRoomTrackResponse {
    let participant = try find(request.identity, in: request.room, by: grant)
    guard let track = participant.tracks.first(where: { $0.sid == request.trackSid }) else {
      throw .unknownTrack
    }
    guard request.muted || !track.isMuted else {
      throw TwirpError(.failedPrecondition, "remote unmute not enabled")
    }
    if request.muted { participant.muteFromAfar(track, at: now, into: &outbox) }
    return MuteRoomTrackResponse { $0.track = TrackInfo(track.info) }
  }

  private func updateParticipant(
    _ request: UpdateParticipantRequest, by grant: VideoGrant, at now: Instant,
    into outbox: inout Outbox
  ) throws(TwirpError) -> ParticipantInfo {
    let participant = try find(request.identity, in: request.room, by: grant)
    var profile = participant.profile
    profile.apply(
      Profile(
        name: request.name,
        metadata: request.metadata.isEmpty ? profile.metadata : request.metadata,
        attributes: request.attributes))
    guard profile.isWithinLimits else { throw .metadataTooLarge }
    participant.profile = profile
    if let permission = request.permission {
      try updateRights(
        of: request.identity, in: request.room, RightsChange(permission), by: grant, at: now,
        into: &outbox)
    } else {
      participant.bumpVersion()
      participant.room.announce(participant, into: &outbox)
    }
    return ParticipantInfo(participant.snapshot)
  }
}

extension SFU {
  /// A message of the application's, in nobody's name.
  private func sendData(
    _ request: SendDataRequest, by grant: VideoGrant, at now: Instant, into outbox: inout Outbox
  ) throws(TwirpError) -> SendDataResponse {
    let room = try find(room: request.room, by: grant)
    guard request.data.count <= SFULimits.sentDataSize else {
      throw TwirpError(.invalidArgument, "data has more than \(SFULimits.sentDataSize) bytes")
    }
    let packet = DataPacket {
      $0.kind = request.kind
      $0.destinationIdentities = request.destinationIdentities
      $0.value = .user(
        UserPacket {
          $0.payload = request.data
          $0.destinationSids = request.destinationSids
          $0.destinationIdentities = request.destinationIdentities
          $0.topic = request.topic
          $0.nonce = request.nonce
        })
    }
    room.send(
      packet.encoded,
      on: (request.kind == .reliable ? DataChannels.reliable : DataChannels.lossy).label,
      to: DataDestination(
        identities: request.destinationIdentities, sids: request.destinationSids),
      besides: nil, at: now, into: &outbox)
    return SendDataResponse()
  }

  private func updateSubscriptions(
    _ request: UpdateSubscriptionsRequest, by grant: VideoGrant, at now: Instant,
    into outbox: inout Outbox
  ) throws(TwirpError) -> UpdateSubscriptionsResponse {
    let participant = try find(request.identity, in: request.room, by: grant)
    participant.updateSubscription(
      SubscriptionChange(
        trackSids: request.trackSids + request.participantTracks.flatMap(\.trackSids),
        subscribes: request.subscribe), at: now, into: &outbox)
    return UpdateSubscriptionsResponse()
  }
}

extension TwirpError {
  fileprivate static let metadataTooLarge = TwirpError(
    .invalidArgument, "exceeds the limits of metadata")
}

// What a room's administrators do to others: on the reference SFU in this process at once, on a served one
// over LiveKit's RoomService.

import Basics
import RefSFU
import Scenario
import Signal
import Wire

enum Administration {
  case changeRights(Scenario.GrantFields)
  case remove
  case mute(TrackSource)
}

extension World {
  /// Does it to a participant with the rights of `grant`.
  /// - Returns: false where nothing happens: who acts lacks the rights, whom it is done to is not there,
  ///   or the SFU is down.
  @discardableResult
  func administer(_ action: Administration, to seat: Seat, by grant: VideoGrant) -> Bool {
    if case .changeRights(let fields) = action { note(fields, of: seat) }
    if let realTime {
      if let request = request(action, to: seat, by: grant) { realTime.ask(request) }
      return true
    }
    var isDone = false
    administer { sfu, now, outbox in
      isDone = (try? perform(action, on: sfu, to: seat, by: grant, at: now, into: &outbox)) != nil
    }
    return isDone
  }

  private func perform(
    _ action: Administration, on sfu: SFU, to seat: Seat, by grant: VideoGrant, at now: Instant,
    into outbox: inout Outbox
  ) throws(TwirpError) {
    let (identity, room) = (seat.member.identity, seat.member.room)
    switch action {
    case .changeRights(let fields):
      var change = SFU.RightsChange()
      change.canPublish = fields.canPublish
      change.canSubscribe = fields.canSubscribe
      change.canPublishData = fields.canPublishData
      change.canPublishSources = fields.canPublishSources?.map(\.trackSource.grantName)
      change.hidden = fields.hidden
      try sfu.updateRights(of: identity, in: room, change, by: grant, at: now, into: &outbox)
    case .remove:
      try sfu.removeParticipant(identity, from: room, by: grant, at: now, into: &outbox)
    case .mute(let source):
      _ = try sfu.muteTrack(source, of: identity, in: room, by: grant, at: now, into: &outbox)
    }
  }

  /// RoomService wants all of a participant's rights, not those that change.
  private func note(_ fields: Scenario.GrantFields, of seat: Seat) {
    var permission = permissions[seat.member.identity] ?? seat.group.grants.permission
    if let value = fields.canPublish { permission.canPublish = value }
    if let value = fields.canSubscribe { permission.canSubscribe = value }
    if let value = fields.canPublishData { permission.canPublishData = value }
    if let value = fields.canPublishSources {
      permission.canPublishSources = value.map(\.trackSource)
    }
    if let value = fields.hidden { permission.hidden = value }
    permissions[seat.member.identity] = permission
  }

  private func request(
    _ action: Administration, to seat: Seat, by grant: VideoGrant
  ) -> StreamRequest? {
    let (identity, room) = (seat.member.identity, seat.member.room)
    switch action {
    case .changeRights:
      let update = UpdateParticipantRequest {
        $0.room = room
        $0.identity = identity
        $0.permission = permissions[identity]
      }
      return request("UpdateParticipant", update.encoded, by: grant)
    case .remove:
      let named = RoomParticipantIdentity {
        $0.room = room
        $0.identity = identity
      }
      return request("RemoveParticipant", named.encoded, by: grant)
    case .mute(let source):
      guard let sid = seat.bot.trackSID(of: source) else { return nil }
      let mute = MuteRoomTrackRequest {
        $0.room = room
        $0.identity = identity
        $0.trackSid = sid
        $0.muted = true
      }
      return request("MutePublishedTrack", mute.encoded, by: grant)
    }
  }

  private func request(_ method: String, _ body: [UInt8], by grant: VideoGrant) -> StreamRequest {
    let token = access.token(
      for: grant, at: simulator.now, lifetime: scenario.sfu.tokenTTL)
    return StreamRequest(
      kind: .http, method: "POST",
      target: (servedPath ?? "") + "/twirp/livekit.RoomService/\(method)",
      headers: [
        ("content-type", "application/protobuf"),
        ("authorization", "Bearer \(token)"),
      ], body: body)
  }
}

extension Scenario.Grants {
  fileprivate var permission: ParticipantPermission {
    ParticipantPermission {
      $0.canSubscribe = canSubscribe
      $0.canPublish = canPublish
      $0.canPublishData = canPublishData
      $0.hidden = hidden
      $0.canPublishSources = canPublishSources?.map(\.trackSource) ?? []
    }
  }
}

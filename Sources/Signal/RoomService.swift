// What LiveKit's RoomService is asked and answers (livekit_room.proto), as far as the SFU goes.

public struct CreateRoomRequest: ProtoMessage {
  public var name = ""
  /// Seconds for which the room waits for its first participant; 0 is the server's default.
  public var emptyTimeout: UInt32 = 0
  /// 0 is the server's default.
  public var maxParticipants: UInt32 = 0
  public var metadata = ""
  /// Seconds for which the room stays after its last participant; 0 is the server's default.
  public var departureTimeout: UInt32 = 0

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &name)
    try f.field(2, &emptyTimeout)
    try f.field(3, &maxParticipants)
    try f.field(5, &metadata)
    try f.field(10, &departureTimeout)
  }
}

public struct ListRoomsRequest: ProtoMessage {
  /// Empty is all of them.
  public var names: [String] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &names)
  }
}

public struct ListRoomsResponse: ProtoMessage {
  public var rooms: [RoomInfo] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &rooms)
  }
}

public struct DeleteRoomRequest: ProtoMessage {
  public var room = ""

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &room)
  }
}

public struct DeleteRoomResponse: ProtoMessage {
  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {}
}

public struct UpdateRoomMetadataRequest: ProtoMessage {
  public var room = ""
  public var metadata = ""

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &room)
    try f.field(2, &metadata)
  }
}

public struct ListParticipantsRequest: ProtoMessage {
  public var room = ""

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &room)
  }
}

public struct ListParticipantsResponse: ProtoMessage {
  public var participants: [ParticipantInfo] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &participants)
  }
}

/// Names a participant: to get it, or to remove it.
public struct RoomParticipantIdentity: ProtoMessage {
  public var room = ""
  public var identity = ""

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &room)
    try f.field(2, &identity)
  }
}

public struct RemoveParticipantResponse: ProtoMessage {
  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {}
}

public struct MuteRoomTrackRequest: ProtoMessage {
  public var room = ""
  public var identity = ""
  public var trackSid = ""
  public var muted = false

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &room)
    try f.field(2, &identity)
    try f.field(3, &trackSid)
    try f.field(4, &muted)
  }
}

public struct MuteRoomTrackResponse: ProtoMessage {
  public var track: TrackInfo?

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &track)
  }
}

/// Empty texts, a nil permission, and attributes that are not named stay as they are.
public struct UpdateParticipantRequest: ProtoMessage {
  public var room = ""
  public var identity = ""
  public var metadata = ""
  public var permission: ParticipantPermission?
  public var name = ""
  /// One without a value goes.
  public var attributes: [String: String] = [:]

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &room)
    try f.field(2, &identity)
    try f.field(3, &metadata)
    try f.field(4, &permission)
    try f.field(5, &name)
    try f.field(6, &attributes)
  }
}

/// A data packet of the application server's.
public struct SendDataRequest: ProtoMessage {
  public var room = ""
  public var data = [UInt8]()
  public var kind = DataPacketKind.reliable
  /// Deprecated; empty, like the identities, is everybody.
  public var destinationSids: [String] = []
  public var topic: String?
  public var destinationIdentities: [String] = []
  public var nonce = [UInt8]()

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &room)
    try f.field(2, &data)
    try f.field(3, &kind)
    try f.field(4, &destinationSids)
    try f.field(5, &topic)
    try f.field(6, &destinationIdentities)
    try f.field(7, &nonce)
  }
}

public struct SendDataResponse: ProtoMessage {
  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {}
}

/// Subscribes a participant to tracks, or ends its subscriptions.
public struct UpdateSubscriptionsRequest: ProtoMessage {
  public var room = ""
  public var identity = ""
  public var trackSids: [String] = []
  public var subscribe = false
  public var participantTracks: [ParticipantTracks] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &room)
    try f.field(2, &identity)
    try f.field(3, &trackSids)
    try f.field(4, &subscribe)
    try f.field(5, &participantTracks)
  }
}

public struct UpdateSubscriptionsResponse: ProtoMessage {
  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {}
}

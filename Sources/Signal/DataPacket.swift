// The messages of LiveKit's data channels.

/// What one message of a data channel holds. Whoever forwards it changes nothing it does not
/// understand: unknown members and fields are written again.
public struct DataPacket: ProtoMessage {
  public var kind = DataPacketKind.reliable
  public var value: DataPacketValue?
  public var participantIdentity = ""
  /// Empty is everybody.
  public var destinationIdentities: [String] = []
  /// Counts the reliable messages of a publisher from 1.
  public var sequence: UInt32 = 0
  public var participantSid = ""
  public var unknownFields = [UInt8]()

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &kind)
    try f.oneof(&value)
    try f.field(4, &participantIdentity)
    try f.field(5, &destinationIdentities)
    try f.field(16, &sequence)
    try f.field(17, &participantSid)
    try f.unknown(&unknownFields)
  }
}

/// What a packet is about.
public enum DataPacketValue: ProtoOneof {
  case user(UserPacket)
  case speaker(ActiveSpeakerUpdate)
  case chatMessage(ChatMessage)
  /// A message we only pass on (SIP, transcription, metrics, RPC, streams, encrypted), encoded.
  case other(number: Int, [UInt8])

  public static func read(
    _ number: Int, from r: inout ProtoReader
  ) throws(ProtoError) -> Self? {
    switch number {
    case 2: try r.member(Self.user)
    case 3: try r.member(Self.speaker)
    case 9: try r.member(Self.chatMessage)
    case 6, 7, 8, 10, 11, 12, 13, 14, 15, 18:
      try r.member { (content: [UInt8]) in .other(number: number, content) }
    default: nil
    }
  }

  public func write(to w: inout ProtoWriter) {
    switch self {
    case .user(let m): w.member(2, m)
    case .speaker(let m): w.member(3, m)
    case .chatMessage(let m): w.member(9, m)
    case .other(let number, let content): w.member(number, content)
    }
  }
}

/// A message of the application.
public struct UserPacket: ProtoMessage {
  public var participantSid = ""
  /// Whatever it likes.
  public var payload = [UInt8]()
  public var destinationSids: [String] = []
  public var topic: String?
  public var participantIdentity = ""
  public var destinationIdentities: [String] = []
  public var id: String?
  /// Of the media it belongs to.
  public var startTime: UInt64?
  public var endTime: UInt64?
  public var nonce = [UInt8]()

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &participantSid)
    try f.field(2, &payload)
    try f.field(3, &destinationSids)
    try f.field(4, &topic)
    try f.field(5, &participantIdentity)
    try f.field(6, &destinationIdentities)
    try f.field(8, &id)
    try f.field(9, &startTime)
    try f.field(10, &endTime)
    try f.field(11, &nonce)
  }
}

/// Deprecated.
public struct ActiveSpeakerUpdate: ProtoMessage {
  public var speakers: [SpeakerInfo] = []

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &speakers)
  }
}

/// A line of a chat.
public struct ChatMessage: ProtoMessage {
  /// A UUID.
  public var id = ""
  /// Unix milliseconds.
  public var timestamp: Int64 = 0
  /// Set where it edits an earlier one.
  public var editTimestamp: Int64?
  public var message = ""
  public var deleted = false
  public var generated = false

  public init() {}

  public mutating func fields(_ f: inout some ProtoFields) throws(ProtoError) {
    try f.field(1, &id)
    try f.field(2, &timestamp)
    try f.field(3, &editTimestamp)
    try f.field(4, &message)
    try f.field(5, &deleted)
    try f.field(6, &generated)
  }
}

// What a LiveKit access token allows: the claim `video`.

import Basics
import Wire

public struct VideoGrant: Equatable, Sendable {
  public var roomCreate = false
  public var roomList = false
  public var roomRecord = false
  /// Moderates `room`.
  public var roomAdmin = false
  /// Joins `room`.
  public var roomJoin = false
  public var room = ""
  public var destinationRoom = ""
  /// Nil is true.
  public var canPublish: Bool?
  /// Nil is true.
  public var canSubscribe: Bool?
  /// Nil is what `canPublish` is.
  public var canPublishData: Bool?
  /// `camera`, `microphone`, `screen_share`, `screen_share_audio`; empty is all of them.
  public var canPublishSources: [String] = []
  /// Nil is false.
  public var canUpdateOwnMetadata: Bool?
  public var canSubscribeMetrics: Bool?
  public var canManageAgentSession: Bool?
  public var ingressAdmin = false
  public var hidden = false
  public var recorder = false
  public var agent = false

  public init() {}

  public init(_ fill: (inout VideoGrant) -> Void) { fill(&self) }

  /// A participant of `room` with all that is not restricted.
  public static func join(_ room: String) -> VideoGrant {
    VideoGrant {
      $0.roomJoin = true
      $0.room = room
    }
  }
}

extension VideoGrant {
  public var mayPublish: Bool { canPublish ?? true }
  public var maySubscribe: Bool { canSubscribe ?? true }
  public var mayPublishData: Bool { canPublishData ?? mayPublish }
  public var mayUpdateOwnMetadata: Bool { canUpdateOwnMetadata ?? false }

  public func mayPublish(_ source: TrackSource) -> Bool {
    mayPublish && (canPublishSources.isEmpty || canPublishSources.contains(source.grantName))
  }

  public func isAdmin(of room: String) -> Bool { roomAdmin && self.room == room }

  /// The same as participants are told it.
  public var permission: ParticipantPermission {
    ParticipantPermission {
      $0.canSubscribe = maySubscribe
      $0.canPublish = mayPublish
      $0.canPublishData = mayPublishData
      $0.hidden = hidden
      $0.recorder = recorder
      $0.canPublishSources = TrackSource.allCases.filter {
        canPublishSources.contains($0.grantName)
      }
      $0.canUpdateMetadata = mayUpdateOwnMetadata
      $0.agent = agent
      $0.canSubscribeMetrics = canSubscribeMetrics ?? false
      $0.canManageAgentSession = canManageAgentSession ?? false
    }
  }
}

extension TrackSource {
  /// As grants write it.
  public var grantName: String { name }
}

// MARK: - The claim

extension VideoGrant {
  private static let flags:
    [(name: String, path: any WritableKeyPath<VideoGrant, Bool> & Sendable)] = [
      ("roomCreate", \.roomCreate), ("roomList", \.roomList), ("roomRecord", \.roomRecord),
      ("roomAdmin", \.roomAdmin), ("roomJoin", \.roomJoin), ("ingressAdmin", \.ingressAdmin),
      ("hidden", \.hidden), ("recorder", \.recorder), ("agent", \.agent),
    ]
  private static let choices:
    [(name: String, path: any WritableKeyPath<VideoGrant, Bool?> & Sendable)] =
      [
        ("canPublish", \.canPublish), ("canSubscribe", \.canSubscribe),
        ("canPublishData", \.canPublishData), ("canUpdateOwnMetadata", \.canUpdateOwnMetadata),
        ("canSubscribeMetrics", \.canSubscribeMetrics),
        ("canManageAgentSession", \.canManageAgentSession),
      ]

  /// - Throws: `malformed` where a member has another type than it should.
  init(json: JSON) throws(AccessTokenError) {
    guard json.object != nil else { throw .malformed }
    for (name, path) in VideoGrant.flags {
      self[keyPath: path] = try json.claim(name, \.bool) ?? false
    }
    for (name, path) in VideoGrant.choices { self[keyPath: path] = try json.claim(name, \.bool) }
    room = try json.claim("room", \.string) ?? ""
    destinationRoom = try json.claim("destinationRoom", \.string) ?? ""
    for source in try json.claim("canPublishSources", \.array) ?? [] {
      guard let name = source.string else { throw .malformed }
      canPublishSources.append(name)
    }
  }

  /// Without what has its default.
  var json: JSON {
    var object = JSONObject()
    for (name, path) in VideoGrant.flags where self[keyPath: path] { object[name] = true }
    if !room.isEmpty { object["room"] = .string(room) }
    if !destinationRoom.isEmpty { object["destinationRoom"] = .string(destinationRoom) }
    for (name, path) in VideoGrant.choices {
      if let choice = self[keyPath: path] { object[name] = .bool(choice) }
    }
    if !canPublishSources.isEmpty {
      object["canPublishSources"] = .array(canPublishSources.map(JSON.string))
    }
    return .object(object)
  }
}

extension JSON {
  /// A member that may be absent or null but, if there, has this type.
  func claim<T>(_ name: String, _ type: (JSON) -> T?) throws(AccessTokenError) -> T? {
    guard let member = self[name], member != .null else { return nil }
    guard let value = type(member) else { throw .malformed }
    return value
  }
}

// The query with which a client opens LiveKit's /rtc: who it is and what it wants.

import Basics

public struct RTCQuery: Equatable, Sendable {
  /// The version of the signalling protocol we speak.
  public static let protocolVersion: Int32 = 17

  /// Nil where the token comes in the header Authorization.
  public var accessToken: String?
  public var autoSubscribe = true
  public var adaptiveStream = false
  public var client = ClientInfo { $0.protocolVersion = RTCQuery.protocolVersion }
  /// Names of `ClientCapability`, as written.
  public var capabilities: [String] = []
  public var attributes: [String: String] = [:]
  /// Whether the session `participantSid` is to be resumed.
  public var reconnect = false
  public var participantSid: String?
  public var reconnectReason = ReconnectReason.unknown
  public var disableICELite = false
  public var subscriberAllowPause: Bool?
  public var autoSubscribeDataTrack: Bool?

  public init() {}

  private static let sdks: [(name: String, sdk: ClientSDK)] = [
    ("js", .js), ("ios", .swift), ("swift", .swift), ("android", .android), ("flutter", .flutter),
    ("go", .go), ("unity", .unity), ("reactnative", .reactNative), ("rust", .rust),
    ("python", .python), ("cpp", .cpp), ("unityweb", .unityWeb), ("node", .node),
    ("unreal", .unreal), ("esp32", .esp32), ("dotnet", .dotnet),
  ]

  /// Reads the target of a request line; nil for one that is malformed or not of `path`.
  public init?(target text: String, path: String = "/rtc") {
    guard let target = RequestTarget(text), target.path == path else { return nil }
    self.init(target)
  }

  /// Reads what a client sent; what is absent or strange keeps its default.
  public init(_ target: RequestTarget) {
    func flag(_ name: String) -> Bool? { target[name].map { $0 == "1" || $0 == "true" } }
    func text(_ name: String) -> String { target[name] ?? "" }
    accessToken = target["access_token"]
    autoSubscribe = flag("auto_subscribe") ?? true
    adaptiveStream = flag("adaptive_stream") ?? false
    let sdk = target["sdk"]?.lowercased()
    client.sdk = RTCQuery.sdks.first { $0.name == sdk }?.sdk ?? .unknown
    client.version = text("version")
    client.protocolVersion = target["protocol"].flatMap { Int32($0) } ?? 0
    client.clientProtocol = target["client_protocol"].flatMap { Int32($0) } ?? 0
    client.os = text("os")
    client.osVersion = text("os_version")
    client.deviceModel = text("device_model")
    client.browser = text("browser")
    client.browserVersion = text("browser_version")
    client.network = text("network")
    capabilities = text("capabilities").split(separator: ",").map(String.init)
    attributes = target["attributes"].flatMap(RTCQuery.attributes) ?? [:]
    reconnect = flag("reconnect") ?? false
    participantSid = target["sid"]
    reconnectReason =
      target["reconnect_reason"].flatMap { Int32($0) }.flatMap(ReconnectReason.init) ?? .unknown
    disableICELite = flag("disable_ice_lite") ?? false
    subscriberAllowPause = flag("subscriber_allow_pause")
    autoSubscribeDataTrack = flag("auto_subscribe_data_track")
  }

  /// What a client sends; defaults other than `auto_subscribe` and `protocol` are left out.
  public func target(path: String = "/rtc") -> RequestTarget {
    var target = RequestTarget(path: path)
    func add(_ name: String, _ value: String?) {
      if let value, !value.isEmpty { target.parameters.append(.init(name, value)) }
    }
    func add(_ name: String, _ flag: Bool?) { add(name, flag.map { $0 ? "1" : "0" }) }
    add("access_token", accessToken)
    add("auto_subscribe", autoSubscribe)
    add("adaptive_stream", adaptiveStream ? true : nil)
    add("sdk", RTCQuery.sdks.first { $0.sdk == client.sdk }?.name)
    add("version", client.version)
    add("protocol", String(client.protocolVersion))
    add("client_protocol", client.clientProtocol == 0 ? nil : String(client.clientProtocol))
    add("os", client.os)
    add("os_version", client.osVersion)
    add("device_model", client.deviceModel)
    add("browser", client.browser)
    add("browser_version", client.browserVersion)
    add("network", client.network)
    add("capabilities", capabilities.joined(separator: ","))
    add("attributes", RTCQuery.text(of: attributes))
    add("reconnect", reconnect ? true : nil)
    add("sid", participantSid)
    add("reconnect_reason", reconnect ? String(reconnectReason.rawValue) : nil)
    add("disable_ice_lite", disableICELite ? true : nil)
    add("subscriber_allow_pause", subscriberAllowPause)
    add("auto_subscribe_data_track", autoSubscribeDataTrack)
    return target
  }

  /// Base64url, with or without padding, of a JSON object.
  private static func attributes(_ text: String) -> [String: String]? {
    let bare = String(text.prefix { $0 != "=" })
    guard let bytes = Base64URL.decode(bare), let json = try? JSON(parsing: bytes) else {
      return nil
    }
    return json.object?.strings
  }

  private static func text(of attributes: [String: String]) -> String? {
    attributes.isEmpty
      ? nil : Base64URL.encode(JSON.object(JSONObject(sorted: attributes)).text().utf8)
  }
}

extension RTCQuery: CustomStringConvertible {
  /// Without the access token.
  public var description: String { target().description }
}

extension JSONObject {
  /// The members by the order of their names.
  init(sorted strings: [String: String]) {
    self.init()
    for key in strings.keys.sorted() { self[key] = strings[key].map(JSON.string) }
  }

  /// The members that are strings.
  var strings: [String: String] {
    var strings: [String: String] = [:]
    for (key, value) in members { strings[key] = value.string }
    return strings
  }
}

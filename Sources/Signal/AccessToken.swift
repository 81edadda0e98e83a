// LiveKit's access tokens: JSON web tokens (RFC 7519) signed by the API secret.

import Basics

/// Why somebody is not let in.
public enum AccessTokenError: Error, CaseIterable, Sendable {
  /// Not a token, or claims of wrong types.
  case malformed
  /// Another algorithm than HS256.
  case badAlgorithm
  /// No such API key.
  case unknownKey
  case badSignature
  case expired
  case notYetValid
  /// The grant does not cover it.
  case permissionDenied
  case emptyIdentity
  case emptyRoom

  /// As LiveKit's server words it in the body of its 401.
  public var message: String {
    switch self {
    case .malformed, .badAlgorithm: "invalid authorization token"
    case .unknownKey: "invalid API key"
    case .badSignature: "invalid token, error: go-jose/go-jose: error in cryptographic primitive"
    case .expired:
      "invalid token, error: go-jose/go-jose/jwt: validation failed, token is expired (exp)"
    case .notYetValid:
      "invalid token, error: go-jose/go-jose/jwt: validation failed, token not valid yet (nbf)"
    case .permissionDenied: "permissions denied"
    case .emptyIdentity: "identity cannot be empty"
    case .emptyRoom: "no room name"
    }
  }
}

/// API keys and their secrets, which are never printed.
public struct APIKeys: Sendable {
  private var secrets: [String: String]

  public init(_ secrets: [String: String]) { self.secrets = secrets }

  /// Nil for a key that does not exist or whose secret is empty.
  public func secret(of key: String) -> [UInt8]? {
    secrets[key].flatMap { $0.isEmpty ? nil : Array($0.utf8) }
  }
}

extension APIKeys: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "\(secrets.count) API keys, secrets redacted" }
  public var debugDescription: String { description }
  public var customMirror: Mirror { Mirror(self, children: []) }
}

/// The claims of a token; times are Unix seconds.
public struct AccessToken: Equatable, Sendable {
  /// How long a token holds unless told otherwise, in seconds.
  public static let defaultLifetime: Int64 = 6 * 3600
  /// By how much clocks may differ, in seconds; that of LiveKit's server.
  public static let defaultLeeway: Int64 = 60

  /// `iss`.
  public var apiKey: String
  /// `sub`.
  public var identity: String
  /// `nbf`
  public var notBefore: Int64?
  /// `exp`; nil never expires.
  public var expires: Int64?
  public var name = ""
  public var metadata = ""
  /// `standard`, `ingress`, `egress`, `sip`, `agent`.
  public var kind = ""
  public var attributes: [String: String] = [:]
  /// Of the body the token was made for (webhooks), in Base64.
  public var sha256 = ""
  public var video: VideoGrant

  public init(
    apiKey: String, identity: String, video: VideoGrant, now: Int64,
    lifetime: Int64 = AccessToken.defaultLifetime
  ) {
    self.apiKey = apiKey
    self.identity = identity
    self.video = video
    notBefore = now
    expires = now &+ lifetime
  }

  /// Reads a token and proves it: signature, then times.
  /// - Parameters:
  ///   - now: Unix seconds. The token holds from `nbf - leeway` to before `exp + leeway`
  ///     (RFC 7519 §4.1.4 and §4.1.5).
  /// - Throws: all but `permissionDenied`, `emptyIdentity` and `emptyRoom`.
  public init(
    verifying text: String, keys: APIKeys, now: Int64, leeway: Int64 = AccessToken.defaultLeeway
  ) throws(AccessTokenError) {
    let token = try JSONWebSignature.Unverified(text)
    guard let json = try? JSON(parsing: token.payload), json.object != nil,
      let key = json["iss"]?.string
    else { throw .malformed }
    guard let secret = keys.secret(of: key) else { throw .unknownKey }
    guard token.isSigned(with: secret) else { throw .badSignature }
    try self.init(claims: json)
    if let notBefore, notBefore > AccessToken.sum(now, leeway) { throw .notYetValid }
    if let expires, expires <= AccessToken.sum(now, -leeway) { throw .expired }
  }

  /// What a token claims, proved by nobody: for its bearer, who has no secret.
  /// - Throws: `malformed`, `badAlgorithm`.
  public init(reading text: String) throws(AccessTokenError) {
    let token = try JSONWebSignature.Unverified(text)
    guard let json = try? JSON(parsing: token.payload), json.object != nil else {
      throw .malformed
    }
    try self.init(claims: json)
  }

  /// The token as text; nil for a key that does not exist.
  public func signed(with keys: APIKeys) -> String? {
    keys.secret(of: apiKey).map { JSONWebSignature.sign(claims, with: $0) }
  }

  /// The room the token lets its bearer join.
  /// - Throws: `permissionDenied`, `emptyIdentity`, `emptyRoom`.
  public func roomToJoin() throws(AccessTokenError) -> String {
    guard video.roomJoin else { throw .permissionDenied }
    guard !identity.isEmpty else { throw .emptyIdentity }
    guard !video.room.isEmpty else { throw .emptyRoom }
    return video.room
  }

  private static func sum(_ a: Int64, _ b: Int64) -> Int64 {
    let (sum, overflow) = a.addingReportingOverflow(b)
    return overflow ? (a < 0 ? .min : .max) : sum
  }
}

// MARK: - Claims

extension AccessToken {
  private init(claims: JSON) throws(AccessTokenError) {
    apiKey = try claims.claim("iss", \.string) ?? ""
    identity = try claims.claim("sub", \.string) ?? ""
    notBefore = try claims.claim("nbf", \.unixSeconds)
    expires = try claims.claim("exp", \.unixSeconds)
    name = try claims.claim("name", \.string) ?? ""
    metadata = try claims.claim("metadata", \.string) ?? ""
    kind = try claims.claim("kind", \.string) ?? ""
    attributes = try claims.claim("attributes", \.object)?.strings ?? [:]
    sha256 = try claims.claim("sha256", \.string) ?? ""
    video = try VideoGrant(json: claims.claim("video", \.self) ?? [:])
  }

  private var claims: JSON {
    var object: JSONObject = ["iss": .string(apiKey)]
    func add(_ name: String, _ text: String) {
      if !text.isEmpty { object[name] = .string(text) }
    }
    add("sub", identity)
    if let notBefore { object["nbf"] = .integer(notBefore) }
    if let expires { object["exp"] = .integer(expires) }
    add("name", name)
    add("metadata", metadata)
    add("kind", kind)
    add("sha256", sha256)
    if !attributes.isEmpty { object["attributes"] = .object(JSONObject(sorted: attributes)) }
    object["video"] = video.json
    return .object(object)
  }
}

extension JSON {
  /// A NumericDate (RFC 7519 §2) without its fraction; nil beyond Int64.
  fileprivate var unixSeconds: Int64? {
    switch self {
    case .integer(let seconds): seconds
    case .number(let seconds): Int64(exactly: seconds.rounded(.down))
    default: nil
    }
  }
}

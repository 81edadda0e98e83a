// LiveKit's access tokens as what lets people in.

import Basics
import Signal
import Wire

struct LiveKitTokens: Authorizer {
  let keys: APIKeys
  /// Seconds by which clocks may differ.
  let leeway: Int64
  /// Whether tokens that never expire let nobody in.
  var requiresExpiry = false

  func admission(
    for request: StreamRequest, _ target: RequestTarget, at now: Int64
  ) throws(Refusal) -> Admission {
    try admission(token(of: request, target, at: now))
  }

  /// The request's token, proven: of the field Authorization, else of the query.
  func token(
    of request: StreamRequest, _ target: RequestTarget, at now: Int64
  ) throws(Refusal) -> AccessToken {
    guard let text = request.bearer ?? target["access_token"] else {
      throw Refusal(.permissionDenied)
    }
    do throws(AccessTokenError) {
      return try verified(text, at: now)
    } catch {
      throw Refusal(error)
    }
  }

  func verified(_ text: String, at now: Int64) throws(AccessTokenError) -> AccessToken {
    try AccessToken(verifying: text, keys: keys, now: now, leeway: leeway)
  }

  /// The join that a token grants.
  func admission(_ token: AccessToken) throws(Refusal) -> Admission {
    let room: String
    do throws(AccessTokenError) { room = try token.roomToJoin() } catch { throw Refusal(error) }
    if requiresExpiry, token.expires == nil {
      throw Refusal(status: 401, text: "invalid token: it never expires (exp)")
    }
    return Admission(
      identity: token.identity, room: room,
      profile: Profile(
        name: token.name, metadata: token.metadata, attributes: token.attributes),
      rights: ParticipantRights(token.video))
  }
}

extension Refusal {
  fileprivate init(_ error: AccessTokenError) { self.init(status: 401, text: error.message) }
}

extension SFU {
  /// The token of a request, proven; nil where there is none or it does not hold.
  public func token(
    of request: StreamRequest, _ target: RequestTarget, at now: Instant
  ) -> AccessToken? {
    guard let tokens = configuration.authorizer as? LiveKitTokens else { return nil }
    return try? tokens.token(of: request, target, at: unixSeconds(at: now))
  }
}

// MARK: - Grants

extension ParticipantRights {
  init(_ grant: VideoGrant) {
    canPublish = grant.canPublish
    canSubscribe = grant.canSubscribe
    canPublishData = grant.canPublishData
    sources = ParticipantRights.sources(grant.canPublishSources)
    canUpdateOwnMetadata = grant.canUpdateOwnMetadata
    hidden = grant.hidden
    isRecorder = grant.recorder
    isAgent = grant.agent
    canSubscribeMetrics = grant.canSubscribeMetrics ?? false
    canManageAgentSession = grant.canManageAgentSession ?? false
  }

  /// An empty list is every source; a name that we do not know is none.
  static func sources(_ names: [String]) -> [TrackSource]? {
    names.isEmpty
      ? nil : names.compactMap { name in TrackSource.allCases.first { $0.name == name } }
  }

  /// What `grant` becomes with these rights.
  func applied(to grant: VideoGrant) -> VideoGrant {
    var grant = grant
    grant.canPublish = canPublish
    grant.canSubscribe = canSubscribe
    grant.canPublishData = canPublishData
    grant.canUpdateOwnMetadata = canUpdateOwnMetadata
    grant.hidden = hidden
    if ParticipantRights.sources(grant.canPublishSources) != sources {
      // No list at all would be every source.
      grant.canPublishSources = sources.map { $0.isEmpty ? ["none"] : $0.map(\.name) } ?? []
    }
    return grant
  }
}

extension ParticipantPermission {
  init(_ rights: ParticipantRights) {
    self.init {
      $0.canSubscribe = rights.maySubscribe
      $0.canPublish = rights.mayPublish
      $0.canPublishData = rights.mayPublishData
      $0.hidden = rights.hidden
      $0.recorder = rights.isRecorder
      $0.canPublishSources = TrackSource.allCases
        .filter { rights.sources?.contains($0) ?? false }
      $0.canUpdateMetadata = rights.mayUpdateOwnMetadata
      $0.agent = rights.isAgent
      $0.canSubscribeMetrics = rights.canSubscribeMetrics
      $0.canManageAgentSession = rights.canManageAgentSession
    }
  }
}

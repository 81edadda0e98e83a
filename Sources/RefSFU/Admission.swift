// Who may open a signalling stream: the request line, the token, the room's size; and the plain HTTP
// paths beside it. Texts and statuses are LiveKit's (pkg/service/rtcservice.go, server.go).

import Basics
import Signal

/// A join that was granted.
struct Admission {
  var token: AccessToken
  var room: String
  var query: RTCQuery
}

/// A request that was refused.
struct Refusal: Error {
  var status: Int
  var text: String

  var response: StreamResponse { StreamResponse(status: status, text: text) }

  static let unknownPath = Refusal(status: 404, text: "404 page not found")
}

extension StreamResponse {
  /// Plain text that scripts of every origin may read.
  init(status: Int, text: String) {
    self.init(
      status: status,
      headers: [
        ("content-type", "text/plain; charset=utf-8"), ("access-control-allow-origin", "*"),
      ],
      body: Array(text.utf8))
  }
}

extension StreamRequest {
  /// The token of the field Authorization (RFC 6750 §2.1).
  var bearer: String? {
    header("authorization").flatMap { value in
      value.hasPrefix("Bearer ") ? String(value.dropFirst(7)) : nil
    }
  }
}

extension SFU {
  /// Whether a WebSocket may become a participant's signalling stream.
  func admit(_ request: StreamRequest, at now: Instant) -> Result<Admission, Refusal> {
    guard request.kind == .webSocket, let target = RequestTarget(request.target),
      target.path == "/rtc"
    else { return .failure(.unknownPath) }
    let result = authorise(request, target, at: now)
    // Who is let in costs handshakes; a session that goes on costs none, nor does who is refused.
    if case .success(let admission) = result, !admission.query.reconnect,
      let rate = configuration.joinRate, !joinBudget.takes(at: now, rate: rate)
    {
      return .failure(Refusal(status: 503, text: "too many joins at once"))
    }
    return result
  }

  /// Answers a request that is no WebSocket: health, what `/rtc` would say, and the API.
  func answer(
    _ request: StreamRequest, at now: Instant, into outbox: inout Outbox
  ) -> StreamResponse {
    guard let target = RequestTarget(request.target) else { return Refusal.unknownPath.response }
    if target.path.hasPrefix("/twirp/") {
      return answerCall(request, path: target.path, at: now, into: &outbox)
    }
    if let kind = HTTPSignalling(path: target.path) {
      return answer(kind, request, target, at: now, into: &outbox)
    }
    guard request.method == "GET" || request.method == "HEAD" else {
      return Refusal.unknownPath.response
    }
    switch target.path {
    case "/", "/healthz":
      return isShuttingDown
        ? StreamResponse(status: 503, text: "shutting down")
        : StreamResponse(status: 200, text: "OK")
    case "/rtc/validate":
      switch authorise(request, target, at: now) {
      case .success: return StreamResponse(status: 200, text: "success")
      case .failure(let refusal): return refusal.response
      }
    default: return Refusal.unknownPath.response
    }
  }

  /// Names that go into every update, and a room that a join would make, have limits on every way in.
  private func refusal(ofRoom name: String, by token: AccessToken) -> Refusal? {
    guard name.utf8.count <= SFULimits.roomNameSize else {
      return Refusal(status: 400, text: "the room's name is too long")
    }
    guard token.identity.utf8.count <= SFULimits.identitySize else {
      return Refusal(status: 400, text: "the identity is too long")
    }
    guard Profile(token).isWithinLimits else {
      return Refusal(status: 400, text: "the token exceeds the limits of metadata")
    }
    guard rooms.count < SFULimits.rooms || rooms.contains(where: { $0.name == name }) else {
      return Refusal(status: 503, text: "too many rooms")
    }
    return nil
  }

  /// Whether the request's token lets its bearer join, and the room has a place.
  func authorise(
    _ request: StreamRequest, _ target: RequestTarget, at now: Instant
  ) -> Result<Admission, Refusal> {
    if isShuttingDown { return .failure(Refusal(status: 503, text: "shutting down")) }
    let query = RTCQuery(target)
    guard let text = request.bearer ?? query.accessToken else {
      return .failure(Refusal(status: 401, text: AccessTokenError.permissionDenied.message))
    }
    do throws(AccessTokenError) {
      let token = try AccessToken(
        verifying: text, keys: configuration.keys, now: unixSeconds(at: now),
        leeway: configuration.tokenLeeway)
      let name = try token.roomToJoin()
      if configuration.requiresExpiry, token.expires == nil {
        return .failure(Refusal(status: 401, text: "invalid token: it never expires (exp)"))
      }
      if let refusal = refusal(ofRoom: name, by: token) { return .failure(refusal) }
      if let room = rooms.first(where: { $0.name == name }), !token.video.hidden,
        room.visibleCount(besides: token.identity) >= room.settings.maximumParticipants
      {
        return .failure(Refusal(status: 429, text: "room has exceeded its max participants"))
      }
      return .success(Admission(token: token, room: name, query: query))
    } catch {
      return .failure(Refusal(status: 401, text: error.message))
    }
  }
}

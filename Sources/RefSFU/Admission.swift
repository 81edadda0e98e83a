// Who may open a signalling stream: the request line, the token, the room's size. Texts and statuses
// are LiveKit's (pkg/service/rtcservice.go).

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

  var response: StreamResponse {
    StreamResponse(
      status: status, headers: [("content-type", "text/plain; charset=utf-8")],
      body: Array(text.utf8))
  }
}

extension SFU {
  func admit(_ request: StreamRequest, at now: Instant) -> Result<Admission, Refusal> {
    guard request.kind == .webSocket, let target = RequestTarget(request.target),
      target.path == "/rtc"
    else {
      return .failure(Refusal(status: 404, text: "404 page not found"))
    }
    let bearer = request.header("authorization").flatMap { value in
      value.hasPrefix("Bearer ") ? String(value.dropFirst(7)) : nil
    }
    let query = RTCQuery(target)
    guard let text = bearer ?? query.accessToken else {
      return .failure(Refusal(status: 401, text: AccessTokenError.permissionDenied.message))
    }
    do throws(AccessTokenError) {
      let token = try AccessToken(
        verifying: text, keys: configuration.keys, now: unixSeconds(at: now),
        leeway: configuration.tokenLeeway)
      let name = try token.roomToJoin()
      if let room = rooms.first(where: { $0.name == name }), !token.video.hidden,
        room.visibleCount(besides: token.identity) >= configuration.maximumParticipants
      {
        return .failure(Refusal(status: 429, text: "room has exceeded its max participants"))
      }
      return .success(Admission(token: token, room: name, query: query))
    } catch {
      return .failure(Refusal(status: 401, text: error.message))
    }
  }
}

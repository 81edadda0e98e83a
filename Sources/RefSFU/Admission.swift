// Who may open a signalling stream: the request line, the token, the room's size. Texts and statuses
// are LiveKit's (pkg/service/rtcservice.go).

import Basics
import Signal

/// A join that was granted.
struct Admission {
  var grant: AccessGrant
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
    guard request.kind == .webSocket, let query = RTCQuery(target: request.target) else {
      return .failure(Refusal(status: 404, text: "404 page not found"))
    }
    let bearer = request.header("authorization").flatMap { value in
      value.hasPrefix("Bearer ") ? String(value.dropFirst(7)) : nil
    }
    guard let token = bearer ?? query.accessToken else {
      return .failure(Refusal(status: 401, text: "no permissions to access the room"))
    }
    let grant: AccessGrant
    do {
      grant = try AccessToken.verify(
        token, keys: configuration.keys, now: configuration.epochSeconds + Int64(now.seconds))
    } catch {
      return .failure(Refusal(status: 401, text: "invalid token: \(error)"))
    }
    guard grant.video.roomJoin, !grant.video.room.isEmpty, !grant.identity.isEmpty else {
      return .failure(Refusal(status: 401, text: "no permissions to access the room"))
    }
    if let room = rooms.first(where: { $0.name == grant.video.room }), !grant.video.hidden,
      room.visibleCount(besides: grant.identity) >= configuration.maximumParticipants
    {
      return .failure(Refusal(status: 429, text: "room has exceeded its max participants"))
    }
    return .success(Admission(grant: grant, query: query))
  }
}

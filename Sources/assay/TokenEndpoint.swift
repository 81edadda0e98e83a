// GET /api/video/token?room=&user= of `serve`: a token to join with, as {"token", "url"}.

import Basics
import Foundation
import Scenario
import Signal

struct TokenEndpoint {
  let keys: Keys
  /// Whether anybody gets one; otherwise the request needs a token that may create rooms.
  let isOpen: Bool
  /// Whether signalling runs over TLS.
  let isSecure: Bool
  /// Seconds that a token holds.
  let lifetime: Int64

  private static let path = "/api/video/token"
  /// Of a room's name or an identity.
  private static let longest = 256

  /// - Throws: where LIVEKIT_TOKEN_TTL_HOURS is no time.
  init(keys: Keys, isOpen: Bool, isSecure: Bool) throws(UsageError) {
    self.keys = keys
    self.isOpen = isOpen
    self.isSecure = isSecure
    guard let text = ProcessInfo.processInfo.environment["LIVEKIT_TOKEN_TTL_HOURS"],
      !text.isEmpty
    else {
      lifetime = AccessToken.defaultLifetime
      return
    }
    guard let hours = Double(text), hours > 0, hours <= 8_784 else {
      throw UsageError(
        message: "LIVEKIT_TOKEN_TTL_HOURS takes hours up to a year, such as 6, not '\(text)'")
    }
    lifetime = max(1, Int64(hours * 3_600))
  }

  /// The answer to a request for a token; nil for anything else.
  func answer(_ request: StreamRequest) -> StreamResponse? {
    guard let target = RequestTarget(request.target), target.path == TokenEndpoint.path else {
      return nil
    }
    guard request.method == "GET" else { return TokenEndpoint.refusal(405, "only GET") }
    let now = Int64(Date().timeIntervalSince1970)
    guard isOpen || mayMint(request, now: now) else {
      return TokenEndpoint.refusal(401, "a token with the grant roomCreate is needed")
    }
    guard let room = target["room"], TokenEndpoint.isName(room) else {
      return TokenEndpoint.refusal(400, "room: 1 to \(TokenEndpoint.longest) visible characters")
    }
    guard let user = target["user"], TokenEndpoint.isName(user) else {
      return TokenEndpoint.refusal(400, "user: 1 to \(TokenEndpoint.longest) visible characters")
    }
    let token = AccessToken(
      apiKey: keys.names.first ?? "", identity: user, video: .join(room), now: now,
      lifetime: lifetime)
    guard let text = token.signed(with: keys.secrets), let host = request.header("host") else {
      return TokenEndpoint.refusal(400, "no field Host")
    }
    return TokenEndpoint.response(
      200, ["token": .string(text), "url": .string("\(isSecure ? "wss" : "ws")://\(host)")])
  }

  private func mayMint(_ request: StreamRequest, now: Int64) -> Bool {
    guard let value = request.header("authorization"), value.hasPrefix("Bearer "),
      let token = try? AccessToken(
        verifying: String(value.dropFirst(7)), keys: keys.secrets, now: now)
    else { return false }
    return token.video.roomCreate
  }

  /// Nothing that looks like another name: no control or format characters, no space at an end.
  private static func isName(_ text: String) -> Bool {
    let scalars = text.unicodeScalars
    guard !scalars.isEmpty, text.utf8.count <= longest,
      scalars.first?.properties.isWhitespace == false,
      scalars.last?.properties.isWhitespace == false
    else { return false }
    return scalars.allSatisfy { scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
        .paragraphSeparator:
        false
      default: true
      }
    }
  }

  private static func refusal(_ status: Int, _ text: String) -> StreamResponse {
    response(status, ["error": .string(text)])
  }

  private static func response(_ status: Int, _ json: JSON) -> StreamResponse {
    StreamResponse(
      status: status,
      headers: [("content-type", "application/json"), ("cache-control", "no-store")],
      body: Array(json.text().utf8))
  }
}

// Whose a datagram or a request is, for whoever stands between the sockets and the SFU.

import Basics
import Signal
import Wire

extension SFU {
  /// A participant's identity and its room.
  public struct Owner: Hashable, Sendable {
    public let identity: String
    public let room: String
  }

  /// The participant whose ufrag a STUN request names (RFC 8445 §7.2.2); nil for anything else.
  public func owner(ofUfragIn bytes: RawSpan) -> Owner? {
    guard PacketKind(bytes) == .stun, let participant = steer(ufragIn: bytes)?.participant else {
      return nil
    }
    return Owner(identity: participant.identity, room: participant.room.name)
  }

  /// Who joins, or has joined, with the token of this request; nil unless it holds.
  public func owner(of request: StreamRequest, at now: Instant) -> Owner? {
    guard let target = RequestTarget(request.target),
      let token = token(of: request, target, at: now), let room = try? token.roomToJoin()
    else { return nil }
    return Owner(identity: token.identity, room: room)
  }

  /// The token of a request, proven; nil where there is none or it does not hold.
  public func token(
    of request: StreamRequest, _ target: RequestTarget, at now: Instant
  ) -> AccessToken? {
    guard let text = request.bearer ?? target["access_token"] else { return nil }
    return try? AccessToken(
      verifying: text, keys: configuration.keys, now: unixSeconds(at: now),
      leeway: configuration.tokenLeeway)
  }
}

// Whose a datagram or a request is, for whoever stands between the sockets and the SFU.

import Basics
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

  /// Who joins, or has joined, with the credentials of this request; nil unless they hold.
  public func owner(of request: StreamRequest, at now: Instant) -> Owner? {
    guard let target = RequestTarget(request.target),
      let admission = try? configuration.authorizer.admission(
        for: request, target, at: unixSeconds(at: now))
    else { return nil }
    return Owner(identity: admission.identity, room: admission.room)
  }
}

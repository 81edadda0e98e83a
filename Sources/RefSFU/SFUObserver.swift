// Who comes and goes, for whoever keeps a log.

import Basics
import Signal

public struct SFUParticipant: Sendable, Equatable {
  public var room: String
  public var identity: String
  public var sid: String
  /// 32 hexadecimal digits (W3C Trace Context §3.2.2.3), the same as long as the session lasts.
  public var traceID: String
}

/// Hears of participants; told in the order of events, within the call that caused them.
public protocol SFUObserver: AnyObject {
  func joined(_ who: SFUParticipant)
  /// - Parameter reason: LiveKit's word, such as `CLIENT_INITIATED`.
  func left(_ who: SFUParticipant, reason: String)
}

extension Participant {
  var summary: SFUParticipant {
    SFUParticipant(room: room.name, identity: identity, sid: sid, traceID: traceID)
  }

  private var traceID: String {
    [stableHash(sid), stableHash("\(sid)/\(room.sid)")].map { half in
      let digits = String(half, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }
}

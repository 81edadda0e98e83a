// Who comes and goes, for whoever keeps a log.

import Basics

public struct SFUParticipant: Sendable, Equatable {
  public var room: String
  public var identity: String
  public var sid: String
  /// 32 hexadecimal digits (W3C Trace Context §3.2.2.3), the same as long as the session lasts.
  public var traceID: String
  /// The path of the endpoint that it joined by, such as `/rtc` or `/whip/v1`.
  public var endpoint: String
}

/// What a participant did, or what became of it.
public enum SFUEvent: Sendable, Equatable {
  case joined, resumed
  /// `reason` is LiveKit's word, such as `CLIENT_INITIATED`.
  case left(reason: String)
  /// The first media of the track has come.
  /// `source` is as grants write it, such as `screen_share`.
  case published(track: String, source: String)
  case unpublished(track: String)
}

/// Hears of participants; told in the order of events, within the call that caused them.
public protocol SFUObserver: AnyObject {
  func noted(_ event: SFUEvent, of who: SFUParticipant)
  /// Somebody was not let in; `path` is that of the request, without its query.
  func refused(_ path: String, status: Int, reason: String)
}

extension SFU {
  func note(_ refusal: Refusal, of request: StreamRequest) {
    let path = String(request.target.prefix { $0 != "?" })
    observer?.refused(path, status: refusal.status, reason: refusal.text)
  }
}

extension Participant {
  func note(_ event: SFUEvent) { sfu.observer?.noted(event, of: summary) }

  private var summary: SFUParticipant {
    SFUParticipant(
      room: room.name, identity: identity, sid: sid, traceID: traceID, endpoint: channel.endpoint)
  }

  private var traceID: String {
    [stableHash(sid), stableHash("\(sid)/\(room.sid)")].map { half in
      let digits = String(half, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }
}

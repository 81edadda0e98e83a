// The log of `serve`: who comes, publishes, is refused and goes, one JSON object a line, on standard
// error.

import Basics
import Foundation
import RefSFU
import Scenario
import Signal

final class ServeLog: SFUObserver {
  func noted(_ event: SFUEvent, of who: SFUParticipant) {
    var line = start("info", event.message)
    line["room"] = .string(who.room)
    line["participant"] = .string(who.identity)
    line["sid"] = .string(who.sid)
    line["trace_id"] = .string(who.traceID)
    switch event {
    case .joined, .resumed: break
    case .left(let reason): line["reason"] = .string(reason)
    case .published(let track, let source):
      line["track"] = .string(track)
      line["source"] = .string(source)
    case .unpublished(let track): line["track"] = .string(track)
    }
    Console.log(JSON.object(line).text())
  }

  func refused(_ path: String, status: Int, reason: String) {
    var line = start("warn", "request refused")
    line["path"] = .string(path)
    line["status"] = .integer(Int64(status))
    line["reason"] = .string(reason)
    Console.log(JSON.object(line).text())
  }

  private func start(_ level: String, _ message: String) -> JSONObject {
    var line = JSONObject()
    line["time"] = .string(Date().formatted(.iso8601))
    line["level"] = .string(level)
    line["message"] = .string(message)
    return line
  }
}

extension SFUEvent {
  fileprivate var message: String {
    switch self {
    case .joined: "participant joined"
    case .resumed: "participant resumed"
    case .left: "participant left"
    case .published: "track published"
    case .unpublished: "track unpublished"
    }
  }
}

// The log of `serve`: who comes and goes, one JSON object a line, on standard error.

import Basics
import Foundation
import RefSFU

final class ServeLog: SFUObserver {
  func joined(_ who: SFUParticipant) { write("participant joined", who, []) }

  func left(_ who: SFUParticipant, reason: String) {
    write("participant left", who, [("reason", .string(reason))])
  }

  private func write(_ message: String, _ who: SFUParticipant, _ more: [(String, JSON)]) {
    var line = JSONObject()
    line["time"] = .string(Date().formatted(.iso8601))
    line["level"] = "info"
    line["message"] = .string(message)
    line["room"] = .string(who.room)
    line["participant"] = .string(who.identity)
    line["sid"] = .string(who.sid)
    line["trace_id"] = .string(who.traceID)
    for (name, value) in more { line[name] = value }
    Console.log(JSON.object(line).text())
  }
}

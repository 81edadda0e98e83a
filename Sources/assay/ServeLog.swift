// The log of `serve`: who comes, publishes, is refused and goes, one JSON object a line, on standard
// error.

import Basics
import Foundation
import RefSFU
import Scenario
import Signal

final class ServeLog: SFUObserver {
  /// Lines on refusals: so many at once, and so many a second.
  private static let refusalBurst = 50.0
  private static let refusalRate = 5.0
  /// Bytes of what a stranger wrote that one line repeats.
  private static let quotedSize = 200

  private let clock = ContinuousClock()
  private var refusalsLeft = ServeLog.refusalBurst
  private var lastRefusal: ContinuousClock.Instant?
  private var unsaid = 0

  func noted(_ event: SFUEvent, of who: SFUParticipant) {
    var line = start("info", event.message)
    line["room"] = .string(who.room)
    line["participant"] = .string(who.identity)
    line["sid"] = .string(who.sid)
    line["trace_id"] = .string(who.traceID)
    switch event {
    case .joined, .resumed: line["endpoint"] = .string(who.endpoint)
    case .left(let reason): line["reason"] = .string(reason)
    case .published(let track, let source):
      line["track"] = .string(track)
      line["source"] = .string(source)
    case .unpublished(let track): line["track"] = .string(track)
    }
    Console.log(JSON.object(line).text())
  }

  func refused(_ path: String, status: Int, reason: String) {
    guard mayLogRefusal() else {
      unsaid += 1
      return
    }
    var line = start("warn", "request refused")
    line["path"] = .string(ServeLog.shortened(path))
    line["status"] = .integer(Int64(status))
    line["reason"] = .string(ServeLog.shortened(reason))
    if unsaid > 0 { line["unlogged"] = .integer(Int64(unsaid)) }
    unsaid = 0
    Console.log(JSON.object(line).text())
  }

  /// Whoever asks again and again fills no disk: a token bucket.
  private func mayLogRefusal() -> Bool {
    let now = clock.now
    if let lastRefusal {
      let passed = (now - lastRefusal) / Swift.Duration.seconds(1)
      refusalsLeft = min(ServeLog.refusalBurst, refusalsLeft + passed * ServeLog.refusalRate)
    }
    lastRefusal = now
    guard refusalsLeft >= 1 else { return false }
    refusalsLeft -= 1
    return true
  }

  private static func shortened(_ text: String) -> String {
    text.utf8.count <= quotedSize
      ? text : String(decoding: text.utf8.prefix(quotedSize), as: UTF8.self) + "…"
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

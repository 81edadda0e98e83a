// The timers of one node or stream that lie in the event queue: never two where one will do.
import Basics

/// A later timer stays in the queue while earlier ones are set before it, so the times only ever
/// fall, and none is set twice.
struct PendingTimers {
  private var times: [Instant] = []

  var isEmpty: Bool { times.isEmpty }
  var count: Int { times.count }

  /// Whether an event must be pushed so that one comes no later than `time`.
  mutating func arm(_ time: Instant) -> Bool {
    if let next = times.last, next <= time { return false }
    times.append(time)
    return true
  }

  /// The event that comes first has come.
  mutating func fire() { times.removeLast() }
}

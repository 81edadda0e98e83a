// The least of arrival moment minus RTP time in the recent past: what an undisturbed path gives.

import Basics

/// A minimum over the running window and the one before it, so over one to two windows.
struct LeastOffset: Sendable {
  let window: Duration
  private var running: Int64?
  private var previous: Int64?
  private var windowEnd = Instant.zero

  init(window: Duration) { self.window = window }

  /// Nanoseconds; nil before the first.
  var value: Int64? {
    guard let running else { return previous }
    return min(running, previous ?? running)
  }

  mutating func record(_ offset: Int64, at now: Instant) {
    guard let least = running, now < windowEnd else {
      // After a pause longer than a window the one before says nothing any more.
      previous = now < windowEnd + window ? running : nil
      running = offset
      windowEnd = now + window
      return
    }
    running = min(least, offset)
  }

  mutating func reset() {
    running = nil
    previous = nil
  }
}

// How long a receiver waits for the keyframes that it asks for (RFC 4585 §6.3.1, RFC 5104 §4.3.1).

import Basics

/// The waits of one stream. The clock of a wait runs while packets of the stream come: silence says that
/// its publisher is gone, or the link, and not that nobody answered.
struct KeyframeWait {
  /// Packets further apart than this are silence.
  private static let silence = Duration.milliseconds(500)

  /// Requests, repeats of one that waits not counted.
  private(set) var requests = 0
  private(set) var longest = Duration.zero
  /// Of the request that waits: how long packets have come since; nil where none waits.
  private var waited: Duration?
  private var last = Instant.zero

  /// A request leaves, or leaves again.
  mutating func asked(at now: Instant) {
    guard waited == nil else { return }
    requests += 1
    waited = .zero
    last = now
  }

  /// A packet of the stream came.
  mutating func received(isKeyframe: Bool, at now: Instant) {
    guard let before = waited else { return }
    let gap = now - last
    let sum = gap <= KeyframeWait.silence ? before + gap : before
    last = now
    longest = max(longest, sum)
    waited = isKeyframe ? nil : sum
  }

  /// Pictures are shown again, or none is wanted.
  mutating func ended() { waited = nil }
}

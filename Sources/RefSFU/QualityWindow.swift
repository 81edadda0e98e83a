// What happened to one stream in the running window of the connection-quality score.

import Basics
import Transport

struct QualityWindow {
  private var packets = 0
  private var bytes = 0
  private var jitter = Duration.zero
  private var roundTrip = Duration.zero
  /// Lost so far in each stream's life, as last reported and at the last window's end.
  private var lost: [Int64] = []
  private var lostBefore: Int64 = 0
  private var lastRTCP: Instant?
  private var unwrapper = SequenceUnwrapper()
  /// Highest number sent, now and at the last window's end: numbers between that were not sent never
  /// reached this end.
  private var highest: Int64?
  private var highestBefore: Int64?
  /// Whether anything was sent since the last sender report.
  var hasSentLately = false

  mutating func sent(bytes count: Int, sequenceNumber: UInt16) {
    packets += 1
    let number = unwrapper.unwrap(sequenceNumber)
    highest = max(highest ?? number, number)
    highestBefore = highestBefore ?? (number - 1)
    bytes += count
    hasSentLately = true
  }

  mutating func received(bytes count: Int) {
    packets += 1
    bytes += count
  }

  mutating func reported(cumulativeLost: Int64, jitter: Duration, stream: Int, at now: Instant) {
    while lost.count <= stream { lost.append(0) }
    lost[stream] = cumulativeLost
    self.jitter = max(self.jitter, jitter)
    lastRTCP = now
  }

  mutating func note(roundTrip: Duration?) {
    if let roundTrip { self.roundTrip = max(self.roundTrip, roundTrip) }
  }

  /// Ends the window and begins the next one.
  mutating func close(at now: Instant) -> ConnectionQualityScorer.Window {
    let total = lost.reduce(0, +)
    let span = Int((highest ?? 0) - (highestBefore ?? highest ?? 0))
    let missing = max(0, span - packets)
    defer {
      highestBefore = highest
      lostBefore = total
      packets = 0
      bytes = 0
      jitter = .zero
      roundTrip = .zero
    }
    let lostNow = Int(max(0, total - lostBefore))
    return ConnectionQualityScorer.Window(
      packets: packets, lost: lostNow, missing: highest == nil ? 0 : missing, bytes: bytes,
      rttMilliseconds: roundTrip.milliseconds,
      jitterMicroseconds: Double(jitter.wholeMicroseconds), lastRTCP: lastRTCP)
  }
}

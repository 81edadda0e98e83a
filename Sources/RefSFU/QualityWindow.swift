// What happened to one stream in the running window of the connection-quality score.

import Basics
import Transport

struct QualityWindow {
  private var packets = 0
  private var bytes = 0
  private var jitter = Duration.zero
  private var roundTrip = Duration.zero
  /// Lost so far in each stream's life, as last reported.
  private var lost: [Int64] = []
  /// Of those lost so far, the ones that this end did send: at the last report, and at the last
  /// window's end.
  private var ownLoss: Int64 = 0
  private var ownLossBefore: Int64 = 0
  private var lastRTCP: Instant?
  private var unwrapper = SequenceUnwrapper()
  /// The first and the highest number sent, and how many were sent: numbers between that were not sent
  /// never reached this end.
  private var first: Int64?
  private var highest: Int64 = 0
  private var sentTotal: Int64 = 0
  /// Whether anything was sent since the last sender report.
  var hasSentLately = false

  mutating func sent(bytes count: Int, sequenceNumber: UInt16) {
    packets += 1
    sentTotal += 1
    let number = unwrapper.unwrap(sequenceNumber)
    if first == nil {
      first = number
      highest = number
    }
    highest = max(highest, number)
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
    // Numbers that are still to be filled by the publisher's retransmissions are missing at both ends.
    let neverSent = first.map { max(0, highest - $0 + 1 - sentTotal) } ?? 0
    ownLoss = max(0, lost.reduce(0, +) - neverSent)
    self.jitter = max(self.jitter, jitter)
    lastRTCP = now
  }

  mutating func note(roundTrip: Duration?) {
    if let roundTrip { self.roundTrip = max(self.roundTrip, roundTrip) }
  }

  /// Ends the window and begins the next one.
  mutating func close(at now: Instant) -> ConnectionQualityScorer.Window {
    defer {
      ownLossBefore = ownLoss
      packets = 0
      bytes = 0
      jitter = .zero
      roundTrip = .zero
    }
    return ConnectionQualityScorer.Window(
      packets: packets, lost: Int(max(0, ownLoss - ownLossBefore)), bytes: bytes,
      rttMilliseconds: roundTrip.milliseconds,
      jitterMicroseconds: Double(jitter.wholeMicroseconds), lastRTCP: lastRTCP)
  }
}

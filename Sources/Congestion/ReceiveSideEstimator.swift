// The receiver's estimate from abs-send-time, told as REMB to senders that know no transport-wide
// numbers (libwebrtc modules/remote_bitrate_estimator/remote_bitrate_estimator_abs_send_time.cc,
// revision 3710345; with the trendline in place of its Kalman filter, and without its probes).

import Basics

public struct ReceiveSideEstimator: Sendable {
  private static let streamTimeout = Duration.seconds(2)

  /// When `estimate` has something to tell; nil before anything came.
  public private(set) var nextTimeout: Instant?
  private var rateControl = AIMDRateControl()
  private var interArrival = InterArrivalDelta()
  private var trendline = TrendlineEstimator()
  private var incoming = RateWindow()
  private var lastPacket: Instant?
  /// The last departure in 6.18 fixed-point seconds, unwrapped.
  private var lastUnits: Int64?

  public init() {}

  /// - Parameter departure: abs-send-time, 24 bits of 6.18 fixed-point seconds.
  public mutating func received(departure: UInt32, size: DataSize, at now: Instant) {
    if lastPacket.map({ now - $0 > ReceiveSideEstimator.streamTimeout }) ?? true {
      interArrival = InterArrivalDelta()
      trendline = TrendlineEstimator()
    }
    lastPacket = now
    incoming.add(size, at: now)
    if let deltas = interArrival.add(
      sent: unwrap(departure), arrival: now, system: now, size: size)
    {
      trendline.update(arrivalDelta: deltas.arrival, sendDelta: deltas.send, arrival: now)
    }
    if nextTimeout == nil { nextTimeout = now + rateControl.feedbackInterval }
    guard trendline.state == .overusing, let rate = incoming.rate(at: now),
      rateControl.isTimeToReduce(at: now, throughput: rate)
    else { return }
    nextTimeout = now
  }

  /// The estimate to be told; nil before there is one, or before it is time.
  public mutating func estimate(at now: Instant) -> Bitrate? {
    guard let due = nextTimeout, due <= now else { return nil }
    let estimate = rateControl.update(
      trendline.state, throughput: incoming.rate(at: now), at: now)
    nextTimeout = now + rateControl.feedbackInterval
    return rateControl.isInitialized ? estimate : nil
  }

  public mutating func setRoundTrip(_ roundTrip: Duration) { rateControl.roundTrip = roundTrip }

  private mutating func unwrap(_ departure: UInt32) -> Instant {
    var units = Int64(departure & 0xFF_FFFF)
    if let lastUnits {
      var step = (units - lastUnits) & 0xFF_FFFF
      if step >= 0x80_0000 { step -= 0x100_0000 }
      units = lastUnits + step
    }
    lastUnits = units
    return Instant(nanoseconds: units * 1_000_000_000 / (1 << 18))
  }
}

/// What came in the last second, in steps of 50 ms.
struct RateWindow: Sendable {
  private static let bucket: Int64 = 50_000_000
  private static let count: Int64 = 20

  private var bytes = [Int64](repeating: 0, count: Int(count))
  private var first: Int64?
  private var newest: Int64 = 0

  mutating func add(_ size: DataSize, at now: Instant) {
    advance(to: now.nanoseconds / RateWindow.bucket)
    bytes[Int(newest % RateWindow.count)] += size.bytes
  }

  /// Nil before half a second has passed.
  mutating func rate(at now: Instant) -> Bitrate? {
    guard let first else { return nil }
    advance(to: now.nanoseconds / RateWindow.bucket)
    let buckets = min(RateWindow.count, newest - first + 1)
    guard buckets >= RateWindow.count / 2 else { return nil }
    return DataSize(bytes: bytes.reduce(0, +))
      / Duration(nanoseconds: buckets * RateWindow.bucket)
  }

  private mutating func advance(to bucket: Int64) {
    if first == nil {
      first = bucket
      newest = bucket
    }
    guard bucket > newest else { return }
    for old in (newest + 1)...min(bucket, newest + RateWindow.count) {
      bytes[Int(old % RateWindow.count)] = 0
    }
    if bucket - newest > RateWindow.count { bytes = bytes.map { _ in 0 } }
    newest = bucket
  }
}

// The retransmission timeout of TCP (RFC 6298), with Linux's floor of 200 ms under the variance.
import Basics

struct RetransmissionTimeout {
  private var smoothed: Duration?
  private var variance = Duration.zero
  private var base = Limits.initialRTO
  private var backoff = 0

  /// The timeout now in force.
  var value: Duration {
    min(base * (1 << min(backoff, 16)), Limits.maximumRTO)
  }

  /// A round trip was measured on a segment sent once (RFC 6298 §3).
  mutating func sample(_ roundTrip: Duration) {
    if let srtt = smoothed {
      let deviation = srtt > roundTrip ? srtt - roundTrip : roundTrip - srtt
      variance = (variance * 3 + deviation) / 4
      smoothed = (srtt * 7 + roundTrip) / 8
    } else {
      smoothed = roundTrip
      variance = roundTrip / 2
    }
    base = (smoothed ?? roundTrip) + max(Limits.minimumRTO, variance * 4)
  }

  /// The timer expired (§5.5).
  mutating func backOff() { backoff += 1 }

  /// New data was acknowledged.
  mutating func progress() { backoff = 0 }
}

// How much a sender gives to retransmissions (libwebrtc `RtpSender::ReSendPacket`,
// `retransmission_rate_limiter`): no more than media over half a second, or a long gap would be filled
// with what nobody can use any more, ahead of the keyframe that ends it.

import Basics

struct RetransmissionLimiter {
  private static let window = Duration.milliseconds(500)

  private var start = Instant.zero
  private var used = 0

  /// Whether a retransmission of `bytes` may leave, beside media of this rate.
  mutating func allows(_ bytes: Int, mediaRate: Bitrate, at now: Instant) -> Bool {
    if now - start >= RetransmissionLimiter.window {
      start = now
      used = 0
    }
    let budget = (max(.kbps(100), mediaRate) * RetransmissionLimiter.window).bytes
    guard used + bytes <= Int(budget) else { return false }
    used += bytes
    return true
  }
}

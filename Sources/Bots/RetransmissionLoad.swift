// What retransmissions take of a sender's rate, so that its encoders leave them room (libwebrtc
// modules/video_coding/fec_controller_default.cc, UpdateFecRates; call/rtp_video_sender.cc).

import Basics

/// Bytes sent over the last second, media and retransmissions apart.
struct RetransmissionLoad: ~Copyable {
  private static let window = Duration.seconds(1)
  /// libwebrtc's kProtectionOverheadRateThreshold.
  private static let largestShare = 0.5

  private var admitted = RingBuffer<(at: Instant, bytes: Int)>()
  private var admittedBytes = 0
  private var packets = RingBuffer<(at: Instant, bytes: Int, isRetransmission: Bool)>()
  private var media = 0
  private var retransmissions = 0

  init() {}

  mutating func sent(_ bytes: Int, isRetransmission: Bool, at now: Instant) {
    forget(before: now)
    packets.append((now, bytes, isRetransmission))
    if isRetransmission { retransmissions += bytes } else { media += bytes }
  }

  private mutating func forget(before now: Instant) {
    while let first = admitted.first, now - first.at > RetransmissionLoad.window {
      _ = admitted.popFirst()
      admittedBytes -= first.bytes
    }
    while let first = packets.first, now - first.at > RetransmissionLoad.window {
      _ = packets.popFirst()
      if first.isRetransmission { retransmissions -= first.bytes } else { media -= first.bytes }
    }
  }

  /// The share of the target that is left for encoders, 0.5...1.
  mutating func share(at now: Instant) -> Double {
    forget(before: now)
    let total = media + retransmissions
    guard total > 0 else { return 1 }
    return 1 - min(RetransmissionLoad.largestShare, Double(retransmissions) / Double(total))
  }

  /// Whether another `bytes` of retransmissions stay below `rate`, which then counts them: also
  /// those that still wait in the pacer (libwebrtc's RateLimiter).
  mutating func admits(_ bytes: Int, below rate: Bitrate, at now: Instant) -> Bool {
    forget(before: now)
    guard Int64(admittedBytes + bytes) <= (rate * RetransmissionLoad.window).bytes else {
      return false
    }
    admitted.append((now, bytes))
    admittedBytes += bytes
    return true
  }
}

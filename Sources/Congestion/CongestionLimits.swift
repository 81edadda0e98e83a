// Bounds that several parts of congestion control share (libwebrtc
// modules/remote_bitrate_estimator/include/bwe_defines.h, revision 3710345).

import Basics

public enum CongestionLimits {
  /// Losing every packet for so long is no congestion.
  static let outage = Duration.seconds(1)
  /// With each feedback the least transit time grows by so much, so that a longer path, and clocks that
  /// drift apart, are taken for what they are after a while.
  static let transitDrift = Duration.microseconds(500)
  /// The last moments, for a forwarder whose rate jumps, and for an encoder.
  static let forwardedSpan = Duration.milliseconds(200)
  static let encodedSpan = Duration.milliseconds(400)
  /// Loss up to here is taken for the path's own.
  static let randomLoss = 0.2
  /// No estimate goes below this.
  public static let minimumBitrate = Bitrate.kbps(5)
  /// Of an estimate with no maximum configured.
  public static let maximumBitrate = Bitrate.kbps(1_000_000)
  /// Probing with no maximum configured.
  public static let maximumProbe = Bitrate.kbps(5_000)
  /// How often `CongestionController.handleTimeout` wants to be called.
  public static let processInterval = Duration.milliseconds(25)
}

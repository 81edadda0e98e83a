// The bounds on what the media parts of a bot hold and write.

import Basics

enum MediaLimits {
  /// A source that is called so late was asleep: what it would have captured meanwhile never was.
  static let captureGap = Duration.seconds(1)
  /// Bytes of the smallest permitted maximum payload: descriptor, header and stamp fit twice.
  static let minimumPayload = 128
  /// Frames that wait in a video jitter buffer, about eight seconds.
  static let bufferedFrames = 256
  /// Sequence numbers behind the newest that still tell a duplicate from a new packet.
  static let sequenceWindow = 2_048
  /// Packets of the largest frame that is believed.
  static let packetsPerFrame: Int64 = 1_024
  /// Packets that wait in an audio jitter buffer, as in NetEq.
  static let bufferedAudioPackets = 200
}

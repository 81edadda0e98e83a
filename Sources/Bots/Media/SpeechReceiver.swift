// A real decoder behind the jitter buffer of a sound: what libopus makes of each packet, and of each that
// never came.

import Basics
import Codecs

struct SpeechReceiver {
  private let decoder: SpeechDecoder

  /// Nil where libopus has no memory for one.
  init?() {
    guard let decoder = try? SpeechDecoder() else { return nil }
    self.decoder = decoder
  }

  /// Whether libopus decodes the packet.
  func play(_ payload: [UInt8]) -> Bool { (try? decoder.decode(payload[...])) != nil }

  /// Makes up for the frame before the packet at hand, empty for none.
  /// - Returns: whether the packet has it, so that the sound is the sender's (RFC 6716 §2.1.7).
  func makeUp(before next: [UInt8]) -> Bool {
    guard !next.isEmpty, carriesFEC(next[...]) else {
      _ = try? decoder.conceal()
      return false
    }
    return (try? decoder.recover(before: next[...])) != nil
  }
}

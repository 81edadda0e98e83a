// A real encoder behind a microphone whose frames are due when `AudioSource` says so: libopus makes the
// bytes, and decides what of silence is sent.
//
//    0 1 2 3 4 5 6 7
//   +-+-+-+-+-+-+-+-+
//   | config  |s|1 1|    A packet of one frame with padding (RFC 6716 §3.2.5, code 3), which every
//   |0|1| frames = 1|    decoder passes over: there the FrameStamp lies.
//   | padding = 32  |
//   | frame, stamp  |
//   +-+-+-+-+-+-+-+-+

import Basics
import Codecs
import Wire

struct SpeechSender {
  private let encoder: SpeechEncoder
  private let speech = TestSpeech()
  /// What was encoded last was silence that need not be sent.
  private var isDiscontinuous = true
  private var loss = 0.0
  /// A report's part in what is expected.
  private static let smoothing = 0.3

  /// Nil for what libopus does not take.
  init?(_ configuration: AudioSource.Configuration, usesFEC: Bool) {
    guard
      let encoder = try? SpeechEncoder(
        bitsPerSecond: Int32(clamping: configuration.bitrate.bitsPerSecond),
        usesDTX: configuration.usesDTX, usesFEC: usesFEC)
    else { return nil }
    self.encoder = encoder
  }

  /// What the receiver reports, 0...1.
  mutating func setLoss(_ ratio: Double) {
    loss += SpeechSender.smoothing * (ratio - loss)
    encoder.setExpectedLoss(percent: Int((100 * loss).rounded()))
  }

  /// The frame's payload, and whether a talkspurt begins with it; nil where nothing is sent. As libwebrtc
  /// has it, the first silent frame is sent to say that there is silence, and those after it are not.
  mutating func encode(_ frame: AudioFrame) -> (payload: [UInt8], marker: Bool)? {
    let samples = speech.frame(frame.frameNumber, isTalking: frame.voice)
    guard let coded = try? encoder.encode(samples), let toc = coded.first else { return nil }
    let wasDiscontinuous = isDiscontinuous
    isDiscontinuous = coded.count <= OpusPacket.silenceSize
    guard !isDiscontinuous else { return wasDiscontinuous ? nil : (Array(coded), false) }
    var payload = OpusPacket.header(of: toc, padding: UInt8(FrameStamp.size))
    payload += coded.dropFirst()
    let stamp = FrameStamp(
      audioFrame: frame.frameNumber, captureTime: frame.captureTime,
      size: payload.count + FrameStamp.size)
    payload += stamp.bytes
    return (payload, wasDiscontinuous)
  }
}

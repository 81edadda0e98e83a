// Sound of libopus as RTP payloads: what stands in their padding, what a decoder makes of them.

import Basics
import Codecs
import Testing
import Wire

@testable import Bots

@Suite struct MediaSpeechTests {
  private func frame(_ number: UInt32, isTalking: Bool = true) -> AudioFrame {
    AudioFrame(
      frameNumber: number, captureTime: .seconds(0.02 * Double(number)),
      rtpTimestamp: number * 960, marker: false, isComfort: false, level: isTalking ? 20 : 127,
      voice: isTalking, size: 80)
  }

  private func packet(_ payload: [UInt8], _ number: UInt32) throws -> AudioPacket? {
    let header: [UInt8] = [0x80, 111, 0, UInt8(number), 0, 0, 0, 0, 0, 0, 0, 1]
    let bytes = header + payload
    return try AudioPacket(
      bytes.span.bytes, RTPHeader(bytes.span.bytes), keepsPayload: true)
  }

  /// A decoder passes over the padding (RFC 6716 §3.2.5): the same sound with the stamp and without.
  @Test func theStampIsPadding() throws {
    var sender = try #require(SpeechSender(AudioSource.Configuration(), usesFEC: false))
    let (stamped, plain) = (try SpeechDecoder(), try SpeechDecoder())
    for number in UInt32(0)..<20 {
      let payload = try #require(sender.encode(frame(number))?.payload)
      let read = try #require(try packet(payload, number))
      #expect(read.samples == 960 && !read.isComfort)
      #expect(read.stamp?.frameNumber == number && read.stamp?.kind == .audio)
      #expect(payload[1] == 0x41 && payload[2] == 32)
      let bare = [payload[0] & 0xFC] + payload[3..<payload.count - FrameStamp.size]
      #expect(try stamped.decode(payload[...]) == plain.decode(bare[...]))
    }
  }

  @Test func silenceIsSaidOnce() throws {
    var configuration = AudioSource.Configuration()
    configuration.usesDTX = true
    var sender = try #require(SpeechSender(configuration, usesFEC: true))
    #expect(sender.encode(frame(0))?.marker == true)
    for number in UInt32(1)..<10 { #expect(sender.encode(frame(number))?.marker == false) }
    var sizes: [Int] = []
    for number in UInt32(10)..<60 {
      if let coded = sender.encode(frame(number, isTalking: false)) {
        sizes.append(coded.payload.count)
      }
    }
    #expect(sizes.filter { $0 <= 2 }.count <= 3, "\(sizes)")
    #expect(sizes.count < 40, "\(sizes)")
  }

  @Test func whatNoDecoderTakesIsAnError() {
    var meter = AudioQualityMeter()
    meter.recordDecoding(succeeded: true, at: .zero)
    meter.recordDecoding(succeeded: false, at: .zero)
    #expect(meter.framesDecoded == 1 && meter.decodeErrors == 1)
    #expect(SpeechReceiver()?.play([0x7B, 0x7F]) == false)
  }
}

// libopus at work: silence costs nothing, and a lost frame comes back from the one after it.

import Codecs
import Testing

@Suite struct SpeechCodecTests {
  private static func energy(_ samples: [Int16]) -> Double {
    samples.reduce(0) { $0 + Double($1) * Double($1) } / Double(max(1, samples.count))
  }

  private static func error(_ a: [Int16], _ b: [Int16]) -> Double {
    zip(a, b).reduce(0) { $0 + (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1)) }
      / Double(a.count)
  }

  @Test func talkIsPacketsAndSilenceIsNot() throws {
    let encoder = try SpeechEncoder(bitsPerSecond: 32_000, usesDTX: true)
    let speech = TestSpeech()
    var talk = 0
    var still = 0
    for number: UInt32 in 0..<200 {
      let count = try encoder.encode(speech.frame(number, isTalking: number < 100)).count
      if number < 100 { talk += count } else if count <= 2 { still += 1 }
    }
    #expect((5_000...11_000).contains(talk), "2 s at 32 kbps are 8,000 bytes: \(talk)")
    #expect(still > 70)
  }

  @Test func aLostFrameComesBackFromTheNext() throws {
    let encoder = try SpeechEncoder(bitsPerSecond: 32_000, usesDTX: false)
    encoder.setExpectedLoss(percent: 20)
    let (whole, mended, concealed) = try (SpeechDecoder(), SpeechDecoder(), SpeechDecoder())
    let speech = TestSpeech()
    var packets: [ArraySlice<UInt8>] = []
    for number: UInt32 in 0..<100 {
      packets.append(try encoder.encode(speech.frame(number, isTalking: true)))
    }
    #expect(packets.dropFirst(5).filter { carriesFEC($0) }.count > 80)
    var errors = (fec: 0.0, plc: 0.0)
    for number in 0..<99 {
      let sound = try whole.decode(packets[number])
      guard number % 8 == 7 else {
        _ = try mended.decode(packets[number])
        _ = try concealed.decode(packets[number])
        continue
      }
      errors.fec += Self.error(sound, try mended.recover(before: packets[number + 1]))
      errors.plc += Self.error(sound, try concealed.conceal())
    }
    #expect(errors.fec < errors.plc)
    #expect(Self.energy(try whole.decode(packets[99])) > 1_000)
  }

  @Test func withoutLossThereIsNoFEC() throws {
    let encoder = try SpeechEncoder(bitsPerSecond: 32_000, usesDTX: false)
    for number: UInt32 in 0..<50 {
      let packet = try encoder.encode(TestSpeech().frame(number, isTalking: true))
      if number > 5 { #expect(!carriesFEC(packet)) }
    }
  }

  @Test func garbageIsAnError() throws {
    let decoder = try SpeechDecoder()
    #expect(throws: CodecError.self) { try decoder.decode([0xFF, 0xFF][...]) }
  }
}

// Sound that encoders take for speech: a voice of changing pitch with vowels and pauses for breath.

import Basics

/// The same frame number gives the same sound, whoever asks.
public struct TestSpeech: Sendable {
  private static let syllable = 12

  public init() {}

  /// 20 ms of voice; `isTalking` false gives silence.
  public func frame(_ number: UInt32, isTalking: Bool) -> [Int16] {
    var samples = [Int16](repeating: 0, count: samplesPerOpusFrame)
    guard isTalking else { return samples }
    let position = Int(number) % TestSpeech.syllable
    let vowel = (Int(number) / TestSpeech.syllable) % 5
    // A syllable swells and fades.
    let loudness = position < 10 ? 6_000.0 : 1_500.0
    let pitch = 110.0 + 8 * Double(vowel) + 1.5 * Double(position)
    let formants = [(730.0, 1_090.0), (530, 1_840), (270, 2_290), (570, 840), (300, 870)][vowel]
    for index in samples.indices {
      let time = Double(Int(number % 3_000) * samplesPerOpusFrame + index) / 48_000
      var value = 0.0
      for harmonic in 1...20 {
        let frequency = pitch * Double(harmonic)
        let weight =
          TestSpeech.resonance(frequency, formants.0) + TestSpeech.resonance(frequency, formants.1)
        value += weight * RealMath.sin(2 * .pi * frequency * time)
      }
      samples[index] = Int16(min(max(loudness * value, -32_000), 32_000))
    }
    return samples
  }

  private static func resonance(_ frequency: Double, _ formant: Double) -> Double {
    let distance = (frequency - formant) / 120
    return 0.6 / (1 + distance * distance)
  }
}

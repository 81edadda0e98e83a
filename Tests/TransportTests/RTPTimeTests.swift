import Basics
import Testing

@testable import Transport

@Suite struct NTPTimeTests {
  /// 2026-01-01 00:00:00 UTC.
  static let epoch = Duration.seconds(3_976_214_400)

  @Test func exampleOfRFC3550() {
    // RFC 3550 §6.4.1, figure 2: NTP b44d:b705 2000:0000 is sent as SR(n), received A = b710:8000.
    let sent = NTPTime(0xb44d_b705_2000_0000)
    #expect(sent.middle == 0xb705_2000)
    #expect(NTPTime.compact(.milliseconds(5_250)) == 0x0005_4000)
    #expect(NTPTime.duration(compact: 0x0006_2000) == .milliseconds(6_125))
  }

  @Test(arguments: [0, 1, 999_999_999, 1_000_000_000, 123_456_789_012_345, -1, -999_999_999_999])
  func everyNanosecondSurvives(nanoseconds: Int64) {
    let instant = Instant(nanoseconds: nanoseconds)
    for epoch in [Duration.zero, Self.epoch, Self.epoch + .nanoseconds(123_456_789)] {
      #expect(NTPTime(instant, epoch: epoch).instant(epoch: epoch) == instant)
    }
  }

  @Test func secondsAndFraction() {
    let half = NTPTime(.milliseconds(500), epoch: Self.epoch)
    #expect(half.value == UInt64(3_976_214_400) << 32 | 0x8000_0000)
    let before1900 = NTPTime(Instant(nanoseconds: -500_000_000), epoch: .zero)
    #expect(before1900.value == 0xFFFF_FFFF_8000_0000)
  }

  @Test func theEraWrapsIn2036() {
    let lastSecond = Duration.seconds(1 << 32) - .seconds(1)
    let after = NTPTime(.seconds(2), epoch: lastSecond)
    #expect(after.value == 1 << 32)
    #expect(after.instant(epoch: lastSecond) == .seconds(2))
  }

  @Test func compactSpansSaturate() {
    #expect(NTPTime.compact(.seconds(-1)) == 0)
    #expect(NTPTime.compact(.seconds(65_536)) == .max)
    #expect(NTPTime.compact(.milliseconds(65_535_999)) == 0xFFFF_FFBE)
  }

  @Test(arguments: 0..<5) func randomMomentsSurvive(seed: Int) {
    var random = RandomStream(seed: UInt64(seed), name: "ntp")
    for _ in 0..<1_000 {
      let instant = Instant(nanoseconds: Int64(random.next() >> 4))
      #expect(NTPTime(instant, epoch: Self.epoch).instant(epoch: Self.epoch) == instant)
    }
  }
}

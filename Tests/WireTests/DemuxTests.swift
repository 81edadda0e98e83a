// The ranges of RFC 7983 §7 and RFC 5761 §4, first byte by first byte.

import Testing
import Wire

private func kind(_ bytes: [UInt8]) -> PacketKind { PacketKind(bytes.span.bytes) }

@Test func everyFirstByteHasItsProtocol() {
  for first in 0...255 as ClosedRange<UInt8> {
    let kind = kind([first, 100])
    switch first {
    case 0...3: #expect(kind == .stun)
    case 16...19: #expect(kind == .zrtp)
    case 20...63: #expect(kind == .dtls)
    case 64...79: #expect(kind == .turnChannel)
    case 128...191: #expect(kind == .rtp)
    default: #expect(kind == .unknown)
    }
  }
}

@Test func secondByteTellsRTCPFromRTP() {
  for second in 0...255 as ClosedRange<UInt8> {
    let kind = kind([0x80, second])
    #expect(kind == ((192...223).contains(second) ? .rtcp : .rtp))
  }
}

@Test func tooShortIsUnknown() {
  #expect(kind([]) == .unknown)
  #expect(kind([0x80]) == .unknown)
}

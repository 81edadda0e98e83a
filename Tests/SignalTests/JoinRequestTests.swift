// How /rtc/v1 carries a join request: base64 of either alphabet, plain or in gzip made by Python.

import Testing

@testable import Signal

@Suite struct JoinRequestWrappingTests {
  private let join = JoinRequest {
    $0.connectionSettings = ConnectionSettings { $0.autoSubscribe = true }
    $0.addTrackRequests = [AddTrackRequest { $0.cid = "camera" }]
    $0.publisherOffer = SignalDescription { $0.sdp = "v=0" }
  }

  @Test func whatItAsksForComesAsMessages() {
    let wrapped = WrappedJoinRequest { $0.joinRequest = join.encoded }
    let again = wrapped.unwrapped(atMost: 1_000)
    #expect(again == join)
    #expect(again?.messages.count == 2)
    #expect(again.map { RTCQuery($0).autoSubscribe } == true)
    #expect(wrapped.unwrapped(atMost: 4) == nil)
  }

  /// `gzip.compress(b"hello, hello, hello", mtime=0)`
  private static let packed: [UInt8] = [
    0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xCB, 0x48, 0xCD, 0xC9, 0xC9, 0xD7,
    0x51, 0xC8, 0x40, 0xA2, 0x00, 0x9F, 0xA1, 0xCA, 0x09, 0x13, 0x00, 0x00, 0x00,
  ]

  @Test func gzipIsReadWithinALimit() {
    let text = Array("hello, hello, hello".utf8)
    #expect(Gzip.uncompressed(Self.packed, atMost: 19) == text)
    #expect(Gzip.uncompressed(Self.packed, atMost: 18) == nil)
    for end in 0..<Self.packed.count {
      #expect(Gzip.uncompressed(Array(Self.packed[..<end]), atMost: 100) == nil, "\(end)")
    }
    #expect(Gzip.uncompressed([1, 2, 3], atMost: 100) == nil)
  }

  @Test(arguments: ["-_8=", "+/8=", " /8", "-_8"]) func bothAlphabetsAreRead(text: String) {
    #expect(Base64URL.decode(standard: text) == [0xFB, 0xFF])
  }
}

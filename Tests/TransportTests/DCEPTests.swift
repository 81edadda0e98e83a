// DATA_CHANNEL_OPEN and DATA_CHANNEL_ACK (RFC 8832 §5).

import Basics
import Testing
import Wire

@testable import Transport

@Suite struct DCEPTests {
  /// What Chromium sends for `createDataChannel("_lossy", {ordered: false, maxRetransmits: 0})`.
  static let lossy: [UInt8] =
    [3, 0x81, 1, 0, 0, 0, 0, 0, 0, 6, 0, 0] + Array("_lossy".utf8)

  @Test func readsAndWritesAnOpening() throws {
    let expected = DCEPMessage.open(
      DataChannelParameters(label: "_lossy", isOrdered: false, reliability: .retransmits(0)))
    #expect(try DCEPMessage(Self.lossy.span.bytes) == expected)
    #expect(expected.encoded == Self.lossy)
  }

  @Test func acknowledgementIsOneByte() throws {
    #expect(try DCEPMessage([UInt8]([2]).span.bytes) == .ack)
    #expect(DCEPMessage.ack.encoded == [2])
  }

  @Test(arguments: [DataReliability.reliable, .retransmits(7), .lifetime(1_500)])
  func everyChannelTypeComesBack(reliability: DataReliability) throws {
    for isOrdered in [true, false] {
      let message = DCEPMessage.open(
        DataChannelParameters(
          label: "ärger", protocolName: "p", isOrdered: isOrdered, reliability: reliability,
          priority: 512))
      #expect(try DCEPMessage(message.encoded.span.bytes) == message)
    }
  }

  @Test func cutShortIsAnError() {
    for count in 0..<Self.lossy.count {
      let cut = Array(Self.lossy.prefix(count))
      #expect(throws: WireError.self) { try DCEPMessage(cut.span.bytes) }
    }
  }

  @Test func flippedBitsNeverTrap() {
    for bit in 0..<(Self.lossy.count * 8) {
      var flipped = Self.lossy
      flipped[bit / 8] ^= 1 << (bit % 8)
      _ = try? DCEPMessage(flipped.span.bytes)
    }
  }
}

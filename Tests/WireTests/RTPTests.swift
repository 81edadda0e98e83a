// RTP headers, their extensions (shapes of RFC 8285 §4) and retransmission, written and rewritten.

import Basics
import TestKit
import Testing
import Wire

private let fields = RTPFields(
  marker: true, payloadType: 96, sequenceNumber: 0x1234, timestamp: 0x5566_7788,
  ssrc: 0x99AA_BBCC)

/// The ids of `kinds` from 1 on.
private func map(_ kinds: RTPExtensionKind..., from first: UInt8 = 1) -> RTPExtensionMap {
  var map = RTPExtensionMap()
  for (index, kind) in kinds.enumerated() { map[kind] = first + UInt8(index) }
  return map
}

private func read(_ bytes: [UInt8], _ map: RTPExtensionMap) throws -> RTPExtensions {
  RTPExtensions(bytes.span.bytes, try RTPHeader(bytes.span.bytes), map)
}

/// A header with an extension of `profile` that holds `elements`, whole words.
private func packet(_ profile: String, _ elements: String) -> [UInt8] {
  precondition(hex(elements).count % 4 == 0)
  let words = hex(elements).count / 4
  return hex("9060 1234 55667788 99aabbcc \(profile)") + [0, UInt8(words)] + hex(elements)
}

private let everything = {
  var extensions = RTPExtensions()
  extensions.mid = ShortName("0")
  extensions.rid = ShortName("q")
  extensions.repairedRid = ShortName("sixteen-letters!")
  extensions.transportSequenceNumber = 0xFFFF
  extensions.absSendTime = 0xABCDEF
  extensions.absCaptureTime = 0x0102_0304_0506_0708
  extensions.audioLevel = AudioLevel(level: 127, voice: true)
  return extensions
}()

@Suite struct HeaderExtensionTests {
  @Test func uriNamesEachKindOnce() {
    for kind in RTPExtensionKind.allCases { #expect(RTPExtensionKind(uri: kind.uri) == kind) }
    #expect(RTPExtensionKind(uri: "urn:ietf:params:rtp-hdrext:toffset") == nil)
  }

  @Test func mapGoesBothWays() {
    var map = RTPExtensionMap()
    #expect(map[.mid] == nil)
    #expect(map.kind(of: 0) == nil)
    map[.mid] = 255
    map[.rid] = 1
    #expect(map.kind(of: 255) == .mid)
    #expect(map.kind(of: 1) == .rid)
    map[.mid] = nil
    #expect(map.kind(of: 255) == nil)
  }

  @Test func readsOneByteElements() throws {
    let bytes = packet("bede", "10ff 00 00 21 1234 00 32 abcdef 00 43 61626364 0000")
    var expected = RTPExtensions()
    expected.audioLevel = AudioLevel(level: 127, voice: true)
    expected.transportSequenceNumber = 0x1234
    expected.absSendTime = 0xABCDEF
    expected.mid = ShortName("abcd")
    let ids = map(.audioLevel, .transportSequenceNumber, .absSendTime, .mid)
    #expect(try read(bytes, ids) == expected)
  }

  @Test(arguments: ["1000", "100f"]) func readsTwoByteElements(_ profile: String) throws {
    let bytes = packet(profile, "c8 01 05 00 c9 02 1234 ff 01 71 ca 00 00 0000")
    var expected = RTPExtensions()
    expected.audioLevel = AudioLevel(level: 5, voice: false)
    expected.transportSequenceNumber = 0x1234
    var ids = map(.audioLevel, .transportSequenceNumber, .mid, from: 200)
    ids[.rid] = 255
    expected.rid = ShortName("q")
    #expect(try read(bytes, ids) == expected)
  }

  /// RFC 8285 §4.2: id 15, and id 0 with a length, end the block; what overruns it is ignored.
  @Test(arguments: ["10ff f0 01 21 1234 00", "10ff 03 21 1234 0000", "10ff 2f 21 1234 0000"])
  func stopsAtBrokenOneByteElements(_ elements: String) throws {
    var expected = RTPExtensions()
    expected.audioLevel = AudioLevel(level: 127, voice: true)
    #expect(
      try read(packet("bede", elements), map(.audioLevel, .transportSequenceNumber)) == expected)
  }

  @Test func ignoresUnknownProfilesIdsAndSizes() throws {
    let ids = map(.audioLevel, .transportSequenceNumber)
    #expect(try read(packet("abcd", "10ff 21 12 34 000000"), ids) == RTPExtensions())
    #expect(try read(packet("bede", "11ffff 20 12 31 1234"), ids) == RTPExtensions())
  }

  @Test func readsCaptureClockOffset() throws {
    let bytes = packet("bede", "1f 0000000100000000 ffffffff00000000 000000")
    let extensions = try read(bytes, map(.absCaptureTime))
    #expect(extensions.absCaptureTime == 1 << 32)
    #expect(extensions.captureClockOffset == -1 << 32)
  }

  @Test func shortNameHoldsUpToSixteenBytes() {
    for count in 1...16 {
      let text = String(repeating: "x", count: count - 1) + "y"
      #expect(ShortName(text)?.description == text)
      #expect(ShortName(text)?.count == count)
    }
    #expect(ShortName("") == nil)
    #expect(ShortName(String(repeating: "x", count: 17)) == nil)
    #expect(ShortName("ab") != ShortName("ab\0"))
  }
}

@Suite struct RTPWriterTests {
  private let pool = PacketPool()

  @Test func writesOneByteForm() {
    var packet = pool.makePacket()
    var extensions = RTPExtensions()
    extensions.mid = ShortName("0")
    extensions.transportSequenceNumber = 7
    extensions.absSendTime = 1  // Without an id, so not written.
    packet.beginRTP(fields, extensions: extensions, map: map(.mid, .transportSequenceNumber))
    #expect(packet.bytes.array == self.packet("bede", "21 0007 10 30 000000"))
  }

  private func packet(_ profile: String, _ elements: String) -> [UInt8] {
    var bytes = WireTests.packet(profile, elements)
    bytes[1] |= 0x80
    return bytes
  }

  @Test func writesTwoByteFormForAHighId() {
    var packet = pool.makePacket()
    var extensions = RTPExtensions()
    extensions.mid = ShortName("0")
    extensions.transportSequenceNumber = 7
    let ids = map(.mid, .transportSequenceNumber, from: 14)
    packet.beginRTP(fields, extensions: extensions, map: ids)
    #expect(packet.bytes.array == self.packet("1000", "0f 02 0007 0e 01 30 00"))
  }

  @Test(arguments: [1, 8, 9, 200] as [UInt8]) func everythingSurvives(_ first: UInt8) throws {
    var ids = RTPExtensionMap()
    for kind in RTPExtensionKind.allCases { ids[kind] = first + UInt8(kind.rawValue) }
    for offset in [nil, -5] as [Int64?] {
      var extensions = everything
      extensions.captureClockOffset = offset
      var packet = pool.makePacket()
      packet.beginRTP(fields, extensions: extensions, map: ids)
      packet.append(hex("010203").span.bytes)
      let bytes = packet.bytes.array
      let header = try RTPHeader(bytes.span.bytes)
      #expect(RTPFields(header) == fields)
      #expect(try read(bytes, ids) == extensions)
      #expect(bytes[header.payloadRange] == [1, 2, 3])
    }
  }

  @Test func rewriteGrowsAndShrinksAndKeepsPayloadAndPadding() throws {
    // With a CSRC, an extension and four bytes of padding.
    let original = hex(
      "b1e0 0001 00000002 00000003 00000004 bede0001 10ff0000 aabbccdd 00000004")
    var packet = pool.makePacket(original)
    let ids = map(.mid, .rid, .repairedRid, .absCaptureTime)
    for extensions in [everything, RTPExtensions(), everything] {
      packet.rewriteRTP(try RTPHeader(packet.bytes), fields, extensions: extensions, map: ids)
      let header = try RTPHeader(packet.bytes)
      let mid = RTPExtensions(packet.bytes, header, ids).mid
      #expect(RTPFields(header) == fields)
      #expect(header.csrcCount == 0)
      #expect(header.paddingSize == 4)
      #expect(packet.bytes.array.suffix(8) == hex("aabbccdd 00000004")[...])
      #expect(mid == extensions.mid)
    }
    #expect(packet.headroom > 0)
  }

  @Test func rewriteWithoutRoomDropsTheBlock() throws {
    var packet = pool.makePacket(hex("8060 0001 00000002 00000003 aabb"))
    packet.growFront(packet.headroom - 3)
    packet.withUnsafeMutableBytes { bytes in
      bytes.copyBytes(from: hex("8060 0001 00000002 00000003"))
    }
    packet.rewriteRTP(
      try RTPHeader(packet.bytes), fields, extensions: everything, map: map(.mid))
    let header = try RTPHeader(packet.bytes)
    #expect(header.extensionProfile == nil)
    #expect(RTPFields(header) == fields)
    packet.wrapRTX(header, payloadType: 97, ssrc: 1, sequenceNumber: 2)
    let ssrc = try RTPHeader(packet.bytes).ssrc
    #expect(ssrc == 1)
  }
}

@Suite struct RTXTests {
  private let pool = PacketPool()

  private let original = hex(
    "b0e0 fffe 00000002 00000003 bede0001 10ff0000 aabbccdd 00000004")

  @Test func wrapPutsTheNumberBeforeThePayloadAndDropsPadding() throws {
    var packet = pool.makePacket(original)
    packet.wrapRTX(
      try RTPHeader(packet.bytes), payloadType: 97, ssrc: 0x0708_090A, sequenceNumber: 5)
    #expect(
      packet.bytes.array
        == hex("90e1 0005 00000002 0708090a bede0001 10ff0000 fffe aabbccdd"))
  }

  @Test func unwrapRestoresTheOriginalWithoutPadding() throws {
    var packet = pool.makePacket(original)
    packet.wrapRTX(try RTPHeader(packet.bytes), payloadType: 97, ssrc: 9, sequenceNumber: 5)
    try packet.unwrapRTX(try RTPHeader(packet.bytes), payloadType: 96, ssrc: 3)
    var expected = Array(original.dropLast(4))
    expected[0] &= ~0x20
    #expect(packet.bytes.array == expected)
  }

  @Test func unwrapKeepsPadding() throws {
    var packet = pool.makePacket(hex("a061 0005 00000002 00000009 0102 aa 0003 03"))
    try packet.unwrapRTX(try RTPHeader(packet.bytes), payloadType: 96, ssrc: 3)
    #expect(packet.bytes.array == hex("a060 0102 00000002 00000003 aa 0003 03"))
  }

  @Test(arguments: ["", "01"]) func paddingThatProbesIsNoRetransmission(_ payload: String) throws {
    var packet = pool.makePacket(hex("a061 0005 00000002 00000009 \(payload) 000003"))
    let before = packet.bytes.array
    let header = try RTPHeader(packet.bytes)
    var thrown: WireError?
    do throws(WireError) {
      try packet.unwrapRTX(header, payloadType: 96, ssrc: 3)
    } catch { thrown = error }
    #expect(thrown == .truncated)
    #expect(packet.bytes.array == before)
  }
}

@Suite struct RTPDamageTests {
  private let pool = PacketPool()

  @Test func nothingTraps() {
    var ids = RTPExtensionMap()
    for kind in RTPExtensionKind.allCases { ids[kind] = UInt8(kind.rawValue) + 1 }
    for first in [0, 100] as [UInt8] {
      for kind in RTPExtensionKind.allCases { ids[kind] = first + UInt8(kind.rawValue) + 1 }
      var packet = pool.makePacket()
      packet.beginRTP(fields, extensions: everything, map: ids)
      packet.append(hex("0102030405060704").span.bytes)
      packet.store(0xB0 as UInt8, at: 0)
      let bytes = packet.bytes.array
      for damaged in everyTruncation(of: bytes) { exercise(damaged, ids) }
      for damaged in everyBitFlip(of: bytes) { exercise(damaged, ids) }
    }
  }

  private func exercise(_ bytes: [UInt8], _ ids: RTPExtensionMap) {
    var packet = pool.makePacket(bytes)
    guard let header = try? RTPHeader(packet.bytes) else { return }
    let extensions = RTPExtensions(packet.bytes, header, ids)
    var rewritten = packet.copy()
    rewritten.rewriteRTP(header, RTPFields(header), extensions: extensions, map: ids)
    guard let again = try? RTPHeader(rewritten.bytes) else {
      Issue.record("a rewritten packet does not parse")
      return
    }
    let extensionsAgain = RTPExtensions(rewritten.bytes, again, ids)
    #expect(extensionsAgain == extensions)
    #expect(again.payloadRange.count == header.payloadRange.count)
    try? packet.unwrapRTX(header, payloadType: 1, ssrc: 2)
    rewritten.wrapRTX(again, payloadType: 3, ssrc: 4, sequenceNumber: 5)
    let wrapped = try? RTPHeader(rewritten.bytes)
    #expect(wrapped?.ssrc == 4)
  }
}

// Payload descriptors: VP8 (RFC 7741), VP9 (RFC 9628), H.264 (RFC 6184), Opus (RFC 6716), RED (RFC
// 2198).

import Basics
import TestKit
import Testing
import Wire

private func vp8(_ bytes: [UInt8]) throws(WireError) -> VP8Descriptor {
  try VP8Descriptor(bytes.span.bytes, 0..<bytes.count)
}

private func vp8Frame(_ bytes: [UInt8]) throws(WireError) -> VP8FrameHeader? {
  VP8FrameHeader(bytes.span.bytes, 0..<bytes.count, try vp8(bytes))
}

private func vp9(_ bytes: [UInt8]) throws(WireError) -> VP9Descriptor {
  try VP9Descriptor(bytes.span.bytes, 0..<bytes.count)
}

private func h264(_ text: String) throws(WireError) -> H264Payload {
  let bytes = hex(text)
  return try H264Payload(bytes.span.bytes, 0..<bytes.count)
}

private func opus(_ bytes: [UInt8]) throws(WireError) -> OpusPacket {
  try OpusPacket(bytes.span.bytes, 0..<bytes.count)
}

@Suite struct VP8Tests {
  /// Every combination of the optional fields.
  @Test func descriptorSurvivesTheRoundTrip() throws {
    for bits in 0..<512 {
      var descriptor = VP8Descriptor()
      descriptor.isNonReference = bits & 1 != 0
      descriptor.startsPartition = bits & 2 != 0
      descriptor.partitionID = UInt8(bits & 7)
      if bits & 8 != 0 {
        descriptor.hasLongPictureID = bits & 16 != 0
        descriptor.pictureID = bits & 16 != 0 ? 0x7FFF : 0x7F
      }
      if bits & 32 != 0 { descriptor.tl0PicIdx = 255 }
      if bits & 64 != 0 {
        descriptor.temporalID = 3
        descriptor.isLayerSync = bits & 128 != 0
      }
      if bits & 256 != 0 { descriptor.keyIdx = 31 }
      descriptor.isExtended = bits >> 3 != 0 || bits & 1 != 0
      // A long id, or Y, without the field it belongs to is no value.
      if bits & 24 == 16 || bits & 192 == 128 { descriptor.isExtended = true }
      let bytes = descriptor.bytes
      #expect(bytes.count == descriptor.size)
      #expect(try vp8(bytes) == descriptor)
    }
  }

  @Test func readsTheRFCsFields() throws {
    let descriptor = try vp8(hex("b3 f0 92 34 56 bf"))
    #expect(descriptor.isNonReference && descriptor.startsPartition)
    #expect(descriptor.partitionID == 3)
    #expect(descriptor.pictureID == 0x1234 && descriptor.hasLongPictureID)
    #expect(descriptor.tl0PicIdx == 0x56)
    #expect(descriptor.temporalID == 2 && descriptor.isLayerSync)
    #expect(descriptor.keyIdx == 31)
    #expect(descriptor.pictureIDOffset == 2)
    #expect(descriptor.tl0PicIdxOffset == 4)
    #expect(descriptor.size == 6)
  }

  @Test(
    arguments: [
      ("90 f0 92 34 56 bf 11 22", 0xFFFF, 7, "90 f0 ff ff 07 bf 11 22"),
      ("90 c0 12 34 11", 0x1FF, 8, "90 c0 7f 08 11"),
      ("90 80 12 11", 0, 9, "90 80 00 11"),
      ("90 40 12 11", 5, 9, "90 40 09 11"),
      ("10 11", 5, 9, "10 11"),
    ] as [(String, UInt16, UInt8, String)])
  func rewritesInPlace(
    _ before: String, _ pictureID: UInt16, _ tl0PicIdx: UInt8, _ after: String
  ) throws {
    let pool = PacketPool()
    var packet = pool.makePacket([0, 0] + hex(before))
    packet.rewriteVP8(
      try vp8(hex(before)), at: 2, pictureID: pictureID, tl0PicIdx: tl0PicIdx)
    #expect(packet.bytes.array == [0, 0] + hex(after))
  }

  @Test func readsFrameHeaders() throws {
    let key = try #require(try vp8Frame(hex("10 50 02 01 9d012a 8002 e081")))
    #expect(key.isKeyframe && key.isShown)
    #expect(key.firstPartitionSize == 2 + 8 * 2 + 2_048)
    #expect(key.resolution == VideoResolution(width: 640, height: 480))
    let delta = try #require(try vp8Frame(hex("10 31 02 00 9d012a")))
    #expect(!delta.isKeyframe && delta.isShown && delta.resolution == nil)
    #expect(try vp8Frame(hex("10 50 02 01 9d012a 8002 e0"))?.resolution == nil)
    #expect(try vp8Frame(hex("00 50 02 01")) == nil)
    #expect(try vp8Frame(hex("11 50 02 01")) == nil)
    #expect(try vp8Frame(hex("10 50 02")) == nil)
  }

  @Test func damageNeverTraps() {
    let bytes = hex("90 f0 92 34 56 bf 50 02 01 9d012a 8002 e081")
    for damaged in everyTruncation(of: bytes) { _ = try? vp8Frame(damaged) }
    for damaged in everyBitFlip(of: bytes) { _ = try? vp8Frame(damaged) }
  }
}

@Suite struct VP9Tests {
  private static let vectors = [
    // Non-flexible, key picture with a scalability structure of two layers and a group of two.
    hex("aa 81 02 00 05 38 0140 00b4 0280 0168 02 04 01 38 01 02"),
    // Non-flexible, inter-predicted, short id.
    hex("e4 7f 35 09"),
    // Flexible, three references.
    hex("f8 80 01 33 03 05 06"),
    // Nothing but the first byte.
    hex("0c"),
  ]

  @Test func readsNonFlexibleMode() throws {
    let key = try vp9(VP9Tests.vectors[0])
    #expect(key.pictureID == 0x102 && key.hasLongPictureID)
    #expect(key.tl0PicIdx == 5 && key.tl0PicIdxOffset == 4)
    #expect(key.startsKeyframe && key.startsFrame && !key.endsFrame)
    let scalability = try #require(key.scalability)
    #expect(scalability.spatialLayerCount == 2)
    #expect(
      scalability.resolutions == [
        VideoResolution(width: 320, height: 180), VideoResolution(width: 640, height: 360),
      ])
    #expect(
      scalability.pictureGroup == [
        .init(temporalID: 0, isSwitchingUpPoint: false, referenceDifferences: [1]),
        .init(temporalID: 1, isSwitchingUpPoint: true, referenceDifferences: [1, 2]),
      ])
  }

  @Test func readsLayersAndReferences() throws {
    let inter = try vp9(VP9Tests.vectors[1])
    #expect(
      inter.layer
        == .init(
          temporalID: 1, isSwitchingUpPoint: true, spatialID: 2, dependsOnLowerSpatialLayer: true))
    #expect(!inter.startsKeyframe)
    let flexible = try vp9(VP9Tests.vectors[2])
    #expect(flexible.referenceDifferences == [1, 2, 3])
    #expect(flexible.tl0PicIdx == nil && flexible.tl0PicIdxOffset == nil)
    #expect(throws: WireError.badValue) { try vp9(hex("f8 80 01 33 03 05 07 02")) }
  }

  @Test(arguments: vectors) func descriptorSurvivesTheRoundTrip(_ bytes: [UInt8]) throws {
    let descriptor = try vp9(bytes)
    #expect(descriptor.bytes == bytes)
    #expect(descriptor.size == bytes.count)
    #expect(try vp9(bytes + [1, 2, 3]) == descriptor)
  }

  @Test(arguments: vectors) func damageNeverTraps(_ bytes: [UInt8]) throws {
    for damaged in everyTruncation(of: bytes) {
      #expect(throws: WireError.truncated) { try vp9(damaged) }
    }
    for damaged in everyBitFlip(of: bytes) {
      guard let descriptor = try? vp9(damaged) else { continue }
      #expect(try vp9(descriptor.bytes) == descriptor)
      #expect(descriptor.bytes.count == descriptor.size)
    }
  }
}

@Suite struct H264Tests {
  @Test(arguments: [
    ("65 88", true), ("67 42", true), ("41 9a", false), ("68 ce", false),
    ("78 0002 6742 0002 68ce", true), ("78 0002 419a 0001 06", false),
    ("7c 85 88", true), ("7c 05 88", false), ("7c 81 9a", false), ("7c 45 00", false),
  ])
  func keyframeBegins(_ text: String, _ isKeyframe: Bool) throws {
    #expect(try h264(text).isKeyframe == isKeyframe)
  }

  @Test func tellsWhatBegins() throws {
    let aggregate = try h264("78 0002 6742 0002 68ce")
    #expect(aggregate.begins(7) && aggregate.begins(8) && !aggregate.begins(24))
    let fragment = try h264("7c 05 88")
    #expect(fragment.continuedType == 5 && !fragment.begins(5))
    #expect(!fragment.begins(255))
  }

  @Test(arguments: ["", "7c", "78 00", "78 0003 6742", "78 0000", "78 0002 6742 00"])
  func truncationIsRefused(_ text: String) {
    #expect(throws: WireError.truncated) { try h264(text) }
  }
}

@Suite struct OpusTests {
  /// Frame sizes of RFC 6716 table 2, in samples at 48 kHz.
  @Test func everyConfigurationHasItsFrameSize() throws {
    let silk = [480, 960, 1_920, 2_880]
    let celt = [120, 240, 480, 960]
    let expected = silk + silk + silk + [480, 960, 480, 960] + celt + celt + celt + celt
    for config in 0..<32 as Range<UInt8> {
      let toc = OpusPacket.toc(config: config, isStereo: config & 1 != 0)
      let packet = try opus([toc, 1, 2])
      #expect(packet.config == config && packet.isStereo == (config & 1 != 0))
      #expect(packet.samples == expected[Int(config)])
      #expect(!packet.isDTX)
      #expect(try opus([toc | 1, 1, 2]).samples == 2 * expected[Int(config)])
      #expect(try opus([toc | 2, 1, 2]).frameCount == 2)
    }
  }

  @Test func countsFrames() throws {
    #expect(try opus([31 << 3 | 3, 6, 0]).samples == 5_760)
    #expect(throws: WireError.badValue) { try opus([31 << 3 | 3, 7, 0]) }
    #expect(throws: WireError.badValue) { try opus([31 << 3 | 3, 0]) }
    #expect(throws: WireError.truncated) { try opus([31 << 3 | 3]) }
    #expect(throws: WireError.truncated) { try opus([]) }
  }

  @Test func tinyPacketsAreDTX() throws {
    #expect(try opus([0x78]).isDTX)
    #expect(try opus([0x78, 0]).isDTX)
  }
}

@Suite struct REDTests {
  private let payload = hex("ef 00 0c 02 ef 3c 0c 01 6f aabb cc ddeeff")

  private func blocks(_ bytes: [UInt8]) throws(WireError) -> [RED.Block] {
    try RED.blocks(bytes.span.bytes, 0..<bytes.count)
  }

  private func primary(_ bytes: [UInt8]) throws(WireError) -> RED.Block {
    try RED.primary(bytes.span.bytes, 0..<bytes.count)
  }

  @Test func readsBlocks() throws {
    let blocks = try blocks(payload)
    #expect(blocks.map(\.payloadType) == [111, 111, 111])
    #expect(blocks.map(\.timestampOffset) == [3, 3_843, 0])
    #expect(blocks.map(\.range) == [9..<11, 11..<12, 12..<15])
    #expect(try primary(payload) == blocks[2])
  }

  @Test func writesThePrefix() {
    let prefix = RED.prefix(
      [
        .init(payloadType: 111, timestampOffset: 3, data: [0xAA, 0xBB]),
        .init(payloadType: 111, timestampOffset: 3_843, data: [0xCC]),
      ], primaryType: 111)
    #expect(prefix + hex("ddeeff") == payload)
    #expect(RED.prefix([], primaryType: 100) == [100])
  }

  @Test func bothReadersAgreeOnDamage() {
    for damaged in everyTruncation(of: payload) {
      #expect((try? primary(damaged)) == (try? blocks(damaged).last))
    }
    for damaged in everyBitFlip(of: payload) {
      #expect((try? primary(damaged)) == (try? blocks(damaged).last))
    }
  }
}

// Packets of synthetic frames, read back by Wire's parsers.

import Basics
import TestKit
import Testing
import Wire

@testable import Bots

@Suite struct MediaPacketizerTests {
  private func frame(
    _ size: Int, key: Bool = true, number: UInt32 = 0, temporalLayer: UInt8 = 0
  ) -> EncodedFrame {
    EncodedFrame(
      layer: 0, width: 1_280, height: 720, isKeyframe: key, temporalLayer: temporalLayer,
      isLayerSync: temporalLayer > 0, isDiscardable: temporalLayer > 0,
      referenceDistance: key ? 0 : 1, size: size,
      captureTime: .milliseconds(Int(number) * 33), frameNumber: number, keyframeNumber: 0,
      rtpTimestamp: number &* 3_000 &+ 77)
  }

  @Test(arguments: [1, 42, 43, 1_000, 1_154, 1_155, 13_500, 90_000], [true, false])
  func payloadsAreEqualAndWhole(size: Int, key: Bool) throws {
    var sender = MediaSender()
    let packets = sender.packets(frame(size, key: key))
    var payloads: [[UInt8]] = []
    for (index, element) in packets.enumerated() {
      let header = try RTPHeader(element.bytes.span.bytes)
      let descriptor = try VP8Descriptor(element.bytes.span.bytes, header.payloadRange)
      #expect(header.marker == (index == packets.count - 1))
      #expect(header.payloadRange.count <= 1_160)
      #expect(descriptor.startsPartition == (index == 0))
      #expect(descriptor.size == 6)
      #expect(descriptor.hasLongPictureID && descriptor.tl0PicIdx != nil)
      payloads.append(
        Array(element.bytes[(header.payloadRange.lowerBound + descriptor.size)...]))
    }
    let counts = payloads.map(\.count)
    #expect(counts.max()! - counts.min()! <= 1)
    #expect(counts == counts.sorted())
    let headerSize = key ? 10 : 3
    #expect(counts.reduce(0, +) == max(size, headerSize + FrameStamp.size))
    let bytes = payloads.flatMap { $0 }
    let pattern = FramePattern(frameNumber: 0, layer: 0)
    for offset in (headerSize + FrameStamp.size)..<bytes.count {
      try #require(bytes[offset] == pattern.byte(at: offset))
    }
  }

  @Test func headerTellsKeyframeAndSize() throws {
    var sender = MediaSender()
    let key = sender.packets(frame(9_000))[0]
    #expect(key.packet.isKeyframe && key.packet.width == 1_280 && key.packet.height == 720)
    let delta = sender.packets(frame(9_000, key: false, number: 1))[0]
    #expect(!delta.packet.isKeyframe && delta.packet.width == 0)
    let header = try RTPHeader(delta.bytes.span.bytes)
    let descriptor = try VP8Descriptor(delta.bytes.span.bytes, header.payloadRange)
    let tag = VP8FrameHeader(delta.bytes.span.bytes, header.payloadRange, descriptor)
    #expect(tag?.isShown == true && tag?.firstPartitionSize == (9_000 - 3) / 4)
  }

  @Test func descriptorCountsPicturesAndBaseLayer() {
    var sender = MediaSender()
    let layers: [UInt8] = [0, 2, 1, 2, 0]
    var packets: [VideoPacket] = []
    for (index, layer) in layers.enumerated() {
      let next = frame(500, key: index == 0, number: UInt32(index), temporalLayer: layer)
      packets += sender.packets(next).map(\.packet)
    }
    let first = packets[0].pictureID!
    let pictures: [UInt16] = packets.map { ($0.pictureID! &- first) & 0x7FFF }
    #expect(pictures == [0, 1, 2, 3, 4])
    let base = packets[0].tl0PicIdx!
    let baseCounts: [UInt8] = packets.map { $0.tl0PicIdx! &- base }
    #expect(baseCounts == [0, 0, 0, 0, 1])
    #expect(packets.map(\.temporalLayer) == layers)
    #expect(packets.map(\.isLayerSync) == [false, true, true, true, false])
  }

  @Test func stampSurvives() {
    var sender = MediaSender()
    let sent = frame(5_000, number: 123_456)
    let packets = sender.packets(sent)
    #expect(packets[0].packet.stamp == FrameStamp(sent))
    #expect(packets.dropFirst().allSatisfy { $0.packet.stamp == nil })
  }

  @Test func damagedStampIsNone() {
    var sender = MediaSender()
    let bytes = sender.packets(frame(200))[0].bytes
    let start = 12 + 6 + 10
    #expect(FrameStamp(bytes.span.bytes, at: start) != nil)
    for bit in 0..<(FrameStamp.size * 8) {
      var damaged = bytes
      damaged[start + bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(FrameStamp(damaged.span.bytes, at: start) == nil, "bit \(bit)")
    }
  }

  @Test func damagedPacketsNeverTrap() {
    var sender = MediaSender()
    let bytes = sender.packets(frame(100))[0].bytes
    func read(_ bytes: [UInt8]) {
      let span = bytes.span.bytes
      guard let header = try? RTPHeader(span) else { return }
      _ = VideoPacket(span, header, sequenceNumber: 1, isRetransmission: false)
      _ = AudioPacket(span, header)
    }
    for truncated in everyTruncation(of: bytes) { read(truncated) }
    for damaged in everyBitFlip(of: bytes) { read(damaged) }
  }

  @Test(arguments: [UInt64(1), 2, 3, 4])
  func framesComeTogetherInAnyOrder(seed: UInt64) {
    var sender = MediaSender()
    sender.source.start(at: .zero)
    var random = RandomStream(seed: seed, name: "shuffle")
    var packets: [VideoPacket] = []
    for frame in sender.frames(until: .seconds(1)) {
      packets += sender.packets(frame).map(\.packet)
    }
    let sent = Set(packets.compactMap(\.stamp).map(\.frameNumber)).count
    packets += packets.prefix(40)
    for index in packets.indices.reversed() {
      packets.swapAt(index, Int(random.below(UInt64(index + 1))))
    }
    var assembler = FrameAssembler()
    var completed = 0
    var duplicates = 0
    for packet in packets {
      switch assembler.insert(packet, at: .zero) {
      case .completedFrame: completed += 1
      case .duplicate: duplicates += 1
      case .accepted, .late: break
      }
    }
    #expect(completed == sent && duplicates == 40)
    #expect(assembler.frames.allSatisfy { $0.isComplete })
    let numbers = assembler.frames.compactMap { $0.stamp?.frameNumber }
    #expect(numbers == Array(0..<UInt32(sent)))
    #expect(assembler.frames.allSatisfy { $0.bytesReceived > Int($0.stamp!.frameSize) })
  }

  @Test func emptyPayloadIsNoPacket() throws {
    let pool = PacketPool()
    var packet = pool.makePacket()
    packet.beginRTP(
      RTPFields(marker: false, payloadType: 96, sequenceNumber: 1, timestamp: 2, ssrc: 3),
      extensions: RTPExtensions(), map: RTPExtensionMap())
    let header = try RTPHeader(packet.bytes)
    let read = VideoPacket(packet.bytes, header, sequenceNumber: 1, isRetransmission: false)
    #expect(read == nil)
  }
}

// A captured stream played again: the same sizes, times, numbers and losses, and frames that a viewer's
// meters know.

import Basics
import Testing
import Wire

@testable import Bots

@Suite struct CapturedSourceTests {
  private let pool = PacketPool()

  /// Frames of two packets each, 40 ms apart; the first is a keyframe.
  private func video(frames: Int, without missing: Set<Int> = []) -> CapturedMedia {
    var packets: [CapturedMedia.Packet] = []
    for number in 0..<(2 * frames) where !missing.contains(number) {
      let frame = number / 2
      let isFirst = number % 2 == 0
      packets.append(
        .init(
          offset: Int64(40_000 * frame + 1_000 * (number % 2)), number: Int32(number),
          timestamp: Int64(3_600 * frame), size: isFirst ? 700 : 300,
          flags: isFirst ? frame == 0 ? [.start, .keyframe] : [.start] : [.marker]))
    }
    var media = CapturedMedia(kind: .video, codec: "VP8", clockRate: 90_000, packets: packets)
    (media.width, media.height) = (640, 360)
    return media
  }

  private func source(_ media: CapturedMedia) -> CapturedSource {
    var source = CapturedSource(
      media, from: .seconds(5), random: RandomStream(seed: 1, name: "captured"))
    // No time is left for padding before the first packet.
    source.start(at: .seconds(5))
    return source
  }

  /// Every packet as bytes, with the moment at which it was due.
  private func play(_ media: CapturedMedia) throws -> [(time: Instant, packet: [UInt8])] {
    var source = source(media)
    var sent: [(Instant, [UInt8])] = []
    while let due = source.nextTimeout {
      while let piece = source.poll(at: due) {
        var packet = pool.makePacket()
        packet.beginRTP(
          RTPFields(
            marker: piece.marker, payloadType: 96, sequenceNumber: piece.number,
            timestamp: piece.timestamp, ssrc: 1), extensions: RTPExtensions(),
          map: RTPExtensionMap())
        source.append(piece, to: &packet)
        sent.append((due, packet.bytes.array))
      }
    }
    return sent
  }

  @Test func sizesAndTimesAreTheCaptures() throws {
    let media = video(frames: 10)
    let sent = try play(media)
    #expect(sent.count == 20)
    for (packet, (time, bytes)) in zip(media.packets, sent) {
      #expect(time == .seconds(5) + .microseconds(Int(packet.offset)))
      #expect(bytes.count == 12 + Int(packet.size))
    }
  }

  /// What viewers' decoders make of it.
  private func decode(_ media: CapturedMedia) throws -> (decoded: Int, errors: Int) {
    var assembler = FrameAssembler()
    var decoder = DecoderModel()
    var (decoded, errors) = (0, 0)
    for (time, bytes) in try play(media) {
      let header = try RTPHeader(bytes.span.bytes)
      let read = VideoPacket(
        bytes.span.bytes, header, sequenceNumber: Int64(header.sequenceNumber),
        isRetransmission: false)
      guard let packet = read else {
        Issue.record("no payload of VP8")
        continue
      }
      guard case .completedFrame = assembler.insert(packet, at: time) else { continue }
      while let first = assembler.frames.first, !first.isComplete { _ = assembler.removeFirst() }
      let frame = assembler.removeFirst()
      guard decoder.believesDecodable(frame) else { continue }
      if decoder.decode(frame) == .decoded { decoded += 1 } else { errors += 1 }
    }
    return (decoded, errors)
  }

  @Test func everyFrameDecodes() throws {
    let (decoded, errors) = try decode(video(frames: 50))
    #expect(decoded == 50)
    #expect(errors == 0)
  }

  /// A frame that never arrived breaks those behind it, until a keyframe; nothing takes its place.
  @Test(arguments: [[40], [40, 41], [39, 40, 41, 42]] as [Set<Int>])
  func aLostFrameBreaksTheRest(missing: Set<Int>) throws {
    var media = video(frames: 50, without: missing)
    #expect(try play(media).count == 100 - missing.count)
    var (decoded, errors) = try decode(media)
    #expect(decoded == missing.min()! / 2)
    #expect(errors == 0, "the descriptors say so")
    let index = try #require(media.packets.firstIndex { $0.number == 80 })
    media.packets[index].flags.insert(.keyframe)
    (decoded, errors) = try decode(media)
    #expect(decoded == missing.min()! / 2 + 10)
  }

  /// Padding announces the track before its first packet, with numbers that lead up to it.
  @Test func paddingLeadsUpToIt() {
    var source = CapturedSource(
      video(frames: 2), from: .seconds(5), random: RandomStream(seed: 1, name: "captured"))
    source.start(at: .seconds(4))
    var pieces: [(time: Instant, piece: CapturedPacket)] = []
    while let due = source.nextTimeout, let piece = source.poll(at: due) {
      pieces.append((due, piece))
    }
    #expect(pieces.count == 8)
    var numbers: [Int16] = []
    for entry in pieces { numbers.append(Int16(bitPattern: entry.piece.number)) }
    #expect(numbers == [-4, -3, -2, -1, 0, 1, 2, 3])
    for entry in pieces.prefix(4) { #expect(entry.piece.isPadding) }
    for entry in pieces.dropFirst(4) { #expect(!entry.piece.isPadding) }
    #expect(pieces[0].time == .seconds(4.3))
    #expect(pieces[3].time == .seconds(4.9))
    #expect(pieces[4].time == .seconds(5.0))
  }

  @Test func lateStartAndMutingSkip() {
    var source = source(video(frames: 10))
    source.stop()
    #expect(source.nextTimeout == nil)
    source.start(at: .seconds(5) + .milliseconds(200))
    #expect(source.skipped == 10)
    #expect(source.nextTimeout == .seconds(5) + .milliseconds(200))
  }

  /// Frames of 20 ms at 8 kHz become Opus at 48 kHz; comfort frames are one byte.
  @Test func sound() throws {
    var packets: [CapturedMedia.Packet] = []
    for number in 0..<5 {
      let size: UInt16 = number == 4 ? 2 : 160
      packets.append(
        CapturedMedia.Packet(
          offset: Int64(20_000 * number), number: Int32(number), timestamp: Int64(160 * number),
          size: size, flags: number == 0 ? [.marker] : []))
    }
    let media = CapturedMedia(kind: .audio, codec: "PCMU", clockRate: 8_000, packets: packets)
    let sent = try play(media)
    var headers: [RTPHeader] = []
    for (_, packet) in sent { headers.append(try RTPHeader(packet.span.bytes)) }
    let first = headers[0].timestamp
    let steps: [UInt32] = headers.map { $0.timestamp &- first }
    #expect(steps == [0, 960, 1_920, 2_880, 3_840])
    #expect(sent.map { $0.packet.count - 12 } == [160, 160, 160, 160, 1])
    for (header, (_, bytes)) in zip(headers, sent) {
      let opus = try OpusPacket(bytes.span.bytes, header.payloadRange)
      #expect(opus.samples == 960)
    }
    let fourth = sent[3].packet
    let stamp = FrameStamp(fourth.span.bytes, at: 13)
    #expect(stamp?.kind == .audio)
    #expect(stamp?.captureTime == .seconds(5) + .milliseconds(60))
  }
}

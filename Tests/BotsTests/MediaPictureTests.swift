// The real decoder behind a track: right pictures are shown, wrong and broken ones are errors.

import Basics
import Codecs
import Testing
import Wire

@testable import Bots

@Suite struct RealPictureDecoding {
  /// Frames of a camera as packets, and what a receiver makes of some of them.
  private struct Bench {
    var sender = PictureSender(.vp8, layers: 1, clips: EncodedClips())
    var source = MediaSender(
      EncoderModel(
        width: 320, height: 180, framesPerSecond: 30, targetBitrate: .kbps(200),
        minimumBitrate: .kbps(50), maximumBitrate: .kbps(400), temporalLayers: 1))
    var packetizer = VideoPacketizer(random: RandomStream(seed: 1, name: "packets"))
    var receiver = PictureReceiver(.vp8)
    var sequenceNumber: Int64 = 100
    let pool = PacketPool()

    mutating func encode(_ frame: EncodedFrame) -> [UInt8] {
      sender.encode(frame, framesPerSecond: 30, bitrate: .kbps(200))!
    }

    /// Sends `bytes` as the frame that `stamp` names.
    mutating func show(_ bytes: [UInt8], as frame: EncodedFrame) -> PictureReceiver.Outcome? {
      packetizer.begin(frame, coded: bytes)
      let first = sequenceNumber
      var stamp: FrameStamp?
      while packetizer.packetsLeft > 0 {
        var packet = pool.makePacket()
        packet.beginRTP(
          RTPFields(
            marker: packetizer.packetsLeft == 1, payloadType: 96,
            sequenceNumber: UInt16(sequenceNumber), timestamp: frame.rtpTimestamp, ssrc: 7),
          extensions: RTPExtensions(), map: RTPExtensionMap())
        _ = packetizer.next(into: &packet)
        let header = try! RTPHeader(packet.bytes)
        let video = VideoPacket(
          packet.bytes, header, sequenceNumber: sequenceNumber, isRetransmission: false)!
        receiver.received(packet.bytes, header, video)
        stamp = video.stamp ?? stamp
        sequenceNumber += 1
      }
      return receiver.show(
        RenderedFrame(
          renderTime: frame.captureTime, jitterBufferDelay: .zero, isKeyframe: frame.isKeyframe,
          temporalLayer: 0, width: frame.width, height: frame.height, size: bytes.count,
          sequenceNumbers: first...sequenceNumber - 1, stamp: stamp))
    }
  }

  private func isError(_ outcome: PictureReceiver.Outcome?) -> Bool {
    if case .error = outcome { true } else { false }
  }

  private func isShown(_ outcome: PictureReceiver.Outcome?) -> Bool {
    if case .shown = outcome { true } else { false }
  }

  private func frames(_ bench: inout Bench, _ milliseconds: Int64) -> [EncodedFrame] {
    bench.source.source.start(at: .zero)
    return bench.source.frames(until: Instant(nanoseconds: milliseconds * 1_000_000))
  }

  @Test func wholeStreamIsShown() {
    var bench = Bench()
    for frame in frames(&bench, 1_000) {
      let bytes = bench.encode(frame)
      #expect(isShown(bench.show(bytes, as: frame)))
    }
    #expect(bench.receiver.rungs.map(\.height) == [180])
    #expect(bench.receiver.rungs[0].psnr / Double(bench.receiver.rungs[0].pictures) > 28)
  }

  @Test func anotherPictureThanTheStampSaysIsAnError() {
    var bench = Bench()
    let all = frames(&bench, 300)
    #expect(isShown(bench.show(bench.encode(all[0]), as: all[0])))
    let swapped = bench.encode(all[1])
    #expect(isError(bench.show(swapped, as: all[2])))
  }

  @Test func brokenBytesAreAnErrorUntilAKeyframe() {
    var bench = Bench()
    let all = frames(&bench, 300)
    #expect(isShown(bench.show(bench.encode(all[0]), as: all[0])))
    #expect(isError(bench.show([0, 0], as: all[1])))
    var key = all[2]
    key.isKeyframe = true
    #expect(isShown(bench.show(bench.encode(key), as: key)))
  }

  @Test func aModelsFrameIsNotLookedAt() {
    var bench = Bench()
    let frame = frames(&bench, 100)[0]
    let rendered = RenderedFrame(
      renderTime: .zero, jitterBufferDelay: .zero, isKeyframe: true, temporalLayer: 0, width: 320,
      height: 180, size: 100, sequenceNumbers: 1...2, stamp: FrameStamp(frame))
    #expect(bench.receiver.show(rendered) == nil)
  }
}

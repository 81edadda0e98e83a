// Meters of a received track against packets made by hand: what each counts, where another figure lies close.

import Basics
import Testing
import Wire

@testable import Bots

@Suite struct MetersOfAPacketList {
  private static let ssrc: UInt32 = 0x1234

  private func track(_ codec: CodecProfile, _ kind: MediaKind) -> RemoteTrack {
    let identity = RemoteTrack.Identity(
      publisherSID: "PA_1", trackSID: "TR_1", mid: "0", ssrc: Self.ssrc, rtxSSRC: 0x1235,
      kind: kind, codec: codec)
    return RemoteTrack(
      identity, playout: PlayoutDelay.Configuration(), delayDecimation: 1, decodesMedia: false)
  }

  /// A packet of 100 bytes of payload.
  private func receive(
    _ track: RemoteTrack, _ number: Int, at now: Instant, isRetransmission: Bool = false
  ) throws {
    let timestamp = UInt32(number * 3_000)
    var bytes: [UInt8] = [
      0x80, track.identity.codec.payloadType, UInt8(number >> 8 & 0xFF), UInt8(number & 0xFF),
      UInt8(timestamp >> 24 & 0xFF), UInt8(timestamp >> 16 & 0xFF), UInt8(timestamp >> 8 & 0xFF),
      UInt8(timestamp & 0xFF), 0, 0, UInt8(Self.ssrc >> 8 & 0xFF), UInt8(Self.ssrc & 0xFF),
    ]
    // A VP8 descriptor: the start of a partition that is no keyframe.
    bytes += [0x10, 0x01] + [UInt8](repeating: 7, count: 98)
    let header = try RTPHeader(bytes.span.bytes)
    var faults = ProtocolAudit()
    track.receive(
      bytes.span.bytes, header, isRetransmission: isRetransmission,
      roundTrip: .milliseconds(50), at: now, &faults)
  }

  private func values(_ metric: String, of track: RemoteTrack) -> [Double]? {
    track.series.first { $0.metric == metric }?.samples.values
  }

  /// Numbers 0...99 within a second, of which 20, 21 and 50 are lost, 50 comes again as RTX and 60 twice.
  private func play(_ track: RemoteTrack) throws {
    for number in 0..<100 where ![20, 21, 50].contains(number) {
      try receive(track, number, at: .milliseconds(10 * number))
    }
    try receive(track, 60, at: .milliseconds(995))
    try receive(track, 50, at: .milliseconds(998), isRetransmission: true)
    track.observeSecond(at: .seconds(1))
  }

  @Test func lostIsWhatWasMissingAtFirst() throws {
    let track = track(.vp8, .video)
    try play(track)
    // Recovered or not: a duplicate makes up for one, as in RFC 3550 §6.4.1.
    #expect(values("packetsLost", of: track)?.last == 2)
    #expect(values("packetsReceived", of: track)?.last == 98)
    #expect(values("bytesReceived", of: track)?.last == 9_800)
    #expect(values("retransmittedPacketsReceived", of: track)?.last == 1)
    #expect(track.summary.packetsLost == 2)
    #expect(track.summary.retransmittedPacketsReceived == 1)
  }

  @Test func lossBeforeAndAfterRepairDiffer() throws {
    let track = track(.vp8, .video)
    for number in 0..<100 where number % 10 != 5 {
      try receive(track, number, at: .milliseconds(10 * number))
      _ = track.handleTimeout(at: .milliseconds(10 * number))
    }
    for number in stride(from: 5, to: 95, by: 10) {
      try receive(track, number, at: .milliseconds(995), isRetransmission: true)
    }
    track.observeSecond(at: .seconds(1))
    #expect(values("packetsLost", of: track)?.last == 10)
    #expect(values("assay.lossBeforeRepair", of: track)?.last == 10)
    #expect((values("assay.lossAfterRepair", of: track)?.last ?? 100) <= 1)
    #expect((values("nackCount", of: track)?.last ?? 0) >= 1)
  }

  @Test func soundCountsAsWell() throws {
    let track = track(.opus, .audio)
    for number in 0..<50 where number != 7 {
      try receive(track, number, at: .milliseconds(20 * number))
    }
    track.observeSecond(at: .seconds(1))
    #expect(values("packetsReceived", of: track)?.last == 49)
    #expect(values("packetsLost", of: track)?.last == 1)
    #expect(values("assay.lossBeforeRepair", of: track)?.last == 2)
    #expect(values("packetsAfterMute", of: track) == nil)
    #expect(values("assay.packetsAfterMute", of: track)?.last == 0)
  }

  /// From one second to the next a counter stands, and a gauge falls back.
  @Test func aSecondTellsOfItselfAlone() throws {
    let track = track(.vp8, .video)
    try play(track)
    for number in 100..<200 { try receive(track, number, at: .milliseconds(10 * number)) }
    track.observeSecond(at: .seconds(2))
    #expect(values("packetsLost", of: track)?.last == 2)
    #expect(values("assay.lossBeforeRepair", of: track)?.last == 0)
    #expect(values("packetsReceived", of: track)?.last == 198)
  }
}

@Suite struct MetersOfShownFrames {
  private func play(_ meter: inout VideoQualityMeter, _ span: Range<Int>, every: Int, height: Int) {
    for time in stride(from: span.lowerBound, to: span.upperBound, by: every) {
      let now = Instant.milliseconds(time)
      let encoded = EncodedFrame(
        layer: height > 360 ? 2 : 0, width: height * 16 / 9, height: height,
        isKeyframe: time == span.lowerBound, temporalLayer: 0, isLayerSync: false,
        isDiscardable: false, referenceDistance: 1, size: 1_000,
        captureTime: now - .milliseconds(60), frameNumber: 0, keyframeNumber: 0, rtpTimestamp: 0)
      meter.record(
        .rendered(
          RenderedFrame(
            renderTime: now, jitterBufferDelay: .milliseconds(20),
            isKeyframe: time == span.lowerBound, temporalLayer: 0, width: encoded.width,
            height: height, size: 1_000, sequenceNumbers: 0...0, stamp: FrameStamp(encoded))),
        at: now)
    }
  }

  /// Every figure goes down again: none is the most so far.
  @Test func whatGoesDownIsSeenToGoDown() {
    var meter = VideoQualityMeter()
    play(&meter, 0..<2_000, every: 40, height: 720)
    play(&meter, 2_000..<4_000, every: 100, height: 180)
    meter.finish(at: .seconds(4))
    #expect(meter[.frameHeight].values == [720, 180, 180])
    #expect(meter.height == 180)
    #expect(meter[.layer].values == [2, 0, 0])
    #expect(meter[.framesPerSecond].values == [25, 10, 10])
    #expect(meter[.rung].values.last == 180)
    #expect(meter.rung == 180)
    #expect(meter[.keyFramesDecoded].values.last == 2)
    #expect(meter[.framesDecoded].values.last == 70)
    #expect(meter[.layerSwitches].values.last == 1)
    #expect(meter[.rungSwitches].values.last == 1)
  }
}

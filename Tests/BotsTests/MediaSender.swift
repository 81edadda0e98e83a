// A source, its packetizer and a path of adjustable delay and loss, for tests of the receiving end.

import Basics
import Wire

@testable import Bots

extension EncoderModel {
  static func p720(_ kbps: Int64 = 1_000, temporalLayers: Int = 1) -> EncoderModel {
    EncoderModel(
      width: 1_280, height: 720, framesPerSecond: 30, targetBitrate: .kbps(kbps),
      minimumBitrate: .kbps(150), maximumBitrate: .kbps(2_500), temporalLayers: temporalLayers)
  }

  static func p180(fps: Int = 15) -> EncoderModel {
    EncoderModel(
      width: 320, height: 180, framesPerSecond: fps, targetBitrate: .kbps(150),
      minimumBitrate: .kbps(50), maximumBitrate: .kbps(200), temporalLayers: 1)
  }
}

/// A packet that reached the receiver.
struct Arrival {
  var time: Instant
  var packet: VideoPacket
}

/// One layer of a camera as packets.
struct MediaSender {
  var source: VideoSource
  var packetizers: [VideoPacketizer]
  var sequenceNumbers: [Int64]
  let pool = PacketPool()

  init(_ configuration: VideoSource.Configuration, seed: UInt64 = 1, firstSequence: Int64 = 1_000) {
    let random = RandomStream(seed: seed, name: "camera")
    source = VideoSource(configuration, random: random)
    packetizers = configuration.layers.indices.map {
      VideoPacketizer(random: random.child("packetizer/\($0)"))
    }
    sequenceNumbers = configuration.layers.map { _ in firstSequence }
  }

  /// A camera of one layer with a perfect clock.
  init(_ model: EncoderModel = .p720(), seed: UInt64 = 1) {
    var configuration = VideoSource.Configuration(layers: [model])
    configuration.intervalScale = 0
    self.init(configuration, seed: seed)
  }

  /// All frames ready until `end`.
  mutating func frames(until end: Instant) -> [EncodedFrame] {
    var frames: [EncodedFrame] = []
    while let due = source.nextTimeout, due <= end {
      while let frame = source.poll(at: due) { frames.append(frame) }
    }
    return frames
  }

  /// The frame's packets as a receiver reads them, with their RTP bytes.
  mutating func packets(_ frame: EncodedFrame) -> [(packet: VideoPacket, bytes: [UInt8])] {
    var result: [(packet: VideoPacket, bytes: [UInt8])] = []
    packetizers[frame.layer].begin(frame)
    while packetizers[frame.layer].packetsLeft > 0 {
      let marker = packetizers[frame.layer].packetsLeft == 1
      let sequenceNumber = sequenceNumbers[frame.layer]
      sequenceNumbers[frame.layer] += 1
      var packet = pool.makePacket()
      packet.beginRTP(
        RTPFields(
          marker: marker, payloadType: 96,
          sequenceNumber: UInt16(truncatingIfNeeded: sequenceNumber),
          timestamp: frame.rtpTimestamp, ssrc: 7),
        extensions: RTPExtensions(), map: RTPExtensionMap())
      _ = packetizers[frame.layer].next(into: &packet)
      let bytes = packet.bytes.array
      let header = try! RTPHeader(packet.bytes)
      let read = VideoPacket(
        packet.bytes, header, sequenceNumber: sequenceNumber, isRetransmission: false)
      result.append((read!, bytes))
    }
    return result
  }

  /// What arrives of `frames`: each packet `delay(frame number)` after the frame was ready.
  mutating func arrivals(
    of frames: [EncodedFrame], delay: (Int) -> Duration = { _ in .milliseconds(30) }
  ) -> [Arrival] {
    var arrivals: [Arrival] = []
    for frame in frames {
      let time =
        frame.captureTime + source.configuration.encodeDuration + delay(Int(frame.frameNumber))
      for (packet, _) in packets(frame) { arrivals.append(Arrival(time: time, packet: packet)) }
    }
    return arrivals
  }
}

extension [Arrival] {
  /// In order of arrival, those at the same moment as they were.
  var inOrder: [Arrival] {
    enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
      .map(\.element)
  }
}

/// Runs a jitter buffer over arrivals and its own timeouts.
struct VideoReceiver {
  var buffer: VideoJitterBuffer
  var meter = VideoQualityMeter()
  var events: [(time: Instant, event: VideoBufferEvent)] = []

  init(_ configuration: VideoJitterBuffer.Configuration = .init()) {
    buffer = VideoJitterBuffer(configuration)
  }

  mutating func run(_ arrivals: [Arrival], until end: Instant) {
    for arrival in arrivals.inOrder {
      handleTimeouts(until: arrival.time)
      buffer.receive(arrival.packet, at: arrival.time)
      drain(at: arrival.time)
    }
    handleTimeouts(until: end)
  }

  mutating func handleTimeouts(until end: Instant) {
    while let due = buffer.nextTimeout, due <= end { drain(at: due) }
  }

  mutating func drain(at now: Instant) {
    while let event = buffer.poll(at: now) {
      events.append((now, event))
      meter.record(event, at: now)
    }
  }

  var rendered: [RenderedFrame] {
    events.compactMap { if case .rendered(let frame) = $0.event { frame } else { nil } }
  }
  var keyframeRequests: [Instant] {
    events.compactMap { $0.event == .keyframeNeeded ? $0.time : nil }
  }
  func drops(_ reason: FrameDropReason) -> Int {
    events.count { if case .dropped(reason, _) = $0.event { true } else { false } }
  }
}

// Plays a captured stream: each packet at its time, with its size, its number and its frame; payloads are
// the model's, so that meters at the other end know what they see. What never arrived is never sent.

import Basics
import Wire

/// A packet that a captured stream sends now.
struct CapturedPacket {
  /// Sequence number less that of the stream's first packet.
  var number: UInt16
  /// RTP timestamp in the clock of the track.
  var timestamp: UInt32
  var marker: Bool
  var level: AudioLevel?
  /// Sent before the first captured packet, and no part of the capture.
  var isPadding = false
  fileprivate var size: Int
  fileprivate var place: CapturedFrame.Place
  fileprivate var captureTime: Instant
}

/// A frame as far as its packets tell.
struct CapturedFrame {
  /// A packet within its frame.
  struct Place {
    var frame: Int
    /// Codec bytes of the frame before this packet's.
    var offset: Int
    var isStart: Bool
  }

  var isKeyframe = false
  var isDiscardable = false
  var isLayerSync = false
  var temporalLayer: UInt8 = 0
  /// Frames that were lost as a whole take numbers too.
  var number: UInt32 = 0
  var keyframeNumber: UInt32 = 0
  var referenceDistance: UInt8 = 0
  var baseLayerIndex: UInt8 = 0
  var size = 0
  var captureTime = Instant.zero
}

struct CapturedSource: Sendable {
  private let media: CapturedMedia
  /// When the capture's first moment is played.
  private let origin: Instant
  private let timestampOffset: UInt32
  private let frames: [CapturedFrame]
  private let places: [CapturedFrame.Place]
  private var next = 0
  private(set) var isOn = false
  /// Padding packets before the first captured one.
  private var lead = 0
  /// Packets whose time came before the track was up, or while it was muted.
  private(set) var skipped = 0
  let meanBitrate: Bitrate

  init(_ media: CapturedMedia, from origin: Instant, random: RandomStream) {
    self.media = media
    self.origin = origin
    var random = random
    timestampOffset = UInt32(random.below(1 << 30))
    meanBitrate = media.meanBitrate
    (frames, places) = CapturedFrames(media, origin).result
  }

  private func time(_ index: Int) -> Instant {
    origin + Duration(nanoseconds: media.packets[index].offset * 1_000)
  }

  /// When the next packet is due; nil while off, and at the end.
  var nextTimeout: Instant? {
    guard isOn, next < media.packets.count else { return nil }
    guard lead > 0 else { return time(next) }
    return time(0) - CapturedSource.leadPause - CapturedSource.leadInterval * (lead - 1)
  }

  mutating func start(at now: Instant) {
    isOn = true
    while next < media.packets.count, time(next) < now {
      next += 1
      skipped += 1
    }
    // An SFU announces a track with its first packet: padding lets viewers know it before the first
    // keyframe, which no encoder would repeat for them.
    guard next == 0, media.kind == .video else { return }
    let time = time(0) - now - CapturedSource.leadPause
    lead = min(CapturedSource.longestLead, max(0, Int(time / CapturedSource.leadInterval)))
  }

  private static let leadInterval = Duration.milliseconds(200)
  private static let leadPause = Duration.milliseconds(100)
  private static let longestLead = 50

  mutating func stop() {
    isOn = false
    lead = 0
  }

  /// The next packet that is due at `now`.
  mutating func poll(at now: Instant) -> CapturedPacket? {
    guard let due = nextTimeout, due <= now else { return nil }
    if lead > 0 {
      defer { lead -= 1 }
      return CapturedPacket(
        number: UInt16(truncatingIfNeeded: -lead), timestamp: timestampOffset, marker: false,
        isPadding: true, size: 0, place: places[0], captureTime: due)
    }
    defer { next += 1 }
    let packet = media.packets[next]
    let clock = media.kind == .audio ? AudioSource.clockRate : VideoSource.clockRate
    return CapturedPacket(
      number: UInt16(truncatingIfNeeded: packet.number),
      timestamp: timestampOffset
        &+ UInt32(
          truncatingIfNeeded: CapturedSource.convert(packet.timestamp, media.clockRate, clock)),
      marker: packet.flags.contains(.marker),
      level: media.kind == .audio
        ? CapturedSource.level(packet) : nil,
      size: Int(packet.size), place: places[next], captureTime: due)
  }

  /// A stream that tells no levels is heard while it sends more than comfort frames.
  private static func level(_ packet: CapturedMedia.Packet) -> AudioLevel {
    if let level = packet.level {
      return AudioLevel(level: level, voice: packet.flags.contains(.voice))
    }
    let isHeard = Int(packet.size) > comfortSize
    return AudioLevel(level: isHeard ? 25 : 127, voice: isHeard)
  }

  /// `ticks` of one clock in those of another.
  static func convert(_ ticks: Int64, _ from: Int64, _ to: Int64) -> Int64 {
    let (whole, rest) = ticks.quotientAndRemainder(dividingBy: from)
    return whole &* to &+ rest * to / from
  }

  // MARK: - Payloads

  /// Appends the payload of `packet` to an RTP packet without one.
  func append(_ packet: CapturedPacket, to bytes: inout Packet) {
    if packet.isPadding {
      bytes.appendPadding(CapturedSource.paddingLength)
    } else if media.kind == .audio {
      appendAudio(packet, to: &bytes)
    } else {
      appendVideo(packet, to: &bytes)
    }
  }

  /// As libwebrtc pads (kMaxPaddingLength).
  private static let paddingLength: UInt8 = 224
  /// Opus frames of at most so many bytes describe silence (libopus in DTX: one or two).
  private static let comfortSize = 3

  private func appendAudio(_ packet: CapturedPacket, to bytes: inout Packet) {
    let frame = frames[packet.place.frame]
    bytes.append(OpusPacket.toc(config: CapturedSource.opusConfig(frame.size), isStereo: false))
    guard packet.size > CapturedSource.comfortSize else { return }
    let size = max(packet.size, 1 + FrameStamp.size)
    FrameStamp(audioFrame: frame.number, captureTime: packet.captureTime, size: size)
      .append(to: &bytes)
    FramePattern(frameNumber: frame.number, layer: 0).append(
      (1 + FrameStamp.size)..<size, to: &bytes)
  }

  /// RFC 6716 §3.1: hybrid fullband of 10 and 20 ms, SILK wideband of 40 and 60 ms.
  private static func opusConfig(_ samples: Int) -> UInt8 {
    switch samples {
    case 480: 14
    case 1_920: 10
    case 2_880: 11
    default: 15
    }
  }

  private func appendVideo(_ packet: CapturedPacket, to bytes: inout Packet) {
    let frame = frames[packet.place.frame]
    var descriptor = VP8Descriptor()
    descriptor.isNonReference = frame.isDiscardable
    descriptor.startsPartition = packet.place.isStart
    descriptor.pictureID = UInt16(truncatingIfNeeded: frame.number) & 0x7FFF
    descriptor.hasLongPictureID = true
    descriptor.tl0PicIdx = frame.baseLayerIndex
    descriptor.temporalID = min(frame.temporalLayer, 3)
    descriptor.isLayerSync = frame.isLayerSync
    let head = descriptor.bytes
    for byte in head { bytes.append(byte) }
    var offset = packet.place.offset
    let end = offset + max(1, packet.size - head.count)
    if packet.place.isStart {
      let encoded = encoded(frame)
      VideoPacketizer.appendHeader(of: encoded, to: &bytes)
      FrameStamp(encoded).append(to: &bytes)
      offset = VideoPacketizer.minimumFrameSize(isKeyframe: frame.isKeyframe)
    }
    guard offset < end else { return }
    FramePattern(frameNumber: frame.number, layer: 0).append(offset..<end, to: &bytes)
  }

  private func encoded(_ frame: CapturedFrame) -> EncodedFrame {
    EncodedFrame(
      layer: 0, width: media.width, height: media.height, isKeyframe: frame.isKeyframe,
      temporalLayer: frame.temporalLayer, isLayerSync: frame.isLayerSync,
      isDiscardable: frame.isDiscardable, referenceDistance: frame.referenceDistance,
      size: frame.size, captureTime: frame.captureTime, frameNumber: frame.number,
      keyframeNumber: frame.keyframeNumber, rtpTimestamp: 0)
  }
}

/// Frames of a captured stream, from the order of its sequence numbers.
private struct CapturedFrames {
  /// Descriptor of RFC 7741 with a long picture id and all indices.
  private static let descriptorSize = 6
  private let media: CapturedMedia
  private let origin: Instant
  private var frames: [CapturedFrame] = []
  private var places: [CapturedFrame.Place]

  init(_ media: CapturedMedia, _ origin: Instant) {
    self.media = media
    self.origin = origin
    places = Array(
      repeating: CapturedFrame.Place(frame: 0, offset: 0, isStart: false),
      count: media.packets.count)
    let order = media.packets.indices.sorted {
      (media.packets[$0].number, $0) < (media.packets[$1].number, $1)
    }
    if media.kind == .audio { findSound(order) } else { findPictures(order) }
  }

  var result: ([CapturedFrame], [CapturedFrame.Place]) { (frames, places) }

  /// One packet is one frame; `size` is its length in samples at 48 kHz.
  private mutating func findSound(_ order: [Int]) {
    var usual: [Int: Int] = [:]
    for (position, index) in order.enumerated() {
      let packet = media.packets[index]
      var frame = CapturedFrame()
      let samples = CapturedSource.convert(
        packet.timestamp, media.clockRate, AudioSource.clockRate)
      frame.number = UInt32(
        truncatingIfNeeded: samples / Int64(AudioSource.samplesPerFrame))
      if position + 1 < order.count {
        let following = media.packets[order[position + 1]]
        let length = CapturedSource.convert(
          following.timestamp - packet.timestamp, media.clockRate, AudioSource.clockRate)
        if following.number == packet.number + 1, (1...2_880).contains(length) {
          frame.size = Int(length)
          usual[frame.size, default: 0] += 1
        }
      }
      places[index].frame = frames.count
      frames.append(frame)
    }
    // The commonest length, the smaller one of two, stands for lengths that nothing tells.
    var best = (length: Int(AudioSource.samplesPerFrame), count: 0)
    for length in usual.keys.sorted() where usual[length]! > best.count {
      best = (length, usual[length]!)
    }
    for index in frames.indices where frames[index].size == 0 { frames[index].size = best.length }
  }

  private mutating func findPictures(_ order: [Int]) {
    var lastOfLayer: [UInt32?] = Array(repeating: nil, count: 8)
    var previous: CapturedMedia.Packet?
    var keyframes: UInt32 = 0
    var base: UInt8 = 0
    var number: UInt32 = 0
    for index in order {
      let packet = media.packets[index]
      let isNew = previous.map { $0.timestamp != packet.timestamp } ?? true
      if isNew {
        var frame = CapturedFrame()
        if let previous {
          let isGap = packet.number > previous.number + 1
          // Both neighbours are whole: what is missing between them was a frame.
          let isWhole = previous.flags.contains(.marker) && packet.flags.contains(.start)
          number &+= isGap && isWhole ? 2 : 1
          if isGap && isWhole { base &+= 1 }
        }
        frame.number = number
        frame.isKeyframe = packet.flags.contains(.keyframe)
        frame.isDiscardable = packet.flags.contains(.discardable) && !frame.isKeyframe
        frame.isLayerSync = packet.flags.contains(.layerSync)
        frame.temporalLayer = min(packet.temporalLayer, 3)
        if frame.isKeyframe { keyframes &+= 1 }
        frame.keyframeNumber = keyframes
        if frame.temporalLayer == 0 { base &+= 1 }
        frame.baseLayerIndex = base
        frame.captureTime = origin + Duration(nanoseconds: packet.offset * 1_000)
        frame.referenceDistance = distance(frame, lastOfLayer)
        lastOfLayer[Int(frame.temporalLayer)] = number
        frames.append(frame)
      }
      places[index] = place(packet, previous, isNew: isNew)
      previous = packet
    }
  }

  private func distance(_ frame: CapturedFrame, _ lastOfLayer: [UInt32?]) -> UInt8 {
    guard !frame.isKeyframe else { return 0 }
    let layers = frame.temporalLayer == 0 ? 0..<1 : 0..<Int(frame.temporalLayer)
    let reference = layers.compactMap { lastOfLayer[$0] }.max()
    return UInt8(clamping: Int(frame.number &- (reference ?? frame.number &- 1)))
  }

  /// Where the packet lies in the frame that was begun last.
  private mutating func place(
    _ packet: CapturedMedia.Packet, _ previous: CapturedMedia.Packet?, isNew: Bool
  ) -> CapturedFrame.Place {
    let frame = frames.count - 1
    let isStart = isNew && packet.flags.contains(.start)
    var bytes = max(1, Int(packet.size) - CapturedFrames.descriptorSize)
    if isStart {
      bytes = max(
        bytes, VideoPacketizer.minimumFrameSize(isKeyframe: frames[frame].isKeyframe))
    }
    // Lost packets of the frame were as large as this one.
    if !isNew, let previous, packet.number > previous.number + 1 {
      frames[frame].size += Int(packet.number - previous.number - 1) * bytes
    }
    let offset = frames[frame].size
    frames[frame].size += bytes
    return CapturedFrame.Place(frame: frame, offset: offset, isStart: isStart)
  }
}

// A track that a bot publishes: its source, its RTP streams, and its place in the negotiation.

import Basics
import Codecs
import Transport
import Wire

final class LocalTrack {
  let configuration: LocalTrackConfiguration
  /// The client's id of the track, by which the SFU matches section and announcement.
  let cid: String
  let mid: ShortName
  /// One of the three.
  private(set) var audio: AudioSource?
  /// Where libopus makes the sound.
  private var speech: SpeechSender?
  private(set) var video: VideoSource?
  private(set) var captured: CapturedSource?
  var streams: [OutgoingStream] = []
  private(set) var sid: String?
  /// Its section's place in our offers, which never changes (RFC 8829 §5.2.2).
  private(set) var place = Int.max
  private(set) var isMuted = false
  private(set) var hasStarted = false
  private(set) var hasEnded = false
  private var packetizers: [VideoPacketizer] = []
  /// The encoders of a camera that sends real pictures.
  private var pictures: PictureSender?
  private(set) var framesSent = 0
  /// Layers that somebody takes.
  var wantsLayer: [Bool]
  var allocation: SimulcastAllocation?
  /// Counts what changes how much it could send.
  var allocationRevision = 1
  /// Keyframe requests, answered or not, by layer in the second that is running.
  private var keyframeRequests: [Int]

  init(
    _ configuration: LocalTrackConfiguration, cid: String, mid: ShortName,
    map: RTPExtensionMap, epoch: Duration, pool: PacketPool, clips: EncodedClips,
    starts: StartValues = .random, random: RandomStream
  ) {
    self.configuration = configuration
    self.cid = cid
    self.mid = mid
    var random = random
    if case .captured(let media, let origin) = configuration.coding {
      captured = CapturedSource(media, from: origin, random: random.child("source"))
      wantsLayer = media.kind == .video ? [true] : []
      keyframeRequests = media.kind == .video ? [0] : []
      streams = [
        OutgoingStream(
          mid: mid, rid: nil, codec: configuration.codec, map: map, epoch: epoch, pool: pool,
          starts: starts, random: &random)
      ]
      return
    }
    switch configuration.media {
    case .audio(let audio):
      if case .libopus(let usesFEC) = configuration.coding {
        // What of silence is sent is the encoder's to say.
        speech = SpeechSender(audio, usesFEC: usesFEC)
        var everyFrame = audio
        everyFrame.usesDTX = false
        self.audio = AudioSource(everyFrame, starts: starts, random: random.child("source"))
      } else {
        self.audio = AudioSource(audio, starts: starts, random: random.child("source"))
      }
      keyframeRequests = []
      wantsLayer = []
      streams = [
        OutgoingStream(
          mid: mid, rid: nil, codec: .opus, map: map, epoch: epoch, pool: pool,
          starts: starts, random: &random)
      ]
    case .video(let video):
      self.video = VideoSource(video, starts: starts, random: random.child("source"))
      keyframeRequests = Array(repeating: 0, count: video.layers.count)
      wantsLayer = Array(repeating: true, count: video.layers.count)
      allocation = SimulcastAllocation(
        layers: video.layers.count,
        hysteresis: configuration.source == .screenShare
          ? SimulcastAllocation.screenHysteresis : SimulcastAllocation.cameraHysteresis)
      let isSimulcast = video.layers.count > 1
      var coded = VideoCodec.vp8
      if case .libvpx(let codec) = configuration.coding {
        coded = codec
        pictures = PictureSender(codec, layers: video.layers.count, clips: clips)
      }
      for layer in video.layers.indices {
        streams.append(
          OutgoingStream(
            mid: mid, rid: isSimulcast ? BotLimits.rids[layer] : nil, codec: codec, map: map,
            epoch: epoch, pool: pool, starts: starts, random: &random))
        packetizers.append(
          VideoPacketizer(codec: coded, starts: starts, random: random.child("packets/\(layer)")))
      }
    }
  }

  var kind: MediaKind {
    if case .audio = configuration.media { .audio } else { .video }
  }

  /// Its packets go when the capture says, past the pacer.
  var isPaced: Bool { kind == .video && captured == nil }
  var codec: CodecProfile { configuration.codec }

  /// What the SFU is told about it.
  var announcement: TrackAnnouncement {
    var announcement = TrackAnnouncement(
      cid: cid, source: configuration.source, kind: kind, isMuted: isMuted)
    guard case .video(let video) = configuration.media else { return announcement }
    announcement.layers = video.layers.enumerated().map { index, model in
      TrackAnnouncement.Layer(
        width: model.width, height: model.height, bitrate: model.targetBitrate,
        rid: video.layers.count > 1 ? BotLimits.rids[index].description : nil)
    }
    return announcement
  }

  /// The SFU took it: from now on it has a section.
  func accepted(as sid: String, place: Int) {
    if self.sid == nil { self.place = place }
    self.sid = sid
  }

  /// Packets carry the header extensions that the answer accepted for the track's section, under the
  /// ids that were offered (RFC 8285 §6).
  func negotiated(_ accepted: RTPExtensionMap) {
    var map = RTPExtensionMap()
    for kind in RTPExtensionKind.allCases where accepted[kind] == PublisherOffer.extensionMap[kind]
    {
      map[kind] = accepted[kind]
    }
    for index in streams.indices { streams[index].map = map }
  }

  // MARK: - Switching

  func start(at now: Instant) {
    hasStarted = true
    allocationRevision += 1
    guard !isMuted, !hasEnded else { return }
    audio?.start(at: now)
    video?.start(at: now)
    captured?.start(at: now)
  }

  /// Unpublished for good.
  func end() {
    hasEnded = true
    allocationRevision += 1
    stop()
  }

  func stop() {
    audio?.stop()
    video?.stop()
    captured?.stop()
  }

  /// A muted microphone goes on with comfort frames, as a disabled libwebrtc track does; a camera
  /// that is off sends nothing.
  func setMuted(_ muted: Bool, at now: Instant) {
    guard muted != isMuted else { return }
    isMuted = muted
    allocationRevision += 1
    audio?.setMuted(muted, at: now)
    guard hasStarted else { return }
    if muted {
      video?.stop()
      captured?.stop()
    } else {
      video?.start(at: now)
      captured?.start(at: now)
    }
  }

  /// Changes the video source in place; nothing for audio.
  func withVideo(_ change: (inout VideoSource) -> Void) {
    if video != nil { change(&video!) }
  }

  func requestKeyframe(layer: Int, at now: Instant) {
    guard layer < keyframeRequests.count else { return }
    keyframeRequests[layer] += 1
    video?.requestKeyframe(layer: layer, at: now)
  }

  /// Whether a receiver's bounds make a layer smaller.
  var takesBounds: Bool {
    guard case .video(let video) = configuration.media else { return false }
    return video.layers.contains { $0.reducedHeight != nil }
  }

  /// The most requests that one layer got since the last call.
  func takeKeyframeRequests() -> Int {
    defer { for layer in keyframeRequests.indices { keyframeRequests[layer] = 0 } }
    return keyframeRequests.max() ?? 0
  }

  // MARK: - Media

  /// The share of its packets that its receiver missed of late, 0...1.
  func heard(ofLoss ratio: Double) { speech?.setLoss(ratio) }

  var nextTimeout: Instant? {
    audio?.nextTimeout ?? video?.nextTimeout ?? captured?.nextTimeout
  }

  /// Hands every packet that is ready to `emit`, with the index of its stream.
  func produce(at now: Instant, pool: PacketPool, _ emit: (consuming Packet, Int) -> Void) {
    while let frame = audio?.poll(at: now) {
      var coded: (payload: [UInt8], marker: Bool)?
      if speech != nil {
        coded = speech?.encode(frame)
        guard coded != nil else { continue }
      }
      framesSent += 1
      var packet = pool.makePacket()
      var extensions = streams[0].extensions
      extensions.transportSequenceNumber = 0
      extensions.audioLevel = AudioLevel(level: frame.level, voice: frame.voice)
      let fields = streams[0].nextFields(
        timestamp: frame.rtpTimestamp, marker: coded?.marker ?? frame.marker)
      packet.beginRTP(fields, extensions: extensions, map: streams[0].map)
      if let coded { packet.append(coded.payload.span.bytes) } else { frame.append(to: &packet) }
      emit(packet, 0)
    }
    while let frame = video?.poll(at: now) {
      framesSent += 1
      packetize(frame, pool: pool, emit)
    }
    while let piece = captured?.poll(at: now) {
      if piece.marker || kind == .audio, !piece.isPadding { framesSent += 1 }
      var packet = pool.makePacket()
      var extensions = streams[0].extensions
      extensions.transportSequenceNumber = 0
      extensions.audioLevel = piece.level
      let fields = streams[0].fields(
        offset: piece.number, timestamp: piece.timestamp, marker: piece.marker)
      packet.beginRTP(fields, extensions: extensions, map: streams[0].map)
      captured?.append(piece, to: &packet)
      emit(packet, 0)
    }
  }

  private func packetize(
    _ frame: EncodedFrame, pool: PacketPool, _ emit: (consuming Packet, Int) -> Void
  ) {
    let layer = frame.layer
    var coded: [UInt8]?
    if let video, pictures != nil {
      coded = pictures?.encode(
        frame, framesPerSecond: video.configuration.layers[layer].framesPerSecond,
        bitrate: video.bitrate(layer: layer))
      guard coded != nil else { return }
    }
    packetizers[layer].begin(frame, coded: coded)
    var extensions = streams[layer].extensions
    // Filled in when the packet leaves the pacer.
    extensions.transportSequenceNumber = 0
    while packetizers[layer].packetsLeft > 0 {
      let isLast = packetizers[layer].packetsLeft == 1
      var packet = pool.makePacket()
      let fields = streams[layer].nextFields(timestamp: frame.rtpTimestamp, marker: isLast)
      packet.beginRTP(fields, extensions: extensions, map: streams[layer].map)
      _ = packetizers[layer].next(into: &packet)
      emit(packet, layer)
    }
  }
}

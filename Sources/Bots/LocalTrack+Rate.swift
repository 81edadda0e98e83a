// How a track follows what congestion control lets it send.

import Basics

/// What packets cost on the wire beside their payload.
enum WireOverhead {
  /// IPv4, UDP and SRTP's tag, which come on top of an RTP packet.
  static let belowRTP = 44
  /// The same with RTP's header, its extensions and the payload descriptor.
  static let ofVideo = belowRTP + 38
  static let ofAudio = belowRTP + 28
  /// Of all packets of a microphone.
  static let ofSound = Bitrate.bps(
    Duration.seconds(1) / AudioSource.frameDuration * Double(8 * ofAudio))
  /// Payload of a video packet, about.
  static let payload = 1_150

  static func size(_ count: Int) -> DataSize { .bytes(count + belowRTP) }
}

extension LocalTrack {
  /// Whether it has a part in what the transport sends.
  var isSending: Bool { hasStarted && !hasEnded && !isMuted }

  /// What its sound takes, headers included.
  var audioRate: Bitrate {
    guard isSending, case .audio(let audio) = configuration.media else { return .zero }
    if let captured { return captured.meanBitrate + WireOverhead.ofSound }
    return audio.bitrate + WireOverhead.ofSound
  }

  /// The sum of what its running encoders produce.
  var mediaRate: Bitrate {
    if let captured { return captured.isOn && kind == .video ? captured.meanBitrate : .zero }
    guard let video, video.isOn else { return .zero }
    return (0..<video.layerCount).reduce(.zero) {
      video.isActive(layer: $1) ? $0 + video.bitrate(layer: $1) : $0
    }
  }

  /// A layer of its video was wanted or given up (dynacast).
  func setWanted(_ isWanted: Bool, layer: Int, at now: Instant) {
    guard layer < wantsLayer.count, wantsLayer[layer] != isWanted else { return }
    wantsLayer[layer] = isWanted
    allocationRevision += 1
    // A layer that comes back waits for its rate; one that goes, goes at once.
    if !isWanted { withVideo { $0.setActive(false, layer: layer, at: now) } }
  }

  private var layers: [SimulcastAllocation.Layer?] {
    guard let video, isSending else { return [] }
    return video.configuration.layers.enumerated().map { index, model in
      wantsLayer[index]
        ? SimulcastAllocation.Layer(
          minimum: model.minimumBitrate, target: model.targetBitrate,
          maximum: model.maximumBitrate) : nil
    }
  }

  /// The least and the most that its video takes on the wire, and up to where padding fills.
  var videoRange: (minimum: Bitrate, maximum: Bitrate, padding: Bitrate)? {
    let layers = layers
    let wanted = layers.compactMap(\.self)
    guard let lowest = wanted.first, let highest = wanted.last, let allocation else { return nil }
    let most = wanted.dropLast().reduce(highest.maximum) { $0 + $1.target }
    return (
      onTheWire(lowest.minimum, layers: 1), onTheWire(most, layers: wanted.count),
      onTheWire(allocation.padding(for: layers), layers: wanted.count)
    )
  }

  /// Sets the encoders to what `share` of the wire leaves them.
  func follow(_ share: Bitrate, at now: Instant) {
    guard let video else { return }
    let layers = layers
    var overhead = Bitrate.zero
    for layer in layers.indices where layers[layer] != nil && video.isActive(layer: layer) {
      overhead = overhead + self.overhead(of: video.bitrate(layer: layer), layer: layer)
    }
    guard let rates = allocation?.allocate(max(.zero, share - overhead), among: layers) else {
      return
    }
    withVideo { video in
      for (layer, rate) in rates.enumerated() {
        video.setActive(rate != nil, layer: layer, at: now)
        if let rate { video.setTargetBitrate(rate, layer: layer) }
      }
    }
  }

  private func overhead(of rate: Bitrate, layer: Int) -> Bitrate {
    let frames = Int64(video?.configuration.layers[layer].framesPerSecond ?? 30)
    let frame = rate.bitsPerSecond / 8 / frames
    let packets = frames * (frame / Int64(WireOverhead.payload) + 1)
    return Bitrate(bitsPerSecond: packets * 8 * Int64(WireOverhead.ofVideo))
  }

  private func onTheWire(_ rate: Bitrate, layers: Int) -> Bitrate {
    guard rate > .zero else { return .zero }
    return rate + overhead(of: rate, layer: 0)
      + Bitrate(bitsPerSecond: Int64(layers - 1) * 30 * 8 * Int64(WireOverhead.ofVideo))
  }
}

// Encoded frames shared by all who encode the same: an encoder's output is a function of what it was
// asked for so far, so cameras with the same history share one encoder until they part.

import Basics

/// The frames encoded so far, under the histories that lead to them. Belongs to one thread.
public final class EncodedClips {
  private var frames: [UInt64: [UInt8]] = [:]
  /// In the order of their coming, for the oldest to go first.
  private var order = RingBuffer<UInt64>(minimumCapacity: 64)
  private var bytes = 0
  private let capacity: Int
  /// Frames that a library really encoded, and those that were found.
  public private(set) var encoded = 0
  public private(set) var shared = 0

  /// - Parameter capacity: bytes kept.
  public init(capacity: Int = 256 << 20) { self.capacity = capacity }

  func frame(_ history: UInt64) -> [UInt8]? {
    guard let frame = frames[history] else { return nil }
    shared += 1
    return frame
  }

  func store(_ frame: [UInt8], _ history: UInt64) {
    encoded += 1
    bytes += frame.count
    frames[history] = frame
    order.append(history)
    while bytes > capacity, let oldest = order.popFirst() {
      bytes -= frames.removeValue(forKey: oldest)?.count ?? 0
    }
  }
}

/// An encoder that encodes only what nobody encoded before it.
public struct SharedVideoEncoder {
  private let configuration: VideoEncoder.Configuration
  private let clips: EncodedClips
  private var history: UInt64
  private var encoder: VideoEncoder?
  /// What was found in the clips; an encoder must go through it before it can go on alone.
  private var found: [FrameRequest] = []

  public init(_ configuration: VideoEncoder.Configuration, clips: EncodedClips) {
    self.configuration = configuration
    self.clips = clips
    history = 0
    mix(UInt64(configuration.codec.rawValue) << 32 | UInt64(configuration.framesPerSecond))
    mix(UInt64(configuration.width) << 32 | UInt64(configuration.height))
  }

  private mutating func mix(_ word: UInt64) {
    let product = (history ^ word) &* 0xD6E8_FEB8_6659_FD93
    history = (product ^ (product >> 32)) &+ 0x9E37_79B9_7F4A_7C15
  }

  /// The frame's bytes, from the clips or from libvpx.
  public mutating func encode(_ request: FrameRequest) throws(CodecError) -> [UInt8] {
    mix(UInt64(request.picture) << 32 | UInt64(request.kilobitsPerSecond))
    mix(UInt64(request.references.rawValue) << 1 | (request.isKeyframe ? 1 : 0))
    if encoder == nil, let frame = clips.frame(history) {
      found.append(request)
      return frame
    }
    let frame = try ownEncoder(first: request).encode(request)
    clips.store(frame, history)
    return frame
  }

  /// Repeats what was found, so that the encoder's state is that of who encoded it.
  private mutating func ownEncoder(first: FrameRequest) throws(CodecError) -> VideoEncoder {
    if let encoder { return encoder }
    let rate = (found.first ?? first).kilobitsPerSecond
    let made = try VideoEncoder(configuration, kilobitsPerSecond: rate)
    for request in found { _ = try made.encode(request) }
    found = []
    encoder = made
    return made
  }
}

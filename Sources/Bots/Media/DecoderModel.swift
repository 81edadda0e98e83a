// Which frames a VP8 decoder can decode: what descriptors make a receiver believe (RFC 7741 §4.2),
// and what the stamps say is true.

import Basics

/// A decoder as far as references between frames go.
public struct DecoderModel: Sendable {
  public enum Outcome: Sendable, Equatable {
    case decoded
    /// The frame was predicted from one that this decoder does not have: the stream promised a
    /// continuity that does not hold, as after a layer switch without a keyframe.
    case error
  }

  /// Frames are of no use until a keyframe comes: at the start, and after an error.
  public private(set) var needsKeyframe = true
  /// Pixels of the last decoded keyframe.
  public private(set) var width = 0
  public private(set) var height = 0

  private var pictureID: UInt16?
  /// How often picture ids began again: frames are decoded in order.
  private(set) var pictureIDWraps = 0
  private var tl0PicIdx: UInt8?
  private var lastSequenceNumber: Int64 = 0

  // What the stamps tell.
  private var layer: UInt8 = 0
  private var keyframeNumber: UInt32 = 0
  private var frameNumber: UInt32 = 0
  /// Bit n: the frame n before `frameNumber` was decoded.
  private var decoded: UInt64 = 0

  public init() {}

  /// Whether the receiver, who has only descriptors, takes `frame` for the decoder's next.
  public func believesDecodable(_ frame: ReceivedFrame) -> Bool {
    guard frame.isComplete else { return false }
    if frame.isKeyframe { return true }
    guard !needsKeyframe else { return false }
    if let tl0 = frame.tl0PicIdx, let lastTL0 = tl0PicIdx {
      guard isOfThisRound(frame) else { return false }
      if frame.temporalLayer == 0 { return tl0 == lastTL0 &+ 1 }
      guard tl0 == lastTL0 else { return false }
      return frame.isLayerSync || follows(frame)
    }
    return follows(frame)
  }

  /// Values of TL0PICIDX, which proves nothing once it has gone round.
  private static let round = 256

  /// Whether fewer pictures than a round lie between the last decoded frame and this one.
  private func isOfThisRound(_ frame: ReceivedFrame) -> Bool {
    guard let pictureID, let next = frame.pictureID, let first = frame.firstSequenceNumber,
      first - lastSequenceNumber >= Int64(DecoderModel.round)
    else { return true }
    return Int((next &- pictureID) & 0x7FFF) < DecoderModel.round
  }

  /// The frame directly behind the last decoded one.
  private func follows(_ frame: ReceivedFrame) -> Bool {
    if let pictureID, let next = frame.pictureID {
      return next == pictureID &+ 1 || next == (pictureID &+ 1) & 0x7FFF
        || (pictureID == 0x7F && next == 0)
    }
    return frame.firstSequenceNumber == lastSequenceNumber + 1
  }

  /// Decodes a frame that is believed to be decodable.
  public mutating func decode(_ frame: ReceivedFrame) -> Outcome {
    guard isTrulyDecodable(frame) else {
      needsKeyframe = true
      return .error
    }
    if frame.isKeyframe {
      needsKeyframe = false
      width = frame.width
      height = frame.height
    }
    if let pictureID, let next = frame.pictureID, next < pictureID { pictureIDWraps += 1 }
    pictureID = frame.pictureID
    if let tl0 = frame.tl0PicIdx { tl0PicIdx = tl0 }
    lastSequenceNumber = frame.lastSequenceNumber ?? lastSequenceNumber
    if let stamp = frame.stamp { remember(stamp) }
    return .decoded
  }

  private func isTrulyDecodable(_ frame: ReceivedFrame) -> Bool {
    if frame.isKeyframe { return true }
    guard let stamp = frame.stamp else { return true }
    guard stamp.layer == layer, stamp.keyframeNumber == keyframeNumber else { return false }
    let reference = stamp.frameNumber &- UInt32(stamp.referenceDistance)
    let age = frameNumber &- reference
    return age < 64 && decoded & (1 << UInt64(age)) != 0
  }

  private mutating func remember(_ stamp: FrameStamp) {
    let step = stamp.frameNumber &- frameNumber
    if stamp.kind == .key {
      decoded = 0
    } else {
      decoded = step < 64 ? decoded << UInt64(step) : 0
    }
    decoded |= 1
    layer = stamp.layer
    keyframeNumber = stamp.keyframeNumber
    frameNumber = stamp.frameNumber
  }
}

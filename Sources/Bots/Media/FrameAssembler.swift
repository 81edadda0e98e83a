// Puts the packets of frames together again, in whatever order and number they come (RFC 7741 §4).

import Basics

/// A frame of which at least one packet has come.
public struct ReceivedFrame: Sendable {
  /// Extended RTP timestamp; frames are kept in its order.
  public internal(set) var timestamp: Int64
  /// Sequence numbers of the packets with S and with the marker; nil until they have come.
  public internal(set) var firstSequenceNumber: Int64?
  public internal(set) var lastSequenceNumber: Int64?
  public internal(set) var packetsReceived: Int64 = 0
  public internal(set) var bytesReceived = 0
  public internal(set) var firstArrival: Instant
  /// When the packet came that made the frame complete.
  public internal(set) var completion: Instant?
  /// A packet of it came as RTX.
  public internal(set) var isRetransmitted = false

  // From the first packet:
  public internal(set) var isKeyframe = false
  public internal(set) var width = 0
  public internal(set) var height = 0
  public internal(set) var pictureID: UInt16?
  public internal(set) var tl0PicIdx: UInt8?
  public internal(set) var temporalLayer: UInt8 = 0
  public internal(set) var isLayerSync = false

  /// From the first packet or the last, wherever the source put it.
  public internal(set) var stamp: FrameStamp?

  public var isComplete: Bool { completion != nil }

  /// Of a complete frame.
  var sequenceNumbers: ClosedRange<Int64> {
    let first = firstSequenceNumber ?? 0
    return first...max(first, lastSequenceNumber ?? first)
  }

  init(timestamp: Int64, firstArrival: Instant) {
    self.timestamp = timestamp
    self.firstArrival = firstArrival
  }

  mutating func insert(_ packet: VideoPacket, at now: Instant) {
    packetsReceived += 1
    bytesReceived += packet.payloadSize
    isRetransmitted = isRetransmitted || packet.isRetransmission
    if packet.marker { lastSequenceNumber = packet.sequenceNumber }
    if packet.isFrameStart {
      firstSequenceNumber = packet.sequenceNumber
      isKeyframe = packet.isKeyframe
      width = packet.width
      height = packet.height
      pictureID = packet.pictureID
      tl0PicIdx = packet.tl0PicIdx
      temporalLayer = packet.temporalLayer
      isLayerSync = packet.isLayerSync
    }
    stamp = packet.stamp ?? stamp
    if completion == nil, let firstSequenceNumber, let lastSequenceNumber,
      packetsReceived == lastSequenceNumber - firstSequenceNumber + 1
    {
      completion = now
    }
  }
}

/// Frames being assembled, in order of their timestamps. Holds no payloads.
public struct FrameAssembler: Sendable {
  public enum Insertion: Sendable, Equatable {
    case accepted
    /// The packet was the last missing one of the frame at this index.
    case completedFrame(Int)
    case duplicate
    /// Its frame was decoded or given up before.
    case late
  }

  /// Oldest first.
  public private(set) var frames: [ReceivedFrame] = []
  private var timestamps = TimestampUnwrapper()
  /// Frames up to here are over.
  private var closedTimestamp: Int64?
  /// One bit for each of the sequence numbers up to the newest.
  private var seen: [UInt64] = []
  private var newest: Int64?

  public init() {}

  /// No packets come any more.
  mutating func release() {
    frames = []
    seen = []
  }

  var timestampCycles: Int { timestamps.cycles }

  public mutating func insert(_ packet: VideoPacket, at now: Instant) -> Insertion {
    guard isNew(packet.sequenceNumber) else { return .duplicate }
    let timestamp = timestamps.unwrap(packet.timestamp)
    if let closedTimestamp, timestamp <= closedTimestamp { return .late }
    var index = frames.count
    while index > 0, frames[index - 1].timestamp >= timestamp { index -= 1 }
    if index == frames.count || frames[index].timestamp != timestamp {
      frames.insert(ReceivedFrame(timestamp: timestamp, firstArrival: now), at: index)
    }
    let wasComplete = frames[index].isComplete
    frames[index].insert(packet, at: now)
    return frames[index].isComplete && !wasComplete ? .completedFrame(index) : .accepted
  }

  /// Takes the oldest frame out; packets of it and of older ones are late from now on.
  public mutating func removeFirst() -> ReceivedFrame {
    let frame = frames.removeFirst()
    closedTimestamp = frame.timestamp
    return frame
  }

  /// Marks `sequenceNumber` as seen; false when it was before, or is too old to tell.
  private mutating func isNew(_ sequenceNumber: Int64) -> Bool {
    let window = Int64(MediaLimits.sequenceWindow)
    if seen.isEmpty { seen = Array(repeating: 0, count: MediaLimits.sequenceWindow / 64) }
    let last = newest ?? sequenceNumber - 1
    if sequenceNumber > last {
      forget(after: last, through: sequenceNumber)
      newest = sequenceNumber
    } else if sequenceNumber <= last - window {
      return false
    }
    let position = Int(truncatingIfNeeded: sequenceNumber) & (MediaLimits.sequenceWindow - 1)
    let bit: UInt64 = 1 << UInt64(position & 63)
    guard seen[position >> 6] & bit == 0 else { return false }
    seen[position >> 6] |= bit
    return true
  }

  private mutating func forget(after last: Int64, through newest: Int64) {
    if newest - last >= Int64(MediaLimits.sequenceWindow) {
      for index in seen.indices { seen[index] = 0 }
      return
    }
    var number = last + 1
    while number <= newest {
      let position = Int(truncatingIfNeeded: number) & (MediaLimits.sequenceWindow - 1)
      seen[position >> 6] &= ~(1 << UInt64(position & 63))
      number += 1
    }
  }
}

// Frames of a video stream: where they begin and end, which are whole, which a decoder could have
// decoded, and when nothing new could be shown (W3C webrtc-stats, freezeCount).

import Basics
import Results
import Wire

/// What a payload says about the frame it belongs to.
struct FrameContent {
  var startsFrame = false
  var isKeyframe = false
  var resolution: VideoResolution?
  /// Of VP8, whose descriptor tells them.
  var temporalLayer: UInt8 = 0
  var isDiscardable = false
  var isLayerSync = false
}

struct FrameTracker {
  private struct Frame {
    var timestamp: Int64
    var first: Int64
    var last: Int64
    var packets = 1
    var hasMarker: Bool
    var hasStart: Bool
    var isKeyframe: Bool
    var completeTime: Instant
    var packetNumber: Int

    var isContiguous: Bool { hasMarker && Int64(packets) == last - first + 1 }
  }

  /// Frames that wait for packets. A decoder has given up long before.
  private static let waiting = 96
  /// W3C: of the last 30 frames.
  private static let intervals = 30
  private static let minimumIntervals = 5
  private static let freezeExcess = 150.0

  private(set) var statistics = CapturedFrames()
  /// Whether payloads tell keyframes; without it nothing is known about decoding.
  private(set) var knowsContent = false
  private var isClosed = false
  private var frames: [Frame] = []
  /// The last number of the last frame that was dealt with.
  private var previousEnd: Int64?
  private var needsKeyframe = false
  private var highestTimestamp = Int64.min
  private var lastShown: Instant?
  private var lastShownPacket = 0
  private var missingAtLastShown = 0
  private var recent: [Double] = []
  private var recentIndex = 0
  private var lastKeyframe: Instant?
  private var seriesStart: Instant?

  /// Payloads turned out to be encrypted: what was read in them is void.
  mutating func close() {
    guard !isClosed else { return }
    isClosed = true
    knowsContent = false
    statistics.keyframes = nil
    statistics.keyframeInterval = Spread()
    statistics.resolutions = []
    statistics.undecodable = 0
    needsKeyframe = false
  }

  /// Adds a packet with media.
  /// - Parameters:
  ///   - content: nil where the payload cannot be read.
  ///   - skipped: sequence numbers that the stream has skipped so far.
  mutating func add(
    _ number: Int64, timestamp: Int64, marker: Bool, at time: Instant, packetNumber: Int,
    content: FrameContent?, skipped: Int
  ) {
    if let content, !isClosed {
      if !knowsContent { knowsContent = true }
      if content.isKeyframe { noteKeyframe(content, timestamp, time) }
    }
    if timestamp > highestTimestamp {
      statistics.count += 1
      highestTimestamp = timestamp
    }
    if let previousEnd, number <= previousEnd, previousEnd - number < 0x4000 { return }
    insert(number, timestamp, marker, time, packetNumber, content)
    advance(skipped: skipped)
  }

  /// A packet without media takes a number between frames, or within one.
  mutating func addPadding(_ number: Int64, skipped: Int) {
    guard let end = previousEnd, number == end + 1 else { return }
    previousEnd = number
    advance(skipped: skipped)
  }

  private mutating func noteKeyframe(
    _ content: FrameContent, _ timestamp: Int64, _ time: Instant
  ) {
    guard !frames.contains(where: { $0.timestamp == timestamp && $0.isKeyframe }) else { return }
    guard content.startsFrame else { return }
    statistics.keyframes = (statistics.keyframes ?? 0) + 1
    if let lastKeyframe { statistics.keyframeInterval.add((time - lastKeyframe).seconds) }
    lastKeyframe = time
    guard let resolution = content.resolution else { return }
    let text = "\(resolution.width)x\(resolution.height)"
    if !statistics.resolutions.contains(text), statistics.resolutions.count < 32 {
      statistics.resolutions.append(text)
    }
  }

  private mutating func insert(
    _ number: Int64, _ timestamp: Int64, _ marker: Bool, _ time: Instant, _ packetNumber: Int,
    _ content: FrameContent?
  ) {
    var index = frames.count
    while index > 0, frames[index - 1].timestamp > timestamp { index -= 1 }
    if index > 0, frames[index - 1].timestamp == timestamp {
      index -= 1
      frames[index].first = min(frames[index].first, number)
      frames[index].last = max(frames[index].last, number)
      frames[index].packets += 1
      frames[index].hasMarker = frames[index].hasMarker || marker
      frames[index].hasStart = frames[index].hasStart || content?.startsFrame ?? false
      frames[index].isKeyframe = frames[index].isKeyframe || content?.isKeyframe ?? false
      frames[index].completeTime = time
      frames[index].packetNumber = packetNumber
      return
    }
    frames.insert(
      Frame(
        timestamp: timestamp, first: number, last: number, hasMarker: marker,
        hasStart: content?.startsFrame ?? false, isKeyframe: content?.isKeyframe ?? false,
        completeTime: time, packetNumber: packetNumber), at: index)
  }

  // MARK: - Completion

  private mutating func advance(skipped: Int) {
    while let front = frames.first {
      if isComplete(front) {
        frames.removeFirst()
        previousEnd = front.last
        finish(front, skipped: skipped)
      } else if isClosed || !knowsContent {
        // Repairs are not visible, so a frame is taken as shown once another one is whole.
        guard frames.count > 1, frames[1].hasMarker || frames.count > 8 else { return }
        frames.removeFirst()
        previousEnd = front.last
        statistics.incomplete += 1
        if isClosed { show(front, skipped: skipped) }
      } else if let next = frames.firstIndex(where: { $0.isKeyframe && $0.isContiguous }),
        next > 0
      {
        for frame in frames[..<next] { giveUp(frame) }
        previousEnd = frames[next].first - 1
        frames.removeFirst(next)
        needsKeyframe = false
      } else if frames.count > FrameTracker.waiting {
        frames.removeFirst()
        previousEnd = front.last
        giveUp(front)
        needsKeyframe = true
      } else {
        return
      }
    }
  }

  /// A frame that was not shown: a whole one refers to what is missing before it.
  private mutating func giveUp(_ frame: Frame) {
    if frame.isContiguous {
      statistics.undecodable += 1
    } else {
      statistics.incomplete += 1
    }
  }

  private func isComplete(_ frame: Frame) -> Bool {
    guard frame.isContiguous else { return false }
    guard let previousEnd else { return frame.hasStart || !knowsContent }
    return frame.first == previousEnd + 1 || (frame.hasStart && frame.isKeyframe)
  }

  private mutating func finish(_ frame: Frame, skipped: Int) {
    if frame.isKeyframe { needsKeyframe = false }
    guard !needsKeyframe else {
      statistics.undecodable += 1
      return
    }
    statistics.complete += 1
    show(frame, skipped: skipped)
  }

  private mutating func show(_ frame: Frame, skipped: Int) {
    let time = max(frame.completeTime, lastShown ?? frame.completeTime)
    if seriesStart == nil { seriesStart = time }
    statistics.rate.add(1, at: time - seriesStart!)
    defer {
      lastShown = time
      lastShownPacket = frame.packetNumber
      missingAtLastShown = skipped
    }
    guard let lastShown else { return }
    let interval = (time - lastShown).milliseconds
    statistics.interval.add(interval)
    if isFreeze(interval) {
      freeze(time, frame.packetNumber, time - lastShown, skipped - missingAtLastShown)
    }
    if recent.count < FrameTracker.intervals {
      recent.append(interval)
    } else {
      recent[recentIndex] = interval
      recentIndex = (recentIndex + 1) % FrameTracker.intervals
    }
  }

  private func isFreeze(_ interval: Double) -> Bool {
    guard recent.count >= FrameTracker.minimumIntervals else { return false }
    let mean = recent.reduce(0, +) / Double(recent.count)
    return interval >= max(3 * mean, mean + FrameTracker.freezeExcess)
  }

  private mutating func freeze(
    _ time: Instant, _ packetNumber: Int, _ duration: Duration, _ missing: Int
  ) {
    statistics.freezeCount += 1
    statistics.totalFreezesDuration += duration
    statistics.freezes.append(
      CapturedFrames.Freeze(
        time: time, packetNumber: packetNumber, duration: duration, missing: missing))
    guard statistics.freezes.count > InspectionLimits.eventsPerStream else { return }
    let least = statistics.freezes.indices.min {
      statistics.freezes[$0].duration < statistics.freezes[$1].duration
    }!
    statistics.freezes.remove(at: least)
  }

  /// What was found, once the stream is over at `end`, its last packet's time.
  func finished(at end: Instant, packetNumber: Int, skipped: Int) -> CapturedFrames {
    var copy = self
    copy.statistics.incomplete += frames.count
    if let lastShown, isFreeze((end - lastShown).milliseconds) {
      copy.freeze(end, packetNumber, end - lastShown, skipped - missingAtLastShown)
    }
    if !knowsContent { copy.statistics.undecodable = 0 }
    if knowsContent, statistics.keyframes == nil { copy.statistics.keyframes = 0 }
    return copy.statistics
  }
}

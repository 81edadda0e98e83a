// Takes media packets along while a capture is inspected: sizes, times and order, no payloads.

import Basics
import Results
import Wire

final class MediaRecorder {
  struct Entry {
    var time: Instant
    /// Extended over the whole stream.
    var number: Int64
    var timestamp: Int64
    var size: Int
    var flags: CapturedMedia.Flags
    var temporalLayer: UInt8
    var level: UInt8?
    /// Whether the payload said so, rather than the order of packets.
    var hasContent: Bool
  }

  /// All packets of an SSRC that go one way, whatever addresses they had.
  struct Recorded {
    var ssrc: UInt32
    var source: Address
    /// Flows in the order of appearance.
    var flows: [Int] = []
    var entries: [Entry] = []
    var padding: [Int64] = []
    var highestNumber: Int64 = 0
    var highestTimestamp: Int64 = 0
    var resolution: VideoResolution?
    var repaired = 0
    var cut = 0
  }

  private static let entryLimit = 2 * CapturedMedia.packetLimit

  private(set) var streams: [Recorded] = []
  private var indices: [UInt64: Int] = [:]
  private var count = 0
  /// Packets beyond what is kept.
  private(set) var ignored = 0

  func add(
    _ packet: StreamPacket, _ stream: StreamState, size: Int, _ content: FrameContent?
  ) {
    guard count < MediaRecorder.entryLimit else {
      ignored += 1
      return
    }
    let index = index(of: stream, UInt16(truncatingIfNeeded: packet.number))
    let isRepair = packet.fields.ssrc != stream.ssrc
    var flags: CapturedMedia.Flags = packet.fields.marker ? [.marker] : []
    if content?.startsFrame ?? false { flags.insert(.start) }
    if content?.isKeyframe ?? false { flags.insert(.keyframe) }
    if content?.isDiscardable ?? false { flags.insert(.discardable) }
    if content?.isLayerSync ?? false { flags.insert(.layerSync) }
    if packet.audioLevel?.voice ?? false { flags.insert(.voice) }
    if size > CapturedMedia.largestPayload { streams[index].cut += 1 }
    if isRepair { streams[index].repaired += 1 }
    streams[index].resolution = streams[index].resolution ?? content?.resolution
    let number = extend(UInt16(truncatingIfNeeded: packet.number), index)
    let timestamp = extend(packet.fields.timestamp, index)
    streams[index].entries.append(
      Entry(
        time: packet.time, number: number, timestamp: timestamp,
        size: min(max(1, size), CapturedMedia.largestPayload), flags: flags,
        temporalLayer: content?.temporalLayer ?? 0, level: packet.audioLevel?.level,
        hasContent: content != nil))
    count += 1
  }

  /// A packet without media takes a number.
  func addPadding(_ packet: StreamPacket, _ stream: StreamState) {
    let index = index(of: stream, UInt16(truncatingIfNeeded: packet.number))
    guard streams[index].padding.count < MediaRecorder.entryLimit / 8 else { return }
    streams[index].padding.append(extend(packet.fields.sequenceNumber, index))
  }

  // MARK: - Streams

  /// ICE moves a stream to another pair: its numbers go on.
  private func index(of stream: StreamState, _ number: UInt16) -> Int {
    let key = UInt64(stream.flow) << 32 | UInt64(stream.ssrc)
    if let known = indices[key] { return known }
    if let earlier = streams.firstIndex(where: { goesOn($0, stream, number) }) {
      streams[earlier].flows.append(stream.flow)
      indices[key] = earlier
      return earlier
    }
    var recorded = Recorded(ssrc: stream.ssrc, source: stream.facts.source)
    recorded.flows = [stream.flow]
    streams.append(recorded)
    indices[key] = streams.count - 1
    return streams.count - 1
  }

  /// A forwarded copy of the same SSRC begins with a number that was seen before; a stream that moved,
  /// with a new one.
  private func goesOn(_ recorded: Recorded, _ stream: StreamState, _ number: UInt16) -> Bool {
    guard recorded.ssrc == stream.ssrc, !recorded.entries.isEmpty else { return false }
    let step = Int16(
      bitPattern: number &- UInt16(truncatingIfNeeded: recorded.highestNumber))
    return step > 0 && Int(step) < InspectionLimits.maximumDropout
  }

  private func extend(_ value: UInt16, _ index: Int) -> Int64 {
    let isFirst = streams[index].entries.isEmpty && streams[index].padding.isEmpty
    let highest = isFirst ? Int64(value) + 0x1_0000 : streams[index].highestNumber
    let number = highest + Int64(Int16(bitPattern: value &- UInt16(truncatingIfNeeded: highest)))
    streams[index].highestNumber = max(highest, number)
    return number
  }

  private func extend(_ value: UInt32, _ index: Int) -> Int64 {
    let highest =
      streams[index].entries.isEmpty ? Int64(value) : streams[index].highestTimestamp
    let timestamp =
      highest + Int64(Int32(bitPattern: value &- UInt32(truncatingIfNeeded: highest)))
    streams[index].highestTimestamp = max(highest, timestamp)
    return timestamp
  }
}

// From recorded packets to the tracks of publishers.

import Basics
import Results
import Wire

struct MediaExtraction {
  private let inspector: CaptureInspector
  private let recorder: MediaRecorder
  private let report: CaptureReport
  private let vantage: Vantage
  private let end: IPAddress?
  /// Of the first media packet.
  private let start: Instant

  /// A frame of so many times the median stands for a keyframe where payloads are closed.
  private static let keyframeRatio = 3
  /// Microseconds of a week: what a hostile capture says beyond is not believed.
  private static let longestOffset: Int64 = 7 * 86_400 * 1_000_000

  init(
    _ inspector: CaptureInspector, _ recorder: MediaRecorder, _ report: CaptureReport,
    _ vantage: Vantage, _ end: IPAddress?
  ) {
    self.inspector = inspector
    self.recorder = recorder
    self.report = report
    self.vantage = vantage
    self.end = end
    start = recorder.streams.compactMap { $0.entries.map(\.time).min() }.min() ?? .zero
  }

  func call() throws(InspectionError) -> CapturedCall {
    var call = CapturedCall()
    let streams = try chosen(&call)
    for (owner, streams) in owners(of: streams) {
      _ = owner
      let tracks = self.tracks(streams, &call)
      guard !tracks.isEmpty else { continue }
      call.publishers.append(
        CapturedCall.Publisher(name: "publisher-\(call.publishers.count + 1)", tracks: tracks))
    }
    guard !call.publishers.isEmpty else {
      throw .noMedia(
        file: report.file, detail: "no stream of audio or video that could be replayed")
    }
    let all = call.publishers.flatMap(\.tracks)
    call.length = all.map(\.media.end).max() ?? .zero
    addNotes(all, &call)
    return call
  }

  // MARK: - Which streams

  private func facts(_ recorded: MediaRecorder.Recorded) -> CapturedStream? {
    report.streams.first { stream in
      stream.ssrc == recorded.ssrc && stream.role == .media
        && recorded.flows.contains { inspector.flows[$0].key.source == stream.source }
    }
  }

  private func chosen(
    _ call: inout CapturedCall
  ) throws(InspectionError) -> [MediaRecorder.Recorded] {
    let media = recorder.streams.filter { !$0.entries.isEmpty && facts($0) != nil }
    func ends(_ stream: MediaRecorder.Recorded) -> (from: [IPAddress], to: [IPAddress]) {
      let keys = stream.flows.map { inspector.flows[$0].key }
      return (keys.map(\.source.ip), keys.map(\.destination.ip))
    }
    // One direction alone needs no choice.
    let targets = media.flatMap { $0.flows.map { inspector.flows[$0].key.destination } }
    let sources = media.flatMap { $0.flows.map { inspector.flows[$0].key.source } }
    guard Set(targets).intersection(sources).contains(where: { _ in true }) || end != nil else {
      return media
    }
    let chosen: IPAddress
    if let end {
      chosen = end
    } else {
      chosen = try likelyServer(media, &call)
    }
    return media.filter { stream in
      let (from, to) = ends(stream)
      switch (vantage, end) {
      // Named is where the capture was taken; else the server is known, and the client is not it.
      case (.server, _), (.client, .some): return to.contains(chosen)
      case (.client, nil): return from.contains(chosen)
      }
    }
  }

  /// Flows of the chosen streams.
  func chosenFlows() throws(InspectionError) -> [Int] {
    var call = CapturedCall()
    return try chosen(&call).flatMap(\.flows)
  }

  /// The address with the most peers.
  private func likelyServer(
    _ media: [MediaRecorder.Recorded], _ call: inout CapturedCall
  ) throws(InspectionError) -> IPAddress {
    var peers: [(ip: IPAddress, peers: Set<Address>)] = []
    func add(_ ip: IPAddress, _ peer: Address) {
      if let index = peers.firstIndex(where: { $0.ip == ip }) {
        peers[index].peers.insert(peer)
      } else {
        peers.append((ip, [peer]))
      }
    }
    for stream in media {
      for flow in stream.flows {
        let key = inspector.flows[flow].key
        add(key.source.ip, key.destination)
        add(key.destination.ip, key.source)
      }
    }
    let most = peers.map(\.peers.count).max() ?? 0
    let best = peers.filter { $0.peers.count == most }
    guard best.count == 1 else {
      throw .ambiguousEnd(file: report.file, ends: peers.map(\.ip.description))
    }
    call.notes.append(
      "The server is \(best[0].ip), which has the most peers; --at ADDRESS names another.")
    return best[0].ip
  }

  /// Streams of one CNAME, else of one source address.
  private func owners(
    of streams: [MediaRecorder.Recorded]
  ) -> [(String, [MediaRecorder.Recorded])] {
    var result: [(String, [MediaRecorder.Recorded])] = []
    for stream in streams {
      let owner = facts(stream)?.cname ?? stream.source.description
      if let index = result.firstIndex(where: { $0.0 == owner }) {
        result[index].1.append(stream)
      } else {
        result.append((owner, [stream]))
      }
    }
    return result
  }

  // MARK: - Tracks

  /// At most one track of each source; the busiest streams stay.
  private func tracks(
    _ streams: [MediaRecorder.Recorded], _ call: inout CapturedCall
  ) -> [CapturedCall.Track] {
    var tracks: [CapturedCall.Track] = []
    let order = streams.sorted { ($1.entries.count, $0.ssrc) < ($0.entries.count, $1.ssrc) }
    for stream in order {
      guard let facts = facts(stream) else { continue }
      let isVideo =
        facts.kind == .video || (facts.kind == .unknown && facts.clockRate == 90_000)
      let name = Moments.ssrc(stream.ssrc)
      guard let clock = facts.clockRate, isVideo || facts.kind == .audio else {
        call.notes.append(
          "\(name) is left out: nothing tells whether it is audio or video; name its payload type "
            + "with --pt.")
        continue
      }
      let sources: [MediaSource] = isVideo ? [.camera, .screenShare] : [.microphone]
      let source = sources.first { source in !tracks.contains { $0.source == source } }
      guard let source else {
        call.notes.append(
          "\(name) is left out: its publisher has a busier \(isVideo ? "video" : "audio") stream, "
            + "as with simulcast.")
        continue
      }
      tracks.append(track(stream, facts, isVideo: isVideo, source, Int64(clock)))
    }
    return tracks
  }

  private func track(
    _ stream: MediaRecorder.Recorded, _ facts: CapturedStream, isVideo: Bool,
    _ source: MediaSource, _ clock: Int64
  ) -> CapturedCall.Track {
    // Names come from the capture: only those of codecs go further.
    let name = facts.codec.flatMap { Codec.kind(ofName: $0) == .unknown ? nil : $0 }
    var media = CapturedMedia(
      kind: isVideo ? .video : .audio, codec: name ?? "unknown",
      clockRate: clock, packets: packets(stream))
    if isVideo {
      media.width = min(max(2, stream.resolution?.width ?? 1_280), 16_383)
      media.height = min(max(2, stream.resolution?.height ?? 720), 16_383)
    }
    let knows = isVideo ? markFrames(&media, stream) : true
    let numbers = media.packets.map(\.number)
    let span = Int((numbers.max() ?? 0) - (numbers.min() ?? 0)) + 1
    let keyframes = media.packets.filter { $0.flags.contains(.keyframe) }.map {
      Double($0.offset) / 1e6
    }
    return CapturedCall.Track(
      source: source, ssrc: stream.ssrc, media: media, missing: max(0, span - Set(numbers).count),
      knowsKeyframes: knows,
      keyframeIntervals: knows ? zip(keyframes, keyframes.dropFirst()).map { $1 - $0 } : [])
  }

  /// In the order of time, numbered without the padding.
  private func packets(_ stream: MediaRecorder.Recorded) -> [CapturedMedia.Packet] {
    let padding = stream.padding.sorted()
    let lowest = stream.entries.map(\.number).min() ?? 0
    let first = stream.entries.map(\.timestamp).min() ?? 0
    func paddingBefore(_ number: Int64) -> Int64 {
      var (low, high) = (0, padding.count)
      while low < high {
        let middle = (low + high) / 2
        if padding[middle] < number { low = middle + 1 } else { high = middle }
      }
      return Int64(low)
    }
    let skipped = paddingBefore(lowest)
    let sorted = stream.entries.enumerated().sorted {
      ($0.element.time, $0.offset) < ($1.element.time, $1.offset)
    }
    return sorted.prefix(CapturedMedia.packetLimit).map { _, entry in
      CapturedMedia.Packet(
        offset: min(max(0, (entry.time - start).wholeMicroseconds), Self.longestOffset),
        number: Int32(
          min(entry.number - lowest - (paddingBefore(entry.number) - skipped), 1 << 29)),
        timestamp: min(entry.timestamp - first, 1 << 49), size: UInt16(clamping: entry.size),
        flags: entry.flags,
        temporalLayer: min(entry.temporalLayer, 7), level: entry.level)
    }
  }

  /// Marks the first packet of each frame, and keyframes where payloads do not tell.
  /// - Returns: whether keyframes are known.
  private func markFrames(_ media: inout CapturedMedia, _ stream: MediaRecorder.Recorded) -> Bool {
    let knows = stream.entries.contains { $0.hasContent }
    let order = media.packets.indices.sorted { media.packets[$0].number < media.packets[$1].number }
    var sizes: [Int] = []
    var frames: [(first: Int, size: Int)] = []
    var previous: CapturedMedia.Packet?
    for index in order {
      let packet = media.packets[index]
      if let previous, previous.timestamp == packet.timestamp {
        frames[frames.count - 1].size += Int(packet.size)
        // H.264 tells a keyframe in packets behind the first.
        if packet.flags.contains(.keyframe) {
          media.packets[index].flags.remove(.keyframe)
          media.packets[frames[frames.count - 1].first].flags.insert(.keyframe)
        }
        media.packets[index].flags.remove(.start)
      } else {
        let follows = previous.map { $0.number + 1 == packet.number } ?? true
        if follows { media.packets[index].flags.insert(.start) }
        frames.append((index, Int(packet.size)))
      }
      previous = packet
    }
    guard !knows else { return true }
    sizes = frames.map(\.size).sorted()
    let median = sizes.isEmpty ? 0 : sizes[sizes.count / 2]
    for (position, frame) in frames.enumerated()
    where position == 0 || frame.size > MediaExtraction.keyframeRatio * median {
      media.packets[frame.first].flags.insert(.keyframe)
    }
    return false
  }

  // MARK: - Notes

  private func addNotes(_ tracks: [CapturedCall.Track], _ call: inout CapturedCall) {
    let missing = tracks.reduce(0) { $0 + $1.missing }
    if missing > 0 {
      call.notes.append(
        "\(missing) packets never arrived at the capturing point; nothing is sent in their place.")
    }
    if !tracks.allSatisfy(\.knowsKeyframes) {
      call.unjudged.append(
        "Payloads are closed or of a codec that is not read, so which frames are keyframes is not "
          + "known: the first and those of more than \(MediaExtraction.keyframeRatio) times the "
          + "median size stand for them, and when decoding resumes after a loss is not judged.")
    }
    if tracks.contains(where: { $0.media.kind == .video && $0.media.codec.uppercased() != "VP8" }) {
      call.unjudged.append(
        "Video travels as VP8 of the captured sizes: what depends on another codec's payload is not "
          + "judged.")
    }
    if report.streams.contains(where: { $0.payload == .encrypted }) {
      call.unjudged.append(
        "Retransmissions and requests inside encrypted packets are not known: losses that were "
          + "repaired there stay losses.")
    }
    let ignored = recorder.ignored
    if ignored > 0 { call.notes.append("\(ignored) packets beyond the limit are left out.") }
    let cut = recorder.streams.reduce(0) { $0 + $1.cut }
    if cut > 0 {
      call.notes.append(
        "\(cut) payloads are larger than \(CapturedMedia.largestPayload) bytes and are sent with "
          + "that size.")
    }
  }
}

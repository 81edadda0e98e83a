// A link out of a capture: the path that packets took to the capturing point, in the language of
// scenarios, with how sure each figure is.

import Basics
import Capture
import Results

public struct ExtractedNetwork: Sendable {
  /// The link in YAML, to be included in a scenario; it names `capacity.trace` where it has one.
  public var yaml: String
  /// A capacity trace in mahimahi format; nil for a constant or an unknown capacity.
  public var trace: String?
  /// What was found and how sure it is: one sentence a line.
  public var lines: [String]
}

/// Takes arrivals along while a capture is inspected.
final class NetworkRecorder {
  struct Entry {
    var time: Instant
    var number: Int64
    var stream: Int
    var size: Int
    var timestamp: Int64
    /// The first packet of its timestamp.
    var isFirst: Bool
  }

  private static let entryLimit = 4_000_000

  /// By flow.
  private(set) var paths: [Int: [Entry]] = [:]
  private(set) var streams: [StreamState] = []
  private var indices: [UInt64: Int] = [:]
  private var highest: [Int64] = []
  private var count = 0

  func add(_ stream: StreamState, _ packet: StreamPacket, size: Int, flow: Int) {
    guard count < NetworkRecorder.entryLimit else { return }
    let key = UInt64(flow) << 32 | UInt64(stream.ssrc)
    var index = indices[key] ?? -1
    if index < 0 {
      index = streams.count
      indices[key] = index
      streams.append(stream)
      highest.append(.min)
    }
    let timestamp = stream.extend(packet.fields.timestamp)
    let isFirst = timestamp > highest[index]
    highest[index] = max(highest[index], timestamp)
    paths[flow, default: []].append(
      Entry(
        time: packet.time, number: packet.number, stream: index, size: size,
        timestamp: timestamp, isFirst: isFirst))
    count += 1
  }
}

extension CaptureInspection {
  /// The network before the capturing point, from the busiest path that leads to it.
  /// - Throws: `capture`, `noMedia`, `ambiguousEnd`.
  public static func network(
    of file: String, _ options: InspectionOptions, _ vantage: Vantage, end: IPAddress? = nil,
    progress: (Int64) -> Void = { _ in }
  ) throws(InspectionError) -> ExtractedNetwork {
    let recorder = NetworkRecorder()
    let media = MediaRecorder()
    let reading = try pass(
      file, options, keyLog: options.keyLog, clocks: nil, recorder: media, network: recorder,
      progress)
    let report = try report(reading, options)
    guard timestampClocks(reading.inspector) == nil else {
      throw .noMedia(
        file: file, detail: "its capture times say nothing, so nothing tells how delay varied")
    }
    let direction = MediaExtraction(reading.inspector, media, report, vantage, end)
    let flows = try direction.chosenFlows()
    return try NetworkExtraction(reading.inspector, recorder, report, vantage, file)
      .network(flows)
  }
}

struct NetworkExtraction {
  /// Fewer packets tell nothing.
  private static let leastPackets = 200

  private let inspector: CaptureInspector
  private let recorder: NetworkRecorder
  private let report: CaptureReport
  private let vantage: Vantage
  private let file: String

  init(
    _ inspector: CaptureInspector, _ recorder: NetworkRecorder, _ report: CaptureReport,
    _ vantage: Vantage, _ file: String
  ) {
    self.inspector = inspector
    self.recorder = recorder
    self.report = report
    self.vantage = vantage
    self.file = file
  }

  func network(_ flows: [Int]) throws(InspectionError) -> ExtractedNetwork {
    let paths = flows.map { ($0, recorder.paths[$0]?.count ?? 0) }
    guard let (flow, count) = paths.max(by: { ($0.1, $1.0) < ($1.1, $0.0) }),
      count >= NetworkExtraction.leastPackets
    else {
      throw .noMedia(
        file: file,
        detail: "no path carried \(NetworkExtraction.leastPackets) RTP packets, fewer tell nothing")
    }
    let estimate = NetworkEstimate(packets(recorder.paths[flow] ?? []))
    return written(estimate, delay(of: flow))
  }

  private func packets(_ entries: [NetworkRecorder.Entry]) -> [PathPacket] {
    let facts = recorder.streams.map { $0.finish(inspector.codecs) }
    guard let first = entries.map(\.time).min() else { return [] }
    return entries.sorted { $0.time < $1.time }.map { entry in
      let stream = facts[entry.stream]
      let clock = stream.role == .media ? stream.clockRate : nil
      let isTimed = stream.kind == .audio || entry.isFirst
      return PathPacket(
        time: (entry.time - first).seconds, number: entry.number, stream: entry.stream,
        size: entry.size,
        mediaTime: isTimed ? clock.map { Double(entry.timestamp) / Double($0) } : nil)
    }
  }

  /// Half of the least round trip that the other end's reports tell; nil where none does.
  private func delay(of flow: Int) -> Double? {
    let key = inspector.flows[flow].key
    let trips = report.streams.filter {
      $0.source == key.destination && $0.destination == key.source
    }.compactMap { $0.reports }.filter { $0.roundTrip.count > 0 }
    return trips.map(\.roundTrip.minimum).min().map { $0 / 2 }
  }

  // MARK: - Writing

  private func number(_ value: Double, _ decimals: Int = 1) -> String {
    Moments.number(value, decimals)
  }

  private func written(_ estimate: NetworkEstimate, _ delay: Double?) -> ExtractedNetwork {
    var fields: [String] = []
    var lines: [String] = []
    var trace: String?
    if let capacity = estimate.capacity {
      let rate = "\(number(capacity.rate / 1_000, 0)) kbps"
      let backlog = "\(number(capacity.backlogged)) s in which packets waited"
      if capacity.trace.count > 1 {
        fields.append("trace: capacity.trace")
        trace = capacity.trace.map { "\($0)\n" }.joined()
        lines.append(
          "capacity: varies around \(rate) over \(backlog) (capacity.trace); outside of them it is "
            + "not known, and the mean goes on.")
      } else {
        fields.append("rate: \(number(capacity.rate / 1_000, 0))kbps")
        lines.append(
          "capacity: \(rate) ± \(number(100 * capacity.spread)) % over \(backlog).")
      }
      fields.append("queue: \(number(max(20, capacity.longestQueue), 0))ms")
      lines.append("queue: the longest wait was \(number(capacity.longestQueue, 0)) ms.")
    } else {
      lines.append(
        "capacity: packets never waited long enough to tell; at least "
          + "\(number(estimate.meanRate / 1_000, 0)) kbps passed.")
    }
    if let delay {
      fields.append("delay: \(number(max(0, delay), 1))ms")
      lines.append("delay: \(number(delay, 1)) ms, half of the least round trip in reports.")
    } else {
      lines.append("delay: not known, as no report tells a round trip; 0 ms is written.")
    }
    add(estimate.variation, &fields, &lines)
    add(estimate.loss, &fields, &lines)
    let direction = vantage == .server ? "up" : "down"
    var yaml =
      "# A link by assay inspect --extract-network, from \(estimate.loss.packets) packets in "
    yaml += "\(number(estimate.seconds, 0)) s.\n"
    for line in lines { yaml += "# \(line)\n" }
    yaml += "links:\n  extracted:\n    \(direction):\n"
    if fields.isEmpty { fields.append("rate: unlimited") }
    for field in fields { yaml += "      \(field)\n" }
    return ExtractedNetwork(yaml: yaml, trace: trace, lines: lines)
  }

  private func add(
    _ variation: NetworkEstimate.Variation, _ fields: inout [String], _ lines: inout [String]
  ) {
    guard variation.samples > 0 else {
      lines.append("delay variation: packets always waited, so nothing else tells.")
      return
    }
    let figures =
      "median \(number(variation.median)) ms, p95 \(number(variation.p95)) ms above the least, of "
      + "\(variation.samples) packets"
    switch variation.shape {
    case .none: lines.append("delay variation: below 1 ms (\(figures)).")
    case .uniform:
      fields.append("jitter: { uniform: \(number(variation.p95 / 0.95, 2))ms }")
    case .normal:
      fields.append("jitter: { normal: { std: \(number(variation.deviation, 2))ms } }")
    case .halfNormal:
      fields.append(
        "jitter: { nrBPDV: { std: \(number(variation.p95 / 1.959964, 2))ms, "
          + "max: \(number(max(variation.maximum, variation.p95), 2))ms } }")
    }
    guard variation.shape != .none else { return }
    lines.append(
      "delay variation: \(figures); the model is off by at most "
        + "\(number(100 * variation.error, 0)) % of the packets.")
  }

  private func add(
    _ loss: NetworkEstimate.Loss, _ fields: inout [String], _ lines: inout [String]
  ) {
    let overflow =
      loss.overflowed > 0 ? "; \(loss.overflowed) more were lost to the full queue" : ""
    guard loss.rate > 0 else {
      lines.append("loss: none of \(loss.packets) packets\(overflow).")
      return
    }
    let rate = "\(number(100 * loss.rate, 2)) % ± \(number(100 * loss.error, 2)) %"
    if let (p, r) = loss.gilbert {
      fields.append(
        "loss: { gilbertElliott: { p: \(number(100 * p, 4))%, r: \(number(100 * r, 3))% } }")
      lines.append(
        "loss: \(rate) in bursts of \(number(1 / r, 2)) packets on average (Gilbert model)\(overflow)."
      )
    } else {
      fields.append("loss: \(number(100 * loss.rate, 4))%")
      lines.append("loss: \(rate), each packet by itself\(overflow).")
    }
  }
}

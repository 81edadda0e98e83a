// Two captures side by side: figures of the streams that both hold, each with its direction.

import Basics

/// Two captures packet by packet.
public struct PacketAlignment: Equatable, Sendable {
  public var streams: [DiffReport.StreamPair] = []
  public var divergence: DiffReport.Divergence?
  /// Both files hold the same packets of the streams that were compared.
  public var isSame: Bool { divergence == nil && streams.allSatisfy(\.isSame) }
  public var notes: [String] = []

  public init() {}
}

extension DiffReport {
  /// Compares captures by their reports and their packets.
  /// - Throws: where no stream is in both.
  public static func captures(
    _ a: CaptureReport, _ b: CaptureReport, _ alignment: PacketAlignment
  ) throws(Incomparable) -> DiffReport {
    let pairs = pairs(a.streams, b.streams)
    guard !pairs.isEmpty else {
      throw Incomparable(
        "no stream of \(a.file) is in \(b.file), neither by SSRC nor by kind: name two captures of "
          + "one call")
    }
    var report = DiffReport(kind: .captures, a: side(a), b: side(b))
    report.notes = alignment.notes
    if pairs.contains(where: { $0.0.ssrc != $0.1.ssrc }) {
      report.notes.append(
        "No SSRC is in both captures: streams are paired by kind and order, and packets are not "
          + "compared.")
    }
    let lonely = a.streams.count + b.streams.count - 2 * pairs.count
    if lonely > 0 { report.notes.append("\(lonely) streams are in one of the captures only.") }
    for (name, capture) in [("A", a), ("B", b)] where capture.clock == .rtp {
      report.notes.append("The capture times of \(name) say nothing: RTP timestamps are its clock.")
    }
    let test = NoiseTest(comparisons: 10 * pairs.count)
    for (first, second) in pairs { report.compare(first, second, test) }
    report.take(alignment)
    report.isIdentical = alignment.isSame && !alignment.streams.isEmpty && lonely == 0
    report.finish()
    return report
  }

  /// Takes what packets say over what figures say.
  public mutating func take(_ alignment: PacketAlignment) {
    streams = alignment.streams
    for index in streams.indices where streams[index].label.isEmpty {
      streams[index].label = "stream"
    }
    if let found = alignment.divergence { divergence = found }
  }

  private static func side(_ capture: CaptureReport) -> Side {
    Side(
      file: capture.file, title: capture.file.split(separator: "/").last.map(String.init) ?? "",
      details: [
        "\(capture.records.packets) packets", "\(Moments.number(capture.duration.seconds, 1)) s",
        "\(capture.streams.count) streams",
      ])
  }

  /// Streams of one SSRC, of the same addresses first; where there is none, of one kind in order.
  static func pairs(
    _ a: [CapturedStream], _ b: [CapturedStream]
  ) -> [(CapturedStream, CapturedStream)] {
    var rest = b
    var pairs: [(CapturedStream, CapturedStream)] = []
    func take(_ matches: (CapturedStream) -> Bool, for stream: CapturedStream) -> Bool {
      guard let index = rest.firstIndex(where: matches) else { return false }
      pairs.append((stream, rest.remove(at: index)))
      return true
    }
    let moved = a.filter { stream in
      !take(
        {
          $0.ssrc == stream.ssrc && $0.source == stream.source
            && $0.destination == stream.destination
        }, for: stream)
    }
    for stream in moved { _ = take({ $0.ssrc == stream.ssrc }, for: stream) }
    guard pairs.isEmpty else { return pairs }
    for stream in a {
      _ = take({ $0.kind == stream.kind && $0.label == stream.label }, for: stream)
    }
    return pairs
  }

  // MARK: - Figures

  /// Whether more is worse of figures that the catalogue of metrics does not name.
  private static let directions: [String: Bool] = [
    "bitrate": false, "framesReceived": false, "lostAfterRepair": true, "longestGap": true,
    "longestBurst": true,
  ]

  private mutating func compare(
    _ a: CapturedStream, _ b: CapturedStream, _ test: NoiseTest
  ) {
    let subject = "\(a.label) \(Moments.ssrc(a.ssrc))"
    func add(
      _ metric: String, _ unit: String, _ x: Double?, _ y: Double?, isCount: Bool = false
    ) {
      guard x != nil || y != nil else { return }
      guard let x, let y else {
        rows.append(
          Row(
            subject: subject, metric: metric, unit: unit, a: x, b: y, change: .missing, noise: nil))
        return
      }
      let noise =
        isCount
        ? max(
          test.threshold(counts: x, y), NoiseTest.leastRelevant * max(x.magnitude, y.magnitude))
        : DiffReport.singleValueNoise * max(x.magnitude, y.magnitude)
      var change = DiffReport.change(metric, from: x, to: y, noise: noise)
      if change == .changed, let moreIsWorse = DiffReport.directions[metric] {
        change = (y > x) == moreIsWorse ? .worse : .better
      }
      rows.append(
        Row(
          subject: subject, metric: metric, unit: unit, a: x, b: y, change: change,
          noise: x == y ? nil : noise))
    }
    add("packetsReceived", "1", Double(a.packets), Double(b.packets), isCount: true)
    add("packetsLost", "1", Double(a.missing), Double(b.missing), isCount: true)
    if a.role == .media, !a.repairIsHidden, !b.repairIsHidden {
      add("lostAfterRepair", "1", Double(a.residualLoss), Double(b.residualLoss), isCount: true)
    }
    add("longestBurst", "1", Double(a.longestBurst), Double(b.longestBurst), isCount: true)
    if a.role == .media { add("jitter", "ms", a.jitter, b.jitter) }
    add("bitrate", "bps", a.meanBitrate, b.meanBitrate)
    add(
      "pliCount", "1", Double(a.keyframeRequestCount), Double(b.keyframeRequestCount), isCount: true
    )
    add("nackCount", "1", Double(a.nacks.messages), Double(b.nacks.messages), isCount: true)
    func trip(_ stream: CapturedStream) -> Double? {
      stream.reports.flatMap { $0.roundTrip.count > 0 ? $0.roundTrip.mean : nil }
    }
    add("roundTripTime", "ms", trip(a), trip(b))
    if a.frames != nil || b.frames != nil {
      add(
        "framesReceived", "1", a.frames.map { Double($0.complete) },
        b.frames.map { Double($0.complete) }, isCount: true)
      add(
        "freezeCount", "1", a.frames.map { Double($0.freezeCount) },
        b.frames.map { Double($0.freezeCount) }, isCount: true)
      add(
        "totalFreezesDuration", "s", a.frames?.totalFreezesDuration.seconds,
        b.frames?.totalFreezesDuration.seconds)
    }
    addCurves(subject, a, b)
  }

  private mutating func addCurves(_ subject: String, _ a: CapturedStream, _ b: CapturedStream) {
    func line(_ series: BinnedSeries) -> Curves.Line {
      Curves.Line(start: 0, step: series.binWidth.seconds, values: series.perSecond.map { $0 })
    }
    curves.append(
      Curves(
        title: "Bitrate of \(subject)", unit: "bps", a: line(a.bitrate), b: line(b.bitrate)))
    guard let first = a.frames, let second = b.frames, first.count > 1 else { return }
    curves.append(
      Curves(
        title: "Complete frames of \(subject)", unit: "1/s", a: line(first.rate),
        b: line(second.rate)))
  }
}

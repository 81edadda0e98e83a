// Two runs side by side: verdicts, totals and series, each with its direction.

import Basics

extension DiffReport {
  /// Why two things cannot be compared.
  public struct Incomparable: Error, Equatable, Sendable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }
  }

  /// Compares runs `a` and `b`, read from files of these names.
  /// - Throws: where no participant is in both.
  public static func runs(
    _ a: RunResult, _ b: RunResult, files: (a: String, b: String)
  ) throws(Incomparable) -> DiffReport {
    let identities = Set(a.participants.map(\.identity))
    let flows = Set(a.flows.map(\.name))
    guard
      b.participants.contains(where: { identities.contains($0.identity) })
        || b.flows.contains(where: { flows.contains($0.name) })
    else {
      throw Incomparable(
        "no participant of \(a.scenario.name) is in \(b.scenario.name): name two runs of one "
          + "scenario")
    }
    var report = DiffReport(kind: .runs, a: side(a, files.a), b: side(b, files.b))
    report.addNotes(a, b)
    report.compareVerdicts(a, b)
    report.compareFigures(a, b)
    report.isIdentical =
      report.rows.allSatisfy { $0.a == $0.b } && report.verdicts.isEmpty && isSameSeries(a, b)
      && (a.traceHash == b.traceHash || a.traceHash.isEmpty || b.traceHash.isEmpty)
    if !report.isIdentical { report.divergence = firstInterval(a, b) }
    report.finish()
    return report
  }

  private static func side(_ run: RunResult, _ file: String) -> Side {
    var details = ["seed \(run.seed)", "verdict \(run.verdict.rawValue)"]
    if !run.traceHash.isEmpty { details.append("trace \(run.traceHash)") }
    details.append("build \(run.build)")
    if let target = run.target { details.append("against \(target)") }
    if let partial = run.partial { details.append("PARTIAL: \(partial)") }
    return Side(file: file, title: run.scenario.name, details: details)
  }

  private mutating func addNotes(_ a: RunResult, _ b: RunResult) {
    if a.scenario.sha256 != b.scenario.sha256 {
      notes.append(
        a.scenario.name == b.scenario.name
          ? "The scenario file changed between the runs."
          : "The runs are of different scenarios: \(a.scenario.name) and \(b.scenario.name).")
    }
    if a.variant.map({ "\($0)=\($1)" }) != b.variant.map({ "\($0)=\($1)" }) {
      notes.append("The runs are of different cells of the matrix.")
    }
    if a.seed != b.seed {
      notes.append("The seeds differ, so packets are not expected to be the same.")
    }
    if a.clock != b.clock { notes.append("One run is in virtual time, the other in real time.") }
    for (name, run) in [("A", a), ("B", b)] {
      if let partial = run.partial { notes.append("\(name) did not reach its end: \(partial).") }
    }
  }

  // MARK: - Verdicts

  private mutating func compareVerdicts(_ a: RunResult, _ b: RunResult) {
    func rank(_ verdict: Verdict) -> Int {
      switch verdict {
      case .pass, .unexpectedPass, .expectedFailure: 2
      case .inconclusive: 1
      case .fail: 0
      case .unsupported, .skipped, .waived: -1
      }
    }
    let other = Dictionary(b.assertions.map { ($0.id, $0.verdict) }) { first, _ in first }
    for assertion in a.assertions where other[assertion.id] != assertion.verdict {
      guard let verdict = other[assertion.id] else {
        verdicts.append(
          VerdictRow(id: assertion.id, a: assertion.verdict, b: nil, change: .missing))
        continue
      }
      let (before, after) = (rank(assertion.verdict), rank(verdict))
      let change: Change =
        before < 0 || after < 0
        ? .changed
        : after < before
          ? .worse
          : after > before
            ? .better
            : .changed
      verdicts.append(
        VerdictRow(id: assertion.id, a: assertion.verdict, b: verdict, change: change))
    }
    let known = Set(a.assertions.map(\.id))
    for assertion in b.assertions where !known.contains(assertion.id) {
      verdicts.append(VerdictRow(id: assertion.id, a: nil, b: assertion.verdict, change: .missing))
    }
  }

  // MARK: - Figures

  private struct Pairing<Value> {
    var keys: [String] = []
    var a: [String: Value] = [:]
    var b: [String: Value] = [:]

    mutating func add(_ key: String, a value: Value) {
      if a[key] == nil { keys.append(key) }
      a[key] = a[key] ?? value
    }

    mutating func add(_ key: String, b value: Value) {
      if a[key] == nil, b[key] == nil { keys.append(key) }
      b[key] = b[key] ?? value
    }
  }

  private mutating func compareFigures(_ a: RunResult, _ b: RunResult) {
    let series = DiffReport.pairedSeries(a, b)
    let totals = DiffReport.pairedTotals(a, b)
    let test = NoiseTest(comparisons: series.keys.count + totals.keys.count)
    for key in series.keys {
      let (first, second) = (series.a[key], series.b[key])
      guard let one = first ?? second else { continue }
      let samples = (first?.values.compactMap { $0 } ?? [], second?.values.compactMap { $0 } ?? [])
      let subject = one.subject.isEmpty ? one.participant : "\(one.participant) < \(one.subject)"
      // Capacities are what the scenario set, not what was measured.
      guard MetricCatalogue.metric(named: one.metric) != nil else { continue }
      add(
        subject, one.metric, one.unit, mean(samples.0), mean(samples.1),
        threshold: test.threshold(samples.0, samples.1))
      if let first, let second { addCurves(subject, first, second) }
    }
    for key in totals.keys {
      let (first, second) = (totals.a[key], totals.b[key])
      guard let one = first ?? second else { continue }
      let isCount = one.unit == "1"
      // A concealed frame of 20 ms is 960 samples.
      let grain = one.metric == "concealedSamples" ? 960.0 : 1
      let (x, y) = (first?.value, second?.value)
      let threshold: Double? =
        isCount
        ? max(
          test.threshold(counts: x ?? 0, y ?? 0, grain: grain),
          NoiseTest.leastRelevant * max(x?.magnitude ?? 0, y?.magnitude ?? 0)) : nil
      add(one.subject, one.metric, one.unit, x, y, threshold: threshold)
    }
  }

  private func mean(_ samples: [Double]) -> Double? {
    samples.isEmpty ? nil : samples.reduce(0, +) / Double(samples.count)
  }

  /// A figure of which a single value is known is judged by a quarter of it.
  static let singleValueNoise = 0.25

  private mutating func add(
    _ subject: String, _ metric: String, _ unit: String, _ a: Double?, _ b: Double?,
    threshold: Double?
  ) {
    guard a != nil || b != nil else { return }
    guard let x = a, let y = b else {
      // What was sampled all the while and is no more has got worse; events may just not happen.
      let isSampled = MetricCatalogue.metric(named: metric)?.kind == .gauge
      let change: Change = isSampled ? b == nil ? .worse : .better : .missing
      rows.append(
        Row(subject: subject, metric: metric, unit: unit, a: a, b: b, change: change, noise: nil))
      return
    }
    let noise =
      threshold ?? DiffReport.singleValueNoise * max(x.magnitude, y.magnitude)
    let change = DiffReport.change(metric, from: x, to: y, noise: noise)
    rows.append(
      Row(
        subject: subject, metric: metric, unit: unit, a: x, b: y, change: change,
        noise: x == y ? nil : noise))
  }

  /// Which way a metric of the catalogue went.
  static func change(_ metric: String, from a: Double, to b: Double, noise: Double) -> Change {
    guard (b - a).magnitude > noise else { return .same }
    guard let known = MetricCatalogue.metric(named: metric) else { return .changed }
    return (b > a) == known.lowerIsBetter ? .worse : .better
  }

  // MARK: - Pairs

  private struct Total {
    var subject: String
    var metric: String
    var unit: String
    var value: Double
  }

  private static func pairedSeries(_ a: RunResult, _ b: RunResult) -> Pairing<Series> {
    var pairs = Pairing<Series>()
    func key(_ series: Series) -> String {
      "\(series.participant)\u{0}\(series.metric)\u{0}\(series.subject)"
    }
    for series in a.series { pairs.add(key(series), a: series) }
    for series in b.series { pairs.add(key(series), b: series) }
    return pairs
  }

  /// Totals of tracks by their source, and what a participant has once.
  private static func pairedTotals(_ a: RunResult, _ b: RunResult) -> Pairing<Total> {
    var pairs = Pairing<Total>()
    for total in totals(of: a) { pairs.add("\(total.subject)\u{0}\(total.metric)", a: total) }
    for total in totals(of: b) { pairs.add("\(total.subject)\u{0}\(total.metric)", b: total) }
    return pairs
  }

  private static func totals(of run: RunResult) -> [Total] {
    var result: [Total] = []
    func add(_ subject: String, _ metric: String, _ unit: String, _ value: Double?) {
      guard let value else { return }
      result.append(Total(subject: subject, metric: metric, unit: unit, value: value))
    }
    for person in run.participants {
      let name = person.identity
      add(name, "assay.connectTime", "ms", person.connectMs)
      add(name, "assay.timeToFirstFrame", "ms", person.timeToFirstFrameMs)
      add(name, "assay.callSuccess", "1", person.succeeded.map { $0 ? 1 : 0 })
      for track in person.inbound {
        let subject = "\(name) < \(track.peer) \(track.source)"
        for value in track.values {
          guard let metric = MetricCatalogue.metric(named: value.metric),
            metric.kind == .counter
          else { continue }
          add(subject, value.metric, metric.unit, value.value)
        }
      }
    }
    return result
  }

  private mutating func addCurves(_ subject: String, _ a: Series, _ b: Series) {
    curves.append(
      Curves(
        title: "\(a.metric) of \(subject)", unit: a.unit,
        a: Curves.Line(start: a.start, step: a.step, values: a.values),
        b: Curves.Line(start: b.start, step: b.step, values: b.values)))
  }

  // MARK: - First difference

  private static func isSameSeries(_ a: RunResult, _ b: RunResult) -> Bool {
    a.series.map(\.rounded) == b.series.map(\.rounded)
  }

  /// The first interval in which a sampled metric differs; nil where none does.
  private static func firstInterval(_ a: RunResult, _ b: RunResult) -> Divergence? {
    let pairs = pairedSeries(a, b)
    var best: (time: Double, text: String, others: Int)?
    for key in pairs.keys {
      guard let first = pairs.a[key]?.rounded, let second = pairs.b[key]?.rounded,
        first.step == second.step, first.start == second.start
      else { continue }
      let count = max(first.values.count, second.values.count)
      let index = (0..<count).first {
        ($0 < first.values.count ? first.values[$0] : nil)
          != ($0 < second.values.count ? second.values[$0] : nil)
      }
      guard let index else { continue }
      let time = first.start + Double(index) * first.step
      if let known = best, known.time <= time {
        if known.time == time { best?.others += 1 }
        continue
      }
      func value(_ series: Series) -> String {
        guard index < series.values.count, let value = series.values[index] else { return "none" }
        return "\(Moments.number(value, 2)) \(series.unit)"
      }
      let subject = first.subject.isEmpty ? "" : " from \(first.subject)"
      best = (
        time,
        "\(first.metric) of \(first.participant)\(subject) is \(value(first)) in A and "
          + "\(value(second)) in B", 0
      )
    }
    guard let best else { return nil }
    let rest = best.others > 0 ? ", with \(best.others) other figures" : ""
    return Divergence(
      packetA: nil, packetB: nil, offset: best.time,
      text: "They part at \(Moments.number(best.time, 1)) s: \(best.text)\(rest).")
  }
}

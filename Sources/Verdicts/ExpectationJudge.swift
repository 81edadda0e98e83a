// Expectations held against what a run measured: each becomes an assertion with its reason.

import Basics
import Results
import Scenario

extension Scenario.Expectation {
  /// The assertion that this expectation becomes. No samples, or fewer than `minSamples`, are
  /// inconclusive and never a pass; nor is time in which samples were due and none came, of which the
  /// metric's `absence` says what is made.
  ///
  /// - Parameter duration: of the run; the window where none is written.
  public func judged(by source: some MetricSource, duration: Duration) -> Assertion {
    let span = window ?? Window(start: .zero, end: .zero + duration)
    var pool = Reading(kind: metric.kind, window: span)
    let individuals = subjects.flatMap { self.individuals(of: $0, source, span, &pool) }
    var assertion = Assertion(
      id: id, verdict: .inconclusive, of: of, metric: metric.name, stat: "\(statistic)",
      comparison: comparison, observed: nil, limit: limit, unit: unit)
    assertion.across = across.rawValue
    assertion.share = share
    assertion.window = window.map { $0.start.seconds...$0.end.seconds }
    assertion.criteria = criteria
    assertion.source = self.source
    // Who has nothing to hear, or looks at nobody who talked, is not judged.
    let judged = individuals.filter { !$0.isSilent }
    assertion.samples = judged.reduce(0) { $0 + $1.samples }
    if judged.contains(where: { $0.missing > 0 }) {
      assertion.expected = judged.reduce(0) { $0 + $1.expected }
    }
    assertion.perParticipant = judged.map(Assertion.Individual.init)
    let worst = worst(of: judged)
    assertion.observed = worst?.observed.flatMap { $0.isFinite ? $0 : nil }
    assertion.worst = worst.map { each in
      var reading = reading(each.subject, peer: each.peer, source, span)
      _ = fill(&reading, each.subject, each.peer, source, span)
      return .init(participant: each.name, window: worstSecond(reading))
    }
    guard !judged.isEmpty || individuals.isEmpty else {
      assertion.reason = "nobody of these was to talk in the window"
      return assertion
    }
    switch (across, share) {
    case (.pooled, _): judgePooled(judged, pool, into: &assertion)
    case (.worst, _): judgeWorst(judged, worst, into: &assertion)
    case (.each, let share?): judgeShare(judged, share, into: &assertion)
    case (.each, nil): judgeEach(judged, worst, into: &assertion)
    }
    return assertion
  }

  // MARK: - Individuals

  /// What one participant has, of one publisher where the metric is per pair.
  struct Individual {
    var subject: String
    var peer: String?
    var samples = 0
    var observed: Double?
    var verdict = Verdict.inconclusive
    /// Samples that were due and did not come.
    var missing = 0
    /// Whether it has nothing to hear, by the plan.
    var isSilent = false

    var expected: Int { samples + missing }

    /// `rider`, or `rider<teacher`.
    var name: String { peer.map { "\(subject)<\($0)" } ?? subject }
  }

  private func individuals(
    of subject: Subject, _ source: some MetricSource, _ span: Window, _ pool: inout Reading
  ) -> [Individual] {
    guard metric.scope == .pair, subject.kind == .participant else {
      return [individual(subject.identity, peer: nil, source, span, &pool)]
    }
    let all =
      from.map { senders in
        senders.filter { $0.identity != subject.identity && $0.room == subject.room }
          .map(\.identity)
      }
      ?? source.peers(of: subject.identity, metric: metric.name, kind: kind, tracks: tracks)
    // Receiving from nobody is no data, not a participant less.
    guard !all.isEmpty else { return [Individual(subject: subject.identity)] }
    let window = Interval(span.start, span.end)
    let peers = all.filter { peer in
      guard let window else { return true }
      return (!fromTalkers || source.talks(peer, in: window))
        && !source.isSilent(
          participant: subject.identity, metric: metric.name, peer: peer, kind: kind, in: window)
    }
    guard !peers.isEmpty else { return [Individual(subject: subject.identity, isSilent: true)] }
    return peers.map { individual(subject.identity, peer: $0, source, span, &pool) }
  }

  private func individual(
    _ subject: String, peer: String?, _ source: some MetricSource, _ span: Window,
    _ pool: inout Reading
  ) -> Individual {
    var reading = reading(subject, peer: peer, source, span)
    let samples = reading.count
    let gap = fill(&reading, subject, peer, source, span)
    // Readings are large where people are many, so they are kept only where they are pooled.
    if across == .pooled { pool.add(reading) }
    var observed = reading.observed(statistic, of: metric)
    if let against {
      let other = self.reading(against, peer: nil, source, span).observed(statistic, of: metric)
      observed = observed.flatMap { own in other.flatMap { $0 == 0 ? nil : 100 * own / $0 } }
    }
    var result = Individual(
      subject: subject, peer: peer, samples: samples, observed: observed,
      verdict: verdict(observed, samples: reading.count), missing: gap.missing)
    // A total that stands still is held to the end: what was observed are the seconds in which it was taken.
    if metric.kind == .counter, gap.missing > 0 { result.samples = gap.due - gap.missing }
    if gap.isOpen, result.verdict == .pass { result.verdict = .inconclusive }
    return result
  }

  /// What was due in a window, as far as it was missing.
  private struct Gap {
    var due = 0
    /// Samples.
    var missing = 0
    /// Whether they might have decided otherwise.
    var isOpen = false
  }

  /// Adds to a reading what the metric makes of the time in which samples were due and none came.
  private func fill(
    _ reading: inout Reading, _ subject: String, _ peer: String?, _ source: some MetricSource,
    _ span: Window
  ) -> Gap {
    let start = span.start == .zero ? Instant(nanoseconds: -1) : span.start
    let coverage = source.coverage(
      participant: subject, metric: metric.name, peer: peer, kind: kind, tracks: tracks
    ).within(start, span.end)
    guard !coverage.missing.isEmpty else { return Gap(due: coverage.due.count) }
    let covered = coverage.due.count - coverage.missing.count
    let weight =
      metric.kind == .event && coverage.isPerSecond && covered > 0
      ? max(1, (reading.count + covered - 1) / covered) : 1
    var gap = Gap(due: coverage.due.count, missing: coverage.missing.count * weight)
    let isCount = statistic == .count || statistic == .rate && metric.kind == .event
    // Samples that did not come make a count no larger.
    if isCount {
      gap.isOpen = comparison != .over && comparison != .atLeast
      return gap
    }
    // The worst value of a metric is no proof that it stays below a limit, nor that it equals one.
    gap.isOpen = !isAgainstTheWorst
    guard let value = metric.valueWithoutSamples, isAgainstTheWorst || comparison == .equals else {
      gap.isOpen = true
      return gap
    }
    let moments = isOnce ? coverage.gapBeginnings : coverage.missing
    reading.fill(value, at: moments, count: weight)
    return gap
  }

  /// Whether the worse a value is, the less it holds.
  private var isAgainstTheWorst: Bool {
    switch comparison {
    case .under, .atMost: metric.lowerIsBetter
    case .over, .atLeast: !metric.lowerIsBetter
    case .equals: false
    }
  }

  private var isOnce: Bool { if case .countsOnce = metric.absence { true } else { false } }

  private func reading(
    _ subject: String, peer: String?, _ source: some MetricSource, _ span: Window
  ) -> Reading {
    var reading = Reading(kind: metric.kind, window: span)
    if let samples = source.samples(
      participant: subject, metric: metric.name, peer: peer, kind: kind, tracks: tracks)
    {
      reading.add(samples)
    }
    return reading
  }

  private func verdict(_ observed: Double?, samples: Int) -> Verdict {
    guard let observed, samples >= minSamples else { return .inconclusive }
    return holds(observed) ? .pass : .fail
  }

  func holds(_ observed: Double) -> Bool { comparison.holds(observed, limit) }

  private func isWorse(_ a: Double, than b: Double) -> Bool {
    switch comparison {
    case .under, .atMost: a > b
    case .over, .atLeast: a < b
    case .equals: abs(a - limit) > abs(b - limit)
    }
  }

  /// Of those with samples enough, or, without such, of those with any.
  private func worst(of individuals: [Individual]) -> Individual? {
    let judged = individuals.filter { $0.verdict != .inconclusive }
    var worst: Individual?
    for each in judged.isEmpty ? individuals : judged {
      guard let observed = each.observed else { continue }
      if worst == nil || isWorse(observed, than: worst!.observed!) { worst = each }
    }
    return worst
  }

  private func worstSecond(_ reading: Reading) -> ClosedRange<Double>? {
    let counting = statistic == .count || (statistic == .rate && metric.kind == .event)
    return reading.worstSecond(counting: counting) {
      comparison == .equals && !counting
        ? (metric.lowerIsBetter ? $0 > $1 : $0 < $1) : isWorse($0, than: $1)
    }
  }

  // MARK: - Ways across participants

  private func judgeEach(
    _ individuals: [Individual], _ worst: Individual?, into assertion: inout Assertion
  ) {
    let failed = individuals.filter { $0.verdict == .fail }
    let silent = individuals.filter { $0.verdict == .inconclusive }
    if let worst, !failed.isEmpty {
      assertion.verdict = .fail
      assertion.reason = "\(sentence(worst)), not \(demand)\(shortage(worst))"
      if individuals.count > 1 {
        assertion.reason += "; \(failed.count) of \(individuals.count) failed: \(names(failed))"
      }
    } else if !silent.isEmpty || worst == nil {
      assertion.reason = lack(silent, of: individuals)
    } else if let worst {
      assertion.verdict = .pass
      assertion.reason = "\(sentence(worst)), \(demand)"
      if individuals.count > 1 { assertion.reason += "; the worst of \(individuals.count)" }
    }
  }

  private func judgeWorst(
    _ individuals: [Individual], _ worst: Individual?, into assertion: inout Assertion
  ) {
    let silent = individuals.filter { $0.verdict == .inconclusive }
    guard let worst, worst.verdict != .inconclusive else {
      assertion.reason = lack(silent, of: individuals)
      return
    }
    let open = silent.filter { $0.samples > 0 && $0.missing > 0 }
    guard open.isEmpty || worst.verdict == .fail else {
      assertion.reason = lack(open, of: individuals)
      return
    }
    assertion.verdict = worst.verdict
    let word = worst.verdict == .pass ? "" : "not "
    assertion.reason =
      "\(sentence(worst)), \(word)\(demand)\(shortage(worst)); the worst of "
      + "\(individuals.count - silent.count) with samples"
    if !silent.isEmpty { assertion.reason += ", \(silent.count) without" }
  }

  private func judgePooled(
    _ individuals: [Individual], _ pool: Reading, into assertion: inout Assertion
  ) {
    let observed = pool.observed(statistic, of: metric)
    assertion.observed = observed.flatMap { $0.isFinite ? $0 : nil }
    assertion.verdict = verdict(observed, samples: pool.count)
    if assertion.verdict == .pass,
      let open = individuals.first(where: { $0.missing > 0 && $0.verdict == .inconclusive })
    {
      assertion.verdict = .inconclusive
      assertion.reason = lack([open], of: individuals)
      return
    }
    let silent = individuals.filter { $0.samples == 0 }.count
    guard let observed, assertion.verdict != .inconclusive else {
      assertion.reason =
        pool.count == 0
        ? "no samples of \(measure) from \(of)"
        : "\(pool.count) samples of \(measure) from \(of), \(minSamples) are needed"
      return
    }
    let word = assertion.verdict == .pass ? "" : "not "
    assertion.reason =
      "\(statistic) of \(measure) was \(figure(observed)) over all samples of "
      + "\(individuals.count) together, \(word)\(demand)"
    if silent > 0 { assertion.reason += "; \(silent) had no samples" }
  }

  private func judgeShare(
    _ individuals: [Individual], _ share: Double, into assertion: inout Assertion
  ) {
    var held = 0
    var failed: [String] = []
    var silent = 0
    for subject in subjects {
      let own = individuals.filter { $0.subject == subject.identity }
      if own.contains(where: { $0.verdict == .fail }) {
        failed.append(subject.identity)
      } else if own.contains(where: { $0.verdict == .inconclusive }) {
        silent += 1
      } else {
        held += 1
      }
    }
    let total = subjects.count
    // Those without samples decide nothing: a verdict must hold whichever way they had gone.
    if Double(held) >= share * Double(total) - 1e-9 {
      assertion.verdict = .pass
    } else if Double(held + silent) < share * Double(total) - 1e-9 {
      assertion.verdict = .fail
    }
    let interval = wilsonInterval(held, of: total)
    assertion.reason =
      "\(held) of \(total) held \(demand) "
      + "(\(percent(Double(held) / Double(max(total, 1)))), 95 % interval "
      + "\(percent(interval.lowerBound)) to \(percent(interval.upperBound))), "
      + "\(percent(share)) are needed"
    if !failed.isEmpty { assertion.reason += "; failed: \(list(failed))" }
    if silent > 0 { assertion.reason += "; \(silent) without samples enough" }
  }

  // MARK: - Words

  /// `frameHeight`, or of one source `frameHeight of screenShare`.
  private var measure: String {
    self.source.map { "\(metric.name) of \($0.rawValue)" } ?? metric.name
  }

  private func sentence(_ worst: Individual) -> String {
    if let observed = worst.observed, !observed.isFinite {
      return "\(statistic) of \(measure) for \(worst.name) falls where samples are missing"
    }
    return "\(statistic) of \(measure) was \(worst.observed.map { figure($0) } ?? "unknown") "
      + "for \(worst.name)"
  }

  private func shortage(_ individual: Individual) -> String {
    individual.missing == 0
      ? "" : "; expected \(individual.expected), got \(individual.samples) samples"
  }

  private var demand: String {
    switch comparison {
    case .under: "under \(figure(limit))"
    case .atMost: "at most \(figure(limit))"
    case .over: "over \(figure(limit))"
    case .atLeast: "at least \(figure(limit))"
    case .equals: "equal to \(figure(limit))"
    }
  }

  private func lack(_ silent: [Individual], of individuals: [Individual]) -> String {
    guard let first = silent.first else { return "nobody to judge" }
    let head =
      first.missing > 0
      ? "expected \(first.expected), got \(first.samples) samples of \(measure) for \(first.name)"
      : first.samples == 0
        ? "no samples of \(measure) for \(first.name)"
        : "\(first.samples) samples of \(measure) for \(first.name), \(minSamples) are needed"
    return individuals.count == 1
      ? head : head + "; \(silent.count) of \(individuals.count) cannot be judged: \(names(silent))"
  }

  private func names(_ individuals: [Individual]) -> String { list(individuals.map(\.name)) }

  private func list(_ names: [String]) -> String {
    let more = names.count - 5
    return names.prefix(5).joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
  }

  private func figure(_ value: Double) -> String { Figure.text(value, unit: unit) }
  private func percent(_ fraction: Double) -> String { Figure.text(fraction * 100, unit: "%") }
}

extension Metric {
  /// The value that a second, or an event, without the sample that was due counts as; nil where it counts as
  /// none and leaves the expectation open.
  var valueWithoutSamples: Double? {
    switch absence {
    case .counts(let value), .countsOnce(let value): value
    case .fails: lowerIsBetter ? .infinity : -.infinity
    case .inconclusive, .inconclusiveInRoom: nil
    }
  }
}

extension SampleCoverage {
  /// The first of each run of missing seconds, but for one that goes on with a freeze.
  var gapBeginnings: [Int64] {
    missing.indices.filter { index in
      (index == 0 || missing[index] - missing[index - 1] > DueMedia.second)
        && !continued.contains(missing[index])
    }.map { missing[$0] }
  }
}

extension Assertion.Individual {
  init(_ individual: Scenario.Expectation.Individual) {
    let observed = individual.observed.flatMap { $0.isFinite ? $0 : nil }
    self.init(
      participant: individual.name, observed: observed, samples: individual.samples,
      verdict: individual.verdict)
    if individual.missing > 0 { expected = individual.expected }
  }
}

/// The Wilson score interval of 95 % for `successes` among `total`; 0...1 without any.
public func wilsonInterval(_ successes: Int, of total: Int) -> ClosedRange<Double> {
  guard total > 0 else { return 0...1 }
  let z = 1.959963984540054
  let n = Double(total)
  let p = Double(successes) / n
  let centre = (p + z * z / (2 * n)) / (1 + z * z / n)
  let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
  return max(0, centre - half)...min(1, centre + half)
}

/// Figures as people write them.
enum Figure {
  static func text(_ value: Double, unit: String) -> String {
    switch unit {
    case "1": decimal(value)
    case "bps" where abs(value) >= 1e6: decimal(value / 1e6) + " Mbps"
    case "bps" where abs(value) >= 1e3: decimal(value / 1e3) + " kbps"
    default: "\(decimal(value)) \(unit)"
    }
  }

  /// Three decimals below ten, one below a thousand, none above; without trailing zeros.
  static func decimal(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
    let scale = abs(value) < 10 ? 1_000 : abs(value) < 1_000 ? 10 : 1
    let scaled = Int64((value * Double(scale)).rounded())
    let text = String(Double(scaled) / Double(scale))
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}

// Expectations held against what a run measured: each becomes an assertion with its reason.

import Basics
import Results
import Scenario

extension Scenario.Expectation {
  /// The assertion that this expectation becomes. No samples, or fewer than `minSamples`, are
  /// inconclusive and never a pass.
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
    assertion.samples = individuals.reduce(0) { $0 + $1.samples }
    assertion.perParticipant = individuals.map {
      .init(
        participant: $0.name, observed: $0.observed, samples: $0.samples, verdict: $0.verdict)
    }
    let worst = worst(of: individuals)
    assertion.observed = worst?.observed
    assertion.worst = worst.map { each in
      let reading = reading(each.subject, peer: each.peer, source, span)
      return .init(participant: each.name, window: worstSecond(reading))
    }
    switch (across, share) {
    case (.pooled, _): judgePooled(individuals, pool, into: &assertion)
    case (.worst, _): judgeWorst(individuals, worst, into: &assertion)
    case (.each, let share?): judgeShare(individuals, share, into: &assertion)
    case (.each, nil): judgeEach(individuals, worst, into: &assertion)
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

    /// `rider`, or `rider<teacher`.
    var name: String { peer.map { "\(subject)<\($0)" } ?? subject }
  }

  private func individuals(
    of subject: Subject, _ source: some MetricSource, _ span: Window, _ pool: inout Reading
  ) -> [Individual] {
    guard metric.scope == .pair, subject.kind == .participant else {
      return [individual(subject.identity, peer: nil, source, span, &pool)]
    }
    let peers =
      from.map { senders in
        senders.filter { $0.identity != subject.identity && $0.room == subject.room }
          .map(\.identity)
      }
      ?? source.peers(of: subject.identity, metric: metric.name, kind: kind, tracks: tracks)
    // Receiving from nobody is no data, not a participant less.
    guard !peers.isEmpty else { return [Individual(subject: subject.identity)] }
    return peers.map { individual(subject.identity, peer: $0, source, span, &pool) }
  }

  private func individual(
    _ subject: String, peer: String?, _ source: some MetricSource, _ span: Window,
    _ pool: inout Reading
  ) -> Individual {
    let reading = reading(subject, peer: peer, source, span)
    // Readings are large where people are many, so they are kept only where they are pooled.
    if across == .pooled { pool.add(reading) }
    var observed = reading.observed(statistic, of: metric)
    if let against {
      let other = self.reading(against, peer: nil, source, span).observed(statistic, of: metric)
      observed = observed.flatMap { own in other.flatMap { $0 == 0 ? nil : 100 * own / $0 } }
    }
    return Individual(
      subject: subject, peer: peer, samples: reading.count, observed: observed,
      verdict: verdict(observed, samples: reading.count))
  }

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
      assertion.reason = "\(sentence(worst)), not \(demand)"
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
    assertion.verdict = worst.verdict
    let word = worst.verdict == .pass ? "" : "not "
    assertion.reason =
      "\(sentence(worst)), \(word)\(demand); the worst of "
      + "\(individuals.count - silent.count) with samples"
    if !silent.isEmpty { assertion.reason += ", \(silent.count) without" }
  }

  private func judgePooled(
    _ individuals: [Individual], _ pool: Reading, into assertion: inout Assertion
  ) {
    let observed = pool.observed(statistic, of: metric)
    assertion.observed = observed
    assertion.verdict = verdict(observed, samples: pool.count)
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
    "\(statistic) of \(measure) was \(worst.observed.map { figure($0) } ?? "unknown") "
      + "for \(worst.name)"
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
      first.samples == 0
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

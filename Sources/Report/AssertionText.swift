// An assertion in words, the same words in every kind of report.

import Conformance

extension Assertion.Comparison {
  var symbol: String {
    switch self {
    case .under: "<"
    case .atMost: "≤"
    case .over: ">"
    case .atLeast: "≥"
    case .equals: "="
    }
  }
}

extension Assertion {
  /// `p95 assay.endToEndDelay`.
  var measure: String { stat.isEmpty ? metric : "\(stat) \(metric)" }

  /// `< 100 ms`.
  var limitText: String { "\(comparison.symbol) \(texts.limit)" }

  /// `72.4 ms`, or that there was nothing to observe.
  var observedText: String { texts.observed }

  private var texts: (observed: String, limit: String) {
    guard let observed else { return ("no data", Figure.text(limit, unit: unit)) }
    let pair = Figure.pair(observed, limit, unit: unit)
    return (pair.0, pair.1)
  }

  /// What is left before the limit in the assertion's unit, negative beyond it.
  var margin: Double? {
    guard let observed else { return nil }
    switch comparison {
    case .under, .atMost: return limit - observed
    case .over, .atLeast: return observed - limit
    case .equals: return -abs(observed - limit)
    }
  }

  var marginText: String {
    guard let margin else { return "–" }
    if margin == 0 { return "0" }
    return (margin > 0 ? "+" : "") + Figure.text(margin, unit: unit)
  }

  /// Whom and when it speaks of: `student, each, 40–60 s`.
  var extent: String {
    var parts = [of]
    if let share {
      parts.append("\(Figure.plain(share * 100)) % of them")
    } else if !across.isEmpty {
      parts.append(across)
    }
    if let window { parts.append(Figure.span(window)) }
    return parts.joined(separator: ", ")
  }

  /// The participant that did worst and when, or nothing.
  var worstText: String {
    guard let worst else { return "" }
    guard let window = worst.window else { return worst.participant }
    return "\(worst.participant) at \(Figure.span(window))"
  }
}

extension RunResult {
  var title: String { scenario.name.isEmpty ? "run" : scenario.name }

  /// `links.train.down.delay=30ms, …`; empty without a matrix.
  var variantText: String { RunResult.text(ofVariant: variant) }

  static func text(ofVariant variant: [(key: String, value: String)]) -> String {
    variant.map { "\($0.key)=\($0.value)" }.joined(separator: ", ")
  }

  var look: VerdictLook { partial == nil ? VerdictLook(verdict) : .partial }

  /// How often faster than the call itself; nil where the wall clock stood still.
  var speed: Double? { wallSeconds > 0 ? simulatedSeconds / wallSeconds : nil }

  /// The run in one sentence.
  var sentence: String {
    let who = Figure.count(participants.count, "participant")
    let scene = "\(who) over \(Figure.seconds(simulatedSeconds))"
    if let partial {
      return "The run did not reach its end (\(partial)); it covers \(scene)."
    }
    guard !assertions.isEmpty else { return "Nothing was judged, so this run proves nothing." }
    let failed = assertions.filter { $0.verdict.exitCode == .failed }
    if let first = failed.first {
      return "\(failed.count) of \(Figure.count(assertions.count, "check")) failed with \(scene). "
        + first.complaint
    }
    let unsure = assertions.filter { $0.verdict == .inconclusive }
    if let first = unsure.first {
      let checks = Figure.count(assertions.count, "check")
      return "\(unsure.count) of \(checks) could not be judged with \(scene). " + first.complaint
    }
    let passed = assertions.filter { $0.verdict == .pass }.count
    let rest = assertions.count - passed
    return "\(Figure.count(passed, "check")) passed with \(scene)"
      + (rest == 0 ? "." : "; \(rest) did not count.")
  }
}

extension Assertion {
  /// What is wrong with it, for a sentence of its own.
  fileprivate var complaint: String {
    if let last = reason.last { return "\(id): \(reason)\(".!?".contains(last) ? "" : ".")" }
    let whom = worst?.participant ?? of
    return "\(id): \(measure) of \(whom) was \(observedText), expected \(limitText)."
  }
}

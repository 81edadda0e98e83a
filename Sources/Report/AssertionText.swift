// An assertion in words, the same words in every kind of report.

import Results

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

  /// ` (screen share)` where it is of one source of each publisher.
  private var track: String { source.map { " (\(Figure.words($0.rawValue)))" } ?? "" }

  /// `< 100 ms`.
  var limitText: String { "\(comparison.symbol) \(texts.limit)" }

  /// `72.4 ms`, or that there was nothing to observe.
  var observedText: String { texts.observed }

  /// `1,530`, or `776 of 1,530` where not all came that were due.
  var samplesText: String { Assertion.samplesText(samples, expected) }

  static func samplesText(_ samples: Int, _ expected: Int?) -> String {
    guard let expected else { return Figure.grouped(samples) }
    return "\(Figure.grouped(samples)) of \(Figure.grouped(expected))"
  }

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
    guard let margin, comparison != .equals else { return "–" }
    if margin == 0 { return "0" }
    return (margin > 0 ? "+" : "") + Figure.text(margin, unit: unit)
  }

  /// Whom and when it speaks of: `student from teacher, 40–60 s`; that it is taken for each goes
  /// without saying.
  var extent: String {
    var parts = [of + publishers + track]
    if let share {
      parts.append("\(Figure.plain(share * 100)) % of them")
    } else if !across.isEmpty, across != "each" {
      parts.append(across)
    }
    if let window { parts.append(Figure.span(window)) }
    return parts.joined(separator: ", ")
  }

  /// ` from teacher` where it speaks of a few publishers.
  private var publishers: String {
    guard of != "all" else { return "" }
    var names: [String] = []
    for one in perParticipant {
      let ends = one.participant.split(separator: "<", maxSplits: 1)
      guard ends.count == 2, !names.contains(String(ends[1])) else { continue }
      names.append(String(ends[1]))
      if names.count > 3 { return "" }
    }
    return names.isEmpty ? "" : " from " + names.joined(separator: ", ")
  }

  /// Who did worst and when; nil where that says nothing, since it passed with all alike.
  var tellingWorst: Worst? {
    guard let worst else { return nil }
    let values = perParticipant.compactMap(\.observed)
    let isUnknown = values.isEmpty && origin == .expectation
    let differ = values.contains { $0 != values[0] }
    guard verdict != .pass || differ || isUnknown else { return nil }
    let isOnce = MetricCatalogue.metric(named: metric)?.kind == .once
    return Worst(
      participant: Assertion.spoken(worst.participant), window: isOnce ? nil : worst.window)
  }

  /// `rider from teacher at 46–47 s`, or nothing.
  var worstText: String {
    guard let worst = tellingWorst else { return "" }
    guard let window = worst.window else { return worst.participant }
    return "\(worst.participant) at \(Figure.span(window))"
  }

  /// A text in which a pair `rider<teacher` reads `rider from teacher`.
  static func spoken(_ text: String) -> String {
    var out = ""
    var previous: Character = " "
    for (index, character) in zip(text.indices, text) {
      let next = text[text.index(after: index)...].first ?? " "
      let joins = character == "<" && [previous, next].allSatisfy { $0.isLetter || $0.isNumber }
      out += joins ? " from " : String(character)
      previous = character
    }
    return out
  }

  /// The reason in a sentence. Of a rule that nothing put to the test it must not read as if it held.
  var statement: String {
    guard origin == .rule, verdict == .skipped else { return Assertion.spoken(reason) }
    let rule = Rule.named(id).map { " It requires: \($0.requirement) (\($0.source))." } ?? ""
    return "Not judged: nothing in this run put the rule to the test.\(rule)"
  }

  /// Why it did not pass, without what its limit and its worst say already; may be empty.
  var cause: String {
    if verdict == .fail, origin == .expectation, observed != nil {
      return worst == nil
        ? Assertion.spoken(reason)
        : [missing, shortfall].filter { !$0.isEmpty }.joined(separator: "; ")
    }
    let short = shortfall
    guard !short.isEmpty else { return Assertion.spoken(reason) }
    let first = reason.split(separator: ";").first ?? ""
    return Assertion.spoken(String(first.hasSuffix(".") ? first.dropLast() : first)) + "; \(short)"
  }

  /// `expected 53, got 26 samples`; empty where none was missing.
  private var missing: String {
    expected.map {
      "expected \(Figure.grouped($0)), got \(Figure.count(samples, "sample"))"
    } ?? ""
  }

  /// How many of those it is taken for did not pass, and who; nothing where there is one alone.
  var shortfall: String {
    let failed = perParticipant.filter { $0.verdict == .fail }
    let bad = failed.isEmpty ? perParticipant.filter { $0.verdict != .pass } : failed
    guard perParticipant.count > 1, let first = bad.first else { return "" }
    let named = bad.count > 3 ? bad.prefix(2) : bad[...]
    let names = named.map { Assertion.spoken($0.participant) }.joined(separator: ", ")
    let rest = bad.count > named.count ? " and \(bad.count - named.count) more" : ""
    let word = first.verdict == .inconclusive ? "cannot be judged" : "failed"
    return "\(bad.count) of \(perParticipant.count) \(word): \(names)\(rest)"
  }
}

extension Participant {
  /// Its group where its name does not say it already.
  var groupNote: String {
    group == identity || identity.hasPrefix(group + "-") ? "" : group
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

  /// Of a run on the wall clock: against whom, and how well the harness kept up.
  var harnessText: String { harness?.figures ?? "" }

  /// Why a run in real time proves nothing; empty where it may prove something.
  var harnessFault: String {
    assertions.first { $0.id == "harness" && $0.verdict == .inconclusive }?.reason ?? ""
  }

  /// What a long run held in memory, at first and at last; empty without two samples.
  var memoryText: String {
    guard let first = memory.first, let last = memory.last, memory.count > 1 else { return "" }
    let megabytes = { (bytes: Int64) in "\(Figure.fixed(Double(bytes) / 1e6, 1)) MB" }
    return "\(megabytes(first.bytes)) after the first hour, \(megabytes(last.bytes)) at the last"
  }

  /// How often faster than the call itself; nil where the wall clock stood still.
  var speed: Double? { wallSeconds > 0 ? simulatedSeconds / wallSeconds : nil }

  /// `25 participants`, or `3 flows` where there is nobody.
  var crowd: String {
    participants.isEmpty && !flows.isEmpty
      ? Figure.count(flows.count, "flow") : Figure.count(participants.count, "participant")
  }

  /// The run in one sentence.
  var sentence: String {
    let scene = "\(crowd) over \(Figure.seconds(simulatedSeconds))"
    if let partial {
      return "The run did not reach its end (\(partial)); it covers \(scene)."
    }
    guard !assertions.isEmpty || !evidence.isEmpty else {
      return "Nothing was judged, so this run proves nothing."
    }
    let checks = Figure.count(judged.count, "check")
    let failed = assertions.filter { $0.verdict.exitCode == .failed }
    if let first = failed.first {
      return "\(failed.count) of \(checks) failed with \(scene). "
        + first.complaint
    }
    let unsure = assertions.filter { $0.counted == .inconclusive }
    if let first = unsure.first {
      return "\(unsure.count) of \(checks) could not be judged with \(scene). " + first.complaint
    }
    let expectations = assertions.filter { $0.origin == .expectation }
    let met = expectations.filter { $0.verdict == .pass }.count
    let quiet = ruleText
    var parts: [String] = []
    if !expectations.isEmpty {
      let all = met == expectations.count ? "" : " of \(expectations.count)"
      parts.append("\(met)\(all) \(expectations.count == 1 ? "expectation" : "expectations") met")
    }
    if !quiet.isEmpty { parts.append(quiet) }
    if !evidence.isEmpty {
      parts.append(
        "\(Figure.count(evidence.count, "expectation")) judged over all seeds of the gate")
    }
    return parts.joined(separator: ", ") + ": \(scene)."
  }

  /// The checks that had something to judge.
  var judged: [Assertion] {
    assertions.filter { $0.verdict != .skipped && $0.verdict != .unsupported }
  }

  /// The rules that nobody has to look at.
  var quietRules: [Assertion] {
    assertions.filter { $0.origin == .rule && !$0.needsAttention }
  }

  /// The expectations, and the rules that somebody has to look at.
  var loudAssertions: [Assertion] {
    assertions.filter { $0.origin == .expectation || $0.needsAttention }
  }

  /// `9 rules hold`, of those that had something to judge; empty without one.
  var ruleText: String {
    let holding = quietRules.filter { $0.verdict == .pass }.count
    return holding == 0 ? "" : "\(Figure.count(holding, "rule")) \(holding == 1 ? "holds" : "hold")"
  }

  /// `3 not judged, 1 waived`, of the other quiet rules; empty without one.
  var silentRuleText: String {
    let waived = quietRules.filter { $0.verdict == .waived }.count
    let known = quietRules.filter { $0.verdict == .expectedFailure }.count
    let silent = quietRules.filter { $0.verdict != .pass }.count - waived - known
    let parts = [
      silent == 0 ? "" : "\(silent) not judged",
      waived == 0 ? "" : "\(waived) waived",
      known == 0 ? "" : "\(known) failed as expected",
    ]
    return parts.filter { !$0.isEmpty }.joined(separator: ", ")
  }
}

extension Assertion {
  /// What is wrong with it, for a sentence of its own.
  fileprivate var complaint: String {
    if origin == .expectation, verdict == .fail, observed != nil {
      let whom = worstText.isEmpty ? of : worstText
      return "\(id): \(measure) was \(observedText) for \(whom), expected \(limitText)."
    }
    let text = Assertion.spoken(reason)
    if let last = text.last { return "\(id): \(text)\(".!?".contains(last) ? "" : ".")" }
    return "\(id): \(measure) of \(of) was \(observedText), expected \(limitText)."
  }
}

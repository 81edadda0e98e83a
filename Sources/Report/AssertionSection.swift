// The table of what was expected, and a card for everything that somebody has to look at.

import Results

struct AssertionSection {
  private static let cardLimit = 40
  private static let individualsShown = 10

  let run: RunResult

  var section: Markup {
    guard !run.assertions.isEmpty || !run.evidence.isEmpty else {
      return """
        <section id="assertions"><h2>Expectations</h2>
        <p>Nothing was judged. No data is never a pass.</p></section>

        """
    }
    let attention = run.assertions.filter(\.needsAttention)
    let cards = attention.prefix(AssertionSection.cardLimit).map(card)
    return """
      <section id="assertions"><h2>Expectations</h2>
      \(table)\(Array(cards))\(Page.more(attention.count - cards.count, "failure card"))\
      \(cards.isEmpty ? .empty : command)\(evidence)\(rules)\
      </section>

      """
  }

  /// The expectations, and those of the rules that somebody has to look at.
  private var table: Markup {
    let shown = run.loudAssertions
    guard !shown.isEmpty else {
      guard run.evidence.isEmpty else { return .empty }
      return "<p>The scenario expects nothing of its own; it is held to the rules.</p>\n"
    }
    let hasWorst = shown.contains { $0.tellingWorst != nil }
    let hasCriteria = shown.contains { !$0.criteria.isEmpty }
    var heads = ["Verdict", "Check", "#Observed", "#Limit", "#Margin", "#Samples"]
    if hasWorst { heads.append("Worst") }
    if hasCriteria { heads.append("Criteria") }
    let rows = shown.map { assertion -> Markup in
      var more = Markup.empty
      if hasWorst {
        more += "<td class=\"worst\" data-head=\"Worst\">\(worst(assertion))</td>"
      }
      if hasCriteria {
        more += "<td data-head=\"Criteria\">\(assertion.criteria.joined(separator: ", "))</td>"
      }
      return """
        <tr><td>\(VerdictLook(assertion.verdict).chip)</td>\
        <th scope="row" class="wide">\(assertion.id)<small>\(assertion.measure) of \
        \(assertion.extent)</small></th>\(figures(assertion))\
        <td class="number" data-head="Margin">\(assertion.marginText)</td>\
        <td class="number" data-head="Samples">\(assertion.samplesText)</td>\(more)</tr>

        """
    }
    return Page.table("Expectations", kind: "checks", heads: heads, rows: rows)
  }

  private func figures(_ assertion: Assertion) -> Markup {
    """
    <td class="number" data-head="Observed">\(assertion.observedText)</td>\
    <td class="number" data-head="Limit">\(assertion.limitText)</td>
    """
  }

  /// What this seed measured of expectations that the gate judges over all seeds.
  private var evidence: Markup {
    guard !run.evidence.isEmpty else { return .empty }
    let rows = run.evidence.map { assertion -> Markup in
      """
      <tr><th scope="row" class="wide">\(assertion.id)<small>\(assertion.measure) of \
      \(assertion.extent)</small></th>\(figures(assertion))</tr>

      """
    }
    return """
      <h3>Judged over all seeds</h3>
      <p class="note">What this seed measured. The gate's page has the medians and their verdicts.</p>
      \(Page.table(
        "Evidence", kind: "checks", heads: ["Expectation", "#Observed", "#Limit"], rows: rows))

      """
  }

  private var command: Markup {
    guard !run.command.isEmpty else { return .empty }
    return """
      <div class="again"><p>To see it again:</p><pre><code>\(run.command)</code></pre></div>

      """
  }

  /// The rules that nobody has to look at, folded away.
  private var rules: Markup {
    let quiet = run.quietRules
    guard !quiet.isEmpty else { return .empty }
    let rows = quiet.map { rule -> Markup in
      """
      <tr><td>\(VerdictLook(rule.verdict).chip)</td>\
      <th scope="row" class="wide">\(rule.id)<small>\(rule.statement)</small></th>\
      \(figures(rule))</tr>

      """
    }
    let words = [run.ruleText, run.silentRuleText].filter { !$0.isEmpty }.joined(separator: ", ")
    return """
      <details class="rules"><summary>Rules that every run is held to: \(words)</summary>
      \(Page.table(
        "Rules", kind: "checks", heads: ["Verdict", "Rule", "#Observed", "#Limit"], rows: rows))\
      </details>

      """
  }

  private func worst(_ assertion: Assertion) -> Markup {
    guard let worst = assertion.tellingWorst else { return "" }
    let window: Markup = worst.window.map { "<small>\(Figure.span($0))</small>" } ?? ""
    return "\(worst.participant)\(window)"
  }

  private func card(_ assertion: Assertion) -> Markup {
    let look = VerdictLook(assertion.verdict)
    return """
      <article class="card \(look.tone)"><h3>\(look.chip) \(assertion.id)</h3>
      \(reason(assertion))
      \(Page.facts([
        ("Expected", "\(assertion.measure) of \(assertion.extent) \(assertion.limitText)"),
        ("Observed", assertion.observedText), ("Worst", assertion.worstText),
      ]))\(individuals(assertion))</article>

      """
  }

  private func reason(_ assertion: Assertion) -> Markup {
    let cause = assertion.cause
    if !cause.isEmpty { return "<p>\(cause)</p>" }
    guard assertion.verdict == .inconclusive else { return .empty }
    return "<p>There was not enough to judge by.</p>"
  }

  /// Everyone's value, those that did not pass first.
  private func individuals(_ assertion: Assertion) -> Markup {
    let all = assertion.perParticipant
    guard all.count > 1 else { return .empty }
    let bad = all.filter { $0.verdict != .pass }
    let shown = (bad + all.filter { $0.verdict == .pass }).prefix(AssertionSection.individualsShown)
    let rows = shown.map { one -> Markup in
      let observed = one.observed.map { Figure.text($0, unit: assertion.unit) } ?? "no data"
      return """
        <tr><th scope="row">\(Assertion.spoken(one.participant))</th>\
        <td class="number">\(observed)</td>\
        <td class="number">\(Assertion.samplesText(one.samples, one.expected))</td><td>\(VerdictLook(one.verdict).chip)\
        </td></tr>

        """
    }
    return """
      <details><summary>Each of \(all.count): \(all.count - bad.count) passed</summary>
      \(Page.table(
        "Participants of \(assertion.id)",
        heads: ["Participant", "#Observed", "#Samples", "Verdict"], rows: rows))\
      \(Page.more(all.count - shown.count, "participant"))</details>
      """
  }
}

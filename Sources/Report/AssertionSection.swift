// The table of what was expected, and a card for everything that somebody has to look at.

import Conformance

struct AssertionSection {
  private static let cardLimit = 40
  private static let individualsShown = 10

  let run: RunResult

  var section: Markup {
    guard !run.assertions.isEmpty else {
      return """
        <section id="assertions"><h2>Expectations</h2>
        <p>Nothing was judged. No data is never a pass.</p></section>

        """
    }
    let attention = run.assertions.filter(\.verdict.needsAttention)
    let cards = attention.prefix(AssertionSection.cardLimit).map(card)
    return """
      <section id="assertions"><h2>Expectations</h2>
      \(table)\(Array(cards))\(Page.more(attention.count - cards.count, "failure card"))</section>

      """
  }

  private var table: Markup {
    let expectations = run.assertions.filter { $0.origin == .expectation }
    let rules = run.assertions.filter { $0.origin == .rule }
    var rows = expectations.map(row)
    if !rules.isEmpty {
      rows.append(
        """
        <tr class="group"><th scope="rowgroup" colspan="8">\
        Rules that every run is held to</th></tr>

        """)
      rows += rules.map(row)
    }
    return Page.table(
      "Expectations",
      heads: [
        "Verdict", "Check", "#Observed", "#Limit", "#Margin", "#Samples", "Worst", "Criteria",
      ], rows: rows)
  }

  private func row(_ assertion: Assertion) -> Markup {
    """
    <tr><td>\(VerdictLook(assertion.verdict).chip)</td>\
    <th scope="row" class="wide">\(assertion.id)<small>\(assertion.measure)</small>\
    <small>\(assertion.extent)</small></th><td class="number">\(assertion.observedText)</td>\
    <td class="number">\(assertion.limitText)</td><td class="number">\(assertion.marginText)</td>\
    <td class="number">\(Figure.grouped(assertion.samples))</td>\
    <td class="worst">\(worst(assertion))</td>\
    <td>\(assertion.criteria.joined(separator: ", "))</td></tr>

    """
  }

  private func worst(_ assertion: Assertion) -> Markup {
    guard let worst = assertion.worst else { return "" }
    let window: Markup = worst.window.map { "<small>\(Figure.span($0))</small>" } ?? ""
    return "\(worst.participant)\(window)"
  }

  private func card(_ assertion: Assertion) -> Markup {
    let look = VerdictLook(assertion.verdict)
    let command: Markup = run.command.isEmpty ? "" : "<pre><code>\(run.command)</code></pre>"
    return """
      <article class="card \(look.tone)"><h3>\(look.chip) \(assertion.id)</h3>
      <p>\(reason(assertion))</p>
      \(Page.facts([
        ("Expected", "\(assertion.measure) \(assertion.limitText)"),
        ("Observed", assertion.observedText), ("Who and when", assertion.extent),
        ("Worst", assertion.worstText), ("Samples", Figure.grouped(assertion.samples)),
        ("Criteria", assertion.criteria.joined(separator: ", ")),
      ]))\(individuals(assertion))\(command)</article>

      """
  }

  private func reason(_ assertion: Assertion) -> String {
    if !assertion.reason.isEmpty { return assertion.reason }
    return assertion.verdict == .inconclusive
      ? "There was not enough to judge by: \(Figure.count(assertion.samples, "sample"))."
      : "Expected \(assertion.limitText), observed \(assertion.observedText)."
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
        <tr><th scope="row">\(one.participant)</th><td class="number">\(observed)</td>\
        <td class="number">\(Figure.grouped(one.samples))</td><td>\(VerdictLook(one.verdict).chip)\
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

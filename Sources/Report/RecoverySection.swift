// How people came back after faults: each loss with its attempts, and how soon media was there again.

import Results

struct RecoverySection {
  private static let lossRows = 48
  private static let mediaRows = 12
  private static let attemptsShown = 12

  let run: RunResult

  var section: Markup {
    guard !run.reconnections.isEmpty || !run.recoveries.isEmpty else { return .empty }
    return """
      <section id="recovery"><h2>Reconnections</h2>
      \(media)\(losses)</section>

      """
  }

  // MARK: Media

  /// Both sides of one person.
  private struct Row {
    var name: String
    var sees: MediaRecovery?
    var isSeen: MediaRecovery?

    var sides: [MediaRecovery] { [sees, isSeen].compactMap { $0 } }
    var slowest: Double { sides.map(\.fromHealP95).max() ?? 0 }
  }

  private var people: [Row] {
    var rows: [Row] = []
    for side in run.recoveries where side.side != .pair {
      if rows.last?.name != side.participant { rows.append(Row(name: side.participant)) }
      if side.side == .subscriber { rows[rows.count - 1].sees = side }
      if side.side == .publisher { rows[rows.count - 1].isSeen = side }
    }
    return rows
  }

  /// Everybody while they are few, else the slowest.
  private var media: Markup {
    guard let all = run.recoveries.first(where: { $0.side == .pair }) else { return .empty }
    var shown = people
    if shown.count > RecoverySection.mediaRows {
      let order = shown.indices.sorted { a, b in
        (-shown[a].slowest, a) < (-shown[b].slowest, b)
      }
      shown = order.prefix(RecoverySection.mediaRows).map { shown[$0] }
    }
    let rest = people.count - shown.count
    let title = rest > 0 ? "all \(Figure.grouped(people.count)), the slowest below" : "everybody"
    let first: Markup = """
      <tr><th scope="row">\(title)</th><td class="number">\(Figure.grouped(all.count))</td>\
      \(cell(all.fromHealP95))\(cell(all.fromHealMaximum))\(cell(nil))\(cell(nil))\
      \(cell(all.fromLossMaximum))\(cell(all.gapMaximum))</tr>

      """
    return """
      <h3>Media <small>from the healing to the first frame, or talk, captured after it</small></h3>
      \(Page.table(
        "Media after faults",
        heads: [
          "Participant", "#Cases", "#Sees again, p95", "#Most", "#Is seen again, p95", "#Most",
          "#From the loss, most", "#Longest gap",
        ], rows: [first] + shown.map(row)))
      """
  }

  private func row(_ row: Row) -> Markup {
    """
    <tr><th scope="row">\(row.name)</th>\
    <td class="number">\(Figure.grouped(row.sides.map(\.count).reduce(0, +)))</td>\
    \(cell(row.sees?.fromHealP95))\(cell(row.sees?.fromHealMaximum))\
    \(cell(row.isSeen?.fromHealP95))\(cell(row.isSeen?.fromHealMaximum))\
    \(cell(row.sides.map(\.fromLossMaximum).max()))\(cell(row.sides.map(\.gapMaximum).max()))</tr>

    """
  }

  private func cell(_ milliseconds: Double?) -> Markup {
    Page.numberCell(milliseconds.map { Figure.text($0, unit: "ms") } ?? "–")
  }

  // MARK: Connections

  private var losses: Markup {
    guard !run.reconnections.isEmpty else { return .empty }
    let rows = run.reconnections.prefix(RecoverySection.lossRows).map { loss -> Markup in
      let after = loss.back.map { Figure.seconds($0 - loss.lost) } ?? "–"
      return """
        <tr><th scope="row">\(loss.participant)</th>\
        <td class="number">\(Figure.seconds(loss.lost))</td>\
        <td>\(RecoverySection.text(loss.outcome))</td><td class="number">\(after)</td>\
        <td>\(attempts(of: loss))</td></tr>

        """
    }
    return """
      <h3>Connections <small>each loss, and how long before every attempt the client waited, with what \
      its policy allowed</small></h3>
      \(Page.table(
        "Connections lost", heads: ["Participant", "#Lost at", "Outcome", "#After", "Attempts"],
        rows: rows))\(Page.more(run.reconnections.count - rows.count, "connection"))
      """
  }

  private static func text(_ outcome: ReconnectionSummary.Outcome) -> String {
    switch outcome {
    case .resumed: "resumed"
    case .rejoined: "joined anew"
    case .gaveUp: "gave up"
    case .open: "not back"
    }
  }

  private func attempts(of loss: ReconnectionSummary) -> String {
    let texts = loss.attempts.prefix(RecoverySection.attemptsShown).map { attempt -> String in
      let waited = Figure.seconds(attempt.waited)
      guard let allowed = attempt.allowed else { return "\(waited), asked by the SFU" }
      let range =
        allowed.lowerBound == allowed.upperBound
        ? Figure.seconds(allowed.lowerBound) : Figure.span(allowed)
      return "\(waited) (\(range))" + (attempt.isViolation ? " ✗" : "")
    }
    let rest = loss.attempts.count - texts.count
    return texts.isEmpty
      ? "none" : texts.joined(separator: " · ") + (rest > 0 ? " · \(rest) more" : "")
  }
}

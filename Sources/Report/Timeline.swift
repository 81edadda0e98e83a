// The marks of a run with the keys by which charts and the timeline table speak of them.

import Conformance

/// What the scenario did, in the order of time.
struct Timeline {
  struct Entry {
    var key: String
    var mark: TimelineMark
  }

  private(set) var entries: [Entry] = []
  private let run: RunResult
  /// Names of links, participants and groups; a mark on anything else concerns everybody.
  private let known: Set<String>

  init(_ run: RunResult) {
    self.run = run
    known = Set(
      run.links.map(\.name) + run.participants.map(\.identity) + run.participants.map(\.group))
    var impairments = 0
    var events = 0
    let order = run.marks.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
    for (_, mark) in order {
      switch mark.kind {
      case .impairment:
        entries.append(Entry(key: Timeline.letters(impairments), mark: mark))
        impairments += 1
      case .event:
        events += 1
        entries.append(Entry(key: String(events), mark: mark))
      }
    }
  }

  /// A, B … Z, AA, AB …
  static func letters(_ index: Int) -> String {
    let letter = String(UnicodeScalar(UInt8(65 + index % 26)))
    return index < 26 ? letter : letters(index / 26 - 1) + letter
  }

  /// The links that carry a participant's traffic.
  func links(of participant: Participant) -> [Link] {
    let ends = [participant.identity]
    let own = run.links.filter { ends.contains($0.from) || ends.contains($0.to) }
    guard own.isEmpty else { return own }
    return run.links.filter { $0.from == participant.group || $0.to == participant.group }
  }

  /// `train` speaks of `train.up` and `train.down`.
  private static func covers(_ subject: String, _ link: String) -> Bool {
    link == subject || link.hasPrefix(subject + ".") || link.hasPrefix(subject + "/")
  }

  /// The marks for a chart that speaks of `members`: every impairment, and what happened to them.
  func marks(for members: [Participant]) -> [ChartMark] {
    var names: Set<String> = [""]
    for member in members {
      names.insert(member.identity)
      names.insert(member.group)
    }
    let carriers = members.flatMap { links(of: $0).map(\.name) } + capacityLinks(of: members)
    return entries.compactMap { entry in
      let subject = entry.mark.subject
      let isKnown =
        known.contains(subject) || run.links.contains { Timeline.covers(subject, $0.name) }
      let isOwn =
        names.contains(subject) || !isKnown || carriers.contains { Timeline.covers(subject, $0) }
      guard isOwn || entry.mark.kind == .impairment else { return nil }
      return ChartMark(
        key: entry.key, isImpairment: entry.mark.kind == .impairment, isOwn: isOwn,
        at: entry.mark.at, until: entry.mark.until, label: entry.mark.label)
    }
  }

  private func capacityLinks(of members: [Participant]) -> [String] {
    let identities = Set(members.map(\.identity))
    return run.series.filter { $0.metric == "linkCapacity" && identities.contains($0.participant) }
      .map(\.subject)
  }

  // MARK: Table

  private static let rowLimit = 60

  var section: Markup {
    guard !entries.isEmpty else { return .empty }
    let rows = entries.prefix(Timeline.rowLimit).map { entry -> Markup in
      let mark = entry.mark
      let until = mark.until.map { Figure.seconds($0) } ?? (mark.kind == .event ? "" : "end")
      return """
        <tr><td><span class="key \(mark.kind.rawValue)">\(entry.key)</span></td>\
        <td class="number">\(Figure.seconds(mark.at))</td><td class="number">\(until)</td>\
        <td>\(mark.subject.isEmpty ? "room" : mark.subject)</td><td>\(mark.label)</td></tr>

        """
    }
    return """
      <section id="timeline"><h2>What happened</h2>
      <p class="note">Letters are impairments, shaded in the charts; numbers are events.</p>
      <div class="scroll" tabindex="0" role="region" aria-label="Timeline"><table>
      <thead><tr><th scope="col">Key</th><th scope="col" class="number">From</th>\
      <th scope="col" class="number">Until</th><th scope="col">To whom</th>\
      <th scope="col">What</th></tr></thead><tbody>
      \(Array(rows))</tbody></table></div>
      \(Page.more(entries.count - rows.count, "mark"))</section>

      """
  }
}

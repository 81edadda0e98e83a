// The marks of a run with the keys by which charts and the timeline table speak of them.

import Results

/// What the scenario did, in the order of time.
struct Timeline {
  struct Entry {
    var key: String
    var mark: TimelineMark
  }

  private(set) var entries: [Entry] = []
  /// How often an impairment must come back to have one key and one row.
  private static let oftenRepeated = 5
  private let run: RunResult
  /// Names of links, participants and groups; a mark on anything else concerns everybody.
  private let known: Set<String>

  init(_ run: RunResult) {
    self.run = run
    known = Set(
      run.links.map(\.name) + run.participants.map(\.identity) + run.participants.map(\.group))
    var repeats: [String: Int] = [:]
    for mark in run.marks where mark.kind == .impairment {
      repeats[Timeline.fault(mark), default: 0] += 1
    }
    var keys: [String: String] = [:]
    var impairments = 0
    var events = 0
    let order = run.marks.enumerated().sorted {
      ($0.element.at, $0.offset) < ($1.element.at, $1.offset)
    }
    for (place, (_, mark)) in order.enumerated() {
      switch mark.kind {
      case .impairment:
        var mark = mark
        let next = order[(place + 1)...].first { Timeline.replaces($0.element, mark) }
        mark.until = mark.until ?? next?.element.at
        let fault = Timeline.fault(mark)
        let key = keys[fault] ?? Timeline.letters(impairments)
        if keys[fault] == nil { impairments += 1 }
        if repeats[fault, default: 0] >= Timeline.oftenRepeated { keys[fault] = key }
        entries.append(Entry(key: key, mark: mark))
      case .event:
        events += 1
        entries.append(Entry(key: String(events), mark: mark))
      }
    }
  }

  /// Whether `later` sets anew just what `mark` set, so that one band ends where the other begins.
  private static func replaces(_ later: TimelineMark, _ mark: TimelineMark) -> Bool {
    func kinds(_ mark: TimelineMark) -> [Substring?] {
      what(mark).split(separator: ",").map { $0.split(separator: " ").first }
    }
    return later.kind == .impairment && later.subject == mark.subject && later.at > mark.at
      && kinds(later) == kinds(mark)
  }

  /// The same for marks that differ in their time alone.
  private static func fault(_ mark: TimelineMark) -> String { "\(mark.subject)\n\(what(mark))" }

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
    link == subject || [".", "/", "@"].contains { link.hasPrefix(subject + $0) }
  }

  /// The marks for a chart that speaks of `members`: every impairment, and what happened to
  /// them; of a crowd only what happened to all of it.
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
      let isPersonal =
        members.count > ChartSections.individualLimit && subject != members[0].group
        && members.contains { $0.identity == subject }
      guard entry.mark.kind == .impairment || (isOwn && !isPersonal) else { return nil }
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

  private static let openRows = 16
  private static let rowLimit = 300
  private static let namedUsers = 3

  /// Impairments and, while they are few, events; many events are folded away.
  var section: Markup {
    guard !entries.isEmpty else { return .empty }
    let isShort = entries.count <= Timeline.openRows
    let open = isShort ? entries : entries.filter { $0.mark.kind == .impairment }
    let folded = isShort ? [] : entries.filter { $0.mark.kind == .event }
    let foldedTable = self.table("Events", folded)
    let details: Markup =
      folded.isEmpty
      ? ""
      : "<details><summary>\(Figure.count(folded.count, "event"))</summary>\(foldedTable)</details>"
    return """
      <section id="timeline"><h2>What happened</h2>
      <p class="note">\(keyNote)</p>
      \(table("Timeline", open))\(details)</section>

      """
  }

  private var keyNote: String {
    let kinds = entries.map(\.mark.kind)
    let letters =
      "Letters are impairments, shaded in the charts or, where they are many, drawn above them"
    let numbers = "numbers are events, dotted in the charts"
    if !kinds.contains(.event) { return letters + "." }
    if !kinds.contains(.impairment) { return "N" + numbers.dropFirst() + "." }
    return "\(letters); \(numbers)."
  }

  private func table(_ label: String, _ entries: [Entry]) -> Markup {
    guard !entries.isEmpty else { return .empty }
    var order: [String] = []
    var groups: [String: [TimelineMark]] = [:]
    for entry in entries {
      if groups[entry.key] == nil { order.append(entry.key) }
      groups[entry.key, default: []].append(entry.mark)
    }
    let rows = order.prefix(Timeline.rowLimit).map { key -> Markup in
      let marks = groups[key]!
      var mark = marks[0]
      mark.until = marks.last!.until
      let until = mark.until.map { Figure.seconds($0) } ?? (mark.kind == .event ? "" : "end")
      return """
        <tr><td><span class="key \(mark.kind.rawValue)">\(key)</span></td>\
        <td class="number">\(Figure.seconds(mark.at))</td><td class="number">\(until)</td>\
        <td>\(mark.subject.isEmpty ? "everyone" : mark.subject)\(users(of: mark.subject))</td>\
        <td>\(Timeline.what(mark))\(Timeline.times(marks))</td></tr>

        """
    }
    let table = Page.table(
      label, kind: "marks", heads: ["Key", "#From", "#Until", "To whom", "What"], rows: rows)
    return "\(table)\(Page.more(order.count - rows.count, "mark"))"
  }

  /// `, 360 times, 3 s each`; empty for one alone.
  private static func times(_ marks: [TimelineMark]) -> String {
    guard marks.count > 1 else { return "" }
    let lengths = Set(
      marks.map { mark in mark.until.map { (($0 - mark.at) * 1_000).rounded() / 1_000 } })
    guard lengths.count == 1, let length = lengths.first! else { return ", \(marks.count) times" }
    return ", \(marks.count) times, \(Figure.seconds(length)) each"
  }

  /// Who uses a link, while they are few.
  private func users(of subject: String) -> Markup {
    let isNamed = run.participants.contains { [$0.identity, $0.group].contains(subject) }
    guard !subject.isEmpty, !isNamed else { return .empty }
    let names = run.participants.filter { participant in
      links(of: participant).contains { Timeline.covers(subject, $0.name) }
    }.map(\.identity)
    guard !names.isEmpty, names.count <= Timeline.namedUsers else { return .empty }
    return "<small>\(names.joined(separator: ", "))</small>"
  }

  /// The label without the name that has a column of its own.
  private static func what(_ mark: TimelineMark) -> String {
    let name = mark.subject + ": "
    return !mark.subject.isEmpty && mark.label.hasPrefix(name)
      ? String(mark.label.dropFirst(name.count)) : mark.label
  }
}

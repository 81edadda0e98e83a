// Who gets charts of their own and who is drawn as a crowd.

import Results

/// The part of a report that shows the run over time.
struct ChartSections {
  /// Up to this many people each get charts of their own.
  static let individualLimit = 6
  private static let smallGroup = 3
  private static let crowdLimit = 6
  private static let worstLimit = 3

  private enum Subject {
    case one(Participant, note: String)
    case crowd(name: String, [Participant])
  }

  private let run: RunResult
  private let timeline: Timeline

  init(_ run: RunResult, _ timeline: Timeline) {
    self.run = run
    self.timeline = timeline
  }

  /// Everybody while they are few; then small groups one by one, large ones as crowds, and whoever
  /// an assertion names as its worst once more alone.
  private var subjects: [Subject] {
    let people = run.participants
    if people.count <= ChartSections.individualLimit {
      return people.map { .one($0, note: $0.groupNote) }
    }
    var names: [String] = []
    var groups: [String: [Participant]] = [:]
    for participant in people {
      if groups[participant.group] == nil { names.append(participant.group) }
      groups[participant.group, default: []].append(participant)
    }
    var alone: [Subject] = []
    var crowds: [Subject] = []
    var rest: [Participant] = []
    for name in names {
      let members = groups[name] ?? []
      if members.count <= ChartSections.smallGroup,
        alone.count + members.count <= ChartSections.individualLimit
      {
        alone += members.map { .one($0, note: "") }
      } else if members.count > ChartSections.smallGroup, crowds.count < ChartSections.crowdLimit {
        crowds.append(.crowd(name: name, members))
      } else {
        rest += members
      }
    }
    if !rest.isEmpty { crowds.append(.crowd(name: crowds.isEmpty ? "everyone" : "others", rest)) }
    return alone + crowds + worst(notIn: alone)
  }

  /// The people that assertions in need of attention name as the worst.
  private func worst(notIn shown: [Subject]) -> [Subject] {
    var seen: Set<String> = []
    for case .one(let participant, _) in shown { seen.insert(participant.identity) }
    var found: [Subject] = []
    for assertion in run.assertions where assertion.verdict.needsAttention {
      let name = String(
        assertion.worst?.participant.split(separator: "<").first.map(String.init) ?? "")
      guard found.count < ChartSections.worstLimit, seen.insert(name).inserted,
        let participant = run.participants.first(where: { $0.identity == name })
      else { continue }
      found.append(.one(participant, note: "worst of \(assertion.id)"))
    }
    return found
  }

  var section: Markup {
    let charts = MetricCharts(run, timeline)
    var numbering = ChartNumbering()
    var body = Markup.empty
    for subject in subjects {
      switch subject {
      case .one(let participant, let note):
        body += ChartSections.block(
          participant.identity, note, charts.charts(of: participant), &numbering)
      case .crowd(let name, let members):
        body += ChartSections.block(
          "\(name) × \(members.count)", "median, p10 to p90, and by name those apart",
          charts.charts(ofCrowd: members), &numbering)
      }
    }
    guard !body.isEmpty else { return .empty }
    return "<section id=\"charts\"><h2>Over time</h2>\n\(body)</section>\n"
  }

  static func block(
    _ title: String, _ note: String, _ charts: [Chart], _ numbering: inout ChartNumbering
  ) -> Markup {
    guard !charts.isEmpty else { return .empty }
    var figures = Markup.empty
    var steady: [Markup] = []
    for chart in charts {
      if let text = chart.steadyText {
        steady.append("<li>\(chart.title) <b>\(text)</b></li>")
      } else {
        figures += chart.figure(&numbering)
      }
    }
    let aside: Markup = note.isEmpty ? "" : " <small>\(note)</small>"
    let plots: Markup = figures.isEmpty ? .empty : "<div class=\"plots\">\(figures)</div>\n"
    let list: Markup =
      steady.isEmpty
      ? .empty : "<ul class=\"steady\"><li>The same throughout:</li>\(steady)</ul>\n"
    return "<h3>\(title)\(aside)</h3>\n\(plots)\(list)"
  }
}

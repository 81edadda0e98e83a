// Expectations as written: whom they speak of, and limits whose unit fits the metric.

import Basics
import Results

extension ScenarioReader {
  mutating func readExpectations() throws {
    var lines: [String: Int] = [:]
    for node in root["expect"]?.items ?? [] {
      let id = node["id"]!
      let expectation = try readExpectation(node)
      if let line = lines[expectation.id] {
        throw id.error("the id '\(expectation.id)' stands already in line \(line); ids are unique")
      }
      lines[expectation.id] = id.mark.line
      scenario.expectations.append(expectation)
    }
  }

  private func readExpectation(_ node: YAMLNode) throws -> Scenario.Expectation {
    let metric = MetricCatalogue.metric(named: try node["metric"]!.text())!
    let statistic = try readStatistic(node, metric)
    let unit = node["against"] == nil ? statistic.unit(of: metric) : "%"
    let word = Grammar.comparisons.first { node[$0] != nil }!
    var expectation = Scenario.Expectation(
      id: try node["id"]!.text(), of: try node["of"]!.text(), subjects: try subjects(node["of"]!),
      metric: metric, statistic: statistic, comparison: Assertion.Comparison(rawValue: word)!,
      limit: try limit(node[word]!, unit: unit, isRelative: isRelative(metric, node)), unit: unit)
    try checkScope(node, of: expectation)
    expectation.against = try node["against"].map { try other($0, than: expectation) }
    expectation.window = try node["window"].map { try window($0) }
    if let from = node["from"] {
      guard metric.scope == .pair else {
        throw from.error("'\(metric.name)' is a participant's own, not of another; take 'from' out")
      }
      expectation.fromTalkers =
        (from.items ?? [from]).map(\.scalar) == [Scenario.Expectation.talkers]
      let senders = expectation.fromTalkers ? scenario.members : try members(ofAll: from)
      for subject in expectation.subjects
      where !senders.contains(where: { $0.identity != subject.identity && $0.room == subject.room })
      {
        throw from.error("'\(subject.identity)' receives nothing from these; name someone else")
      }
      if !expectation.fromTalkers {
        expectation.from = senders.map { .init(identity: $0.identity, room: $0.room) }
      }
    }
    if let kind = node["kind"] {
      guard metric.scope == .pair else {
        throw kind.error("'\(metric.name)' is neither audio nor video; take 'kind' out")
      }
      expectation.kind = Scenario.MediaKind(rawValue: try kind.text())!
    }
    if let source = node["source"] {
      expectation.source = try self.source(source, of: expectation)
    }
    try checkLadder(node, expectation)
    if let across = node["across"] {
      expectation.across = Scenario.Expectation.Across(rawValue: try across.text())!
    }
    if let share = node["share"] {
      expectation.share = try share.ratio()
      guard expectation.across == .each else {
        throw share.error("a share is of participants judged each; take 'across' or 'share' out")
      }
      guard expectation.share! > 0 else {
        throw share.error("a share of 0% always holds; write 95%")
      }
    }
    if let least = node["minSamples"] {
      expectation.minSamples = try least.integer(in: 1...1_000_000_000)
    }
    expectation.criteria = try node["criteria"]?.items?.map { try $0.text() } ?? []
    return expectation
  }

  /// A metric of links is not a participant's.
  private func checkScope(_ node: YAMLNode, of expectation: Scenario.Expectation) throws {
    let metric = expectation.metric
    let needed: String
    switch (metric.scope, expectation.subjects[0].kind) {
    case (.participant, .participant), (.pair, .participant), (.pair, .flow), (.flow, .flow),
      (.link, .link):
      return
    case (.flow, _): needed = "a flow"
    case (.link, _): needed = "a shared link; write of: link:NAME.up"
    case (.participant, _), (.pair, _): needed = "a participant"
    }
    throw node["metric"]!.error("'\(metric.name)' is a metric of \(needed)")
  }

  private func other(
    _ node: YAMLNode, than expectation: Scenario.Expectation
  ) throws -> String {
    let others = try subjects(node)
    guard others.count == 1, others[0].kind == expectation.subjects[0].kind,
      others[0].kind != .participant
    else { throw node.error("name one flow or link, of the same kind as 'of'") }
    guard expectation.across == .each else {
      throw node.error("flows are held against another each; take 'across' out")
    }
    return others[0].identity
  }

  /// One direction of a link that somebody shares.
  private func linkSubject(
    _ text: String, _ node: YAMLNode
  ) throws -> [Scenario.Expectation.Subject] {
    let name = YAMLNode(mark: node.mark, content: .scalar(text, plain: true))
    guard case .link(let link, let direction?) = try linkTarget(name) else {
      throw node.error("a link has two directions; write link:\(text).up or link:\(text).down")
    }
    let shared = scenario.participants.flatMap(\.via) + scenario.flows.flatMap(\.via)
    guard shared.contains(link) else {
      throw node.error("nobody shares '\(link)'; name it in a 'via'")
    }
    return [.init(.link, "\(link).\(direction.rawValue)")]
  }

  private func subjects(_ node: YAMLNode) throws -> [Scenario.Expectation.Subject] {
    let text = try node.text()
    if text.hasPrefix("link:") { return try linkSubject(String(text.dropFirst(5)), node) }
    let flows = flowNames(text)
    if !flows.isEmpty { return flows.map { .init(.flow, $0) } }
    var members: [Scenario.Member]
    if text.hasPrefix("tag:") {
      let tag = String(text.dropFirst(4))
      members = scenario.participants.filter { $0.tags.contains(tag) }.flatMap(\.members)
      let flows = scenario.flows.filter { $0.tags.contains(tag) }.flatMap(\.names)
      guard members.isEmpty || flows.isEmpty else {
        throw node.error("participants and flows have the tag '\(tag)'; write one of the two apart")
      }
      if !flows.isEmpty { return flows.map { .init(.flow, $0) } }
      if members.isEmpty {
        let tags = scenario.participants.flatMap(\.tags) + scenario.flows.flatMap(\.tags)
        throw node.error(
          "nobody has the tag '\(tag)'" + Suggestion.clause(for: tag, among: tags, called: "tags"))
      }
    } else if text.hasPrefix("room:") {
      let name = String(text.dropFirst(5))
      let room = try roomName(YAMLNode(mark: node.mark, content: .scalar(name, plain: true)))
      members = scenario.members.filter { $0.room == room }
      if members.isEmpty { throw node.error("nobody is in the room '\(room)'") }
    } else {
      members = try self.members(node)
    }
    guard !members.isEmpty else {
      throw node.error("there are no participants; name a flow or a link")
    }
    return members.map { .init(identity: $0.identity, room: $0.room) }
  }

  // MARK: - Statistics, limits and windows

  private func readStatistic(_ node: YAMLNode, _ metric: Metric) throws -> Scenario.Statistic {
    guard let written = node["stat"] else {
      switch metric.kind {
      case .counter: return .sum
      case .once: return .last
      case .gauge, .event:
        throw node.error("'\(metric.name)' has many samples; write stat: p95, mean, min, max …")
      }
    }
    let text = try written.text()
    guard let statistic = Scenario.Statistic(text) else {
      let words = Scenario.Statistic.words.map(\.0) + ["p50", "p95", "p99"]
      throw written.error(
        "'\(text)' is no statistic"
          + Suggestion.clause(for: text, among: words, called: "statistics"))
    }
    guard statistic.fits(metric.kind) else {
      throw written.error("'\(text)' says nothing about '\(metric.name)', \(metric.kind.noun)")
    }
    return statistic
  }

  /// Whether 100 % is not the most there can be.
  private func isRelative(_ metric: Metric, _ node: YAMLNode) -> Bool {
    node["against"] != nil || metric.unit == "%" && (metric.scope == .flow || metric.scope == .link)
  }

  private func limit(_ node: YAMLNode, unit: String, isRelative: Bool) throws -> Double {
    let isPlain = Quantity.decimal(node.scalar ?? "") != nil
    switch unit {
    case "ms": return try Quantity.read(node, [.duration]).value / 1e6
    case "s": return try Quantity.read(node, [.duration]).value / 1e9
    case "%" where isRelative:
      guard let text = node.scalar, text.last == "%",
        let value = Quantity.decimal(String(text.dropLast())), (0...1_000).contains(value)
      else { return (try Quantity.read(node, [.ratio]).value * 1e11).rounded() / 1e9 }
      return value
    case "%": return (try Quantity.read(node, [.ratio]).value * 1e11).rounded() / 1e9
    case "bps": return Double(try node.bitrate().bitsPerSecond)
    case "B": return try Quantity.read(node, [.size]).value
    case "px": return try Quantity.read(node, [.height]).value
    case "fps": return isPlain ? try node.number() : try Quantity.read(node, [.frequency]).value
    case "1/s": return isPlain ? try node.number() : try Quantity.read(node, [.perSecond]).value
    case "dB": return try Quantity.read(node, [.level]).value
    default: return try node.number()
    }
  }

  private func window(_ node: YAMLNode) throws -> Scenario.Expectation.Window {
    let text = try node.text()
    let dots = text.indices.first { text[$0...].hasPrefix("..") }
    guard let dots else {
      throw node.error("'\(text)' is not a window; write it as 40s..60s")
    }
    let part = { (text: Substring) in
      try YAMLNode(mark: node.mark, content: .scalar(String(text), plain: true)).duration()
    }
    let start = try part(text[..<dots])
    let end = try part(text[dots...].dropFirst(2))
    guard start < end else { throw node.error("the window '\(text)' ends before it begins") }
    guard end <= scenario.duration else {
      throw node.error(
        "the window '\(text)' goes beyond the end of the run "
          + "(duration \(try root["duration"]!.text()))")
    }
    return .init(start: .zero + start, end: .zero + end)
  }
}

extension Scenario.Statistic {
  init?(_ text: String) {
    if let word = Self.words.first(where: { $0.0 == text }) {
      self = word.1
    } else if text.first == "p", let rank = Quantity.decimal(String(text.dropFirst())),
      (0...100).contains(rank)
    {
      self = .percentile(rank)
    } else {
      return nil
    }
  }

  /// Whether it says anything about samples of this kind.
  func fits(_ kind: Metric.Kind) -> Bool {
    switch (self, kind) {
    case (.sum, .gauge), (.sum, .once), (.rate, .gauge), (.rate, .once): false
    case (.first, .counter), (.count, .counter): false
    default: true
    }
  }

  func unit(of metric: Metric) -> String {
    switch self {
    case .count: return "1"
    case .rate where metric.kind == .event: return "1/s"
    case .rate:
      switch metric.unit {
      case "B": return "bps"
      case "s": return "%"
      default: return "1/s"
      }
    default: return metric.unit
    }
  }
}

extension Metric.Kind {
  var noun: String {
    switch self {
    case .gauge: "a state sampled every second"
    case .event: "a sample for every event"
    case .counter: "a running total"
    case .once: "one sample in a life"
    }
  }
}

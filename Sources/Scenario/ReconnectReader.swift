// Reconnection policies, data messages and swarms as written.

import Basics

extension ScenarioReader {
  func readPolicy(_ node: YAMLNode) throws -> ReconnectPolicy {
    let factor = try node["factor"]?.number() ?? 2
    guard factor >= 1, factor <= 100 else {
      throw node["factor"]!.error("delays grow; write a factor from 1 to 100")
    }
    let (initial, ceiling) = (try node["initial"]!.duration(), try node["ceiling"]!.duration())
    guard ceiling >= initial else {
      throw node["ceiling"]!.error("the longest delay is shorter than the first; write more")
    }
    let jitters: [String: ReconnectPolicy.Jitter] = [
      "none": .none, "full": .full, "equal": .equal, "decorrelated": .decorrelated,
    ]
    return ReconnectPolicy(
      delays: .exponential(initial: initial, factor: factor, ceiling: ceiling),
      jitter: jitters[try node["jitter"]?.text() ?? "full"]!,
      attempts: try node["attempts"]!.integer(in: 1...1_000))
  }

  func readData(_ node: YAMLNode) throws -> Scenario.DataSource {
    var data = Scenario.DataSource(
      every: try node["every"]!.duration(), until: .zero + scenario.duration)
    guard data.every >= .milliseconds(1) else {
      throw node["every"]!.error("more than a thousand messages a second; write 1ms or more")
    }
    if let size = node["size"] {
      data.size = Int(try Quantity.read(size, [.size]).value)
      guard (12...15_000).contains(data.size) else {
        throw size.error("a message has 12B to 15000B, as LiveKit's clients keep it")
      }
    }
    if let reliable = node["reliable"] { data.isReliable = try reliable.boolean() }
    if let during = node["during"] {
      let window = try spanOfTime(during)
      data.from = .zero + window.lowerBound
      data.until = .zero + window.upperBound
    }
    return data
  }

  mutating func readSwarm() throws {
    guard let node = root["swarm"] else { return }
    var swarm = Scenario.Swarm(
      faults: try node["faults"]!.integer(in: 1...10_000),
      begin: try spanOfTime(node["during"]!), length: try spanOfTime(node["lasting"]!),
      of: try node["of"].map { try identities(ofAll: $0) } ?? scenario.members.map(\.identity))
    if let kinds = node["kinds"]?.items {
      swarm.kinds = try kinds.map { Scenario.SwarmKind(rawValue: try $0.text())! }
    }
    guard swarm.begin.upperBound + swarm.length.upperBound <= scenario.duration else {
      throw node["during"]!.error(
        "the last fault may end after the end of the run "
          + "(duration \(try root["duration"]!.text())); shorten it")
    }
    for kind in swarm.kinds {
      let target = Scenario.Event.Target.participants(
        label: "swarm", identities: kind == .crash ? [] : swarm.of)
      let needsLink = ![.loseSignalling, .slowSignalling, .suspend, .crash].contains(kind)
      guard needsLink else { continue }
      try checkLinks(of: target, for: kind == .rebindNAT ? "rebindNAT" : "blackout", node)
    }
    scenario.swarm = swarm
  }

  /// `1s..5s`
  private func spanOfTime(_ node: YAMLNode) throws -> ClosedRange<Duration> {
    let text = try node.text()
    let parts = text.components(separatedBy: "..")
    guard parts.count == 2 else { throw node.error("'\(text)' is not a span; write it as 1s..5s") }
    let ends = try parts.map {
      try YAMLNode(mark: node.mark, content: .scalar($0, plain: true)).duration()
    }
    guard ends[0] <= ends[1], ends[1] <= scenario.duration else {
      throw node.error("'\(text)' ends before it begins, or after the end of the run")
    }
    return ends[0]...ends[1]
  }
}

extension String {
  fileprivate func components(separatedBy separator: String) -> [String] {
    guard let range = self.firstRange(of: separator) else { return [self] }
    return [String(self[..<range.lowerBound]), String(self[range.upperBound...])]
  }
}

// Flows as written: names apart from those of participants, moments inside the run.

import Basics

extension ScenarioReader {
  mutating func readFlows() throws {
    var owners: [String: String] = [:]
    for group in scenario.participants {
      for name in [group.name] + group.members.map(\.identity) { owners[name] = group.name }
    }
    for entry in root["flows"]?.entries ?? [] {
      guard entry.key != "all" else {
        throw ScenarioError(entry.mark, "'all' stands for every participant; rename the flow")
      }
      let group = try readFlow(entry)
      for name in Set([group.name] + group.names) {
        if let other = owners[name] {
          throw ScenarioError(
            entry.mark, "'\(group.name)' and '\(other)' both stand for '\(name)'; rename one")
        }
        owners[name] = group.name
      }
      scenario.flows.append(group)
    }
  }

  private func readFlow(_ entry: YAMLNode.Entry) throws -> Scenario.FlowGroup {
    let node = entry.value
    var group = Scenario.FlowGroup(name: entry.key, kind: try flowKind(node))
    if let count = node["count"] { group.count = try count.integer(in: 1...1_000) }
    if let link = node["link"] { group.link = try linkName(link) }
    if let via = node["via"]?.items { group.via = try via.map { try linkName($0) } }
    if let direction = node["direction"] {
      group.direction = Scenario.FlowDirection(rawValue: try direction.text())!
    }
    if let start = node["start"] { group.start = try moment(start, of: "the start") }
    if let stop = node["stop"] {
      group.stop = try moment(stop, of: "the stop")
      guard group.stop! > group.start else {
        throw stop.error("it stops before it has started; write a later moment")
      }
    }
    if let tags = node["tags"]?.items { group.tags = try tags.map { try $0.text() } }
    return group
  }

  private func flowKind(_ node: YAMLNode) throws -> Scenario.FlowKind {
    if let media = node["media"] { return .media(try mediaFlow(media)) }
    if let tcp = node["tcp"] {
      var flow = Scenario.TCPFlow()
      if let control = tcp["control"] {
        flow.control = Scenario.TCPControl(rawValue: try control.text())!
      }
      flow.downloads = try tcp["downloads"].map { try downloads($0) }
      return .tcp(flow)
    }
    let udp = node["udp"]!
    var flow = Scenario.UDPFlow(rate: try udp["rate"]!.bitrate())
    if let packet = udp["packet"] {
      flow.packet = try packet.size()
      guard (64...1_500).contains(flow.packet.bytes) else {
        throw packet.error("a packet has 64B to 1500B here; write 1500B")
      }
    }
    if let bursts = udp["bursts"] {
      flow.bursts = Scenario.Bursts(
        on: try bursts["on"]!.duration(), off: try bursts["off"]!.duration())
    }
    return .udp(flow)
  }

  private func downloads(_ node: YAMLNode) throws -> Scenario.Downloads {
    var downloads = Scenario.Downloads()
    if let smallest = node["smallest"] { downloads.smallest = try smallest.size() }
    if let largest = node["largest"] { downloads.largest = try largest.size() }
    guard downloads.smallest >= .bytes(1), downloads.smallest <= downloads.largest else {
      throw node.error("the smallest file is larger than the largest, or empty")
    }
    if let pause = node["pause"] { downloads.pause = try pause.duration() }
    if let startOn = node["startOn"] { downloads.startOn = try startOn.integer(in: 0...1_000) }
    return downloads
  }

  private func mediaFlow(_ node: YAMLNode) throws -> Scenario.MediaFlow {
    var flow = Scenario.MediaFlow()
    if let model = node["model"] { flow.model = Scenario.EncoderKind(rawValue: try model.text())! }
    if let height = node["height"] { flow.height = max(2, try height.height()) }
    if let fps = node["fps"] {
      flow.framesPerSecond = max(1, Int(try framesPerSecond(fps).rounded()))
    }
    if let least = node["min"] { flow.minimumBitrate = try least.bitrate() }
    if let most = node["max"] { flow.maximumBitrate = try most.bitrate() }
    guard flow.minimumBitrate <= flow.maximumBitrate, flow.minimumBitrate > .zero else {
      throw node.error("the least rate is above the greatest, or zero")
    }
    flow.startBitrate = flow.minimumBitrate
    if let start = node["start"] { flow.startBitrate = try start.bitrate() }
    if let latency = node["latency"] { flow.latency = try latency.duration() }
    if let audio = node["audio"] { flow.audioBitrate = try audio.bitrate() }
    if let ecn = node["ecn"] { flow.ecn = try ecn.boolean() }
    if let controller = node["controller"] {
      flow.controller = Scenario.Controller(rawValue: try controller.text())!
    }
    return flow
  }
}

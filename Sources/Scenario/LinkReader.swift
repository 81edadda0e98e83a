// Links as written: a preset, fields for both directions, and fields for each.

import Basics

extension ScenarioReader {
  mutating func readLinks() throws {
    for entry in root["links"]?.entries ?? [] {
      let node = entry.value
      var link = Scenario.Link(name: entry.key)
      if let use = node["use"] {
        let preset = LinkPreset.named(try use.text())!
        link.up = preset.up
        link.down = preset.down
        link.networkCost = preset.networkCost
      }
      let both = try linkFields(node)
      link.up = link.up.overridden(by: both)
      link.down = link.down.overridden(by: both)
      if let up = node["up"] { link.up = link.up.overridden(by: try linkFields(up)) }
      if let down = node["down"] { link.down = link.down.overridden(by: try linkFields(down)) }
      for (direction, written) in [(link.up, node["up"]), (link.down, node["down"])]
      where direction.ecn && direction.aqm == .dropTail {
        // A drop-tail queue marks nothing.
        throw (written?["ecn"] ?? node["ecn"] ?? node).error(
          "ecn marks what CoDel would drop; write aqm: codel beside it")
      }
      scenario.links.append(link)
    }
  }

  func linkFields(_ node: YAMLNode) throws -> Scenario.LinkFields {
    var fields = Scenario.LinkFields()
    if let rate = node["rate"] { fields.capacity = try capacity(rate) }
    if let trace = node["trace"] { fields.capacity = .trace(path: try tracePath(trace)) }
    if let delay = node["delay"] { fields.delay = try delay.duration() }
    if let jitter = node["jitter"] { fields.jitter = try readJitter(jitter) }
    if let queue = node["queue"] { fields.queue = try queueLimit(queue) }
    if let aqm = node["aqm"] { fields.aqm = Scenario.QueueManagement(rawValue: try aqm.text())! }
    if let ecn = node["ecn"] { fields.ecn = try ecn.boolean() }
    if let loss = node["loss"] { fields.loss = try readLoss(loss) }
    if let reorder = node["reorder"] {
      fields.reorder = Scenario.Reorder(
        probability: try reorder["probability"]!.ratio(), delay: try reorder["delay"]!.duration())
    }
    if let mtu = node["mtu"] {
      fields.mtu = Int(try Quantity.read(mtu, [.size]).value)
      guard fields.mtu! >= 576 else {
        throw mtu.error("every IPv4 link carries 576B (RFC 791); write more")
      }
    }
    if let duplicate = node["duplicate"] { fields.duplicate = try duplicate.ratio() }
    if let corrupt = node["corrupt"] { fields.corrupt = try corrupt.ratio() }
    return fields
  }

  private func capacity(_ node: YAMLNode) throws -> Scenario.Capacity {
    if node.scalar == "unlimited" { return .unlimited }
    let rate = try node.bitrate()
    guard rate > .zero else {
      throw node.error("a link of 0bps passes nothing; write an event with do: blackout instead")
    }
    return .rate(rate)
  }

  private func tracePath(_ node: YAMLNode) throws -> String {
    let written = try node.text()
    if let path = files.find(written, near: node.mark) {
      do throws(TraceFileError) {
        _ = try CapacityTrace(file: path)
      } catch {
        throw node.error("\(error)")
      }
      return path
    }
    guard scenario.missing.contains(written) else {
      throw node.error(
        "no file '\(written)', neither beside the scenario nor from the repository's root; "
          + "name it under 'requires' if the scenario may be skipped without it")
    }
    return written
  }

  private func queueLimit(_ node: YAMLNode) throws -> Scenario.QueueLimit {
    let quantity = try Quantity.read(node, [.duration, .size, .packets])
    guard quantity.value >= 1 else { throw node.error("an empty queue passes nothing; write 20ms") }
    switch quantity.dimension {
    case .duration: return .time(Duration(nanosecondsRounding: quantity.value))
    case .size: return .size(DataSize(bytes: Int64(quantity.value)))
    default: return .packets(Int(quantity.value))
    }
  }

  private func readJitter(_ node: YAMLNode) throws -> Scenario.Jitter {
    let reorders = try node["reorder"]?.boolean() ?? false
    if let uniform = node["uniform"] {
      return .uniform(try uniform.duration(), reorders: reorders)
    }
    if let normal = node["normal"] {
      return .normal(std: try normal["std"]!.duration(), reorders: reorders)
    }
    if let reorder = node["reorder"], reorders {
      throw reorder.error("nrBPDV keeps the order (RFC 8868 §4.5.2); write uniform or normal")
    }
    guard let nrBPDV = node["nrBPDV"] else { return .none }
    let std = try nrBPDV["std"]!.duration()
    return .nrBPDV(std: std, max: try nrBPDV["max"]?.duration() ?? std * 3)
  }

  private func readLoss(_ node: YAMLNode) throws -> Scenario.Loss {
    if let model = node["gilbertElliott"] {
      return .gilbertElliott(
        p: try model["p"]!.ratio(), r: try model["r"]!.ratio(),
        lossInBad: try model["lossInBad"]?.ratio() ?? 1,
        lossInGood: try model["lossInGood"]?.ratio() ?? 0)
    }
    if let model = node["markov4"] {
      return .markov4(
        p13: try model["p13"]!.ratio(), p31: try model["p31"]!.ratio(),
        p32: try model["p32"]!.ratio(), p23: try model["p23"]!.ratio(),
        p14: try model["p14"]!.ratio())
    }
    if let packets = node["packets"]?.items {
      return .packets(try packets.map { try $0.integer(in: 0...Int.max) }.sorted())
    }
    let probability = try node.ratio()
    return probability == 0 ? .none : .random(probability)
  }
}

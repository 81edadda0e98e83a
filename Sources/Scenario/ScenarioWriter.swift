// Scenarios back into the language they were written in: what is read from the text is the scenario.

import Basics
import Results

extension Scenario {
  /// The scenario as a file. Reading it gives this scenario again, but for the name of the file.
  public var yaml: String { YAMLValue.document(written) }

  private var written: YAMLMap {
    var root = YAMLMap()
    root["assay"] = .plain("1")
    root["name"] = .text(name)
    if !about.isEmpty { root["about"] = .text(about) }
    root["seed"] = .plain("\(seed)")
    root["duration"] = duration.written
    if acrossSeeds != .each { root["acrossSeeds"] = .plain(acrossSeeds.rawValue) }
    if tier != .quick { root["tier"] = .plain(tier.rawValue) }
    if !missing.isEmpty { root["requires"] = .texts(missing) }
    if !waivedRules.isEmpty {
      var rules = YAMLMap()
      for waived in waivedRules {
        var off = YAMLMap()
        off["off"] = .text(waived.reason)
        rules[waived.rule.name] = off.value
      }
      root["rules"] = rules.value
    }
    if allowsUnsupported { root["unsupported"] = .plain("allowed") }
    if crypto != .real { root["crypto"] = .plain(crypto.rawValue) }
    if startValues != .random { root["startValues"] = .plain(startValues.rawValue) }
    if media != MediaCosts() {
      var costs = YAMLMap()
      costs["encode"] = media.encode.written
      costs["decode"] = media.decode.written
      costs["render"] = media.render.written
      root["media"] = costs.value
    }
    let options = sfu.written
    if !options.isEmpty { root["sfu"] = options.value }
    if !links.isEmpty {
      var map = YAMLMap()
      for link in links { map[link.name] = link.written }
      root["links"] = map.value
    }
    if rooms != ["main"] { root["rooms"] = .texts(rooms) }
    var groups = YAMLMap()
    for group in participants { groups[group.name] = group.written(in: self).value }
    if !groups.isEmpty { root["participants"] = groups.value }
    var flowing = YAMLMap()
    for flow in flows { flowing[flow.name] = flow.written.value }
    if !flowing.isEmpty { root["flows"] = flowing.value }
    if !events.isEmpty { root["events"] = .list(events.map { $0.written.value }) }
    root["swarm"] = swarm?.written(in: self)
    if !expectations.isEmpty { root["expect"] = .list(expectations.map(\.written.value)) }
    return root
  }
}

extension Scenario.SFU {
  fileprivate var written: YAMLMap {
    let usual = Scenario.SFU()
    var map = YAMLMap()
    if maxParticipants != usual.maxParticipants {
      map["maxParticipants"] = .plain("\(maxParticipants)")
    }
    map["subscriberLimit"] = subscriberLimit?.written
    if dynacast != usual.dynacast { map["dynacast"] = .plain("\(dynacast)") }
    if let joinRate { map["joinRate"] = .plain("\(joinRate)/s") }
    map["mutant"] = mutant.map { .text($0) }
    if tokenTTL != usual.tokenTTL {
      var token = YAMLMap()
      token["ttl"] = tokenTTL.written
      map["token"] = token.value
    }
    map["link"] = link.map { .text($0) }
    if remoteUnmute != usual.remoteUnmute { map["remoteUnmute"] = .plain(remoteUnmute.rawValue) }
    return map
  }
}

// MARK: - Links

extension Scenario.Link {
  fileprivate var written: YAMLValue {
    // Only presets know what kind of network they are, so one of that kind is where it starts.
    let base = networkCost == 0 ? nil : LinkPreset.all.first { $0.networkCost == networkCost }
    var map = YAMLMap()
    map["use"] = base.map { .text($0.name) }
    let usual = Scenario.LinkDirection()
    if up == down, base == nil {
      for entry in Scenario.LinkFields(up, over: usual).written.entries {
        map[entry.key] = entry.value
      }
      return map.value
    }
    map["up"] = Scenario.LinkFields(up, over: base?.up ?? usual).written.value
    map["down"] = Scenario.LinkFields(down, over: base?.down ?? usual).written.value
    return map.value
  }
}

extension Scenario.LinkFields {
  /// What differs from the link that it starts from.
  fileprivate init(_ direction: Scenario.LinkDirection, over usual: Scenario.LinkDirection) {
    self.init()
    if direction.capacity != usual.capacity { capacity = direction.capacity }
    if direction.delay != usual.delay { delay = direction.delay }
    if direction.jitter != usual.jitter { jitter = direction.jitter }
    if direction.queue != usual.queue { queue = direction.queue }
    if direction.aqm != usual.aqm { aqm = direction.aqm }
    if direction.ecn != usual.ecn { ecn = direction.ecn }
    if direction.loss != usual.loss { loss = direction.loss }
    if direction.reorder != usual.reorder { reorder = direction.reorder }
    if direction.duplicate != usual.duplicate { duplicate = direction.duplicate }
    if direction.corrupt != usual.corrupt { corrupt = direction.corrupt }
    if direction.mtu != usual.mtu { mtu = direction.mtu }
  }

  public var written: YAMLMap {
    var map = YAMLMap()
    switch capacity {
    case .unlimited: map["rate"] = .plain("unlimited")
    case .rate(let rate): map["rate"] = rate.written
    case .trace(let path): map["trace"] = .text(path)
    case nil: break
    }
    map["delay"] = delay?.written
    map["jitter"] = jitter?.written
    switch queue {
    case .time(let time): map["queue"] = time.written
    case .size(let size): map["queue"] = .plain("\(size.bytes)B")
    case .packets(let count): map["queue"] = .plain("\(count)packets")
    case nil: break
    }
    map["aqm"] = aqm.map { .plain($0.rawValue) }
    map["ecn"] = ecn.map { .plain("\($0)") }
    map["loss"] = loss?.written
    if let reorder {
      var held = YAMLMap()
      held["probability"] = .share(reorder.probability)
      held["delay"] = reorder.delay.written
      map["reorder"] = held.value
    }
    map["duplicate"] = duplicate.map { .share($0) }
    map["corrupt"] = corrupt.map { .share($0) }
    map["mtu"] = mtu.map { .plain("\($0)B") }
    return map
  }
}

extension Scenario.Jitter {
  fileprivate var written: YAMLValue {
    var map = YAMLMap()
    var model = YAMLMap()
    switch self {
    case .none: return .plain("none")
    case .uniform(let span, let reorders):
      map["uniform"] = span.written
      if reorders { map["reorder"] = .plain("true") }
    case .normal(let std, let reorders):
      model["std"] = std.written
      map["normal"] = model.value
      if reorders { map["reorder"] = .plain("true") }
    case .nrBPDV(let std, let max):
      model["std"] = std.written
      if max != std * 3 { model["max"] = max.written }
      map["nrBPDV"] = model.value
    }
    return map.value
  }
}

extension Scenario.Loss {
  fileprivate var written: YAMLValue {
    var map = YAMLMap()
    var model = YAMLMap()
    switch self {
    case .none: return .plain("0%")
    case .random(let share): return .share(share)
    case .gilbertElliott(let p, let r, let lossInBad, let lossInGood):
      model["p"] = .share(p)
      model["r"] = .share(r)
      if lossInBad != 1 { model["lossInBad"] = .share(lossInBad) }
      if lossInGood != 0 { model["lossInGood"] = .share(lossInGood) }
      map["gilbertElliott"] = model.value
    case .markov4(let p13, let p31, let p32, let p23, let p14):
      for (key, share) in [("p13", p13), ("p31", p31), ("p32", p32), ("p23", p23), ("p14", p14)] {
        model[key] = .share(share)
      }
      map["markov4"] = model.value
    case .packets(let numbers): map["packets"] = .list(numbers.map { .plain("\($0)") })
    }
    return map.value
  }
}

// MARK: - Quantities

extension YAMLValue {
  /// A fraction as a percentage that reads back as the same number.
  static func share(_ fraction: Double) -> YAMLValue {
    for digits in 0...17 {
      let text = decimal(fraction * 100, digits: digits)
      if let percent = Double(text), percent * 0.01 == fraction { return .plain(text + "%") }
    }
    return .plain(decimal(fraction * 100, digits: 12) + "%")
  }

  /// The shortest decimal, without an exponent, that reads back as `value`.
  static func number(_ value: Double) -> YAMLValue {
    for digits in 0...17 {
      let text = decimal(value, digits: digits)
      if Double(text) == value { return .plain(text) }
    }
    return .plain(decimal(value, digits: 12))
  }

  static func decimal(_ value: Double, digits: Int) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = (value * scale).rounded()
    guard digits > 0, abs(scaled) < 1e18 else { return "\(Int64(value.rounded()))" }
    let whole = Int64(scaled)
    let fraction = String(abs(whole) % Int64(scale))
    return "\(whole < 0 ? "-" : "")\(abs(whole) / Int64(scale))."
      + String(repeating: "0", count: digits - fraction.count) + fraction
  }
}

extension Duration {
  /// In the largest unit that takes at most three decimals.
  var written: YAMLValue {
    for (suffix, unit) in [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)]
      as [(
        String, Int64
      )] where nanoseconds % (unit / 1_000) == 0 && (nanoseconds >= unit || nanoseconds == 0)
    {
      return .plain("\(Double(nanoseconds) / Double(unit))".droppingZeroFraction + suffix)
    }
    return .plain("\(nanoseconds)ns")
  }
}

extension Instant {
  var written: YAMLValue { (self - Instant.zero).written }
}

extension Bitrate {
  var written: YAMLValue {
    let bps = bitsPerSecond
    if bps >= 1_000_000, bps % 1_000_000 == 0 { return .plain("\(bps / 1_000_000)Mbps") }
    return .plain(bps % 1_000 == 0 ? "\(bps / 1_000)kbps" : "\(bps)bps")
  }
}

extension String {
  fileprivate var droppingZeroFraction: String { hasSuffix(".0") ? String(dropLast(2)) : self }
}

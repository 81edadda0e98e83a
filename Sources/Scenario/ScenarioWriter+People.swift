// Participants and expectations back into the language.

import Basics

extension Scenario.Group {
  func written(in scenario: Scenario) -> YAMLMap {
    var map = YAMLMap()
    map["count"] = count.map { .plain("\($0)") }
    if rooms != scenario.rooms { map["rooms"] = .texts(rooms) }
    map["link"] = link.map { .text($0) }
    if !via.isEmpty { map["via"] = .texts(via) }
    if let nat {
      let usual = Scenario.NAT()
      var behaviour = YAMLMap()
      behaviour["mapping"] = .plain(nat.mapping.rawValue)
      behaviour["filtering"] = .plain(nat.filtering.rawValue)
      if nat.lifetime != usual.lifetime { behaviour["lifetime"] = nat.lifetime.written }
      map["nat"] = behaviour.value
    }
    if hasIPv6 { map["ipv6"] = .plain("true") }
    if joinAt > .zero || joinOver > .zero {
      var join = YAMLMap()
      if joinAt > .zero { join["at"] = joinAt.written }
      if joinOver > .zero { join["over"] = joinOver.written }
      map["join"] = join.value
    }
    if let leaveAt {
      var leave = YAMLMap()
      leave["at"] = leaveAt.written
      map["leave"] = leave.value
    }
    if role != .participant { map["role"] = .plain(role.rawValue) }
    let rights = Scenario.GrantFields(grants, over: role.grants).written
    if !rights.isEmpty { map["grants"] = rights.value }
    if !publish.isEmpty { map["publish"] = publish.written }
    if camera != .camera { map["camera"] = camera.written }
    if screenShare != .screenShare { map["screenShare"] = screenShare.written }
    if microphone != Scenario.AudioSource() {
      var audio = YAMLMap()
      audio["bitrate"] = microphone.bitrate.written
      audio["dtx"] = .plain("\(microphone.dtx)")
      audio["captured"] = microphone.captured?.written
      if microphone.encoder != .model {
        audio["encoder"] = .plain(microphone.encoder.rawValue)
        audio["fec"] = .plain("\(microphone.fec)")
      }
      map["microphone"] = audio.value
    }
    switch subscribe {
    case .all: break
    case .none: map["subscribe"] = .plain("none")
    case .only(let selection): map["subscribe"] = selection.written.value
    }
    let sizes = view.written(in: scenario)
    if !sizes.isEmpty { map["view"] = sizes.value }
    map["talk"] = talk.written
    if !hasDevices { map["devices"] = .plain("none") }
    map["reconnect"] = reconnectPolicy?.written ?? reconnect.map { .text($0) }
    map["data"] = data?.written(in: scenario)
    map["mutant"] = mutant.map { .text($0) }
    if !tags.isEmpty { map["tags"] = .texts(tags) }
    return map
  }
}

extension Scenario.GrantFields {
  /// The grants that differ from what the role gives.
  fileprivate init(_ grants: Scenario.Grants, over usual: Scenario.Grants) {
    self.init()
    if grants.canPublish != usual.canPublish { canPublish = grants.canPublish }
    if grants.canSubscribe != usual.canSubscribe { canSubscribe = grants.canSubscribe }
    if grants.canPublishData != usual.canPublishData { canPublishData = grants.canPublishData }
    if grants.canPublishSources != usual.canPublishSources {
      canPublishSources = grants.canPublishSources
    }
    if grants.roomAdmin != usual.roomAdmin { roomAdmin = grants.roomAdmin }
    if grants.hidden != usual.hidden { hidden = grants.hidden }
  }

  var written: YAMLMap {
    var map = YAMLMap()
    map["canPublish"] = canPublish.map { .plain("\($0)") }
    map["canSubscribe"] = canSubscribe.map { .plain("\($0)") }
    map["canPublishData"] = canPublishData.map { .plain("\($0)") }
    map["canPublishSources"] = canPublishSources?.written
    map["roomAdmin"] = roomAdmin.map { .plain("\($0)") }
    map["hidden"] = hidden.map { .plain("\($0)") }
    return map
  }
}

extension [Scenario.Source] {
  var written: YAMLValue { .list(map { .plain($0.rawValue) }) }
}

extension Scenario.VideoSource {
  fileprivate var written: YAMLValue {
    var map = YAMLMap()
    map["codec"] = .plain(codec.rawValue)
    if encoder != .model { map["encoder"] = .plain(encoder.rawValue) }
    map["layers"] = .list(
      layers.map { layer in
        var map = YAMLMap()
        map["height"] = .plain("\(layer.height)p")
        map["fps"] = .number(layer.framesPerSecond)
        map["bitrate"] = layer.bitrate.written
        map["reduced"] = layer.reducedHeight.map { .plain("\($0)p") }
        return map.value
      })
    if temporalLayers != 1 { map["temporalLayers"] = .plain("\(temporalLayers)") }
    map["captured"] = captured?.written
    return map.value
  }
}

extension Scenario.CapturedTrack {
  fileprivate var written: YAMLValue {
    var map = YAMLMap()
    map["file"] = .text(file)
    map["at"] = start.written
    return map.value
  }
}

extension Scenario.Selection {
  var written: YAMLMap {
    var map = YAMLMap()
    map["from"] = .texts(from)
    if sources != Scenario.Source.allCases { map["sources"] = sources.written }
    return map
  }
}

extension Scenario.View {
  fileprivate func written(in scenario: Scenario) -> YAMLMap {
    var map = YAMLMap()
    map["speaker"] = speaker?.written
    map["others"] = others?.written
    map["screenShare"] = screenShare?.written
    map["tiles"] = tiles.map { .plain("\($0)") }
    if !of.isEmpty {
      var sizes = YAMLMap()
      for tile in of {
        // Where there are rooms, a key can name groups only.
        let group = scenario.members.first { $0.identity == tile.identity }?.group
        let name = scenario.rooms.count > 1 ? group ?? tile.identity : tile.identity
        if sizes[name] == nil { sizes[name] = tile.size.written }
      }
      map["of"] = sizes.value
    }
    return map
  }
}

extension Scenario.TileSize {
  var written: YAMLValue {
    switch self {
    case .hidden: .plain("hidden")
    case .height(let lines): .plain("\(lines)p")
    }
  }
}

extension Scenario.Talk {
  fileprivate var written: YAMLValue? {
    switch self {
    case .always: return nil
    case .never: return .plain("never")
    case .spells(let spells):
      return .list(
        spells.map { spell in
          var map = YAMLMap()
          map["at"] = spell.at.written
          map["for"] = spell.duration.written
          return map.value
        })
    case .turns(let each, let gap, let from):
      var turns = YAMLMap()
      turns["each"] = each.written
      if gap > .zero { turns["gap"] = gap.written }
      if from > .zero { turns["from"] = from.written }
      var map = YAMLMap()
      map["turns"] = turns.value
      return map.value
    }
  }
}

// MARK: - Expectations

extension Scenario.Expectation {
  var written: YAMLMap {
    var map = YAMLMap()
    map["id"] = .text(id)
    map["of"] = .text(of)
    map["metric"] = .text(metric.name)
    map["stat"] = .plain(statistic.description)
    map[comparison.rawValue] = writtenLimit
    if let window {
      map["window"] = .plain("\(window.start.written.flow)..\(window.end.written.flow)")
    }
    map["from"] =
      fromTalkers
      ? .texts([Scenario.Expectation.talkers]) : from.map { .texts($0.map(\.identity)) }
    map["kind"] = kind.map { .plain($0.rawValue) }
    map["source"] = source.map { .plain($0.rawValue) }
    if across != .each { map["across"] = .plain(across.rawValue) }
    map["share"] = share.map { .share($0) }
    if minSamples != 1 { map["minSamples"] = .plain("\(minSamples)") }
    let isLink = subjects.contains { $0.kind == .link }
    map["against"] = against.map { .text(isLink ? "link:\($0)" : $0) }
    if !criteria.isEmpty { map["criteria"] = .texts(criteria) }
    return map
  }

  /// The limit with the unit that the reader asks for.
  private var writtenLimit: YAMLValue {
    let number = YAMLValue.number(limit).flow
    return switch unit {
    case "ms", "s", "%", "bps", "B", "fps", "dB": .plain(number + unit)
    case "px": .plain(number + "p")
    default: .plain(number)
    }
  }
}

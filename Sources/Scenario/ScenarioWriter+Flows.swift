// Flows between hosts back into the language.

import Basics

extension Scenario.FlowGroup {
  var written: YAMLMap {
    var map = YAMLMap()
    map["count"] = count.map { .plain("\($0)") }
    map["link"] = link.map { .text($0) }
    if !via.isEmpty { map["via"] = .texts(via) }
    if direction != .forward { map["direction"] = .plain(direction.rawValue) }
    if start > .zero { map["start"] = start.written }
    map["stop"] = stop?.written
    switch kind {
    case .media(let flow): map["media"] = flow.written
    case .tcp(let flow): map["tcp"] = flow.written
    case .udp(let flow): map["udp"] = flow.written
    }
    if !tags.isEmpty { map["tags"] = .texts(tags) }
    return map
  }
}

extension Scenario.MediaFlow {
  fileprivate var written: YAMLValue {
    let usual = Scenario.MediaFlow()
    var map = YAMLMap()
    if model != usual.model { map["model"] = .plain(model.rawValue) }
    if height != usual.height { map["height"] = .plain("\(height)p") }
    if framesPerSecond != usual.framesPerSecond { map["fps"] = .plain("\(framesPerSecond)") }
    // The start is the least rate unless it is said.
    if startBitrate != minimumBitrate { map["start"] = startBitrate.written }
    if minimumBitrate != usual.minimumBitrate { map["min"] = minimumBitrate.written }
    if maximumBitrate != usual.maximumBitrate { map["max"] = maximumBitrate.written }
    if latency != usual.latency { map["latency"] = latency.written }
    if audioBitrate != usual.audioBitrate { map["audio"] = audioBitrate.written }
    if ecn { map["ecn"] = .plain("true") }
    if controller != usual.controller { map["controller"] = .plain(controller.rawValue) }
    return map.value
  }
}

extension Scenario.TCPFlow {
  fileprivate var written: YAMLValue {
    var map = YAMLMap()
    if control != .newReno { map["control"] = .plain(control.rawValue) }
    if let downloads {
      let usual = Scenario.Downloads()
      var files = YAMLMap()
      if downloads.smallest != usual.smallest { files["smallest"] = downloads.smallest.written }
      if downloads.largest != usual.largest { files["largest"] = downloads.largest.written }
      if downloads.pause != usual.pause { files["pause"] = downloads.pause.written }
      if downloads.startOn != 0 { files["startOn"] = .plain("\(downloads.startOn)") }
      map["downloads"] = files.value
    }
    return map.value
  }
}

extension Scenario.UDPFlow {
  fileprivate var written: YAMLValue {
    var map = YAMLMap()
    map["rate"] = rate.written
    if packet != .bytes(1_500) { map["packet"] = packet.written }
    if let bursts {
      var spans = YAMLMap()
      spans["on"] = bursts.on.written
      spans["off"] = bursts.off.written
      map["bursts"] = spans.value
    }
    return map.value
  }
}

extension DataSize {
  fileprivate var written: YAMLValue { .plain("\(bytes)B") }
}

// Events back into the language: target, then the verb or the settings.

import Basics

extension Scenario.Event {
  var written: YAMLMap {
    var map = YAMLMap()
    map["at"] = at.written
    switch target {
    case .link(let name, let direction):
      map["link"] = .text(direction.map { "\(name).\($0.rawValue)" } ?? name)
    case .participants(let label, let identities):
      map[identities.count > 1 ? "group" : "participant"] = .text(label)
    case .room(let name): map["room"] = .text(name)
    case .flows(let label, _): map["flow"] = .text(label)
    case .sfu: map["sfu"] = .plain("all")
    }
    action.write(into: &map)
    // Some actions say themselves how long they last.
    if action.ownDuration == nil { map["for"] = duration?.written }
    return map
  }
}

extension Scenario.Event.Action {
  public func write(into map: inout YAMLMap) {
    switch self {
    case .setLink(let fields): map["set"] = fields.written.value
    case .limitSubscriber(let limit):
      var settings = YAMLMap()
      settings["subscriberLimit"] = limit.written
      map["set"] = settings.value
    case .setFlowRate(let rate):
      var settings = YAMLMap()
      settings["rate"] = rate.written
      map["set"] = settings.value
    case .join: map["do"] = .plain("join")
    case .leave: map["do"] = .plain("leave")
    case .mute: map["do"] = .plain("mute")
    case .unmute: map["do"] = .plain("unmute")
    case .cameraOff: map["do"] = .plain("cameraOff")
    case .cameraOn: map["do"] = .plain("cameraOn")
    case .switchCamera(let height):
      map["do"] = .plain("switchCamera")
      map["size"] = height.map { .plain("\($0)p") }
    case .startScreenShare: map["do"] = .plain("startScreenShare")
    case .stopScreenShare: map["do"] = .plain("stopScreenShare")
    case .subscribe(let selection): write("subscribe", selection, into: &map)
    case .unsubscribe(let selection): write("unsubscribe", selection, into: &map)
    case .view(let of, let size, let framesPerSecond, let priority):
      map["do"] = .plain("view")
      map["of"] = .texts(of)
      map["size"] = size.written
      map["fps"] = framesPerSecond.map { .number($0) }
      map["priority"] = priority.map { .plain("\($0)") }
    case .promote(let who, let fields): write("promote", who, fields, into: &map)
    case .demote(let who, let fields): write("demote", who, fields, into: &map)
    case .removeParticipant(let who):
      map["do"] = .plain("removeParticipant")
      map["who"] = .texts(who)
    case .muteParticipant(let who, let source):
      map["do"] = .plain("muteParticipant")
      map["who"] = .texts(who)
      map["source"] = .plain(source.rawValue)
    case .blackout, .pause, .loseSignalling, .slowSignalling, .suspend, .handover, .rebindNAT,
      .crash, .overload, .drain:
      writeFault(into: &map)
    }
  }

  private func writeFault(into map: inout YAMLMap) {
    switch self {
    case .blackout(let blackout):
      map["do"] = .plain("blackout")
      map["only"] = blackout.only.map { .plain($0.rawValue) }
      map["direction"] = blackout.direction.map { .plain($0.rawValue) }
    case .pause: map["do"] = .plain("pause")
    case .loseSignalling: map["do"] = .plain("loseSignalling")
    case .slowSignalling(let delay):
      map["do"] = .plain("slowSignalling")
      map["by"] = delay.written
    case .suspend: map["do"] = .plain("suspend")
    case .handover(let handover):
      map["do"] = .plain("handover")
      map["to"] = .text(handover.to)
      if handover.overlap > .zero { map["overlap"] = handover.overlap.written }
      if handover.gap > .zero { map["gap"] = handover.gap.written }
    case .rebindNAT: map["do"] = .plain("rebindNAT")
    case .crash(let keepsState):
      map["do"] = .plain("crash")
      if keepsState { map["keepsState"] = .plain("true") }
    case .overload(let cost):
      map["do"] = .plain("overload")
      map["perPacket"] = cost.written
    case .drain(let span):
      map["do"] = .plain("drain")
      if span > .zero { map["over"] = span.written }
    default: break
    }
  }

  private func write(
    _ verb: String, _ selection: Scenario.Selection, into map: inout YAMLMap
  ) {
    map["do"] = .plain(verb)
    for entry in selection.written.entries { map[entry.key] = entry.value }
  }

  private func write(
    _ verb: String, _ who: [String], _ fields: Scenario.GrantFields, into map: inout YAMLMap
  ) {
    map["do"] = .plain(verb)
    map["who"] = .texts(who)
    map["grants"] = fields.written.value
  }
}

extension Scenario.Event.Action {
  /// The verb that a file writes under `do`, or the key that stands in its place.
  public var word: String {
    var map = YAMLMap()
    write(into: &map)
    return map["do"]?.flow ?? "subscriberLimit"
  }
}

extension Scenario.LinkFields {
  /// The keys that a file writes for these fields.
  public var writtenKeys: [String] { written.entries.map(\.key) }
}

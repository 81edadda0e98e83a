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
    case .sfu: map["sfu"] = .plain("all")
    }
    action.write(into: &map)
    map["for"] = duration?.written
    return map
  }
}

extension Scenario.Event.Action {
  func write(into map: inout YAMLMap) {
    switch self {
    case .setLink(let fields): map["set"] = fields.written.value
    case .limitSubscriber(let limit):
      var settings = YAMLMap()
      settings["subscriberLimit"] = limit.written
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
    case .blackout: map["do"] = .plain("blackout")
    case .pause: map["do"] = .plain("pause")
    case .loseSignalling: map["do"] = .plain("loseSignalling")
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

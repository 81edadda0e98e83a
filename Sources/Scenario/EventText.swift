// What events say and whom they concern, as reports name them.

import Basics

extension Scenario.Event.Target {
  public var identities: [String]? {
    if case .participants(_, let identities) = self { identities } else { nil }
  }

  public var flows: [String] {
    if case .flows(_, let names) = self { names } else { [] }
  }

  /// By which charts know whether the event is theirs.
  public var subject: String {
    switch self {
    case .link(let name, let direction): direction.map { "\(name).\($0.rawValue)" } ?? name
    case .participants(let label, _), .flows(let label, _): label
    case .room, .sfu: ""
    }
  }

  public var text: String {
    switch self {
    case .room(let name): "room \(name)"
    case .sfu: "SFU"
    default: subject
    }
  }
}

extension Scenario.Event.Action {
  public var text: String {
    switch self {
    case .setLink(let fields): fields.text
    case .setFlowRate(let rate): "rate \(rate.text)"
    case .limitSubscriber(let limit): "at most \(limit.text) per subscriber"
    case .join: "joins"
    case .leave: "leaves"
    case .mute: "mutes"
    case .unmute: "unmutes"
    case .cameraOff: "camera off"
    case .cameraOn: "camera on"
    case .switchCamera: "switches camera"
    case .startScreenShare: "starts screen share"
    case .stopScreenShare: "stops screen share"
    case .subscribe: "subscribes"
    case .unsubscribe: "unsubscribes"
    case .view(let of, let size, _, _):
      "shows \(of.joined(separator: ", ")) \(size == .hidden ? "no more" : size.text)"
    case .promote(let who, _): "promotes \(who.joined(separator: ", "))"
    case .demote(let who, _): "demotes \(who.joined(separator: ", "))"
    case .removeParticipant(let who): "removes \(who.joined(separator: ", "))"
    case .muteParticipant(let who, _): "mutes \(who.joined(separator: ", "))"
    case .blackout, .pause, .loseSignalling, .slowSignalling, .suspend, .handover, .rebindNAT,
      .crash, .overload, .drain:
      faultText
    }
  }
}

extension Scenario.TileSize {
  public var text: String {
    switch self {
    case .hidden: "hidden"
    case .height(let lines): "at \(lines)p"
    }
  }
}

extension Scenario.Event.Action {
  /// Whether it strikes the SFU itself, and with it everybody.
  public var strikesEverybody: Bool {
    switch self {
    case .crash, .overload, .drain: true
    default: false
    }
  }

  public var faultText: String {
    switch self {
    case .blackout(let blackout):
      [
        blackout.only.map { "no \($0.rawValue)" } ?? "blackout",
        blackout.direction.map { "\($0.rawValue)wards" },
      ].compactMap { $0 }.joined(separator: " ")
    case .pause: "pause"
    case .loseSignalling: "signalling lost"
    case .slowSignalling(let delay): "signalling \(delay.text) slower"
    case .suspend: "suspended"
    case .handover(let handover): "handover to \(handover.to)"
    case .rebindNAT: "NAT rebinding"
    case .crash(let keepsState): keepsState ? "crash, state kept" : "crash"
    case .overload(let cost): "overload, \(cost.text) a packet"
    case .drain: "drained"
    default: ""
    }
  }
}

// The scenario language, key by key: participants, events and their verbs.

import Basics
import Results

extension Grammar {
  static let source = words(Scenario.Source.self, "sources")
  static let tileSize = Shape.wordOr(["hidden"], [.height])

  static let group = ObjectShape(
    noun: "a participant",
    keys: [
      key("count", .integer(1...10_000), "how many in each room: NAME-1, NAME-2 …; one"),
      key("rooms", .list(.name), "the rooms they are in; all rooms"),
      key("link", .name, "a link of its own for each"),
      key("via", .list(.name), "links shared with all who name them"),
      key("join", .object(join), "when they join; at once"),
      key("leave", .object(leave), "when they leave; at the end"),
      key("nat", .object(nat), "a NAT of its own before the link; none"),
      key("ipv6", .boolean, "an IPv6 address beside the IPv4 one, and preferred; false"),
      key("role", words(Scenario.Role.self, "roles"), "decides the grants; participant"),
      key("grants", .object(grants), "rights in the token, over those of the role"),
      key("publish", .list(source), "what is sent from the start; nothing"),
      key("camera", .object(video), "how the camera is sent"),
      key("screenShare", .object(video), "how the screen is sent"),
      key("microphone", .object(audio), "how the microphone is sent"),
      key(
        "subscribe",
        .form(
          scalar: .word(["all", "none"], called: "subscriptions"), mapping: .object(selection)),
        "what is received; all"),
      key(
        "view", .form(scalar: tileSize, mapping: .object(view)),
        "the sizes at which others are shown; full size"),
      key(
        "talk",
        .form(
          scalar: .word(["always", "never"], called: "schedules"), list: .list(.object(spell)),
          mapping: .object(talk)), "when they speak; always"),
      key("devices", .word(["all", "none"], called: "devices"), "whether they have any; all"),
      key(
        "reconnect",
        .form(
          scalar: .word(ReconnectPolicy.named.map(\.name), called: "reconnection policies"),
          mapping: .object(reconnect)),
        "how it comes back after a loss; livekit-rust unless written"),
      key("data", .object(data), "messages to all others; none"),
      key(
        "mutant", words(ClientMutant.self, "mutants of clients"),
        "a client with a deliberate fault, by its name"),
      key("tags", .list(.name), "for expectations of: tag:NAME"),
    ])

  static let nat = ObjectShape(
    noun: "a NAT",
    keys: [
      key(
        "mapping", words(Scenario.NATDependence.self, "behaviours"),
        "when another remote gets another mapping (RFC 4787 §4.1); endpointIndependent"),
      key(
        "filtering", words(Scenario.NATDependence.self, "behaviours"),
        "which remotes may send to a mapping (RFC 4787 §5); addressDependent"),
      key("lifetime", .quantity([.duration]), "a silent mapping is forgotten; 120s"),
    ])

  static let join = ObjectShape(
    noun: "join",
    keys: [
      key("at", .quantity([.duration]), "the first join; 0s"),
      key("over", .quantity([.duration]), "joins are spread evenly over this; 0s"),
    ])

  static let leave = ObjectShape(
    noun: "leave",
    keys: [key("at", .quantity([.duration]), "when all of them leave", required: true)])

  static let grants = ObjectShape(
    noun: "grants",
    keys: [
      key("canPublish", .boolean, "send tracks"),
      key("canSubscribe", .boolean, "receive tracks"),
      key("canPublishData", .boolean, "send data messages"),
      key("canPublishSources", .list(source), "send only these sources"),
      key("roomAdmin", .boolean, "mute, remove and promote others"),
      key("hidden", .boolean, "unseen by others"),
    ])

  static let video = ObjectShape(
    noun: "a video source",
    keys: [
      key("codec", words(Scenario.VideoCodec.self, "video codecs"), "vp8; vp9 needs libvpx"),
      key(
        "encoder", words(Scenario.VideoEncoder.self, "video encoders"),
        "RFC 8593: statistical model, trace or hybrid; or real pictures of libvpx; model"),
      key("layers", .list(.object(layer)), "simulcast layers from low to high"),
      key("temporalLayers", .integer(1...3), "1"),
      key("captured", .object(captured), "a captured stream in place of an encoder"),
    ])

  static let captured = ObjectShape(
    noun: "a captured stream",
    keys: [
      key(
        "file", .text, "what inspect --as-scenario and replay write (docs/replay.md)",
        required: true),
      key("at", .quantity([.duration]), "when the capture's first moment is played; 5s"),
    ])

  static let layer = ObjectShape(
    noun: "a layer",
    keys: [
      key("height", .quantity([.height]), "picture height", required: true),
      key("fps", .form(scalar: .limit), "frames a second; 30fps"),
      key("bitrate", .quantity([.bitrate]), "mean rate", required: true),
      key("reduced", .quantity([.height]), "height while the SFU bounds the rate (docs/ladder.md)"),
    ])

  static let audio = ObjectShape(
    noun: "an audio source",
    keys: [
      key("bitrate", .quantity([.bitrate]), "mean rate while talking; 32kbps"),
      key("dtx", .boolean, "send nothing in silence (RFC 7587 §3.1.3); true"),
      key(
        "encoder", words(Scenario.AudioEncoder.self, "audio encoders"),
        "model of a constant rate, or real sound of libopus; model"),
      key("captured", .object(captured), "a captured stream in place of an encoder"),
      key("fec", .boolean, "libopus: repeat frames where loss is reported (RFC 6716 §2.1.7); true"),
    ])

  static let selection = ObjectShape(
    noun: "a selection",
    keys: [
      key("from", namesShape, "groups or identities; everyone"),
      key("sources", .list(source), "which of their tracks; all"),
    ])

  static let view = ObjectShape(
    noun: "a view",
    keys: [
      key("speaker", tileSize, "who has the floor"),
      key("others", tileSize, "everyone else"),
      key("screenShare", tileSize, "screens"),
      key("tiles", .integer(0...10_000), "at most this many others are shown"),
      key("of", .named(tileSize, called: "sizes"), "by group or identity, before all else"),
    ])

  static let spell = ObjectShape(
    noun: "a spell of talk",
    keys: [
      key("at", .quantity([.duration]), "from", required: true),
      key("for", .quantity([.duration]), "how long", required: true),
    ])

  static let talk = ObjectShape(
    noun: "talk",
    keys: [
      key(
        "turns",
        .object(
          ObjectShape(
            noun: "turns",
            keys: [
              key("each", .quantity([.duration]), "how long each one talks", required: true),
              key("gap", .quantity([.duration]), "silence between two; 0s"),
              key("from", .quantity([.duration]), "when the first begins; 0s"),
            ])), "one after the other", required: true)
    ])

  // MARK: - Events

  static let targets = ["link", "participant", "group", "room", "sfu", "flow"]

  static let event = ObjectShape(
    noun: "an event",
    keys: [
      key("at", .quantity([.duration]), "when", required: true),
      key("for", .quantity([.duration]), "how long, after which the old state is back"),
      key("every", .quantity([.duration]), "again and again, so far apart, until the end"),
      key("link", .text, "a link, or one direction of it: NAME.up, NAME.down"),
      key("participant", .identity, "an identity"),
      key("group", .name, "every participant of a group"),
      key("room", .name, "a room; who asks is its server"),
      key("sfu", .word(["all"], called: "targets"), "every subscriber: all"),
      key("flow", .name, "a flow, or every flow of a group"),
      key("set", .form(mapping: .object(settings)), "new values"),
      key("do", .word(EventVerb.all.map(\.name), called: "verbs"), "what they do"),
    ] + verbArguments, exactlyOne: [targets, ["set", "do"]])

  /// Fields of a link, `subscriberLimit` of participants and the SFU, or `rate` of a flow.
  static let settings = ObjectShape(
    noun: "set",
    keys: linkDirection.keys + [sfu.key("subscriberLimit")!],
    atMostOne: linkDirection.atMostOne)

  static let verbArguments = [
    key("who", namesShape, "groups or identities that it is done to"),
    key("grants", .object(grants), "rights given or taken"),
    key("source", source, "which of their tracks; microphone"),
    key("from", namesShape, "publishers: groups or identities; everyone"),
    key("sources", .list(source), "which of their tracks; all"),
    key("of", namesShape, "publishers: groups or identities; everyone"),
    key("size", tileSize, "the size wished for"),
    key("fps", .form(scalar: .limit), "the frame rate wished for"),
    key("priority", .integer(0...100), "higher is kept longer"),
    key(
      "only", words(Scenario.Event.Blackout.Kind.self, "kinds of traffic"),
      "what does not pass; everything"),
    key("direction", words(Scenario.Event.Direction.self, "directions"), "up or down; both"),
    key("to", .name, "the link to go on with"),
    key("overlap", .quantity([.duration]), "how long both networks are up; 0s"),
    key("gap", .quantity([.duration]), "how long no network is up; 0s"),
    key("by", .quantity([.duration]), "how much longer each segment takes"),
    key("keepsState", .boolean, "whether the SFU comes back with its rooms; false"),
    key("perPacket", .quantity([.duration]), "processor time that each packet costs the SFU"),
    key("over", .quantity([.duration]), "everybody is sent over within this; 0s"),
  ]
}

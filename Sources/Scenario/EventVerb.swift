// What can happen in an event besides new values for a link.

/// What happens in an event that says `do: NAME`.
public struct EventVerb: Sendable {
  enum Span: Sendable { case never, allowed, required }

  public var name: String
  public var about: String
  var targets = ["participant", "group"]
  /// Keys of `Grammar.verbArguments`.
  var required: [String] = []
  var optional: [String] = []
  var span = Span.never
  /// The verb that undoes it after `for`, where two verbs are used.
  var undoneBy: String?

  public static let all: [EventVerb] = [
    EventVerb(name: "join", about: "joins the room"),
    EventVerb(
      name: "leave", about: "leaves, and joins again after `for`", span: .allowed, undoneBy: "join"),
    EventVerb(name: "mute", about: "mutes the microphone", span: .allowed, undoneBy: "unmute"),
    EventVerb(name: "unmute", about: "unmutes it"),
    EventVerb(name: "cameraOff", about: "stops the camera", span: .allowed, undoneBy: "cameraOn"),
    EventVerb(name: "cameraOn", about: "starts it again"),
    EventVerb(
      name: "switchCamera", about: "publishes from another camera in place of the first",
      optional: ["size"]),
    EventVerb(
      name: "startScreenShare", about: "shares a screen", span: .allowed,
      undoneBy: "stopScreenShare"),
    EventVerb(name: "stopScreenShare", about: "ends that"),
    EventVerb(name: "subscribe", about: "takes tracks again", optional: ["from", "sources"]),
    EventVerb(
      name: "unsubscribe", about: "takes tracks no longer", optional: ["from", "sources"],
      span: .allowed, undoneBy: "subscribe"),
    EventVerb(
      name: "view", about: "shows others at another size", required: ["size"],
      optional: ["of", "fps", "priority"]),
    EventVerb(
      name: "promote", about: "gives rights to others", targets: admins,
      required: ["who", "grants"]),
    EventVerb(
      name: "demote", about: "takes rights from others", targets: admins,
      required: ["who", "grants"]),
    EventVerb(
      name: "removeParticipant", about: "removes others from the room", targets: admins,
      required: ["who"]),
    EventVerb(
      name: "muteParticipant", about: "mutes others", targets: admins, required: ["who"],
      optional: ["source"]),
    EventVerb(
      name: "blackout", about: "nothing passes, or nothing of one kind or in one direction",
      targets: ["link", "participant", "group"],
      optional: ["only", "direction"], span: .required),
    EventVerb(
      name: "pause",
      about: "the links hold everything back, and then let it go; a flow stands still",
      targets: ["participant", "group", "flow"], span: .required),
    EventVerb(
      name: "loseSignalling",
      about: "the signalling stream breaks, and no other opens; media goes on", span: .required),
    EventVerb(
      name: "slowSignalling", about: "each segment of signalling takes longer", required: ["by"],
      span: .required),
    EventVerb(
      name: "suspend",
      about: "a laptop's lid is closed: it says and hears nothing, and its clocks stand",
      span: .required),
    EventVerb(
      name: "handover",
      about: "goes on with another link and a new address, both up for `overlap`, none for `gap`",
      required: ["to"], optional: ["overlap", "gap"]),
    EventVerb(name: "rebindNAT", about: "the NAT forgets its mappings"),
    EventVerb(
      name: "crash", about: "the SFU is gone without a word, and starts again after `for`",
      targets: ["sfu"], optional: ["keepsState"], span: .required),
    EventVerb(
      name: "overload",
      about: "each packet costs the SFU processor time, and what waits too long is lost",
      targets: ["sfu"], required: ["perPacket"], span: .required),
    EventVerb(
      name: "drain", about: "the SFU sends everybody over to another one, as before an update",
      targets: ["sfu"], optional: ["over"]),
  ]

  private static let admins = ["participant", "room"]

  /// The keys that stand beside `do`: its targets, what it needs, and in brackets what it may have.
  public var usage: String {
    let span: [String] =
      switch span {
      case .never: []
      case .allowed: ["[for]"]
      case .required: ["for"]
      }
    return
      ([targets.joined(separator: "|")] + required + span + optional.map { "[\($0)]" })
      .joined(separator: " ")
  }

  /// What `set` changes, by its target: `at` and `for` stand beside it.
  public static let settings: [(target: String, usage: String)] = [
    (
      "a link",
      "link set: { \(Grammar.linkDirection.keys.map(\.name).joined(separator: ", ")) } [for]"
    ),
    ("subscribers", "participant|group|sfu set: { subscriberLimit } [for]"),
    ("a flow", "flow set: { rate } [for]"),
  ]

  static func named(_ name: String) -> EventVerb? { all.first { $0.name == name } }
}

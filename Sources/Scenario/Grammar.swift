// The scenario language, key by key. What is not in these tables is not in the language.

import Basics
import Results

enum Grammar {
  static let scenario = ObjectShape(
    noun: "a scenario",
    keys: [
      key("assay", .integer(1...1), "version of the language: 1", required: true),
      key("name", .text, "a short name; the file's name unless written"),
      key("about", .text, "one sentence: what this shows and why it matters"),
      key("seed", .integer(0...Int.max), "seed of every random stream; 1 unless written"),
      key("duration", .quantity([.duration]), "length of the run", required: true),
      key(
        "tier", words(Scenario.Tier.self, "tiers"),
        "the least gate that runs it; quick unless written"),
      key(
        "acrossSeeds", words(Scenario.AcrossSeeds.self, "ways across seeds"),
        "whether each seed must pass, or the median of what they measured; each"),
      key("include", .list(.text), "files whose keys are read as if they stood here"),
      key("requires", .list(.text), "files without which the scenario is skipped"),
      key(
        "rules", .named(.object(waiver), called: "rules"),
        "rules that do not apply, each with its reason: { nack-answered: { off: … } }"),
      key(
        "unsupported", .word(["allowed", "inconclusive"], called: "answers"),
        "what an expectation that the SFU cannot be judged on makes of the run; inconclusive"),
      key("crypto", words(Scenario.Crypto.self, "kinds of crypto"), "real unless written"),
      key(
        "startValues", words(StartValues.self, "start values"),
        "where sequence numbers, timestamps and picture ids begin; random"),
      key("media", .object(media), "what frames cost at the clients"),
      key("sfu", .object(sfu), "options of the SFU"),
      key("links", .named(.object(link), called: "links"), "links by name"),
      key(
        "rooms", .form(scalar: .integer(1...1_000), list: .list(.name)),
        "names of rooms, or how many (room-1, room-2 …); one room, main, unless written"),
      key(
        "participants", .named(.object(group), called: "participants"),
        "groups of participants by name"),
      key(
        "flows", .named(.object(flow), called: "flows"),
        "flows between hosts of their own: media without an SFU, cross traffic"),
      key("events", .list(.object(event)), "what happens during the run"),
      key("swarm", .object(swarm), "faults drawn from the seed"),
      key("expect", .list(.object(expectation)), "what must hold"),
      key(
        "matrix", .paths,
        "dotted paths and the values each takes; one run for every combination"),
    ], atLeastOne: [["participants", "flows"]])

  /// A file of `include` may leave out what only the whole needs.
  static let included = ObjectShape(
    noun: "an included file",
    keys: scenario.keys.map {
      var key = $0
      key.isRequired = false
      return key
    })

  static let waiver = ObjectShape(
    noun: "a rule", keys: [key("off", .text, "why it is not judged", required: true)])

  static let media = ObjectShape(
    noun: "media",
    keys: [
      key("encode", .quantity([.duration]), "from captured to encoded; 8ms"),
      key("decode", .quantity([.duration]), "from complete to decoded; 4ms"),
      key("render", .quantity([.duration]), "from decoded to on screen; 8ms"),
    ])

  static let sfu = ObjectShape(
    noun: "sfu",
    keys: [
      key("maxParticipants", .integer(1...10_000), "people in a room; 100"),
      key("subscriberLimit", .quantity([.bitrate]), "most that each subscriber is sent"),
      key(
        "joinRate", .quantity([.perSecond]),
        "joins taken a second, the others are to try again; no limit"),
      key("dynacast", .boolean, "switch off layers that nobody watches; true"),
      key("mutant", words(Mutant.self, "mutants"), "a deliberately broken variant by its name"),
      key(
        "token",
        .object(
          ObjectShape(
            noun: "token", keys: [key("ttl", .quantity([.duration]), "life of a token; 6h")])),
        "access tokens"),
      key("link", .name, "the link between the SFU and the network"),
      key(
        "remoteUnmute", words(Scenario.RemoteUnmute.self, "answers to remote unmute"),
        "what becomes of a wish to unmute someone else; deny"),
    ])

  static func words<W: RawRepresentable & CaseIterable>(
    _: W.Type, _ plural: String
  ) -> Shape where W.RawValue == String {
    .word(W.allCases.map(\.rawValue), called: plural)
  }

  // MARK: - Links

  static let link = ObjectShape(
    noun: "a link",
    keys: [
      key(
        "use", .word(LinkPreset.all.map(\.name), called: "presets"), "a preset to start from"),
      key("up", .object(linkDirection), "participant to network, over what stands beside it"),
      key("down", .object(linkDirection), "network to participant, over what stands beside it"),
    ] + linkDirection.keys, atMostOne: linkDirection.atMostOne)

  static let linkDirection = ObjectShape(
    noun: "a link direction",
    keys: [
      key("rate", .wordOr(["unlimited"], [.bitrate]), "capacity; unlimited unless written"),
      key("trace", .text, "capacity as a trace in mahimahi format: its file"),
      key("delay", .quantity([.duration]), "one-way propagation delay; 0ms"),
      key(
        "jitter", .form(scalar: .word(["none"], called: "jitters"), mapping: .object(jitter)),
        "variation of the delay; none"),
      key(
        "queue", .quantity([.duration, .size, .packets]),
        "length of the queue before the bottleneck; 300ms"),
      key("aqm", words(Scenario.QueueManagement.self, "queue managements"), "dropTail"),
      key("ecn", .boolean, "mark ECN-capable packets instead of dropping them; false"),
      key(
        "loss", .form(scalar: .quantity([.ratio]), mapping: .object(loss)), "packets lost; 0%"),
      key("reorder", .object(reorder), "packets held back so that others overtake them"),
      key("mtu", .quantity([.size]), "larger datagrams vanish, with IP header; no limit"),
      key("duplicate", .quantity([.ratio]), "packets that arrive twice; 0%"),
      key("corrupt", .quantity([.ratio]), "packets with a bit flipped; 0%"),
    ], atMostOne: [["rate", "trace"]])

  static let jitter = ObjectShape(
    noun: "jitter",
    keys: [
      key("uniform", .quantity([.duration]), "0 to this is added to the delay"),
      key(
        "normal",
        .object(
          ObjectShape(
            noun: "normal",
            keys: [key("std", .quantity([.duration]), "standard deviation", required: true)])),
        "a normal variation of the delay"),
      key(
        "nrBPDV",
        .object(
          ObjectShape(
            noun: "nrBPDV",
            keys: [
              key("std", .quantity([.duration]), "standard deviation", required: true),
              key("max", .quantity([.duration]), "largest variation; three deviations"),
            ])), "a bounded normal variation that keeps the order (RFC 8868 §4.5.2)"),
      key("reorder", .boolean, "whether packets may overtake each other; false"),
    ], exactlyOne: [["uniform", "normal", "nrBPDV"]])

  static let loss = ObjectShape(
    noun: "loss",
    keys: [
      key(
        "gilbertElliott",
        .object(
          ObjectShape(
            noun: "gilbertElliott",
            keys: [
              key("p", .quantity([.ratio]), "good to bad, a packet at a time", required: true),
              key("r", .quantity([.ratio]), "bad to good, a packet at a time", required: true),
              key("lossInBad", .quantity([.ratio]), "100%"),
              key("lossInGood", .quantity([.ratio]), "0%"),
            ])), "bursts: a good and a bad state"),
      key(
        "markov4",
        .object(
          ObjectShape(
            noun: "markov4",
            keys: ["p13", "p31", "p32", "p23", "p14"].map {
              key($0, .quantity([.ratio]), "as in tc-netem(8)", required: true)
            })), "bursts: four states"),
      key("packets", .list(.integer(0...Int.max)), "these packets, the first being 0"),
    ], exactlyOne: [["gilbertElliott", "markov4", "packets"]])

  static let reorder = ObjectShape(
    noun: "reorder",
    keys: [
      key("probability", .quantity([.ratio]), "packets held back", required: true),
      key("delay", .quantity([.duration]), "for how long", required: true),
    ])

  // MARK: - Expectations

  static let comparisons = ["under", "atMost", "over", "atLeast", "equals"]

  static let expectation = ObjectShape(
    noun: "an expectation",
    keys: [
      key("id", .name, "its name in every report", required: true),
      key(
        "of", .text,
        "a group, an identity, all, tag:NAME, room:NAME, a flow, or link:NAME.up", required: true),
      key(
        "metric", .word(MetricCatalogue.all.map(\.name), called: "metrics"), "what is measured",
        required: true),
      key("stat", .statistic, "p50, p95 …, mean, min, max, last, first, sum, count or rate"),
      key("under", .limit, "the statistic is less than this"),
      key("atMost", .limit, "the statistic is this or less"),
      key("over", .limit, "the statistic is more than this"),
      key("atLeast", .limit, "the statistic is this or more"),
      key("equals", .limit, "the statistic is this"),
      key("window", .window, "only samples of this span, such as 40s..60s"),
      key(
        "from", namesShape,
        "only what is received from these groups or identities, or from talkers: who talks in the window"
      ),
      key("kind", words(Scenario.MediaKind.self, "kinds"), "only video, or only audio"),
      key(
        "source", words(Scenario.Source.self, "sources"),
        "only this track of each publisher; microphone, and camera where there is one"),
      key(
        "across", words(Scenario.Expectation.Across.self, "ways across participants"),
        "each unless written"),
      key("share", .quantity([.ratio]), "the participants that must hold; all"),
      key("against", .text, "another flow or link: the limit is a share of what it has"),
      key("minSamples", .integer(1...1_000_000_000), "fewer are inconclusive; 1"),
      key("criteria", .list(.text), "acceptance criteria that this judges"),
    ], exactlyOne: [comparisons])

  /// A group or identity, or a list of them.
  static let namesShape = Shape.form(scalar: .identity, list: .list(.identity))
}

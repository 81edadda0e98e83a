// Every mutant of the reference SFU breaks the rule it was made for, and the SFU itself does not.

import RefSFU
import Results
import Testing

@testable import Lab

@Suite struct Mutants {
  struct Trap: Sendable, CustomTestStringConvertible {
    var mutant: Mutant
    var rule: String
    /// The scenario without its head.
    var text: String
    /// What it expects beside everybody being there; `rule` may name one of these.
    var expectations = ""
    /// In seconds.
    var duration = 12

    var testDescription: String { "\(mutant) breaks \(rule)" }

    func scenario(with mutant: Mutant?) -> String {
      "assay: 1\nname: trap\nduration: \(duration)s\n"
        + (mutant.map { "sfu: { mutant: \($0) }\n" } ?? "") + text
        + "expect:\n  - { id: all-in, of: all, metric: assay.joined, stat: last, equals: 1 }\n"
        + expectations
    }
  }

  private static let pair = """
    links:
      home: { rate: 20Mbps, delay: 10ms }
    participants:
      ada: { link: home, publish: [camera, microphone], \(smallCamera) }
      grace: { link: home, publish: [camera, microphone], \(smallCamera) }

    """

  /// The tile grows and shrinks, so the layer is switched both ways.
  private static let switching = """
    links:
      home: { rate: 20Mbps, delay: 10ms }
    participants:
      ada: { link: home, publish: [camera], \(smallCamera) }
      grace: { link: home, role: viewer, view: 180p }
      linus: { link: home, role: viewer }
    events:
      - { at: 4s, participant: grace, do: view, of: ada, size: 360p }
      - { at: 7s, participant: grace, do: view, of: ada, size: 180p }
      - { at: 9s, participant: grace, do: view, of: ada, size: 360p }

    """

  /// One who publishes and one who watches: `link`, called `name`, is the publisher's or the viewer's.
  private static func call(_ name: String, _ link: String, publishes: Bool = false) -> String {
    """
    links:
      home: { rate: 20Mbps, delay: 10ms }
      \(name): { rate: 20Mbps, \(link) }
    participants:
      ada: { link: \(publishes ? name : "home"), publish: [camera], \(smallCamera) }
      grace: { link: \(publishes ? "home" : name), role: viewer }

    """
  }

  private static let lossyViewer = call("lossy", "delay: 10ms, down: { loss: 10% }")

  /// So far away that what is resent comes too late for some frames.
  private static let farViewer = call("far", "delay: 250ms, down: { loss: 15% }")

  private static let lossyPublisher = call(
    "lossy", "delay: 10ms, up: { loss: 10% }", publishes: true)

  private static let muting =
    pair + """
      events:
        - { at: 4s, participant: ada, do: mute }

      """

  private static let rights = """
    links:
      home: { rate: 20Mbps, delay: 10ms }
    participants:
      ada: { link: home, publish: [camera], \(smallCamera) }
      student: { link: home, grants: { canPublish: false }, publish: [camera], \(smallCamera) }
      observer: { link: home, grants: { canSubscribe: false }, subscribe: all }

    """

  /// Silence of 2 s between the turns outlasts the indicator's decay.
  private static let turns = """
    links:
      home: { rate: 20Mbps, delay: 10ms }
    participants:
      speaker:
        count: 3
        link: home
        publish: [microphone]
        talk: { turns: { each: 2s, gap: 2s, from: 1s } }

    """

  /// One clean connection and one that loses far more than an excellent one may.
  private static let unequal = """
    links:
      home: { rate: 20Mbps, delay: 10ms }
      awful: { rate: 20Mbps, delay: 10ms, loss: 20% }
    participants:
      ada: { link: home, publish: [camera], \(smallCamera) }
      rider: { link: awful, publish: [camera], \(smallCamera) }

    """

  /// The viewer's room shrinks below the upper layer and grows again.
  private static let shrinking = """
    links:
      home: { rate: 20Mbps, delay: 10ms }
    participants:
      ada: { link: home, publish: [camera], \(smallCamera) }
      grace: { link: home, role: viewer }
    events:
      - { at: 1s, participant: grace, set: { subscriberLimit: 5Mbps } }
      - { at: 4s, participant: grace, set: { subscriberLimit: 200kbps } }
      - { at: 7s, participant: grace, set: { subscriberLimit: 5Mbps } }

    """

  /// Four who talk beside one camera, on a link that carries all of them or the larger layer.
  private static let choir = """
    links:
      home: { rate: 20Mbps, delay: 10ms }
      narrow: { rate: 20Mbps, delay: 10ms, down: { rate: 620kbps } }
    participants:
      ada:
        link: home
        publish: [camera, microphone]
        camera: { layers: [ { height: 180p, fps: 15fps, bitrate: 150kbps }, \
    { height: 360p, fps: 15fps, bitrate: 400kbps } ] }
      choir: { count: 4, link: home, publish: [microphone] }
      grace: { link: narrow, role: viewer }

    """

  private static let heard = """
      - { id: heard, of: grace, metric: assay.audioConcealment, stat: mean, under: 1%, window: 10s..20s }

    """

  private static let following = """
      - { id: high-again, of: grace, metric: assay.layer, stat: min, equals: 1, window: 9s..12s }
      - { id: two-steps, of: grace, metric: assay.layerSwitches, atMost: 2, window: 3s..12s }

    """

  /// The viewer's link shrinks; its queue is so long that nothing is lost.
  private static let deep = """
    links:
      home: { rate: 20Mbps, delay: 10ms }
      deep: { rate: 2Mbps, delay: 10ms, queue: 3s }
    participants:
      ada: { link: home, publish: [camera], camera: { layers: [ \
    { height: 180p, bitrate: 150kbps }, { height: 720p, bitrate: 1200kbps }] } }
      grace: { link: deep, role: viewer }
    events:
      - { at: 6s, link: deep.down, set: { rate: 600kbps } }

    """

  /// Who comes back to a track within seconds gets it under other numbers.
  private static let resubscribing =
    pair + """
      events:
        - { at: 4s, participant: grace, do: unsubscribe, from: ada }
        - { at: 6s, participant: grace, do: subscribe, from: ada }

      """

  private static let talking = """
    links:
      home: { rate: 20Mbps, delay: 10ms }
    participants:
      ada: { link: home, publish: [microphone], data: { every: 200ms, during: 2s..11s } }
      grace: { link: home, publish: [microphone] }

    """

  private static let twoRooms = """
    rooms: [red, blue]
    links:
      home: { rate: 20Mbps, delay: 10ms }
    participants:
      ada: { link: home, publish: [microphone], data: { every: 500ms, during: 2s..11s } }

    """

  private static let withoutData = """
    links:
      home: { rate: 20Mbps, delay: 10ms }
    participants:
      ada: { link: home, grants: { canPublishData: false }, data: { every: 500ms, during: 2s..11s } }
      grace: { link: home, publish: [microphone] }

    """

  /// A teacher who takes rights away and mutes.
  private static func lesson(_ event: String) -> String {
    """
    links:
      home: { rate: 20Mbps, delay: 10ms }
    participants:
      ada: { link: home, role: teacher, publish: [camera, microphone], \(smallCamera) }
      grace: { link: home, publish: [camera, microphone], \(smallCamera) }
      linus: { link: home, join: { at: 6s } }
    events:
      - { at: 4s, participant: ada, do: \(event) }

    """
  }

  /// What the viewer sends is lost nowhere.
  private static let lossyDown = """
    links:
      home: { rate: 20Mbps, delay: 10ms }
      lossy: { rate: 20Mbps, delay: 10ms, down: { loss: 25% } }
    participants:
      ada: { link: home, publish: [camera], \(smallCamera) }
      grace: { link: lossy, publish: [microphone] }

    """

  /// Time for what is overdue to become so.
  private static let patience = 24
  /// Time for what comes at intervals to be missed.
  private static let twoLooks = 24

  private static let knowing = """
      - { id: known, of: grace, metric: assay.estimateRatio, stat: max, atMost: 1.1, window: 8s..12s }

    """

  static let traps = rules + requirements

  /// Of what strict receivers check.
  private static let requirements = [
    Trap(mutant: .dropsSection, rule: "rule/offer-sections", text: pair),
    Trap(mutant: .staleOfferVersion, rule: "rule/offer-version", text: pair),
    Trap(mutant: .sharedExtensionID, rule: "rule/extension-ids", text: pair),
    Trap(mutant: .noAddress, rule: "rule/section-address", text: pair),
    Trap(mutant: .answersMore, rule: "rule/answer", text: pair),
    Trap(mutant: .wrongMid, rule: "rule/mid", text: pair),
    Trap(mutant: .wrongPayloadType, rule: "rule/payload-type", text: pair),
    Trap(mutant: .pictureIDsOfLayers, rule: "rule/picture-id", text: switching),
    Trap(mutant: .temporalIndicesOfLayers, rule: "rule/tl0picidx", text: switching),
    Trap(mutant: .timestampsOfLayers, rule: "rule/timestamp", text: switching),
    Trap(
      mutant: .noSenderReports, rule: "rule/sender-reports", text: pair, duration: twoLooks),
    Trap(mutant: .lateSenderReports, rule: "rule/lip-sync", text: pair, duration: twoLooks),
    Trap(
      mutant: .noReceiverReports, rule: "rule/receiver-reports", text: pair, duration: twoLooks),
    Trap(
      mutant: .noUplinkNACK, rule: "rule/uplink-nack", text: lossyPublisher, duration: twoLooks),
  ]

  private static let rules = [
    Trap(mutant: .sequenceGapAtSwitch, rule: "rule/sequence-continuity", text: switching),
    Trap(mutant: .switchWithoutKeyframe, rule: "rule/decodable", text: switching),
    Trap(mutant: .noRetransmission, rule: "rule/nack-answered", text: lossyViewer),
    Trap(mutant: .wrongSSRC, rule: "rule/announced-ssrc", text: pair),
    Trap(mutant: .keyframeStorm, rule: "rule/keyframe-requests", text: pair),
    Trap(mutant: .lateKeyframes, rule: "rule/keyframe-answered", text: farViewer, duration: 40),
    Trap(mutant: .audioAfterMute, rule: "rule/silence-after-mute", text: muting),
    Trap(mutant: .ignoresCanSubscribe, rule: "rule/canSubscribe", text: rights),
    Trap(mutant: .ignoresCanPublish, rule: "rule/canPublish", text: rights),
    Trap(mutant: .wrongSpeaker, rule: "rule/speaker", text: turns),
    Trap(mutant: .qualityOfWrongParticipant, rule: "rule/connection-quality", text: unequal),
    Trap(mutant: .dropsUncounted, rule: "rule/packets-add-up", text: pair),
    Trap(mutant: .reusesSequenceNumbers, rule: "rule/no-sequence-reuse", text: resubscribing),
    Trap(
      mutant: .dataForgotten, rule: "rule/data-delivered", text: talking, duration: patience),
    Trap(mutant: .delaysVideo, rule: "rule/queues-bounded", text: pair),
    Trap(mutant: .crossesRooms, rule: "rule/room-isolation", text: twoRooms),
    Trap(mutant: .ignoresCanPublishData, rule: "rule/canPublishData", text: withoutData),
    Trap(
      mutant: .ignoresDemotion, rule: "rule/revoked-rights",
      text: lesson("demote, who: grace, grants: { canPublish: false }")),
    Trap(
      mutant: .ignoresUnsubscribe, rule: "rule/state-after-resume",
      text: lesson("unsubscribe, from: grace")),
    Trap(mutant: .hidesMute, rule: "rule/state-after-resume", text: lesson("mute")),
    Trap(
      mutant: .hidesRemoteMute, rule: "rule/mute-told",
      text: lesson("muteParticipant, who: grace")),
    Trap(mutant: .speakerAfterMute, rule: "rule/muted-speaker", text: lesson("mute")),
    Trap(
      mutant: .qualityOfUplinkAlone, rule: "rule/connection-quality", text: lossyDown, duration: 22),
    Trap(
      mutant: .allocatorNeverUpgrades, rule: "high-again", text: shrinking,
      expectations: following),
    Trap(mutant: .allocatorFlaps, rule: "two-steps", text: shrinking, expectations: following),
    Trap(
      mutant: .noAudioReserve, rule: "heard", text: choir, expectations: heard, duration: 20),
    Trap(mutant: .ignoresDelay, rule: "known", text: deep, expectations: knowing),
  ]

  @Test func everyMutantHasItsTrap() {
    // Those of reconnection have their traps in the scenarios about it.
    let others: [Mutant] = [
      .ghostNeverRemoved, .dataReplayedTwice, .dataSwapped, .stateNotRestored, .countsAbsence,
      .hidesAbsence, .leaksParticipants,
    ]
    #expect(
      Mutant.allCases.allSatisfy { mutant in
        others.contains(mutant) || Mutants.traps.contains { $0.mutant == mutant }
      })
  }

  /// A seed is a throw of the dice, and a rule may not depend on one.
  @Test(arguments: traps, [1, 2]) func breaksItsRule(_ trap: Trap, seed: UInt64) throws {
    let sound = try run(trap.scenario(with: nil), seed: seed)
    #expect(sound.verdict == .pass, "\(sound.failures)")
    #expect(sound.assertion(trap.rule)?.verdict == .pass)
    let broken = try run(trap.scenario(with: trap.mutant), seed: seed)
    #expect(broken.verdict == .fail)
    #expect(broken.exitCode == .failed)
    #expect(broken.failed.contains(trap.rule), "\(broken.failures)")
  }
}

extension RunResult {
  /// What did not pass, and why.
  var failures: String {
    assertions.filter { $0.verdict != .pass && $0.verdict != .skipped }
      .map { "\($0.id): \($0.reason)" }.joined(separator: "\n")
  }
}

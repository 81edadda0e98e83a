// The rules that every run is held to: what each requires, where that is written, what breaks it.

/// A rule of the conformance suite.
public struct Rule: Sendable, Equatable {
  /// RFC 2119: whether an SFU must hold it, or may have reasons not to.
  public enum Level: String, Sendable {
    case must = "MUST"
    case should = "SHOULD"
  }

  /// What a rule needs to be judged.
  public enum Reach: Sendable, Equatable {
    /// Links and clients: any SFU, unless its protocol has no notion of the metric.
    case anySFU
    /// The insides of the reference SFU, in virtual time.
    case referenceSFU
    /// Any SFU on real sockets.
    case servedSFU
  }

  /// `rule/nack-answered`.
  public let id: String
  public let requirement: String
  /// RFC and section, or the protocol or criterion that asks for it.
  public let source: String
  public let level: Level
  /// A metric of the catalogue that it judges; nil where it judges none.
  public let metric: String?
  public let reach: Reach
  /// Faults of the SFU or of clients, by the names that `mutant` takes, that break it.
  public let mutants: [String]

  /// `nack-answered`: as `rules` of a scenario names it.
  public var name: String { String(id.dropFirst("rule/".count)) }

  public static func named(_ id: String) -> Rule? { all.first { $0.id == id } }
}

extension Rule {
  /// In the order of reports.
  public static let all: [Rule] =
    media + ProtocolFault.allCases.map(\.rule) + rights + sessions + data + resources

  private static func rule(
    _ name: String, _ level: Level, _ requirement: String, _ source: String, _ metric: String?,
    _ mutants: [String], reach: Reach = .anySFU
  ) -> Rule {
    Rule(
      id: "rule/\(name)", requirement: requirement, source: source, level: level, metric: metric,
      reach: reach, mutants: mutants)
  }

  private static let media = [
    rule(
      "media-received", .must,
      "media arrives for every pair of participants of whom one is to see or hear the other",
      "Assay liveness", "packetsReceived", []),
    rule(
      "announced-ssrc", .must, "every SSRC that is sent was announced by an offer",
      "RFC 8843 §9.2", "assay.unknownSsrcPackets", ["wrongSSRC"]),
    rule(
      "decodable", .must, "layers change at keyframes only; frames arrive complete and in order",
      "RFC 7741 §4.2", "assay.decodeErrors", ["switchWithoutKeyframe"]),
    rule(
      "sequence-continuity", .must,
      "the SFU leaves no gap in sequence numbers where no packet was lost towards it",
      "RFC 3550 §5.1", "assay.sequenceGaps", ["sequenceGapAtSwitch"]),
    rule(
      "no-sequence-reuse", .must, "no stream uses a sequence number twice under one key",
      "RFC 3711 §9.1", "assay.duplicateSequenceNumbers", ["reusesSequenceNumbers"],
      reach: .referenceSFU),
    rule(
      "keyframe-requests", .should, "requests for keyframes are merged and spaced",
      "RFC 4585 §6.3.1", "assay.keyframeRequestRate", ["keyframeStorm"]),
    rule(
      "keyframe-answered", .should,
      "a keyframe that a viewer asks for comes within 2 s beside what the links take, while packets come",
      "RFC 4585 §6.3.1, RFC 5104 §4.3.1", "pliCount", ["lateKeyframes"]),
    rule(
      "nack-answered", .should, "lost packets are resent when a NACK asks for them",
      "RFC 4588 §3", "retransmittedPacketsReceived", ["noRetransmission"]),
    rule(
      "silence-after-mute", .must, "no audio of a muted track is forwarded", "LiveKit mute",
      "assay.packetsAfterMute", ["audioAfterMute"]),
    rule(
      "speaker", .should, "the speaking indicator names those who talk", "criterion 000:52",
      "assay.speakingIndicatorPrecision", ["wrongSpeaker"]),
    rule(
      "connection-quality", .should, "the reported connection quality fits the participant's link",
      "criterion 000:53", "assay.connectionQuality",
      ["qualityOfWrongParticipant", "qualityOfUplinkAlone"]),
  ]

  private static let rights = [
    rule(
      "canSubscribe", .must, "no media is sent to a participant without canSubscribe",
      "LiveKit grants", "assay.unauthorisedPackets", ["ignoresCanSubscribe"]),
    rule(
      "canPublish", .must, "no track is accepted from a participant without canPublish",
      "LiveKit grants", "assay.unauthorisedTracks", ["ignoresCanPublish"]),
    rule(
      "room-isolation", .must, "nobody is told of, or sent, anything of another room",
      "LiveKit rooms", "assay.foreignRoom", ["crossesRooms"]),
    rule(
      "canPublishData", .must, "no message of a participant without canPublishData is passed on",
      "LiveKit grants", "assay.unauthorisedMessages", ["ignoresCanPublishData"]),
    rule(
      "revoked-rights", .must,
      "no media is forwarded of a source whose right was never given or was taken away",
      "LiveKit grants", "assay.unauthorisedMedia", ["ignoresDemotion"]),
    rule(
      "mute-told", .must,
      "everybody is told of a mute within 5 s, and it holds until it is taken back",
      "LiveKit mute", "assay.mutesUntold", ["hidesRemoteMute"]),
    rule(
      "muted-speaker", .must, "who is muted is not indicated as speaking", "LiveKit mute",
      "assay.speakingAfterMute", ["speakerAfterMute"]),
  ]

  private static let sessions = [
    rule(
      "all-joined", .must,
      "every participant of the scenario joins, unless the room is full or an expectation has it "
        + "refused", "Assay liveness", "assay.joined", []),
    rule(
      "all-reconnected", .must,
      "once faults have healed, all participants are in the room and see each other",
      "Assay liveness", "assay.joined", []),
    rule(
      "connection-states", .must,
      "a client goes from one connection state only to those that may follow", "criterion 001:23",
      "assay.illegalTransitions", ["skipsReconnecting"]),
    rule(
      "backoff", .must, "reconnection attempts wait and end as the policy says",
      "criterion 001:22", "assay.backoffViolations", ["constantDelay", "unlimitedAttempts"]),
    rule(
      "state-after-resume", .must,
      "mute, subscriptions and sizes are what they are meant to be, also after a fault",
      "LiveKit SyncState", "assay.staleStateDuration",
      ["stateNotRestored", "forgetsMute", "ignoresUnsubscribe", "hidesMute"]),
    rule(
      "disconnected-removed", .must, "participants whose consent has expired are removed",
      "RFC 7675 §5.1",
      "assay.zombieDuration", ["ghostNeverRemoved"]),
    rule(
      "presence", .must, "presence is counted without the time without a connection",
      "criterion 003:24", "assay.presenceError", ["countsAbsence"]),
    rule(
      "disconnect-notified", .must,
      "the others are told when a participant's connection is lost and when it is back",
      "criterion 003:466", "assay.disconnectNotifyDelay", ["hidesAbsence"]),
    rule(
      "liveness", .must, "after a fault everybody sees those whom they saw before",
      "definition D3", "assay.mediaBackFromHeal", []),
  ]

  private static let data = [
    rule(
      "data-once", .must, "no reliable message arrives twice", "LiveKit reliable data",
      "assay.dataDuplicated", ["dataReplayedTwice"]),
    rule(
      "data-order", .must, "reliable messages arrive in the order they were sent",
      "LiveKit reliable data", "assay.dataOutOfOrder", ["dataSwapped"]),
    rule(
      "data-delivered", .must, "every reliable message arrives, at most 10 s after any fault",
      "LiveKit reliable data", "assay.dataLate", ["dataForgotten"]),
  ]

  private static let resources = [
    rule(
      "packets-add-up", .must, "every packet is forwarded or dropped for a reason",
      "Assay bookkeeping", nil, ["dropsUncounted"], reach: .referenceSFU),
    rule(
      "queues-bounded", .must, "no queue of the SFU grows beyond its bound", "Assay bounds", nil,
      ["delaysVideo"], reach: .referenceSFU),
    rule(
      "no-leaks", .must, "no state remains after everybody has left", "Assay teardown", nil,
      ["leaksParticipants"], reach: .referenceSFU),
    rule(
      "memory-flat", .must, "memory does not grow after the first hour", "Assay memory", nil, [],
      reach: .referenceSFU),
    rule(
      "same-hash", .must, "a scenario run twice with one seed sends the same packets",
      "Assay determinism", nil, [], reach: .referenceSFU),
  ]
}

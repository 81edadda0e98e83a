// Every metric an expectation may name. W3C webrtc-stats identifiers where one exists, else `assay.*`.

/// What a metric is and how its samples are to be read.
public struct Metric: Sendable, Equatable {
  public enum Kind: Sendable, Equatable {
    /// A sample at each moment it was taken (once a second unless told otherwise).
    case gauge
    /// A sample for every event, such as a frame rendered or a packet.
    case event
    /// A running total; over a window it means its growth.
    case counter
    /// One sample in a participant's life.
    case once
  }

  public enum Scope: Sendable, Equatable {
    case participant
    /// One series for each publisher that the participant receives; of a media flow its own.
    case pair
    /// Of a flow.
    case flow
    /// Of a shared link, one direction.
    case link
  }

  /// What is made of the time in which a sample was due and none came: of a second, or of an event.
  public enum Absence: Sendable, Equatable {
    /// A sample of this value, the worst that the metric can have; for a counter its growth.
    case counts(Double)
    /// This growth of a counter for each gap, however long it is.
    case countsOnce(Double)
    /// A sample that no limit allows, such as a delay without an end.
    case fails
    /// The expectation does not pass: it is inconclusive unless it fails by the samples there are.
    case inconclusive
    /// The same while the participant is in the room: outside it there is nothing to count.
    case inconclusiveInRoom
  }

  public var name: String
  public var unit: String
  public var kind: Kind
  public var scope: Scope
  /// Whether more is worse: decides who is the worst participant.
  public var lowerIsBetter: Bool
  public var absence: Absence
  public var meaning: String

  /// `0 fps for each second without a sample`: what `absence` does, in words.
  public var absenceText: String {
    switch absence {
    case .counts(let value):
      "counts as \(Moments.number(value, 0))\(unit == "1" ? "" : " \(unit)")"
    case .countsOnce(let value): "counts as \(Moments.number(value, 0)) for each gap"
    case .fails: "fails any limit"
    case .inconclusive: "inconclusive"
    case .inconclusiveInRoom: "inconclusive while in the room"
    }
  }
}

public enum MetricCatalogue {
  public static func metric(named name: String) -> Metric? { byName[name] }

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  private static func pair(
    _ name: String, _ unit: String, _ kind: Metric.Kind, worseWhen: Direction,
    without absence: Metric.Absence = .inconclusive, _ meaning: String
  ) -> Metric {
    Metric(
      name: name, unit: unit, kind: kind, scope: .pair, lowerIsBetter: worseWhen == .more,
      absence: absence, meaning: meaning)
  }

  private static func own(
    _ name: String, _ unit: String, _ kind: Metric.Kind, worseWhen: Direction,
    without absence: Metric.Absence = .inconclusive, _ meaning: String
  ) -> Metric {
    Metric(
      name: name, unit: unit, kind: kind, scope: .participant, lowerIsBetter: worseWhen == .more,
      absence: absence, meaning: meaning)
  }

  private static func flow(
    _ name: String, _ unit: String, _ kind: Metric.Kind, worseWhen: Direction,
    without absence: Metric.Absence = .inconclusive, _ meaning: String
  ) -> Metric {
    Metric(
      name: name, unit: unit, kind: kind, scope: .flow, lowerIsBetter: worseWhen == .more,
      absence: absence, meaning: meaning)
  }

  private static func link(
    _ name: String, _ unit: String, _ kind: Metric.Kind, worseWhen: Direction,
    without absence: Metric.Absence = .inconclusive, _ meaning: String
  ) -> Metric {
    Metric(
      name: name, unit: unit, kind: kind, scope: .link, lowerIsBetter: worseWhen == .more,
      absence: absence, meaning: meaning)
  }

  private enum Direction { case more, less }

  /// In the order `assay list` prints them.
  public static let all: [Metric] = participants + rfc8868

  private static let participants: [Metric] = [
    pair(
      "framesPerSecond", "fps", .gauge, worseWhen: .less, without: .counts(0),
      "frames rendered in the last second"),
    pair(
      "frameHeight", "px", .gauge, worseWhen: .less, without: .counts(0),
      "height of the frame rendered last"),
    pair(
      "freezeCount", "1", .counter, worseWhen: .more, without: .countsOnce(1),
      "freezes by the W3C definition"),
    pair(
      "totalFreezesDuration", "s", .counter, worseWhen: .more, without: .counts(1), "seconds frozen"
    ),
    pair("framesDecoded", "1", .counter, worseWhen: .less, without: .counts(0), "frames decoded"),
    pair(
      "framesDropped", "1", .counter, worseWhen: .more, without: .inconclusiveInRoom,
      "frames received and never rendered"),
    pair(
      "keyFramesDecoded", "1", .counter, worseWhen: .less, without: .counts(0), "keyframes decoded"),
    pair(
      "jitterBufferDelay", "ms", .gauge, worseWhen: .more, without: .fails,
      "mean stay in the jitter buffer over the last second"),
    pair("jitter", "ms", .gauge, worseWhen: .more, "interarrival jitter (RFC 3550 §6.4.1)"),
    pair(
      "packetsReceived", "1", .counter, worseWhen: .less, without: .counts(0),
      "RTP packets received"),
    pair(
      "packetsLost", "1", .counter, worseWhen: .more, without: .inconclusiveInRoom,
      "RTP packets lost before repair"),
    pair(
      "retransmittedPacketsReceived", "1", .counter, worseWhen: .more, without: .inconclusiveInRoom,
      "packets received as RTX"),
    pair(
      "bytesReceived", "B", .counter, worseWhen: .less, without: .counts(0),
      "RTP payload bytes received"),
    pair(
      "nackCount", "1", .counter, worseWhen: .more, without: .inconclusiveInRoom,
      "NACK messages sent"),
    pair(
      "pliCount", "1", .counter, worseWhen: .more, without: .inconclusiveInRoom, "PLI messages sent"
    ),
    pair(
      "concealedSamples", "1", .counter, worseWhen: .more, without: .counts(48_000),
      "audio samples concealed (48 kHz)"),
    own(
      "roundTripTime", "ms", .gauge, worseWhen: .more, "ICE round-trip time on the nominated pair"),
    pair(
      "assay.endToEndDelay", "ms", .event, worseWhen: .more, without: .fails,
      "video, capture to render, each frame"),
    pair(
      "assay.audioEndToEndDelay", "ms", .event, worseWhen: .more, without: .fails,
      "audio, capture to playout, each packet of talk"),
    own(
      "assay.connectTime", "ms", .once, worseWhen: .more, without: .fails,
      "join request sent to own transports connected"),
    own(
      "assay.timeToFirstFrame", "ms", .once, worseWhen: .more,
      "join request sent to first remote frame rendered"),
    own(
      "assay.reconnectFromLoss", "ms", .event, worseWhen: .more, without: .fails,
      "connection lost to own transports connected and a frame shown in each direction"),
    own(
      "assay.reconnectFromHeal", "ms", .event, worseWhen: .more, without: .fails,
      "network usable again to own transports connected and a frame shown in each direction"),
    own(
      "assay.resumed", "1", .event, worseWhen: .less, without: .counts(0),
      "1 for coming back into the old session, 0 for joining anew"),
    pair(
      "assay.mediaBackFromLoss", "ms", .event, worseWhen: .more, without: .fails,
      "a fault's beginning to the first frame or talk captured after its healing"),
    pair(
      "assay.mediaBackFromHeal", "ms", .event, worseWhen: .more, without: .fails,
      "a fault's healing to the first frame or talk captured after it"),
    pair(
      "assay.mediaGap", "ms", .event, worseWhen: .more, without: .fails,
      "longest time without a frame or talk from a fault's beginning until media is back"),
    own(
      "assay.duplicateSequenceNumbers", "1", .once, worseWhen: .more,
      "packets under a sequence number that their stream had used before"),
    own(
      "assay.backoffViolations", "1", .once, worseWhen: .more,
      "attempts to come back that the policy does not allow: too soon, too late, too many"),
    own(
      "assay.illegalTransitions", "1", .once, worseWhen: .more,
      "connection states that could not follow the one before"),
    own(
      "assay.staleStateDuration", "s", .once, worseWhen: .more,
      "seconds of a wrong belief that stayed: mute, subscription, layer; of each publisher"),
    own(
      "assay.zombieDuration", "s", .once, worseWhen: .more,
      "longest time for which somebody was in the roster and not connected"),
    own(
      "assay.joinRequestsPer100ms", "1", .event, worseWhen: .more,
      "requests of everybody to join or resume in the same tenth of a second"),
    pair(
      "assay.disconnectNotifyDelay", "ms", .event, worseWhen: .more,
      "from the SFU's last packet of a participant, or its first again, until others are notified"
    ),
    own(
      "assay.presenceError", "s", .once, worseWhen: .more,
      "difference between the presence that the SFU counted and what reached it"),
    own(
      "assay.sequenceNumberWraps", "1", .once, worseWhen: .less,
      "times that the RTP sequence numbers of streams it received began again"),
    own(
      "assay.timestampWraps", "1", .once, worseWhen: .less,
      "times that the RTP timestamps of streams it received began again"),
    own(
      "assay.rolloverCount", "1", .once, worseWhen: .less,
      "times that SRTP's rollover counter of a stream went up, either way"),
    own(
      "assay.pictureIdWraps", "1", .once, worseWhen: .less,
      "times that the picture ids of streams it decoded began again"),
    own(
      "assay.referenceTimeWraps", "1", .once, worseWhen: .less,
      "times that the reference time of feedback on what it sent began again"),
    pair(
      "assay.dataLost", "1", .once, worseWhen: .more, "reliable messages that never came"),
    pair(
      "assay.dataLate", "1", .once, worseWhen: .more,
      "reliable messages that had not come ten seconds after they were sent, or after the last fault "
        + "on the way healed"),
    pair("assay.dataDuplicated", "1", .once, worseWhen: .more, "messages that came more than once"),
    pair(
      "assay.dataOutOfOrder", "1", .once, worseWhen: .more,
      "messages that came after one sent later"),
    pair(
      "assay.dataDelay", "ms", .event, worseWhen: .more, without: .fails, "message sent to received"
    ),
    own(
      "assay.reconnectAttempts", "1", .once, worseWhen: .more,
      "attempts to come back to the room"),
    own(
      "assay.joined", "1", .gauge, worseWhen: .less, without: .counts(0),
      "1 while in the room, and neither on its way in nor coming back, else 0"),
    own(
      "assay.callSuccess", "1", .once, worseWhen: .less,
      "1 for a call that succeeded (definition D2), else 0"),
    pair(
      "assay.layer", "1", .gauge, worseWhen: .less, without: .fails,
      "simulcast layer rendered: 0 low, 1 medium, 2 high"),
    pair(
      "assay.rung", "px", .gauge, worseWhen: .less, without: .counts(0),
      "lines of the picture shown, 0 while the SFU pauses it for lack of room"),
    pair(
      "assay.rungSwitches", "1", .counter, worseWhen: .more, without: .inconclusiveInRoom,
      "changes of the lines shown"),
    pair(
      "assay.stepDownTime", "ms", .event, worseWhen: .more,
      "capacity lowered to lines shown that fit it (definition D8) until the next step"),
    pair(
      "assay.stepUpTime", "ms", .event, worseWhen: .more,
      "capacity raised to lines shown that fit it (definition D8) until the next step"),
    pair(
      "assay.switchesPerStep", "1", .event, worseWhen: .more,
      "changes of the lines shown from one change of capacity to the next"),
    pair(
      "assay.layerSwitches", "1", .counter, worseWhen: .more, without: .inconclusiveInRoom,
      "changes of the rendered layer"),
    own(
      "assay.bitrateReceived", "bps", .gauge, worseWhen: .less,
      "UDP payload received in the last second"),
    own(
      "assay.bitrateSent", "bps", .gauge, worseWhen: .less, "UDP payload sent in the last second"),
    pair(
      "assay.lossBeforeRepair", "%", .gauge, worseWhen: .more, without: .counts(100),
      "RTP packets missing at first, last second"),
    pair(
      "assay.lossAfterRepair", "%", .gauge, worseWhen: .more, without: .counts(100),
      "RTP packets never recovered, last second"),
    pair(
      "assay.audioConcealment", "%", .gauge, worseWhen: .more, without: .counts(100),
      "share of played audio that was concealed, last second"),
    pair(
      "assay.decodeErrors", "1", .counter, worseWhen: .more, without: .inconclusiveInRoom,
      "frames that the decoder cannot decode, that show another picture than was sent, or an older "
        + "one than was shown before"),
    pair(
      "assay.psnr", "dB", .event, worseWhen: .less,
      "luma PSNR of decoded pictures against their originals, one in five (libvpx)"),
    pair(
      "assay.ssim", "1", .event, worseWhen: .less,
      "luma SSIM of decoded pictures against their originals, one in five (libvpx)"),
    pair(
      "assay.unansweredNacks", "1", .counter, worseWhen: .more, without: .inconclusiveInRoom,
      "packets asked for three times or more and never resent"),
    own(
      "assay.unknownSsrcPackets", "1", .counter, worseWhen: .more, without: .inconclusiveInRoom,
      "RTP packets with an SSRC that no description announced"),
    own(
      "assay.protocolFaults", "1", .counter, worseWhen: .more, without: .inconclusiveInRoom,
      "faults against RFCs that a strict receiver found in offers, answers, packets and reports"),
    own(
      "assay.keyframeRequestRate", "1/s", .gauge, worseWhen: .more, without: .inconclusiveInRoom,
      "PLI and FIR received for the busiest layer, last second"),
    pair(
      "assay.packetsAfterMute", "1", .counter, worseWhen: .more, without: .inconclusiveInRoom,
      "audio packets of a muted track, after the SFU's word and one round trip"),
    pair(
      "assay.muteDelay", "ms", .event, worseWhen: .more, without: .fails,
      "mute asked for to seen by this participant"),
    own(
      "assay.unauthorisedPackets", "1", .counter, worseWhen: .more, without: .inconclusiveInRoom,
      "media packets received without the right to them"),
    own(
      "assay.unauthorisedTracks", "1", .counter, worseWhen: .more, without: .inconclusiveInRoom,
      "tracks accepted that the token does not allow"),
    own(
      "assay.unauthorisedMedia", "1", .once, worseWhen: .more,
      "RTP packets received of sources that their publishers had no right to, from three seconds after "
        + "a right was taken"),
    own(
      "assay.unauthorisedMessages", "1", .once, worseWhen: .more,
      "messages received of senders without canPublishData, from three seconds after it was taken"),
    own(
      "assay.foreignRoom", "1", .once, worseWhen: .more,
      "participants, tracks, messages and speaking indicators of another room"),
    own(
      "assay.mutesUntold", "1", .once, worseWhen: .more,
      "mutes and unmutes of others that were not told within five seconds, or did not hold"),
    own(
      "assay.speakingAfterMute", "s", .once, worseWhen: .more,
      "longest time for which somebody muted was indicated as speaking"),
    pair(
      "assay.sequenceGaps", "1", .counter, worseWhen: .more, without: .inconclusiveInRoom,
      "sequence numbers that the SFU skipped though nothing was lost towards it"),
    own(
      "assay.speakingIndicatorOnset", "ms", .event, worseWhen: .more, without: .fails,
      "onset of talk to indicator on"),
    own(
      "assay.speakingIndicatorPrecision", "%", .once, worseWhen: .less,
      "indicator on while the schedule says talk"),
    own(
      "assay.speakingIndicatorRecall", "%", .once, worseWhen: .less,
      "talk of the schedule during which the indicator is on"),
    own(
      "assay.downlinkEstimate", "bps", .gauge, worseWhen: .less,
      "what the reference SFU takes this viewer's link for, headers included, every 200 ms"),
    own(
      "assay.estimateRatio", "1", .gauge, worseWhen: .more,
      "the same over the least of what the viewer's links leave it: of shared ones what their other "
        + "viewers do not take, or an equal part where that is more"),
    own(
      "assay.connectionQuality", "1", .gauge, worseWhen: .less,
      "quality that the SFU reports for this participant once it has been connected: 0 lost, 1 poor, "
        + "2 good, 3 excellent"),
  ]
}

extension MetricCatalogue {
  /// RFC 8868 §3: of flows and of the links they share. Rates are sampled every 200 ms and count
  /// bytes on the wire.
  private static let rfc8868: [Metric] = [
    flow("assay.sendRate", "bps", .gauge, worseWhen: .less, "sent in 200 ms, all headers included"),
    flow("assay.receiveRate", "bps", .gauge, worseWhen: .less, "received in 200 ms"),
    flow(
      "assay.goodput", "bps", .gauge, worseWhen: .less,
      "received in 200 ms, each media packet once; neither retransmissions of what came nor padding"
    ),
    flow(
      "assay.receiveRate2s", "bps", .gauge, worseWhen: .less,
      "mean rate received over the last 2 s"),
    flow(
      "assay.targetRate", "bps", .gauge, worseWhen: .less, "what congestion control allows"),
    flow(
      "assay.packetDelay", "ms", .event, worseWhen: .more, without: .fails,
      "one way, each packet, at IP level"),
    flow(
      "assay.packetLost", "%", .event, worseWhen: .more,
      "100 for each packet that never arrived, else 0: the mean is the loss"),
    flow(
      "assay.feedbackRate", "bps", .gauge, worseWhen: .more,
      "RTCP of the receiver in the last second"),
    flow(
      "assay.feedbackOverhead", "%", .gauge, worseWhen: .more,
      "RTCP of the receiver over what it received in the last second"),
    flow(
      "assay.convergenceTime", "s", .event, worseWhen: .more,
      "start, capacity change, arrival or departure to a rate that stays (docs/rfc8867.md)"),
    flow(
      "assay.watermarkCrossings", "1", .counter, worseWhen: .more,
      "turns between 80 % and 20 % of what the flow could have, over 500 ms"),
    flow(
      "assay.fairShare", "%", .gauge, worseWhen: .less,
      "rate over 20 s against an equal share of what all media flows of the link received"),
    flow(
      "assay.rateRegained", "%", .gauge, worseWhen: .less,
      "after a flow of the link has resumed: rate over 5 s against its mean in the 20 s before the "
        + "pause"),
    link(
      "assay.utilisation", "%", .gauge, worseWhen: .less,
      "media received in 200 ms over the lesser of capacity and what the sources make at most"),
    link(
      "assay.overallUtilisation", "%", .once, worseWhen: .less,
      "the same over the whole run, sum over sum: for a capacity that never stands still"),
    link("assay.queueDelay", "ms", .event, worseWhen: .more, "wait of each packet in the queue"),
    link(
      "assay.backOffTime", "ms", .event, worseWhen: .more,
      "downward step of the capacity to media sent below it over 400 ms"),
    link(
      "assay.fairness1s", "1", .gauge, worseWhen: .less,
      "Jain index of the media flows' rates over 1 s; of participants' where there is no flow"),
    link("assay.fairness5s", "1", .gauge, worseWhen: .less, "the same over 5 s"),
    link("assay.fairness20s", "1", .gauge, worseWhen: .less, "the same over 20 s"),
  ]
}

// Rules that every run is held to, whatever its scenario expects. Each has a mutant of the SFU that
// breaks it.

import Basics
import Results
import Scenario

struct Rules {
  let evidence: Evidence
  let store: MetricStore
  let due: DueMedia

  /// Every rule, judged where there was something to judge.
  func judged() -> [Assertion] {
    [
      allJoined(), mediaReceived(),
      none(
        "rule/canSubscribe", "assay.unauthorisedPackets", "LiveKit grants: canSubscribe",
        "nobody is sent media without the right to it"),
      none(
        "rule/canPublish", "assay.unauthorisedTracks", "LiveKit grants: canPublish",
        "no track is accepted without the right to publish it"),
      none(
        "rule/announced-ssrc", "assay.unknownSsrcPackets", "RFC 8843 §9.2",
        "every stream was announced by an offer"),
      none(
        "rule/decodable", "assay.decodeErrors", "RFC 7741 §4.2",
        "layers change only at keyframes, frames come as they were encoded, and in order"),
      none(
        "rule/sequence-continuity", "assay.sequenceGaps", "RFC 3550 §5.1",
        "the SFU skips no sequence number where nothing was lost towards it"),
      none(
        "rule/no-sequence-reuse", "assay.duplicateSequenceNumbers", "RFC 3711 §9.1",
        "no stream uses a sequence number twice under one key"),
      none(
        "rule/silence-after-mute", "assay.packetsAfterMute", "LiveKit mute",
        "no audio of a muted track is forwarded"),
      keyframeRequests(), keyframeAnswers(), retransmissions(), speakers(), qualityWords(),
      everybodyBack(),
    ] + trustRules() + ProtocolFault.allCases.map(protocolFaults) + reconnectionRules()
  }

  // MARK: - Rules of zero

  /// Nobody may have any of a counter.
  func none(
    _ id: String, _ metric: String, _ source: String, _ meaning: String
  ) -> Assertion {
    let individuals = measured(metric).map { who, samples in
      Assertion.Individual(
        participant: who, observed: samples.values.last, samples: samples.values.count,
        verdict: samples.values.last == 0 ? .pass : .fail)
    }
    var assertion = assertion(id, metric, .max, .atMost, limit: 0, individuals, source)
    assertion.reason = sentence(assertion, meaning, source)
    return assertion
  }

  /// Who has figures of a metric, of whom, and which: `ada`, or of a pair `ada<grace`.
  func measured(_ metric: String) -> [(who: String, samples: MetricSamples)] {
    let definition = MetricCatalogue.metric(named: metric)!
    return evidence.participants.flatMap { seat -> [(who: String, samples: MetricSamples)] in
      let identity = seat.member.identity
      let peers: [String?] =
        definition.scope == .pair
        ? store.peers(of: identity, metric: metric, kind: nil) : [nil]
      return peers.compactMap { peer in
        guard
          let samples = store.samples(
            participant: identity, metric: metric, peer: peer, kind: nil),
          !samples.values.isEmpty
        else { return nil }
        return (peer.map { "\(identity)<\($0)" } ?? identity, samples)
      }
    }
  }

  // MARK: - Rules with a bound

  /// libwebrtc and LiveKit ask at most every half second; twice that is a storm.
  private static let keyframeRequestLimit = 4.0

  private func keyframeRequests() -> Assertion {
    let metric = "assay.keyframeRequestRate"
    let individuals = evidence.participants.compactMap { seat -> Assertion.Individual? in
      guard
        let samples = store.samples(
          participant: seat.member.identity, metric: metric, peer: nil, kind: nil),
        let most = samples.values.max(),
        seat.record.outbound.contains(where: { $0.kind == .video }),
        // A link that held requests back lets them come in a bunch.
        !evidence.wasCut(seat)
      else { return nil }
      return .init(
        participant: seat.member.identity, observed: most, samples: samples.values.count,
        verdict: most <= Rules.keyframeRequestLimit ? .pass : .fail)
    }
    var result = assertion(
      "rule/keyframe-requests", metric, .max, .atMost, limit: Rules.keyframeRequestLimit,
      individuals, "RFC 4585 §6.3.1")
    result.reason = sentence(
      result, "requests for keyframes are merged and spaced", "RFC 4585 §6.3.1")
    return result
  }

  /// Beside what the links take: the throttle of requests, and the repeat of one that was lost (LiveKit: a
  /// second at most, and once more).
  private static let keyframeWait = Duration.seconds(2)
  /// Above this share of lost packets requests and keyframes may be lost again and again.
  private static let keyframeLoss = 0.2

  /// Whether requests and keyframes pass between a participant and the SFU.
  private func carriesKeyframes(_ seat: Evidence.Participant) -> Bool {
    !evidence.wasCut(seat)
      && [LinkRecord.Direction.up, .down].allSatisfy {
        evidence.lossShare(of: seat, $0) ?? 0 <= Rules.keyframeLoss
      }
  }

  private func keyframeAnswers() -> Assertion {
    var roundTrips: [String: Duration] = [:]
    for seat in evidence.participants where carriesKeyframes(seat) {
      roundTrips[seat.member.identity] = evidence.longestRoundTrip(of: seat)
    }
    let individuals = evidence.participants.compactMap { seat -> Assertion.Individual? in
      guard let own = roundTrips[seat.member.identity] else { return nil }
      let streams = seat.record.streams.filter {
        $0.keyframeRequests > 0 && roundTrips[$0.publisher] != nil
      }
      let waits = streams.map {
        max(.zero, $0.longestKeyframeWait - own - roundTrips[$0.publisher]!)
      }
      guard let longest = waits.max() else { return nil }
      return .init(
        participant: seat.member.identity, observed: longest.milliseconds,
        samples: streams.reduce(0) { $0 + $1.keyframeRequests },
        verdict: longest <= Rules.keyframeWait ? .pass : .fail)
    }
    var result = assertion(
      "rule/keyframe-answered", "pliCount", .max, .atMost, limit: Rules.keyframeWait.milliseconds,
      individuals, "RFC 4585 §6.3.1, RFC 5104 §4.3.1")
    result.unit = "ms"
    result.reason = sentence(
      result, "a keyframe comes soon after a viewer asks for one", "RFC 4585 §6.3.1")
    return result
  }

  /// Fewer lost packets tell nothing.
  private static let lossMinimum = 10
  /// Of the video packets that were asked for until they came or were given up, at least this share must
  /// have been sent again: those that came, and answers that were lost on a full link as well. What a
  /// later frame made useless is not counted.
  private static let answeredShare = 50.0

  private func retransmissions() -> Assertion {
    let individuals = evidence.participants.compactMap { seat -> Assertion.Individual? in
      // Behind a link that let nothing through, an answer proves nothing.
      guard !evidence.wasCut(seat) else { return nil }
      var lost = 0
      var answered = 0
      for stream in seat.record.streams where stream.kind == .video {
        guard stream.hasRTX else { continue }
        // What is too large for a link never comes, however often it is sent.
        let unanswered = min(stream.unansweredPackets, stream.lostPackets)
        lost += stream.recoveredPackets + unanswered
        answered += stream.recoveredPackets + min(unanswered, stream.lostAnswers)
      }
      guard lost >= Rules.lossMinimum else { return nil }
      let share = 100 * Double(answered) / Double(lost)
      return .init(
        participant: seat.member.identity, observed: share, samples: lost,
        verdict: share >= Rules.answeredShare ? .pass : .fail)
    }
    var result = assertion(
      "rule/nack-answered", "retransmittedPacketsReceived", .min, .atLeast,
      limit: Rules.answeredShare, individuals, "RFC 4588 §3")
    result.unit = "%"
    result.reason = sentence(result, "lost packets are resent when asked for", "RFC 4588 §3")
    return result
  }

  private static let speakerShare = 50.0

  /// Far below what a scenario should ask (criterion 000:52): this tells right from wrong.
  private func speakers() -> Assertion {
    let metric = "assay.speakingIndicatorPrecision"
    let individuals = evidence.participants.compactMap { seat -> Assertion.Individual? in
      // Whom no word reached goes on believing the last one.
      guard !evidence.wasCut(seat),
        let samples = store.samples(
          participant: seat.member.identity, metric: metric, peer: nil, kind: nil),
        let precision = samples.values.last
      else { return nil }
      return .init(
        participant: seat.member.identity, observed: precision, samples: samples.values.count,
        verdict: precision >= Rules.speakerShare ? .pass : .fail)
    }
    var result = assertion(
      "rule/speaker", metric, .min, .atLeast, limit: Rules.speakerShare, individuals,
      "criterion 000:52")
    result.reason = sentence(
      result, "the indicator names those who talk", "criterion 000:52")
    return result
  }

  /// Above this share of lost packets in a direction that carries video a connection is not excellent (the score
  /// loses ten points for each percent, and is the worse of both directions).
  private static let lossyShare = 0.05
  /// Fewer lost packets of video say little of a share.
  private static let lossyPackets = 50

  /// Whether a direction that carries this participant's video loses too much for an excellent connection.
  private func isLossy(_ seat: Evidence.Participant, _ direction: LinkRecord.Direction) -> Bool {
    let name = direction == .up ? seat.record.uplink : seat.record.downlink
    guard let link = evidence.link(name), link.entered > 0,
      let share = evidence.lossShare(of: seat, direction), share > Rules.lossyShare
    else { return false }
    let lost = Int(link.entered) * Int((share * 1_000).rounded()) / 1_000
    guard lost >= Rules.lossyPackets else { return false }
    return direction == .up
      ? seat.record.outbound.contains { $0.kind == .video && $0.packetsSent > 0 }
      : seat.record.streams.contains { $0.kind == .video && $0.lostPackets >= Rules.lossyPackets }
  }

  /// The word must fit the participant's own link (criterion 000:53).
  private func qualityWords() -> Assertion {
    let metric = "assay.connectionQuality"
    let individuals = evidence.participants.compactMap { seat -> Assertion.Individual? in
      // Without media there is nothing to hear a loss in.
      let hasMedia =
        !seat.record.streams.isEmpty || seat.record.outbound.contains { $0.packetsSent > 0 }
      guard hasMedia, !evidence.wasCut(seat),
        let samples = store.samples(
          participant: seat.member.identity, metric: metric, peer: nil, kind: nil),
        samples.values.count >= 2, let up = evidence.lossShare(of: seat, .up),
        let down = evidence.lossShare(of: seat, .down)
      else { return nil }
      // The first window holds the join.
      let words = samples.values.dropFirst()
      let mean = words.reduce(0, +) / Double(words.count)
      let isClean = evidence.isClean(seat)
      let isLossy =
        up > Rules.lossyShare && down > Rules.lossyShare
        || isLossy(seat, .up) || isLossy(seat, .down)
      guard isClean || isLossy else { return nil }
      let isRight = isClean ? mean >= 2 : mean <= 2.5
      return .init(
        participant: seat.member.identity, observed: mean, samples: words.count,
        verdict: isRight ? .pass : .fail)
    }
    var result = assertion(
      "rule/connection-quality", metric, .mean, .atLeast, limit: 2, individuals, "criterion 000:53")
    result.reason = sentence(
      result, "the word fits the link: good or better on a clean one, not excellent above 5 % loss",
      "criterion 000:53")
    return result
  }

  // MARK: - Assertions

  enum Statistic: String { case max, min, mean, last }

  func assertion(
    _ id: String, _ metric: String, _ statistic: Statistic,
    _ comparison: Assertion.Comparison, limit: Double, _ individuals: [Assertion.Individual],
    _ source: String
  ) -> Assertion {
    let definition = MetricCatalogue.metric(named: metric)!
    let failed = individuals.contains { $0.verdict == .fail }
    var result = Assertion(
      id: id, verdict: individuals.isEmpty ? .skipped : failed ? .fail : .pass, of: "all",
      metric: metric, stat: statistic.rawValue, comparison: comparison, observed: nil,
      limit: limit, unit: definition.unit)
    result.origin = .rule
    result.samples = individuals.reduce(0) { $0 + $1.samples }
    let worst = individuals.max { a, b in
      (a.verdict == .fail ? 1 : 0, distance(a, comparison))
        < (b.verdict == .fail ? 1 : 0, distance(b, comparison))
    }
    result.observed = worst?.observed
    result.worst = worst.map { .init(participant: $0.participant) }
    // Of a rule only the faults are worth a line each.
    result.perParticipant = individuals.filter { $0.verdict == .fail }
    return result
  }

  private func distance(
    _ individual: Assertion.Individual, _ comparison: Assertion.Comparison
  ) -> Double {
    let value = individual.observed ?? 0
    return comparison == .atLeast || comparison == .over ? -value : value
  }

  /// At most one decimal.
  private func figure(_ value: Double) -> String {
    let tenths = (value * 10).rounded() / 10
    return tenths == tenths.rounded() ? "\(Int(tenths))" : "\(tenths)"
  }

  func sentence(_ assertion: Assertion, _ meaning: String, _ source: String) -> String {
    switch assertion.verdict {
    case .skipped: return "Nothing to judge: \(meaning) (\(source))."
    case .fail:
      let who = assertion.worst?.participant ?? ""
      let value = assertion.observed.map(figure) ?? ""
      let unit = assertion.unit == "1" ? "" : " \(assertion.unit)"
      return "Broken at \(who) (\(value)\(unit)): \(meaning) (\(source))."
    default: return "Holds: \(meaning) (\(source))."
    }
  }
}

// What every run is held to, whatever its scenario expects: that all joined, and that media reached
// whom it was for; and whom expectations of talk speak of.

import Basics
import Results
import Testing

@testable import Scenario
@testable import Verdicts

/// Runs of three participants, of whom ann and bob have cameras and microphones.
private struct Hall {
  var duration = 30
  var more = ""
  /// Who connected after 100 ms.
  var joined = ["ann", "bob", "cat"]
  /// Pairs `viewer<publisher` that received no media.
  var without: [String] = []

  func assertions() throws -> [Assertion] {
    let text = """
      assay: 1
      duration: \(duration)s
      links: { home: { rate: 10Mbps } }
      participants:
        ann: { link: home, publish: [camera, microphone] }
        bob: { link: home, publish: [camera, microphone] }
        cat: { link: home, join: { at: 1s } }
      \(more)

      """
    let scenario = try ScenarioFile.parse(Array(text.utf8), file: "inline")[0].scenario
    var record = RunRecord(end: .seconds(Double(duration)))
    record.participants = scenario.members.map { member in
      var participant = ParticipantRecord(
        identity: member.identity, group: member.group, room: member.room)
      let isIn = joined.contains(member.identity)
      participant.sessions = [
        SessionRecord(
          requested: member.joins, connected: isIn ? member.joins + .milliseconds(100) : nil,
          ended: nil, waits: [])
      ]
      participant.state =
        isIn ? .connected : .disconnected(.refused(status: 500, text: "no"))
      guard isIn else { return participant }
      for publisher in ["ann", "bob"]
      where publisher != member.identity && joined.contains(publisher)
        && !without.contains("\(member.identity)<\(publisher)")
      {
        for source in [MediaSource.camera, .microphone] {
          var track = InboundTrack(
            publisher: publisher, source: source.rawValue, kind: source.kind)
          track.values = [StatisticValue("packetsReceived", 100)]
          participant.inbound.append(track)
        }
      }
      return participant
    }
    return Judgement(of: record, for: scenario).assertions
  }

  func verdict(_ rule: String) throws -> Verdict? {
    try assertions().first { $0.id == "rule/\(rule)" }?.verdict
  }
}

@Suite struct AllJoined {
  @Test func holdsWhereAllDid() throws {
    #expect(try Hall().verdict("all-joined") == .pass)
  }

  @Test func failsForOneWhoNeverDid() throws {
    let assertions = try Hall(joined: ["ann", "bob"]).assertions()
    let rule = try #require(assertions.first { $0.id == "rule/all-joined" })
    #expect(rule.verdict == .fail && rule.worst?.participant == "cat")
    #expect(Verdict.combined(assertions.map(\.verdict)) == .fail)
  }

  /// A server at which nobody joins: nothing of a run passes, however short it is.
  @Test(arguments: [6, 30]) func aDeadServerNeverPasses(_ duration: Int) throws {
    let assertions = try Hall(duration: duration, joined: []).assertions()
    let verdict = Verdict.combined(assertions.map(\.verdict))
    #expect(verdict == (duration == 6 ? .inconclusive : .fail))
  }

  @Test(arguments: [
    // The room is full.
    "sfu: { maxParticipants: 2 }",
    // Kept out, as the scenario expects.
    "expect: [{ id: out, of: cat, metric: assay.joined, stat: max, equals: 0 }]",
    // Its network is down while it joins.
    "events: [{ at: 0s, participant: cat, do: blackout, for: 29s }]",
  ]) func doesNotSpeakOfWhomTheScenarioKeepsOut(_ more: String) throws {
    #expect(try Hall(more: more, joined: ["ann", "bob"]).verdict("all-joined") == .pass)
  }

  @Test func isWaivedWithAReason() throws {
    let text = "rules: { all-joined: { off: the door is closed } }"
    let hall = Hall(more: text, joined: ["ann", "bob"])
    #expect(try hall.verdict("all-joined") == .fail)
    #expect(Rule.named("rule/all-joined") != nil && Rule.named("rule/media-received") != nil)
  }
}

@Suite struct MediaReceived {
  @Test func holdsWhereMediaCame() throws {
    #expect(try Hall().verdict("media-received") == .pass)
  }

  @Test func failsForOnePair() throws {
    let assertions = try Hall(without: ["cat<bob"]).assertions()
    let rule = try #require(assertions.first { $0.id == "rule/media-received" })
    #expect(rule.verdict == .fail && rule.worst?.participant == "cat<bob")
  }

  /// A publisher that never joined sends nothing to anybody.
  @Test func failsForAPublisherThatIsNotThere() throws {
    #expect(try Hall(joined: ["ann", "cat"]).verdict("media-received") == .fail)
  }

  @Test(arguments: [
    "events: [{ at: 1s, participant: cat, do: unsubscribe, from: bob }]",
    "events: [{ at: 2s, participant: bob, do: cameraOff }, { at: 2s, participant: bob, do: mute }]",
    "events: [{ at: 3s, participant: cat, do: blackout, for: 26s }]",
    "events: [{ at: 2s, participant: bob, do: leave }]",
  ]) func isNotDueWhereTheScenarioHasItSo(_ more: String) throws {
    let without =
      more.contains("unsubscribe") || more.contains("blackout")
      ? ["cat<bob"] : ["cat<bob", "ann<bob"]
    let all = more.contains("blackout") ? ["cat<bob", "cat<ann"] : without
    #expect(try Hall(more: more, without: all).verdict("media-received") == .pass)
  }
}

/// Three who speak one after the other, and one who listens.
@Suite struct TurnTaking {
  private static func judged(_ expectation: String, silent: [String] = []) throws -> Assertion {
    let text = """
      assay: 1
      duration: 60s
      participants:
        pupil:
          count: 4
          publish: [camera, microphone]
          talk: { turns: { each: 8s, gap: 2s, from: 10s } }
        listener: {}
      expect:
        - { id: x, of: all, \(expectation) }

      """
    let scenario = try ScenarioFile.parse(Array(text.utf8), file: "inline")[0].scenario
    var record = RunRecord(end: .seconds(60))
    record.participants = scenario.members.map { member in
      var participant = ParticipantRecord(
        identity: member.identity, group: member.group, room: member.room)
      participant.state = .connected
      participant.sessions = [
        SessionRecord(requested: .zero, connected: .milliseconds(100), ended: nil, waits: [])
      ]
      if member.group == "pupil" {
        participant.outbound = [
          OutboundTrack(source: "microphone", kind: .audio, packetsSent: 9),
          OutboundTrack(source: "camera", kind: .video, packetsSent: 9),
        ]
      }
      for index in 0..<4 where "pupil-\(index + 1)" != member.identity {
        let publisher = "pupil-\(index + 1)"
        guard !silent.contains("\(member.identity)<\(publisher)") else { continue }
        var (delay, rate) = (MetricSamples(), MetricSamples())
        for second in 1...60 {
          let moment = Instant.seconds(Double(second))
          rate.append(30, at: moment)
          let start = 10 + 10 * index
          if [start, start + 40].contains(where: { second > $0 && second <= $0 + 8 }) {
            delay.append(50, at: moment)
          }
        }
        participant.series += [
          SampleSeries(
            metric: "assay.audioEndToEndDelay", peer: publisher, kind: .audio,
            source: .microphone, samples: delay),
          SampleSeries(
            metric: "framesPerSecond", peer: publisher, kind: .video, source: .camera,
            samples: rate),
        ]
      }
      return participant
    }
    return Judgement(of: record, for: scenario).assertions[0]
  }

  private static let voice = "metric: assay.audioEndToEndDelay, stat: p95, under: 100ms"

  @Test func pairsWithNothingToHearAreNotJudged() throws {
    let judged = try Self.judged("\(Self.voice), window: 8s..29s")
    #expect(judged.verdict == .pass, "\(judged.reason)")
    // Two of four talk: four hear the one and four the other.
    #expect(judged.perParticipant.count == 8)
    #expect(
      judged.perParticipant.allSatisfy {
        $0.participant.hasSuffix("-1") || $0.participant.hasSuffix("-2")
      })
  }

  @Test func aTalkerWhoIsNotHeardFails() throws {
    let judged = try Self.judged(
      "\(Self.voice), window: 8s..29s", silent: ["listener<pupil-2"])
    #expect(judged.verdict == .fail, "\(judged.reason)")
    #expect(judged.worst?.participant == "listener<pupil-2")
  }

  @Test func aWindowWithoutTalkIsInconclusive() throws {
    let judged = try Self.judged("\(Self.voice), window: 0s..9s")
    #expect(judged.verdict == .inconclusive)
    #expect(judged.reason == "nobody of these was to talk in the window")
  }

  /// Of any metric of pairs, those are meant who talk.
  @Test func talkersAreNamedByTheSchedule() throws {
    let rate = "metric: framesPerSecond, stat: p10, over: 20, window: 8s..29s"
    #expect(try Self.judged("from: talkers, \(rate)").perParticipant.count == 8)
    #expect(try Self.judged(rate).perParticipant.count == 16)
  }

  @Test func nobodyIsCalledTalkers() throws {
    let text = "assay: 1\nduration: 9s\nparticipants: { talkers: {} }\n"
    #expect(throws: ScenarioError.self) {
      try ScenarioFile.parse(Array(text.utf8), file: "inline")
    }
  }
}

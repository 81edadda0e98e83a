// Rules about rooms that stay apart, rights that end and mutes that all hear of, from records that no world made.

import Basics
import Results
import Scenario
import Testing

@testable import Verdicts

/// A run of 20 s in which everybody is in the room from its first second.
private struct Call {
  var record = RunRecord(end: .seconds(20))
  private let scenario: Scenario

  init(_ participants: String, rooms: String = "[main]", events: String = "") throws {
    let text = """
      assay: 1
      duration: 20s
      rooms: \(rooms)
      participants:
      \(participants)
      events: [\(events)]

      """
    scenario = try ScenarioFile.parse(Array(text.utf8), file: "inline")[0].scenario
    for member in scenario.members {
      var seat = ParticipantRecord(
        identity: member.identity, group: member.group, room: member.room)
      seat.state = .connected
      seat.sessions = [
        SessionRecord(requested: .zero, connected: .milliseconds(80), ended: nil, waits: [])
      ]
      seat.series.append(
        SampleSeries(
          metric: "assay.joined", peer: "", kind: nil, source: nil,
          samples: Call.everySecond { _ in 1 }))
      record.participants.append(seat)
    }
  }

  static func everySecond(_ value: (Int) -> Double) -> MetricSamples {
    var samples = MetricSamples()
    for second in 1...20 { samples.append(value(second), at: .seconds(Double(second))) }
    return samples
  }

  mutating func with(_ identity: String, _ change: (inout ParticipantRecord) -> Void) {
    let index = record.participants.firstIndex { $0.identity == identity }!
    change(&record.participants[index])
  }

  func assertion(_ rule: String) -> Assertion {
    Judgement(of: record, for: scenario).assertions.first { $0.id == "rule/\(rule)" }!
  }

  func verdict(_ rule: String) -> Verdict { assertion(rule).verdict }
}

@Suite struct RoomIsolation {
  private func call() throws -> Call {
    try Call(
      """
        ada: { rooms: [red], publish: [microphone], data: { every: 1s } }
        bob: { rooms: [red] }
        cy: { rooms: [blue], publish: [microphone] }
      """, rooms: "[red, blue]")
  }

  private func identity(_ name: String, in call: Call) -> String {
    call.record.participants.first { $0.group == name }!.identity
  }

  @Test func roomsApartPass() throws {
    var call = try call()
    let (ada, bob) = (identity("ada", in: call), identity("bob", in: call))
    call.with(bob) {
      $0.listed = [ada]
      $0.messages = [ReceivedMessage(sender: ada, number: 0, at: .seconds(1))]
    }
    #expect(call.verdict("room-isolation") == .pass)
  }

  @Test func whateverCrossesFails() throws {
    let crossings: [(inout ParticipantRecord, String) -> Void] = [
      { $0.messages = [ReceivedMessage(sender: $1, number: 0, at: .seconds(1))] },
      { $0.listed = [$1] },
      { $0.inbound = [InboundTrack(publisher: $1, source: "microphone", kind: .audio)] },
      {
        $0.speaking = [
          ToldIntervals(
            identity: $1, intervals: [Interval(start: .seconds(1), end: .seconds(2))])
        ]
      },
    ]
    for crossing in crossings {
      var call = try call()
      let (ada, cy) = (identity("ada", in: call), identity("cy", in: call))
      call.with(cy) { crossing(&$0, ada) }
      #expect(call.verdict("room-isolation") == .fail)
      #expect(call.assertion("room-isolation").worst?.participant == cy)
    }
  }

  @Test func oneRoomHasNothingToKeepApart() throws {
    #expect(try Call("  ada: {}\n  bob: {}").verdict("room-isolation") == .skipped)
  }
}

@Suite struct RightsOverTime {
  /// Packets come from `from` on, ten a second, until `until`.
  private static func packets(until: Int) -> MetricSamples {
    Call.everySecond { Double(10 * min($0, until)) }
  }

  private func demoted(packetsUntil: Int, at seconds: Double = 8) throws -> Call {
    var call = try Call(
      "  teacher: { role: teacher }\n  ada: { publish: [camera] }\n  bob: {}",
      events:
        "{ at: 8s, participant: teacher, do: demote, who: ada, grants: { canPublish: false } }")
    call.record.rightsChanges = [
      RightsChange(
        at: .seconds(seconds), identity: "ada", canPublish: false, canPublishData: nil,
        canPublishSources: nil)
    ]
    call.with("ada") {
      $0.outbound = [OutboundTrack(source: "camera", kind: .video, packetsSent: 200)]
    }
    call.with("bob") {
      $0.series.append(
        SampleSeries(
          metric: "packetsReceived", peer: "ada", kind: .video, source: .camera,
          samples: Self.packets(until: packetsUntil)))
    }
    return call
  }

  @Test func mediaEndsWithTheRight() throws {
    #expect(try demoted(packetsUntil: 10).verdict("revoked-rights") == .pass)
    let broken = try demoted(packetsUntil: 20).assertion("revoked-rights")
    #expect(broken.verdict == .fail)
    #expect(broken.perParticipant.map(\.participant) == ["bob"])
    // From 11 s, three after the demotion, to 20 s.
    #expect(broken.observed == 90)
  }

  /// A new session has the rights of its token again.
  @Test func aRejoinBringsTheRightBack() throws {
    var call = try demoted(packetsUntil: 20)
    call.with("ada") {
      $0.sessions[0].ended = .seconds(9)
      $0.sessions.append(
        SessionRecord(requested: .seconds(10), connected: .seconds(11), ended: nil, waits: []))
    }
    #expect(call.verdict("revoked-rights") == .skipped)
    var away = try demoted(packetsUntil: 20)
    away.with("ada") {
      $0.reconnections = [
        ReconnectionRecord(
          lost: .seconds(7), back: .seconds(11), wasResumed: false, attempts: [.seconds(10)],
          waits: [])
      ]
    }
    #expect(away.verdict("revoked-rights") == .skipped)
  }

  @Test func noRightIsNoRightFromTheStart() throws {
    for (packets, verdict) in [(0, Verdict.pass), (5, .fail)] {
      var call = try Call(
        "  ada: { publish: [camera], grants: { canPublish: false } }\n  bob: {}")
      call.with("bob") {
        $0.series.append(
          SampleSeries(
            metric: "packetsReceived", peer: "ada", kind: .video, source: .camera,
            samples: Self.packets(until: packets)))
      }
      #expect(call.verdict("revoked-rights") == verdict)
    }
  }

  private func talking(_ grants: String, cameAt: [Double], revokedAt: Double? = nil) throws -> Call
  {
    var call = try Call("  ada: { data: { every: 1s }\(grants) }\n  bob: {}")
    for (number, at) in cameAt.enumerated() {
      call.record.messages.append(
        SentMessage(sender: "ada", number: UInt32(number), at: .seconds(at), isReliable: true))
    }
    if let revokedAt {
      call.record.rightsChanges = [
        RightsChange(
          at: .seconds(revokedAt), identity: "ada", canPublish: nil, canPublishData: false,
          canPublishSources: nil)
      ]
    }
    call.with("bob") {
      $0.messages = cameAt.enumerated().map {
        ReceivedMessage(sender: "ada", number: UInt32($0), at: .seconds($1 + 0.1))
      }
    }
    return call
  }

  @Test func messagesNeedTheirRight() throws {
    let denied = ", grants: { canPublishData: false }"
    #expect(try talking("", cameAt: [1, 2]).verdict("canPublishData") == .skipped)
    #expect(try talking(denied, cameAt: []).verdict("canPublishData") == .pass)
    #expect(try talking(denied, cameAt: [1, 2]).verdict("canPublishData") == .fail)
    #expect(try talking("", cameAt: [1, 7], revokedAt: 5).verdict("canPublishData") == .pass)
    #expect(try talking("", cameAt: [1, 9], revokedAt: 5).verdict("canPublishData") == .fail)
  }
}

@Suite struct MutesTold {
  /// `ada` mutes at 5 s; `bob` hears of it `notes`, and takes `ada` for a speaker until `speaksUntil`.
  private func muted(notes: [(Double, Bool)], speaksUntil: Double = 6) throws -> Call {
    var call = try Call("  ada: { publish: [microphone] }\n  bob: {}")
    call.record.muteRequests = [
      MuteChange(at: .seconds(5), identity: "ada", source: .microphone, isMuted: true)
    ]
    call.with("bob") {
      $0.mutes = notes.map {
        MuteChange(at: .seconds($0), identity: "ada", source: .microphone, isMuted: $1)
      }
      $0.speaking = [
        ToldIntervals(
          identity: "ada", intervals: [Interval(start: .seconds(1), end: .seconds(speaksUntil))])
      ]
    }
    return call
  }

  @Test func aMuteIsToldAndHolds() throws {
    #expect(try muted(notes: [(5.2, true)]).verdict("mute-told") == .pass)
    #expect(try muted(notes: []).verdict("mute-told") == .fail)
    #expect(try muted(notes: [(10.5, true)]).verdict("mute-told") == .fail)
    #expect(try muted(notes: [(5.2, true), (5.4, false)]).verdict("mute-told") == .fail)
  }

  @Test func whatFollowsAtOnceIsNotJudged() throws {
    var call = try muted(notes: [])
    call.record.muteRequests.append(
      MuteChange(at: .seconds(6), identity: "ada", source: .microphone, isMuted: false))
    #expect(call.verdict("mute-told") == .skipped)
  }

  @Test func theIndicatorGoesOffWithTheMute() throws {
    #expect(try muted(notes: [(5.2, true)], speaksUntil: 7).verdict("muted-speaker") == .pass)
    let stuck = try muted(notes: [(5.2, true)], speaksUntil: 20)
    #expect(stuck.verdict("muted-speaker") == .fail)
    #expect(stuck.assertion("muted-speaker").observed == 15)
    // Four seconds of talk, one and a half of decay, of nineteen indicated: no precision of 100 %.
    #expect(stuck.verdict("speaker") == .fail)
  }
}

@Suite struct QualityOfOneDirection {
  /// `ada`'s links lose these shares; the SFU's words say excellent, or good.
  private func call(up: Double, down: Double, word: Double, watches: Bool = true) throws -> Call {
    var call = try Call("  ada: { publish: [camera] }\n  bob: { publish: [camera] }")
    for (share, direction) in [(up, LinkRecord.Direction.up), (down, .down)] {
      var link = LinkRecord(
        name: "\(direction)", scenarioLink: "x", direction: direction, owner: .one("ada"))
      link.entered = 2_000
      link.dropped = [PacketDifference("loss", Int(2_000 * share))]
      link.delivered = Int64(2_000 * (1 - share))
      call.record.links.append(link)
    }
    call.with("ada") {
      $0.uplink = "up"
      $0.downlink = "down"
      $0.outbound = [OutboundTrack(source: "camera", kind: .video, packetsSent: 1_800)]
      if watches {
        $0.streams = [
          StreamRecord(
            publisher: "bob", kind: .video, ssrc: 1, hasRTX: true, recoveredPackets: 100,
            unansweredPackets: 0,
            lostPackets: Int(1_800 * down), lostAnswers: 0, keyframeRequests: 0,
            longestKeyframeWait: .zero, skippedSequenceNumbers: 0)
        ]
      }
      var words = MetricSamples()
      for second in [5, 10, 15] { words.append(word, at: .seconds(Double(second))) }
      $0.series.append(
        SampleSeries(
          metric: "assay.connectionQuality", peer: "", kind: nil, source: nil, samples: words))
    }
    return call
  }

  @Test func oneLossyDirectionIsEnough() throws {
    for (up, down) in [(0.1, 0.0), (0.0, 0.1), (0.1, 0.1)] {
      #expect(try call(up: up, down: down, word: 3).verdict("connection-quality") == .fail)
      #expect(try call(up: up, down: down, word: 2).verdict("connection-quality") == .pass)
    }
    #expect(try call(up: 0, down: 0, word: 3).verdict("connection-quality") == .pass)
    #expect(try call(up: 0, down: 0, word: 1).verdict("connection-quality") == .fail)
  }

  /// Between clean and lossy, and where nothing travels, any word will do.
  @Test func theRestIsNotJudged() throws {
    #expect(try call(up: 0.02, down: 0, word: 3).verdict("connection-quality") == .skipped)
    #expect(
      try call(up: 0, down: 0.1, word: 3, watches: false).verdict("connection-quality") == .skipped)
  }
}

@Suite struct AnswersToNACKs {
  /// Of 100 packets that were lost, so many came again, and so many answers were lost in their turn.
  private func verdict(recovered: Int, lostAnswers: Int) throws -> Verdict? {
    var call = try Call("  ada: { publish: [camera] }\n  bob: { publish: [camera] }")
    call.with("ada") {
      $0.streams = [
        StreamRecord(
          publisher: "bob", kind: .video, ssrc: 1, hasRTX: true, recoveredPackets: recovered,
          unansweredPackets: 100 - recovered, lostPackets: 100, lostAnswers: lostAnswers,
          keyframeRequests: 0,
          longestKeyframeWait: .zero, skippedSequenceNumbers: 0)
      ]
    }
    return call.verdict("nack-answered")
  }

  @Test func anAnswerThatAFullLinkDropsIsAnAnswer() throws {
    #expect(try verdict(recovered: 60, lostAnswers: 0) == .pass)
    #expect(try verdict(recovered: 15, lostAnswers: 0) == .fail)
    #expect(try verdict(recovered: 15, lostAnswers: 20) == .fail)
    #expect(try verdict(recovered: 15, lostAnswers: 150) == .pass)
  }
}

@Suite struct KeyframesOnRequest {
  /// `ada` waited so long for a keyframe of `bob`.
  private func call(_ wait: Duration, asks: Int = 1, events: String = "") throws -> Call {
    var call = try Call("  ada: { publish: [camera] }\n  bob: { publish: [camera] }" + events)
    call.with("ada") {
      $0.streams = [
        StreamRecord(
          publisher: "bob", kind: .video, ssrc: 1, hasRTX: true, recoveredPackets: 0,
          unansweredPackets: 0, lostPackets: 0, lostAnswers: 0, keyframeRequests: asks,
          longestKeyframeWait: wait,
          skippedSequenceNumbers: 0)
      ]
    }
    return call
  }

  @Test func aKeyframeComesWithinTwoSeconds() throws {
    #expect(try call(.milliseconds(1_900)).verdict("keyframe-answered") == .pass)
    #expect(try call(.milliseconds(2_100)).verdict("keyframe-answered") == .fail)
    #expect(try call(.zero, asks: 0).verdict("keyframe-answered") == .skipped)
  }

  /// To a publisher behind a link that loses a third of the packets requests come late.
  @Test func aPoorLinkExcusesIt() throws {
    var call = try call(.milliseconds(2_100))
    var link = LinkRecord(name: "down", scenarioLink: "x", direction: .down, owner: .one("bob"))
    link.entered = 1_000
    link.dropped = [PacketDifference("loss", 300)]
    call.record.links.append(link)
    call.with("bob") { $0.downlink = "down" }
    #expect(call.verdict("keyframe-answered") == .skipped)
  }
}

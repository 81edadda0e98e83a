// One publisher's camera and screen share are told apart: by `source`, and the camera is meant where there is one.

import Basics
import Results
import Scenario
import Testing

@testable import Verdicts

@Suite struct SourcesOfOnePublisher {
  /// A camera of 720 lines at 30 frames a second beside a screen of 1,080 at five, both seen by `v`.
  private func record(publish: [MediaSource]) -> RunRecord {
    var teacher = ParticipantRecord(identity: "teacher", group: "teacher", room: "main")
    var viewer = ParticipantRecord(identity: "v", group: "v", room: "main")
    teacher.state = .connected
    viewer.state = .connected
    for source in publish {
      teacher.outbound.append(
        OutboundTrack(source: source.rawValue, kind: source.kind, packetsSent: 100))
      let isScreen = source == .screenShare
      for (metric, value) in [
        ("framesPerSecond", isScreen ? 5.0 : 30), ("frameHeight", isScreen ? 1_080 : 720),
        ("freezeCount", isScreen ? 2 : 0),
      ] {
        var samples = MetricSamples()
        for second in 1...4 { samples.append(value, at: .seconds(Double(second))) }
        viewer.series.append(
          SampleSeries(
            metric: metric, peer: "teacher", kind: .video, source: source, samples: samples))
      }
    }
    var joined = MetricSamples()
    for second in 1...4 { joined.append(1, at: .seconds(Double(second))) }
    viewer.series.append(
      SampleSeries(
        metric: "assay.joined", peer: "", kind: nil, source: nil, samples: joined))
    var record = RunRecord(end: .seconds(4))
    record.participants = [teacher, viewer]
    return record
  }

  private func judge(_ expectation: String, publish: [MediaSource]) throws -> Assertion {
    let words = publish.map(\.rawValue).joined(separator: ", ")
    let text = """
      assay: 1
      duration: 4s
      participants:
        teacher: { publish: [\(words)] }
        v: {}
      expect:
        - { id: x, of: v, from: teacher, \(expectation) }

      """
    let scenario = try ScenarioFile.parse(Array(text.utf8), file: "inline")[0].scenario
    return try #require(Judgement(of: record(publish: publish), for: scenario).assertions.first)
  }

  private let both: [MediaSource] = [.camera, .screenShare]

  @Test func theCameraIsMeantWhereThereIsOne() throws {
    let rate = "metric: framesPerSecond, stat: min, over: 20"
    #expect(try judge(rate, publish: both).verdict == .pass)
    #expect(try judge(rate, publish: [.screenShare]).observed == 5)
    let lines = "metric: frameHeight, stat: max, atMost: 720p"
    #expect(try judge(lines, publish: both).verdict == .pass)
    #expect(try judge("metric: freezeCount, equals: 0", publish: both).verdict == .pass)
  }

  @Test func aSourceIsJudgedAlone() throws {
    let lines = "source: screenShare, metric: frameHeight, stat: min, atLeast: 1080p"
    let screen = try judge(lines, publish: both)
    #expect(screen.verdict == .pass && screen.source == .screenShare)
    #expect(screen.reason.contains("frameHeight of screenShare"))
    let rate = "source: screenShare, metric: framesPerSecond, stat: max, atMost: 5"
    #expect(try judge(rate, publish: both).verdict == .pass)
    let freezes = "source: screenShare, metric: freezeCount, equals: 0"
    #expect(try judge(freezes, publish: both).observed == 2)
    let camera = "source: camera, metric: frameHeight, stat: min, atLeast: 1080p"
    #expect(try judge(camera, publish: both).observed == 720)
  }

  /// Without `from`, those are judged who publish the source.
  @Test func onlyItsPublishersAreJudged() throws {
    let text = """
      assay: 1
      duration: 4s
      participants:
        teacher: { publish: [camera, screenShare] }
        other: { publish: [camera] }
        v: {}
      expect:
        - { id: x, of: v, source: screenShare, metric: frameHeight, stat: min, atLeast: 1080p }

      """
    let scenario = try ScenarioFile.parse(Array(text.utf8), file: "inline")[0].scenario
    let judged = Judgement(of: record(publish: both), for: scenario).assertions[0]
    #expect(judged.verdict == .pass)
    #expect(judged.perParticipant.map(\.participant) == ["v<teacher"])
  }

  @Test func seriesAreOfOneSource() throws {
    let text = """
      assay: 1
      duration: 4s
      participants:
        teacher: { publish: [camera, screenShare] }
        v: {}

      """
    let scenario = try ScenarioFile.parse(Array(text.utf8), file: "inline")[0].scenario
    var result = RunResult(
      scenario: .init(name: "x", about: "", file: "inline", sha256: ""), seed: 1, build: "")
    Judgement(of: record(publish: both), for: scenario).fill(&result)
    let rates = result.series.filter { $0.metric == "framesPerSecond" && $0.participant == "v" }
    #expect(rates.map(\.source) == ["camera", "screenShare"])
    #expect(rates.map { $0.values.first } == [30, 5])
    let again = try RunResult(parsing: result.json.text(), series: result.seriesJSON.text())
    #expect(again.series.map(\.source) == result.series.map(\.source))
  }
}

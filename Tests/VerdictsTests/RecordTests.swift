// A record that no world made, read from JSON and judged.

import Basics
import Foundation
import Results
import Scenario
import Testing

@testable import Verdicts

@Suite struct JudgingARecord {
  private static let scenario = """
    assay: 1
    name: foreign
    duration: 4s
    participants:
      teacher: { publish: [camera] }
      student: {}
    expect:
      - { id: smooth, of: student, metric: framesPerSecond, stat: min, over: 20 }
      - { id: connected, of: all, metric: assay.connectTime, stat: max, under: 1s }
    """

  /// As a capture or another tool could write it, once the fields that it does not know are filled in.
  private func record(framesPerSecond: [Double]) throws -> RunRecord {
    var teacher = ParticipantRecord(identity: "teacher", group: "teacher", room: "main")
    var student = ParticipantRecord(identity: "student", group: "student", room: "main")
    let session = SessionRecord(
      requested: .zero, connected: .milliseconds(80), ended: nil, waits: [])
    teacher.sessions = [session]
    student.sessions = [session]
    teacher.state = .connected
    student.state = .connected
    teacher.outbound = [OutboundTrack(source: "camera", kind: .video, packetsSent: 100)]
    var samples = MetricSamples()
    for (second, value) in framesPerSecond.enumerated() {
      samples.append(value, at: .seconds(Double(second + 1)))
    }
    student.series = [
      SampleSeries(
        metric: "framesPerSecond", peer: "teacher", kind: .video, source: .camera,
        samples: samples)
    ]
    var record = RunRecord(end: .seconds(4))
    record.participants = [teacher, student]
    let json = try JSONEncoder().encode(record)
    let read = try JSONDecoder().decode(RunRecord.self, from: json)
    #expect(read == record)
    return read
  }

  private func verdicts(_ framesPerSecond: [Double]) throws -> [String: Verdict] {
    let scenario = try ScenarioFile.parse(Array(Self.scenario.utf8), file: "inline")[0].scenario
    let judgement = Judgement(of: try record(framesPerSecond: framesPerSecond), for: scenario)
    return Dictionary(judgement.assertions.map { ($0.id, $0.verdict) }) { first, _ in first }
  }

  @Test func aSmoothRecordPasses() throws {
    let verdicts = try verdicts([30, 29, 30, 30])
    #expect(verdicts["smooth"] == .pass && verdicts["connected"] == .pass)
  }

  @Test func aStallInTheRecordFails() throws {
    let verdicts = try verdicts([30, 0, 30, 30])
    #expect(verdicts["smooth"] == .fail && verdicts["connected"] == .pass)
  }
}

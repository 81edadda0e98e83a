// result.json, series.json and gate.json: the shape others read, and the way back.

import Basics
import Results
import Testing

private func sample() -> RunResult {
  var run = RunResult(
    scenario: .init(name: "train \"x\" <&>", about: "ü\n", file: "a/b.yaml", sha256: "00ff"),
    seed: 42, build: "0.1.0 (abc)")
  run.verdict = .fail
  run.exitCode = .failed
  run.variant = [("b", "2"), ("a", "1")]
  run.clock = .wall
  run.traceHash = "0123456789abcdef"
  run.simulatedSeconds = 60.000000001
  run.wallSeconds = 0.1 + 0.2
  run.packets = .max
  run.partial = "interrupted"
  run.command = "./assay run a/b.yaml --seed 42"
  var full = Assertion(
    id: "latency", verdict: .fail, of: "student", metric: "assay.endToEndDelay", stat: "p95",
    comparison: .atMost, observed: 101.25, limit: 100, unit: "ms")
  full.origin = .rule
  full.reason = "late"
  full.across = "pooled"
  full.share = 0.95
  full.window = 40...60.5
  full.samples = 1234
  full.worst = .init(participant: "student-7", window: 31...32)
  full.perParticipant = [
    .init(participant: "student-7", observed: 101.25, samples: 7, verdict: .fail),
    .init(participant: "student-8<teacher", observed: nil, samples: 0, verdict: .inconclusive),
  ]
  full.criteria = ["000:43", "RFC 3550 §6.4.1"]
  var plain = Assertion(
    id: "quiet", verdict: .inconclusive, of: "all", metric: "jitter", stat: "max",
    comparison: .under, observed: nil, limit: 0, unit: "ms")
  plain.worst = .init(participant: "rider")
  run.assertions = [full, plain]
  var one = Participant(identity: "student-7", group: "student", room: "class")
  one.joined = true
  one.connectMs = 240.125
  one.timeToFirstFrameMs = 500
  one.reconnects = 2
  one.left = "kicked"
  var track = TrackStatistics(peer: "teacher", source: "camera", kind: "video")
  track.values = [.init("packetsReceived", 9_007_199_254_740_991), .init("jitter", 0.1)]
  one.inbound = [track]
  one.outbound = [TrackStatistics(peer: "", source: "microphone", kind: "audio")]
  run.participants = [one, Participant(identity: "ghost", group: "", room: "")]
  var link = Link(name: "train.up", from: "rider", to: "SFU", configuration: "2 Mbps")
  link.sentPackets = 10
  link.sentBytes = 20
  link.deliveredPackets = 9
  link.deliveredBytes = 18
  link.dropped = [.init(reason: "queue", packets: 1)]
  link.maximumQueueMs = 299.5
  run.links = [link]
  run.marks = [
    .init(kind: .impairment, at: 20, until: 35, label: "slow", subject: "train.up"),
    .init(kind: .event, at: 1.5, until: nil, label: "joins", subject: ""),
  ]
  run.series = [
    .init(
      participant: "student-7", metric: "framesPerSecond", subject: "teacher", unit: "fps",
      start: 0.5, step: 0.25, values: [nil, 29.97, 30, 123456, -0.125, nil])
  ]
  return run
}

@Test func aRunComesBackEqual() throws {
  let run = sample()
  for isIndented in [false, true] {
    let back = try RunResult(
      parsing: run.json.text(indented: isIndented),
      series: run.seriesJSON.text(indented: isIndented))
    #expect(back == run)
    #expect(back.json.text() == run.json.text())
  }
  var apart = run
  apart.series = []
  #expect(try RunResult(parsing: run.json.text()) == apart)
}

@Test func theShapeIsTheOneOthersRead() throws {
  let json = sample().json
  let keys = try #require(json.object).members.map(\.key)
  for key in [
    "schema", "verdict", "exitCode", "scenario", "seed", "build", "clock", "traceHash",
    "simulatedSeconds", "wallSeconds", "packets", "assertions", "participants",
  ] {
    #expect(keys.contains(key))
  }
  #expect(json["schema"] == "assay.result.v1")
  #expect(json["seed"] == 42)
  #expect(json["exitCode"] == 1)
  let assertion = try #require(json["assertions"]?.array?.first)
  #expect(assertion["observed"] == 101.25)
  #expect(assertion["limit"] == 100.0)
  #expect(assertion["stat"] == "p95")
  let participant = try #require(json["participants"]?.array?.first)
  #expect(participant["connectMs"] == 240.125)
  let inbound = try #require(participant["inbound"]?.array?.first)
  #expect(inbound["peer"] == "teacher" && inbound["jitter"] == 0.1)
  #expect(json["series"] == nil)
}

@Test(arguments: [0, 1, UInt64(1) << 53, UInt64(1) << 53 + 1, UInt64(Int64.max), .max])
func everySeedSurvives(_ seed: UInt64) throws {
  var run = sample()
  run.seed = seed
  run.series = []
  #expect(run.json["seed"]?.number == Double(seed))
  #expect(try RunResult(parsing: run.json.text()).seed == seed)
}

@Test func seriesAreRoundedOnceOnly() throws {
  var run = sample()
  run.series[0].values = [1.00049, 1_234_567.8, 999.9996, .nan, nil]
  let back = try RunResult(parsing: run.json.text(), series: run.seriesJSON.text())
  #expect(back.series[0].values == [1, 1_234_568, 1000, nil, nil])
  #expect(back.series == run.series.map(\.rounded))
  #expect(back.seriesJSON == run.seriesJSON)
}

@Test func faultsNameTheirPlace() throws {
  func fault(_ edit: (inout JSONObject) -> Void) -> ResultError? {
    guard var object = sample().json.object else { return nil }
    edit(&object)
    do {
      _ = try RunResult(json: .object(object))
      return nil
    } catch {
      return error
    }
  }
  #expect(fault { $0["schema"] = "assay.result.v2" } == ResultError(.wrongSchema, at: "schema"))
  #expect(fault { $0["seed"] = nil } == ResultError(.missing, at: "seed"))
  #expect(fault { $0["seed"] = -1 } == ResultError(.wrongType, at: "seed"))
  #expect(fault { $0["packets"] = "1" } == ResultError(.wrongType, at: "packets"))
  #expect(fault { $0["verdict"] = "maybe" } == ResultError(.unknownValue, at: "verdict"))
  #expect(fault { $0["exitCode"] = 99 } == ResultError(.unknownValue, at: "exitCode"))
  #expect(
    fault { $0["links"] = [["name": "x"]] } == ResultError(.missing, at: "links[0].from"))
  #expect(
    fault { $0["marks"] = [["kind": "event", "at": "now"]] }
      == ResultError(.wrongType, at: "marks[0].at"))
  #expect(fault { $0["somethingNew"] = [1, 2] } == nil)
  #expect(throws: ResultError(.notJSON, at: "byte 1")) { try RunResult(parsing: "{") }
  #expect(throws: ResultError(.wrongType, at: "")) { try RunResult(parsing: "[]") }
}

@Test func everyTruncationIsAnErrorAndNoMemberIsTrusted() throws {
  let text = sample().json.text()
  let bytes = Array(text.utf8)
  for length in stride(from: 0, to: bytes.count, by: 7) {
    #expect(throws: ResultError.self) {
      try RunResult(parsing: String(decoding: bytes[..<length], as: UTF8.self))
    }
  }
  for member in try #require(sample().json.object).members {
    var object = try #require(sample().json.object)
    object[member.key] = .object(["unexpected": true])
    if member.key == "variant" { object[member.key] = [1] }
    #expect(throws: ResultError.self, "\(member.key)") { try RunResult(json: .object(object)) }
  }
}

@Test func aSeriesWithoutAStepIsRefused() throws {
  let text = sample().seriesJSON.text().replacing("\"step\":0.25", with: "\"step\":0")
  #expect(throws: ResultError(.unknownValue, at: "series[0].step")) {
    try RunResult(parsing: sample().json.text(), series: text)
  }
}

@Test func aGateComesBackEqual() throws {
  var run = sample()
  let first = (run: run, result: "train/result.json")
  run.seed = .max
  run.verdict = .pass
  let gate = GateResult(of: [first, (run: run, result: "train-2/result.json")])
  #expect(gate.verdict == .fail && gate.exitCode == .failed)
  #expect(gate.json["schema"] == "assay.gate.v1")
  #expect(gate.json["runs"]?.array?.first?["result"] == "train/result.json")
  #expect(try GateResult(parsing: gate.json.text(indented: true)) == gate)
  #expect(GateResult(of: []).exitCode == .nothingSelected)
  #expect(throws: ResultError(.wrongSchema, at: "schema")) { try GateResult(json: run.json) }
}

// Expectations judged: statistics by kind of metric, ways across participants, lack of data.

import Basics
import Results
import Testing

@testable import Lab
@testable import Scenario
@testable import Verdicts

/// A run in memory; a series' key is `participant metric` or `participant<peer metric`.
private struct Samples: MetricSource {
  var series: [String: MetricSamples] = [:]
  var publishers: [String: [String]] = [:]

  func samples(
    participant: String, metric: String, peer: String?, kind: Scenario.MediaKind?
  ) -> MetricSamples? {
    series["\(peer.map { "\(participant)<\($0)" } ?? participant) \(metric)"]
  }

  func peers(of participant: String, metric: String, kind: Scenario.MediaKind?) -> [String] {
    publishers[participant] ?? []
  }

  /// One sample at the end of each second.
  mutating func set(_ key: String, _ values: [Double]) {
    series[key] = MetricSamples(
      times: values.indices.map { Int64($0 + 1) * 1_000_000_000 }, values: values)
  }
}

private let class3 = """
  assay: 1
  duration: 10s
  participants:
    teacher: {}
    student: { count: 3 }

  """

private func expectation(_ fields: String) throws -> Scenario.Expectation {
  try scenario(class3 + "expect:\n  - { id: x, \(fields) }\n").expectations[0]
}

private func judge(_ fields: String, _ samples: Samples) throws -> Assertion {
  try expectation(fields).judged(by: samples, duration: .seconds(10))
}

@Suite struct Statistics {
  struct Row: Sendable {
    var metric: String
    var stat: String
    var values: [Double]
    var observed: Double?
    var window = ""
  }

  /// 1...1,000: 617 generates all places, since it has no factor with 1,000.
  static let shuffled = (1...1_000).map { Double(1 + $0 * 617 % 1_000) }
  static let growing = (1...20).map { Double($0 * ($0 + 1) / 2) }

  static let rows: [Row] = [
    // A gauge of 1...1,000, in an order that is neither: no two statistics are the same.
    Row(metric: "roundTripTime", stat: "p1", values: shuffled, observed: 10),
    Row(metric: "roundTripTime", stat: "p5", values: shuffled, observed: 50),
    Row(metric: "roundTripTime", stat: "p10", values: shuffled, observed: 100),
    Row(metric: "roundTripTime", stat: "p50", values: shuffled, observed: 500),
    Row(metric: "roundTripTime", stat: "p90", values: shuffled, observed: 900),
    Row(metric: "roundTripTime", stat: "p95", values: shuffled, observed: 950),
    Row(metric: "roundTripTime", stat: "p99", values: shuffled, observed: 990),
    Row(metric: "roundTripTime", stat: "p99.9", values: shuffled, observed: 999),
    Row(metric: "roundTripTime", stat: "mean", values: shuffled, observed: 500.5),
    Row(metric: "roundTripTime", stat: "min", values: shuffled, observed: 1),
    Row(metric: "roundTripTime", stat: "max", values: shuffled, observed: 1_000),
    Row(metric: "roundTripTime", stat: "first", values: shuffled, observed: 1 + 617),
    Row(metric: "roundTripTime", stat: "last", values: shuffled, observed: 1),
    Row(metric: "roundTripTime", stat: "count", values: shuffled, observed: 1_000),
    Row(metric: "assay.speakingIndicatorOnset", stat: "sum", values: shuffled, observed: 500_500),
    Row(metric: "assay.speakingIndicatorOnset", stat: "rate", values: shuffled, observed: 1),
    Row(metric: "assay.speakingIndicatorOnset", stat: "p95", values: shuffled, observed: 950),
    // A counter whose growth in its seconds is 1, 2 … 20.
    Row(metric: "assay.unknownSsrcPackets", stat: "sum", values: growing, observed: 210),
    Row(metric: "assay.unknownSsrcPackets", stat: "p95", values: growing, observed: 19),
    Row(metric: "assay.unknownSsrcPackets", stat: "p90", values: growing, observed: 18),
    Row(metric: "assay.unknownSsrcPackets", stat: "mean", values: growing, observed: 10.5),
    Row(metric: "assay.unknownSsrcPackets", stat: "min", values: growing, observed: 1),
    Row(metric: "assay.unknownSsrcPackets", stat: "max", values: growing, observed: 20),
    // A gauge.
    Row(metric: "roundTripTime", stat: "p50", values: [4, 1, 3, 2], observed: 2),
    Row(metric: "roundTripTime", stat: "p70", values: (1...10).map(Double.init), observed: 7),
    Row(metric: "roundTripTime", stat: "p0", values: [4, 1, 3], observed: 1),
    Row(metric: "roundTripTime", stat: "p100", values: [4, 1, 3], observed: 4),
    Row(metric: "roundTripTime", stat: "p99.9", values: [4, 1, 3], observed: 4),
    Row(metric: "roundTripTime", stat: "mean", values: [4, 1, 4], observed: 3),
    Row(metric: "roundTripTime", stat: "min", values: [4, 1, 3], observed: 1),
    Row(metric: "roundTripTime", stat: "max", values: [4, 1, 3], observed: 4),
    Row(metric: "roundTripTime", stat: "first", values: [4, 1, 3], observed: 4),
    Row(metric: "roundTripTime", stat: "last", values: [4, 1, 3], observed: 3),
    Row(metric: "roundTripTime", stat: "count", values: [4, 1, 3], observed: 3),
    Row(metric: "roundTripTime", stat: "max", values: [.nan, 1, .infinity], observed: 1),
    // A sample at 2 s tells of the second before it.
    Row(
      metric: "roundTripTime", stat: "first", values: [9, 8, 7, 6], observed: 7, window: "2s..4s"),
    Row(
      metric: "roundTripTime", stat: "last", values: [9, 8, 7, 6], observed: 8, window: "0s..2s"),
    // Events.
    Row(metric: "assay.speakingIndicatorOnset", stat: "sum", values: [4, 1, 3], observed: 8),
    Row(metric: "assay.speakingIndicatorOnset", stat: "rate", values: [4, 1, 3, 2], observed: 0.4),
    Row(
      metric: "assay.speakingIndicatorOnset", stat: "rate", values: [4, 1, 3, 2], observed: 1,
      window: "1s..3s"),
    // A counter: its growth in the window.
    Row(metric: "assay.unknownSsrcPackets", stat: "sum", values: [0, 2, 2, 5], observed: 5),
    Row(metric: "assay.unknownSsrcPackets", stat: "last", values: [0, 2, 2, 5], observed: 5),
    Row(
      metric: "assay.unknownSsrcPackets", stat: "sum", values: [0, 2, 2, 5], observed: 3,
      window: "2s..4s"),
    Row(
      metric: "assay.unknownSsrcPackets", stat: "rate", values: [0, 2, 2, 5], observed: 1.5,
      window: "2s..4s"),
    Row(metric: "assay.unknownSsrcPackets", stat: "max", values: [0, 2, 2, 5], observed: 3),
    Row(metric: "assay.unknownSsrcPackets", stat: "p50", values: [0, 2, 2, 5], observed: 0),
    // Once.
    Row(metric: "assay.connectTime", stat: "last", values: [420], observed: 420),
    Row(metric: "assay.connectTime", stat: "p95", values: [420], observed: 420),
    // No samples, or none in the window.
    Row(metric: "roundTripTime", stat: "p50", values: [], observed: nil),
    Row(metric: "roundTripTime", stat: "p50", values: [1, 2], observed: nil, window: "5s..6s"),
    Row(
      metric: "assay.unknownSsrcPackets", stat: "sum", values: [3], observed: nil,
      window: "5s..6s"),
  ]

  @Test(arguments: rows) func observed(_ row: Row) throws {
    var samples = Samples()
    samples.set("teacher \(row.metric)", row.values)
    var expectation = try expectation("of: teacher, metric: roundTripTime, stat: p50, under: 1ms")
    expectation.metric = try #require(MetricCatalogue.metric(named: row.metric))
    expectation.statistic = try #require(Scenario.Statistic(row.stat))
    if !row.window.isEmpty {
      let parts = row.window.split(separator: "s").map { Double($0.drop { $0 == "." })! }
      expectation.window = .init(start: .seconds(parts[0]), end: .seconds(parts[1]))
    }
    let length = Double(max(10, row.values.count))
    let assertion = expectation.judged(by: samples, duration: .seconds(length))
    #expect(assertion.observed == row.observed)
    if row.observed == nil { #expect(assertion.verdict == .inconclusive) }
  }

  @Test func unitsOfLimits() throws {
    let rows: [(String, Double, String)] = [
      ("metric: roundTripTime, stat: p95, under: 0.1s", 100, "ms"),
      ("metric: totalFreezesDuration, under: 500ms", 0.5, "s"),
      ("metric: totalFreezesDuration, stat: rate, under: 1%", 1, "%"),
      ("metric: bytesReceived, over: 64kB", 64_000, "B"),
      ("metric: bytesReceived, stat: rate, over: 1Mbps", 1_000_000, "bps"),
      ("metric: assay.lossAfterRepair, stat: p95, under: 7%", 7, "%"),
      ("metric: frameHeight, stat: p10, atLeast: 720p", 720, "px"),
      ("metric: framesPerSecond, stat: p10, atLeast: 20fps", 20, "fps"),
      ("metric: framesPerSecond, stat: count, atLeast: 20", 20, "1"),
      ("metric: pliCount, stat: rate, atMost: 2/s", 2, "1/s"),
      ("metric: assay.keyframeRequestRate, stat: max, atMost: 1", 1, "1/s"),
      ("metric: freezeCount, equals: 0", 0, "1"),
      ("metric: assay.psnr, stat: p10, over: 30dB", 30, "dB"),
    ]
    for (fields, limit, unit) in rows {
      let each = try expectation("of: teacher, \(fields)")
      #expect(each.limit == limit)
      #expect(each.unit == unit)
    }
  }
}

@Suite struct UnitsOfTheCatalogue {
  /// A new unit needs its way of being written (`ExpectationReader.limit`).
  @Test func areAllKnown() {
    let known = ["1", "ms", "s", "%", "bps", "B", "px", "fps", "1/s", "dB"]
    for metric in MetricCatalogue.all { #expect(known.contains(metric.unit), "\(metric.name)") }
  }
}

@Suite struct Comparisons {
  @Test(
    arguments: [
      ("under: 5ms", [4.9, 5.0]), ("atMost: 5ms", [5.0, 5.1]), ("over: 5ms", [5.1, 5.0]),
      ("atLeast: 5ms", [5.0, 4.9]), ("equals: 5ms", [5.0, 5.1]),
      // Bounds that nothing can meet.
      ("under: 0ms", [nil, 0.0]), ("over: 365min", [nil, 1e6]),
    ] as [(String, [Double?])])
  func bounds(_ row: (limit: String, holdsAndFails: [Double?])) throws {
    for (value, verdict) in zip(row.holdsAndFails, [Verdict.pass, .fail]) {
      guard let value else { continue }
      var samples = Samples()
      samples.set("teacher roundTripTime", [value])
      let assertion = try judge(
        "of: teacher, metric: roundTripTime, stat: max, \(row.limit)", samples)
      #expect(assertion.verdict == verdict)
      #expect(assertion.observed == value)
    }
  }
}

@Suite struct AcrossParticipants {
  private let each = "of: student, metric: roundTripTime, stat: max, under: 100ms"

  private func students(_ values: [Double?]) -> Samples {
    var samples = Samples()
    for (index, value) in values.enumerated() {
      guard let value else { continue }
      samples.set("student-\(index + 1) roundTripTime", [10, value, 10])
    }
    return samples
  }

  @Test func eachHolds() throws {
    let assertion = try judge(each, students([50, 90, 60]))
    #expect(assertion.verdict == .pass)
    #expect(assertion.observed == 90)
    #expect(assertion.worst == .init(participant: "student-2", window: 1...2))
    #expect(assertion.samples == 9)
    #expect(
      assertion.reason
        == "max of roundTripTime was 90 ms for student-2, under 100 ms; the worst of 3")
    #expect(assertion.perParticipant.map(\.observed) == [50, 90, 60])
  }

  @Test func oneFailsForAll() throws {
    let assertion = try judge(each, students([50, 130.04, nil]))
    #expect(assertion.verdict == .fail)
    #expect(assertion.observed == 130.04)
    #expect(
      assertion.reason
        == "max of roundTripTime was 130 ms for student-2, not under 100 ms; "
        + "1 of 3 failed: student-2")
    #expect(assertion.perParticipant.map(\.verdict) == [.pass, .fail, .inconclusive])
  }

  @Test func oneWithoutDataIsNeverAPass() throws {
    let assertion = try judge(each, students([50, nil, 60]))
    #expect(assertion.verdict == .inconclusive)
    #expect(
      assertion.reason
        == "no samples of roundTripTime for student-2; 1 of 3 cannot be judged: student-2")
  }

  @Test func nobodyWithData() throws {
    for across in ["each", "worst", "pooled"] {
      let assertion = try judge("\(each), across: \(across)", Samples())
      #expect(assertion.verdict == .inconclusive)
      #expect(assertion.observed == nil)
      #expect(assertion.reason.hasPrefix("no samples of roundTripTime"))
    }
  }

  @Test func tooFewSamples() throws {
    let assertion = try judge("\(each), minSamples: 4", students([50, 90, 60]))
    #expect(assertion.verdict == .inconclusive)
    #expect(
      assertion.reason
        == "3 samples of roundTripTime for student-1, 4 are needed; "
        + "3 of 3 cannot be judged: student-1, student-2, student-3")
  }

  @Test func worstOfThoseWithData() throws {
    let assertion = try judge("\(each), across: worst", students([50, nil, 60]))
    #expect(assertion.verdict == .pass)
    #expect(assertion.observed == 60)
    #expect(
      assertion.reason
        == "max of roundTripTime was 60 ms for student-3, under 100 ms; "
        + "the worst of 2 with samples, 1 without")
  }

  /// What pooling hides: one student in three at 900 ms, and the median holds.
  @Test func pooled() throws {
    let fields = "of: student, metric: roundTripTime, stat: p50, under: 100ms, across: pooled"
    let assertion = try judge(fields, students([50, 60, 900]))
    #expect(assertion.verdict == .pass)
    #expect(assertion.observed == 10)
    #expect(
      assertion.reason
        == "p50 of roundTripTime was 10 ms over all samples of 3 together, under 100 ms")
  }

  @Test func pooledCountersAddUp() throws {
    var samples = Samples()
    for index in 1...3 { samples.set("student-\(index) assay.unknownSsrcPackets", [0, 1, 2]) }
    let fields = "of: student, metric: assay.unknownSsrcPackets, atMost: 5, across: pooled"
    let assertion = try judge(fields, samples)
    #expect(assertion.observed == 6)
    #expect(assertion.verdict == .fail)
  }

  @Test(
    arguments: [
      ("60%", [50, 60, 900], Verdict.pass), ("67%", [50, 60, 900], .fail),
      ("66%", [50, 60, nil], .pass), ("67%", [50, 60, nil], .inconclusive),
      ("67%", [50, 900, nil], .fail), ("100%", [50, 60, 70], .pass),
    ] as [(String, [Double?], Verdict)])
  func share(_ row: (share: String, values: [Double?], verdict: Verdict)) throws {
    let assertion = try judge("\(each), share: \(row.share)", students(row.values))
    #expect(assertion.verdict == row.verdict)
  }

  @Test func shareSaysItsCounts() throws {
    let assertion = try judge("\(each), share: 60%", students([50, 60, 900]))
    #expect(
      assertion.reason
        == "2 of 3 held under 100 ms (66.7 %, 95 % interval 20.8 % to 93.9 %), 60 % are needed; "
        + "failed: student-3")
  }

  /// Newcombe 1998, table I: 81 of 263 and 0 of 20.
  @Test func wilson() {
    let first = wilsonInterval(81, of: 263)
    #expect(abs(first.lowerBound - 0.2553) < 5e-5)
    #expect(abs(first.upperBound - 0.3662) < 5e-5)
    #expect(abs(wilsonInterval(0, of: 20).upperBound - 0.1611) < 5e-5)
  }
}

@Suite struct Pairs {
  @Test func everyPairIsJudged() throws {
    var samples = Samples(publishers: ["student-1": ["teacher", "student-2"]])
    samples.set("student-1<teacher framesPerSecond", [30, 30])
    samples.set("student-1<student-2 framesPerSecond", [30, 3])
    let fields = "of: student-1, metric: framesPerSecond, stat: min, over: 20"
    let assertion = try judge(fields, samples)
    #expect(assertion.verdict == .fail)
    #expect(assertion.worst == .init(participant: "student-1<student-2", window: 1...2))
    #expect(
      assertion.perParticipant.map(\.participant) == ["student-1<teacher", "student-1<student-2"])
  }

  @Test func aPublisherThatNeverCameIsNoPass() throws {
    var samples = Samples(publishers: ["student-1": ["teacher", "student-2"]])
    samples.set("student-1<teacher framesPerSecond", [30, 30])
    let fields = "of: student-1, metric: framesPerSecond, stat: min, over: 20"
    #expect(try judge(fields, samples).verdict == .inconclusive)
    #expect(try judge("\(fields), from: teacher", samples).verdict == .pass)
    #expect(try judge("\(fields), from: [teacher, student]", samples).verdict == .inconclusive)
  }

  @Test func aSubscriberOfNothingHasNoData() throws {
    let assertion = try judge("of: teacher, metric: freezeCount, atMost: 0", Samples())
    #expect(assertion.verdict == .inconclusive)
    #expect(assertion.reason == "no samples of freezeCount for teacher")
  }

  @Test func oneBadPairLosesTheParticipantItsShare() throws {
    var samples = Samples(publishers: [
      "student-1": ["teacher", "student-2"], "student-2": ["teacher"],
    ])
    samples.publishers["student-3"] = ["teacher"]
    for (key, low) in [
      ("student-1<teacher", 30.0), ("student-1<student-2", 3), ("student-2<teacher", 30),
      ("student-3<teacher", 30),
    ] {
      samples.set("\(key) framesPerSecond", [30, low])
    }
    let fields = "of: student, metric: framesPerSecond, stat: min, over: 20, share: 67%"
    let assertion = try judge(fields, samples)
    #expect(assertion.verdict == .fail)
    #expect(assertion.reason.hasPrefix("2 of 3 held over 20 fps"))
  }
}

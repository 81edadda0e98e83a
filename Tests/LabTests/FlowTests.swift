// Flows: what the language refuses, what the metrics of RFC 8868 see, and each of them seen to move.

import Basics
import Results
import Testing

@testable import Lab
@testable import Scenario

@Suite struct FlowTests {
  private static let link = """
    links:
      bottleneck: { up: { rate: 1Mbps, delay: 20ms }, down: { delay: 20ms } }

    """

  private static func run(_ body: String, duration: Int = 20, seed: Int = 1) throws -> RunResult {
    let text = "assay: 1\nseed: \(seed)\nduration: \(duration)s\n\(link)\(body)"
    let variants = try ScenarioFile.parse(Array(text.utf8), file: "flow.yaml")
    return try Runner.run(variants[0], sha256: "")
  }

  private static func observed(
    _ metric: String, _ stat: String, of subject: String, _ flows: String, duration: Int = 20,
    window: String? = nil
  ) throws -> Double {
    let span = window.map { ", window: \($0)" } ?? ""
    let limit: String =
      switch MetricCatalogue.metric(named: metric)!.unit {
      case "bps": "0bps"
      case "ms", "s": "0ms"
      case "%": "0%"
      default: "0"
      }
    let result = try run(
      flows + "expect:\n  - { id: x, of: \(subject), metric: \(metric), stat: \(stat), "
        + "atLeast: \(limit)\(span) }\n", duration: duration)
    let assertion = try #require(result.assertions.first)
    return try #require(assertion.observed, "\(assertion.reason)")
  }

  private static let one = "flows:\n  s: { via: [bottleneck], media: {} }\n"

  // MARK: - Language

  @Test(arguments: [
    ("flows:\n  s: { via: [bottleneck] }\n", "a flow needs one of media, tcp, udp"),
    ("flows:\n  s: { media: {}, udp: { rate: 1Mbps } }\n", "exclude each other"),
    ("flows:\n  s: { via: [bottlenek], media: {} }\n", "did you mean 'bottleneck'"),
    ("flows:\n  s: { media: {}, start: 5s, stop: 4s }\n", "stops before it has started"),
    ("flows:\n  s: { media: { min: 2Mbps } }\n", "the least rate is above the greatest"),
    ("flows:\n  s: { udp: { rate: 1Mbps, packet: 9kB } }\n", "64B to 1500B"),
    ("flows:\n  all: { media: {} }\n", "'all' stands for every participant"),
    (
      "participants: { s: {} }\nflows:\n  s: { media: {} }\n", "both stand for 's'; rename one"
    ),
    (
      one + "events:\n  - { at: 1s, flow: s, set: { rate: 1Mbps } }\n",
      "only a udp flow is given one"
    ),
    (one + "events:\n  - { at: 1s, flow: x, do: pause, for: 1s }\n", "no flow is called 'x'"),
    (
      one + "expect:\n  - { id: a, of: s, metric: assay.utilisation, stat: mean, over: 1% }\n",
      "is a metric of a shared link"
    ),
    (
      one + "expect:\n  - { id: a, of: s, metric: roundTripTime, stat: mean, over: 1ms }\n",
      "is a metric of a participant"
    ),
    (
      one
        + "expect:\n  - { id: a, of: link:bottleneck, metric: assay.utilisation, stat: mean, "
        + "over: 1% }\n", "a link has two directions"
    ),
    (
      one + "expect:\n  - { id: a, of: all, metric: roundTripTime, stat: mean, over: 1ms }\n",
      "there are no participants"
    ),
  ])
  func refuses(_ body: String, _ message: String) {
    let error = #expect(throws: ScenarioError.self) { try Self.run(body) }
    #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
  }

  @Test func isWrittenBackAsItWasRead() throws {
    let text = """
      assay: 1
      name: flows
      duration: 20s
      acrossSeeds: median
      \(Self.link)flows:
        s: { count: 2, link: bottleneck, via: [bottleneck], media: { max: 2Mbps, ecn: true }, stop: 9s }
        t: { via: [bottleneck], direction: backward, tcp: { control: cubic, downloads: { startOn: 1 } } }
        u: { via: [bottleneck], udp: { rate: 1Mbps, bursts: { on: 2s, off: 1s } }, tags: [noise] }
      events:
        - { at: 3s, flow: u, set: { rate: 2Mbps } }
        - { at: 4s, flow: s, do: pause, for: 2s }
      expect:
        - { id: a, of: s, metric: assay.sendRate, stat: mean, atLeast: 120%, against: u }
        - { id: b, of: link:bottleneck.up, metric: assay.utilisation, stat: mean, atMost: 150% }
      """
    let first = try ScenarioFile.parse(Array(text.utf8), file: "flow.yaml")[0].scenario
    let second = try ScenarioFile.parse(Array(first.yaml.utf8), file: "flow.yaml")[0].scenario
    #expect(first == second, "\(first.yaml)")
  }

  // MARK: - Media

  @Test func aFlowFillsItsLinkAndIsTheSameTwice() throws {
    let body =
      Self.one
        + """
        expect:
          - { id: used, of: link:bottleneck.up, metric: assay.utilisation, stat: mean, over: 80%, window: 8s..20s }
          - { id: lost, of: s, metric: assay.packetLost, stat: mean, under: 2% }
          - { id: shown, of: s, metric: framesPerSecond, stat: p50, over: 25 }
          - { id: delay, of: s, metric: assay.packetDelay, stat: min, atLeast: 20ms }
          - { id: overhead, of: s, metric: assay.feedbackOverhead, stat: mean, under: 10% }
        """
    let first = try Self.run(body)
    #expect(
      first.assertions.filter { $0.origin == .expectation }.allSatisfy { $0.verdict == .pass },
      "\(first.assertions.map(\.reason))")
    #expect(try Self.run(body).traceHash == first.traceHash)
    #expect(try Self.run(body, seed: 2).traceHash != first.traceHash)
    #expect(first.flows.map(\.name) == ["s"])
    #expect(first.phases.count == 1)
    // What the report draws the distribution of the delay from agrees with the samples judged.
    let flow = first.flows[0]
    #expect(flow.path == ["bottleneck.up"] && flow.delays.count == 101)
    #expect(flow.delays == flow.delays.sorted() && flow.delays[0] >= 20)
    #expect(flow.delays[0] == first.assertions.first { $0.id == "delay" }?.observed)
    #expect(flow.feedbackOverhead == first.assertions.first { $0.id == "overhead" }?.observed)
  }

  /// RFC 8593 §5, §6, §7: different frames, the same link well used.
  @Test func everyModelOfAnEncoderFillsTheLink() throws {
    var hashes: Set<String> = []
    for model in ["statistical", "trace", "hybrid"] {
      let result = try Self.run(
        "flows:\n  s: { via: [bottleneck], media: { model: \(model) } }\n"
          + "expect:\n  - { id: used, of: link:bottleneck.up, metric: assay.utilisation, "
          + "stat: mean, over: 80%, window: 8s..20s }\n")
      #expect(result.verdict == .pass, "\(model): \(result.assertions.map(\.reason))")
      hashes.insert(result.traceHash)
    }
    #expect(hashes.count == 3)
  }

  @Test func withoutControlTheQueueIsFullAndPacketsAreLost() throws {
    let blind =
      "flows:\n  s: { via: [bottleneck], media: { controller: none, start: 1500kbps } }\n"
    let loss = try Self.observed("assay.packetLost", "mean", of: "s", blind)
    #expect(loss > 20)
    let controlled = try Self.observed("assay.packetLost", "mean", of: "s", Self.one)
    #expect(controlled < 2)
    let queue = try Self.observed("assay.queueDelay", "p95", of: "link:bottleneck.up", blind)
    #expect(queue > 280)
  }

  @Test func backOffTimeSeesASenderThatDoesNot() throws {
    let step = "events:\n  - { at: 10s, link: bottleneck.up, set: { rate: 300kbps } }\n"
    let blind =
      "flows:\n  s: { via: [bottleneck], media: { controller: none, start: 1Mbps } }\n" + step
    let time = try Self.observed("assay.backOffTime", "max", of: "link:bottleneck.up", blind)
    #expect(time > 9_000)
  }

  @Test func aPausedFlowLeavesItsShareAndComesBack() throws {
    let flows = """
      flows:
        s: { count: 2, via: [bottleneck], media: {} }
      events:
        - { at: 25s, flow: s-2, do: pause, for: 10s }

      """
    let paused = try Self.observed(
      "assay.receiveRate", "mean", of: "s-1", flows, duration: 60, window: "30s..35s")
    let before = try Self.observed(
      "assay.receiveRate", "mean", of: "s-1", flows, duration: 60, window: "15s..25s")
    #expect(paused > 1.3 * before)
    let regained = try Self.observed(
      "assay.rateRegained", "mean", of: "s-2", flows, duration: 60)
    #expect((40...200).contains(regained))
  }

  @Test func fairnessSeesOneThatTakesAll() throws {
    let flows = { (greed: String) in
      """
      flows:
        a: { via: [bottleneck], media: { max: 900kbps\(greed) } }
        b: { via: [bottleneck], media: { max: 900kbps } }

      """
    }
    let fair = try Self.observed(
      "assay.fairness5s", "mean", of: "link:bottleneck.up", flows(""), duration: 30)
    let unfair = try Self.observed(
      "assay.fairness5s", "mean", of: "link:bottleneck.up",
      flows(", controller: none, start: 800kbps, min: 800kbps"), duration: 30)
    #expect(fair > unfair)
    let share = try Self.observed(
      "assay.fairShare", "min", of: "a", flows(", controller: none, start: 800kbps, min: 800kbps"),
      duration: 30)
    #expect(share > 100)
  }

  @Test func watermarksCountTurns() throws {
    let calm = try Self.observed("assay.watermarkCrossings", "sum", of: "s", Self.one)
    let restless =
      Self.one
        + """
        events:
          - { at: 8s, link: bottleneck.up, set: { loss: 100% }, for: 2s }
          - { at: 14s, link: bottleneck.up, set: { loss: 100% }, for: 2s }

        """
    let turns = try Self.observed("assay.watermarkCrossings", "sum", of: "s", restless)
    #expect(calm <= 1)
    #expect(turns >= 2)
  }

  // MARK: - Cross traffic

  @Test func againstLongTCPMediaYieldsAndGoesOn() throws {
    let flows = """
      flows:
        tcp: { via: [bottleneck], tcp: {} }
        s: { via: [bottleneck], media: {} }

      """
    let tcp = try Self.observed("assay.receiveRate", "mean", of: "tcp", flows, duration: 40)
    let media = try Self.observed("assay.receiveRate2s", "min", of: "s", flows, duration: 40)
    #expect(tcp > 200_000)
    #expect(media > 0)
  }

  @Test func constantDatagramsTakeWhatTheyAreTold() throws {
    let flows = """
      flows:
        background: { via: [bottleneck], udp: { rate: 400kbps } }
        s: { via: [bottleneck], media: {} }
      events:
        - { at: 10s, flow: background, set: { rate: 700kbps } }

      """
    let rate = try Self.observed(
      "assay.receiveRate", "mean", of: "background", flows, window: "11s..20s")
    #expect(abs(rate - 700_000) < 35_000)
    let used = try Self.observed(
      "assay.utilisation", "mean", of: "link:bottleneck.up", flows, window: "5s..10s")
    #expect((60...110).contains(used))
  }

  @Test func againstIsAShareOfAnother() throws {
    let result = try Self.run(
      """
      flows:
        a: { via: [bottleneck], udp: { rate: 200kbps } }
        b: { via: [bottleneck], udp: { rate: 400kbps } }
      expect:
        - { id: half, of: a, metric: assay.sendRate, stat: mean, atLeast: 49%, against: b }
        - { id: more, of: a, metric: assay.sendRate, stat: mean, atLeast: 51%, against: b }

      """)
    #expect(result.assertions.prefix(2).map(\.verdict) == [.pass, .fail])
    #expect(result.assertions[0].unit == "%")
  }

  // MARK: - Mutants

  /// RFC 8867 §5.1 in short, without background traffic: what it expects of a sender.
  private static func staircase(_ controller: String) throws -> [Assertion] {
    let up = "of: \"link:bottleneck.up\""
    let use = "\(up), metric: assay.utilisation, stat: mean"
    let result = try run(
      """
      flows:
        s: { via: [bottleneck], media: { controller: \(controller) } }
      events:
        - { at: 15s, link: bottleneck.up, set: { rate: 2500kbps } }
        - { at: 30s, link: bottleneck.up, set: { rate: 600kbps } }
      expect:
        - { id: use, \(use), atLeast: 90%, window: 20s..30s }
        - { id: use-low, \(use), atLeast: 70%, window: 35s..45s }
        - { id: lean, \(use), atMost: 112%, window: 20s..30s }
        - { id: queue, \(up), metric: assay.queueDelay, stat: p95, atMost: 137ms, window: 35s..45s }

      """, duration: 45)
    return result.assertions.filter { $0.origin == .expectation }
  }

  @Test func theEstimatorMeetsWhatItsMutantsMiss() throws {
    let verdicts = try Self.staircase("gcc")
    for verdict in verdicts { #expect(verdict.verdict == .pass, "\(verdict.id) \(verdict.reason)") }
  }

  @Test(arguments: [("trendlineOff", "queue"), ("probeOff", "use"), ("endlessPadding", "lean")])
  func mutantsOfTheEstimatorFail(_ mutant: String, _ expectation: String) throws {
    let verdict = try #require(try Self.staircase(mutant).first { $0.id == expectation })
    #expect(verdict.verdict == .fail, "\(mutant): \(verdict.reason)")
  }
}

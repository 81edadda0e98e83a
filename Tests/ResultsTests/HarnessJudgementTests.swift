// Whether a run in real time proves anything, from figures alone.

import Basics
import Testing

@testable import Results

@Suite struct HarnessJudgement {
  private let limits = HarnessLimits(lagMs: 10)

  /// A quiet machine of two cores that the SFU shares.
  private static func quiet() -> HarnessHealth {
    var health = HarnessHealth()
    health.lagMaxMs = 12
    health.cores = 2
    health.processorShare = 0.2
    health.machineShare = 0.25
    health.waited = .init(mean: 0.01, worst: 0.04)
    health.pressure = .init(mean: 0.03, worst: 0.2)
    health.steal = .init(mean: 0.002, worst: 0.01)
    health.isSFULocal = true
    health.sfu = .init(processes: [4_711])
    health.sfu?.waited = .init(mean: 0.01, worst: 0.03)
    health.sfu?.processorShare = 0.15
    return health
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    /// What the reason says; nil where the run may prove something.
    var reason: String?
    var change: @Sendable (inout HarnessHealth) -> Void
    var testDescription: String { name }

    init(
      _ name: String, _ reason: String?, _ change: @escaping @Sendable (inout HarnessHealth) -> Void
    ) {
      self.name = name
      self.reason = reason
      self.change = change
    }
  }

  @Test(arguments: [
    Case("undisturbed", nil) { _ in },
    Case("a stall of three seconds", "longest stall 3035 ms at 8.2 s over 150 ms, 3051 ms missed") {
      $0.lagMaxMs = 3_035
      $0.longestStallAt = 8.24
      $0.missedMs = 3_051
    },
    Case("a stall below what can be a freeze", nil) { $0.lagMaxMs = 149 },
    Case("late most of the time", "schedule lag p99 by time 24 ms over 10 ms") {
      $0.lagP99Ms = 24
    },
    Case("lost datagrams", "3 datagrams lost in socket buffers") { $0.socketDrops = 3 },
    Case("the harness has no core", "the harness waited for a core 12 % of the time, over 5 %") {
      $0.waited = .init(mean: 0.12, worst: 0.14)
    },
    Case("for a second", "the harness waited for a core 40 % of the worst second, over 15 %") {
      $0.waited = .init(mean: 0.02, worst: 0.4)
    },
    Case("the SFU has no core", "the SFU waited for a core 8 % of the time, over 5 %") {
      $0.sfu?.waited = .init(mean: 0.08, worst: 0.1)
    },
    Case("a stolen machine", "the hypervisor took 7 % of the time, over 5 %") {
      $0.steal = .init(mean: 0.07, worst: 0.1)
    },
    Case("a starved machine", "tasks waited for a core 63 % of the time, over 25 %") {
      $0.pressure = .init(mean: 0.63, worst: 0.9)
      $0.sfu?.waited.mean = 0.02
    },
    Case("load of a lower priority", nil) {
      $0.pressure = .init(mean: 1, worst: 1)
      $0.sfu?.waited = .init()
      $0.waited = .init(mean: 0.002, worst: 0.016)
    },
    Case("pressure, and a harness that does not know", "tasks waited for a core 63 % of the time") {
      $0.pressure = .init(mean: 0.63, worst: 0.9)
      $0.sfu?.waited = .init()
      $0.waited = nil
    },
    Case("one second of pressure, and an SFU that did not wait", nil) {
      $0.pressure = .init(mean: 0.1, worst: 0.9)
    },
    Case("the same where nobody knows", "tasks waited for a core 90 % of the worst second") {
      $0.pressure = .init(mean: 0.1, worst: 0.9)
      $0.sfu = nil
    },
    Case("an SFU elsewhere, on a busy machine here", nil) {
      $0.pressure = .init(mean: 0.63, worst: 0.9)
      $0.sfu = nil
      $0.isSFULocal = false
    },
    Case("no figures but how busy it is", "all cores were 99 % busy") {
      $0.pressure = nil
      $0.waited = nil
      $0.sfu = nil
      $0.machineShare = 0.99
    },
    Case("no figures on a quiet machine", nil) {
      $0.pressure = nil
      $0.waited = nil
      $0.sfu = nil
    },
    Case("a stopped SFU", nil) {
      $0.sfu?.waited = .init()
      $0.sfu?.processorShare = 0
    },
    Case("an SFU that spins on every core", nil) {
      $0.sfu?.processorShare = 1.7
      $0.machineShare = 1
      $0.sfu?.waited = .init(mean: 0.2, worst: 0.3)
      $0.waited = .init(mean: 0.1, worst: 0.3)
      $0.pressure = .init(mean: 0.8, worst: 1)
    },
    Case("an SFU that spins, and a stall", "longest stall 400 ms") {
      $0.sfu?.processorShare = 1.7
      $0.machineShare = 1
      $0.lagMaxMs = 400
    },
    Case("others that spin beside the SFU", "the SFU waited for a core 20 % of the time") {
      $0.sfu?.processorShare = 0.5
      $0.machineShare = 1
      $0.sfu?.waited = .init(mean: 0.2, worst: 0.3)
    },
  ])
  func figuresDecide(_ row: Case) {
    var health = HarnessJudgement.quiet()
    row.change(&health)
    let check = health.assertion(limits)
    #expect(check.verdict == (row.reason == nil ? .pass : .inconclusive), "\(check.reason)")
    #expect(check.reason.contains(row.reason ?? "The harness kept up"), "\(check.reason)")
  }

  @Test func theLimitsFollowTheLagLimit() {
    var health = HarnessJudgement.quiet()
    health.lagMaxMs = 900
    health.waited = .init(mean: 0.3, worst: 0.8)
    health.sfu?.waited = .init(mean: 0.3, worst: 0.8)
    health.pressure = .init(mean: 1, worst: 1)
    health.steal = .init(mean: 0.3, worst: 0.5)
    #expect(health.shortcomings(limits).count == 5)
    #expect(health.shortcomings(HarnessLimits(lagMs: 100)).isEmpty)
    #expect(!HarnessJudgement.quiet().shortcomings(HarnessLimits(lagMs: 0)).isEmpty)
  }

  /// A run that failed: a freeze that a viewer saw, and a rule.
  private func failed() -> RunResult {
    var run = RunResult(
      scenario: .init(name: "real", about: "", file: "s.yaml", sha256: ""), seed: 1, build: "")
    var smooth = Assertion(
      id: "smooth", verdict: .fail, of: "all", metric: "freezeCount", stat: "last",
      comparison: .equals, observed: 1, limit: 0, unit: "1")
    smooth.reason = "bob had 1."
    smooth.perParticipant = [
      .init(participant: "bob<ada", observed: 1, samples: 9, verdict: .fail),
      .init(participant: "eve<ada", observed: 0, samples: 9, verdict: .pass),
    ]
    var rule = smooth
    rule.id = "rule/media-received"
    rule.origin = .rule
    var joined = smooth
    joined.id = "joined"
    joined.verdict = .pass
    run.assertions = [smooth, joined, rule]
    return run
  }

  @Test func noFailureCountsWhereTheHarnessCouldNotKeepUp() {
    var run = failed()
    var health = HarnessJudgement.quiet()
    health.lagMaxMs = 2_000
    run.judgeHarness(health, limits)
    #expect(run.verdict == .inconclusive)
    #expect(run.harness == health)
    #expect(run.assertions.map(\.verdict) == [.inconclusive, .pass, .inconclusive, .inconclusive])
    #expect(run.assertions[0].observed == 1)
    #expect(
      run.assertions[0].reason
        == "Not judged, since the harness could not keep up: bob had 1.")
    #expect(run.assertions[0].perParticipant.map(\.verdict) == [.inconclusive, .pass])
    let count = CheckCount(run)
    #expect(count.failed == 0 && count.inconclusive == 3)
  }

  @Test func aFailureOnAQuietMachineIsOne() {
    var run = failed()
    run.judgeHarness(HarnessJudgement.quiet(), limits)
    #expect(run.verdict == .fail)
    #expect(run.assertions.map(\.verdict) == [.fail, .pass, .fail, .pass])
  }

  @Test func aKnownFailureIsNotMendedByALateHarness() {
    var run = failed()
    var health = HarnessJudgement.quiet()
    health.lagMaxMs = 2_000
    run.judgeHarness(health, limits)
    let known = VerdictPolicy([
      .init(id: "joined", kind: .knownFailure, reason: "tracked", expires: "2027-01-01")
    ])
    let judged = run.applying(known, today: "2026-11-30")
    #expect(judged.assertions[1].verdict == .pass)
    #expect(judged.verdict == .inconclusive && CheckCount(judged).failed == 0)
  }

  @Test func theFiguresAreReadBack() throws {
    var run = failed()
    var health = HarnessJudgement.quiet()
    health.longestStallAt = 3.25
    health.missedMs = 18
    run.judgeHarness(health, limits)
    #expect(try RunResult(parsing: run.json.text()) == run)
    health.sfu = nil
    health.pressure = nil
    health.waited = nil
    run.harness = health
    #expect(try RunResult(parsing: run.json.text()) == run)
  }

  @Test func resultsOfOlderBuildsAreRead() throws {
    var run = failed()
    run.harness = HarnessHealth()
    guard case .object(let whole) = run.json else { return #expect(Bool(false)) }
    let old: JSON = [
      "lagP99Ms": .number(3), "lagMaxMs": .number(9), "socketDrops": .integer(0),
      "sendErrors": .integer(0), "processorShare": .number(0.5), "machineShare": .number(0.5),
      "sockets": .integer(4),
    ]
    var object = JSONObject()
    for (key, value) in whole.members { object[key] = key == "harness" ? old : value }
    let read = try RunResult(parsing: JSON.object(object).text())
    #expect(read.harness?.lagMaxMs == 9 && read.harness?.waited == nil)
  }
}

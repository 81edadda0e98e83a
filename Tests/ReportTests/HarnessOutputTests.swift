// A run in real time says one thing of its harness in every output.

import Results
import Testing

@testable import Report

@Suite struct HarnessOutputs {
  private func run(stallMs: Double) -> RunResult {
    var run = SyntheticRun.train(.fail)
    run.assertions.removeAll { $0.verdict == .unsupported }
    run.clock = .wall
    run.target = "ws://127.0.0.1:7880"
    var health = HarnessHealth()
    health.lagMaxMs = stallMs
    health.longestStallAt = 5
    health.missedMs = stallMs
    health.waited = .init(mean: 0.012, worst: 0.03)
    health.pressure = .init(mean: 0.04, worst: 0.1)
    health.isSFULocal = true
    health.sfu = .init(processes: [4_711])
    health.sfu?.waited = .init(mean: 0.021, worst: 0.05)
    run.judgeHarness(health, HarnessLimits(lagMs: 10))
    run.exitCode = run.verdict.exitCode
    return run
  }

  @Test(arguments: [(2_003.0, Verdict.inconclusive), (20.0, .fail)])
  func allAgree(stallMs: Double, verdict: Verdict) throws {
    let run = run(stallMs: stallMs)
    #expect(run.verdict == verdict)
    #expect(run.exitCode == (verdict == .fail ? .failed : .inconclusive))
    let files = Dictionary(
      uniqueKeysWithValues: RunDirectory.files(of: run).map { ($0.name, $0.contents) })
    let reason =
      verdict == .fail ? nil : "longest stall 2003 ms at 5 s over 150 ms, 2003 ms missed in all"
    let figures = "longest stall \(Int(stallMs)) ms"

    let terminal = TextSummary.render(run)
    #expect(terminal.contains(verdict == .fail ? "✗ FAIL  " : "? INCONCLUSIVE  "))
    let count = CheckCount(run).text
    #expect(count.contains(verdict == .fail ? "1 failed, 0 inc" : "0 failed, 2 inc"))
    let markdown = try #require(files["summary.md"])
    let page = try #require(files["index.html"])
    #expect(terminal.contains(count) && markdown.contains(count))
    #expect(page.contains(": \(verdict.rawValue)</title>"))
    for text in [terminal, markdown, page] {
      #expect(text.contains(figures))
      #expect(text.contains("SFU waited 2.1 % of the time"))
      if let reason { #expect(text.contains(reason)) }
    }
    let xml = try StrictXML(try #require(files["junit.xml"]))
    expectJUnit(xml)
    #expect(xml.elements[0].attributes["failures"] == (verdict == .fail ? "1" : "0"))
    #expect(xml.elements[0].attributes["errors"] == (verdict == .fail ? "0" : "2"))
    if let reason {
      #expect(xml.named("error").contains { $0.attributes["message"]?.contains(reason) == true })
    }
    let read = try RunResult(parsing: try #require(files["result.json"]))
    #expect(read.verdict == verdict && read.harness == run.harness)
    let metrics = OpenMetrics.render(run)
    #expect(metrics.contains("assay_verdict=\"\(verdict.rawValue)\"} 1\n"))
    let samples = metrics.split(separator: "\n").filter { $0.hasPrefix("assay_harness_") }
    #expect(samples.count == 7)
    func value(_ name: String) -> String? {
      samples.first { $0.hasPrefix(name + "{") }?.split(separator: " ").last.map { String($0) }
    }
    #expect(value("assay_harness_longest_stall_seconds") == "\(stallMs / 1_000)")
    #expect(value("assay_harness_sfu_waited_ratio") == "0.021")
  }
}

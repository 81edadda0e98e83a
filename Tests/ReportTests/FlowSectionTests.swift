// The report of a run of flows alone: figures, rates, queue, distribution of the delay.

import Report
import Results
import Testing

private let run: RunResult = {
  var run = RunResult(
    scenario: .init(name: "flows", about: "", file: "flows.yaml", sha256: "0"), seed: 1, build: "x")
  run.simulatedSeconds = 10
  for (index, name) in ["s1", "s2"].enumerated() {
    var flow = FlowSummary(name: name, kind: .media, start: 0, stop: 10)
    flow.path = ["bottleneck.up"]
    flow.meanRate = 1_240_000
    flow.loss = 1.5
    flow.residualLoss = 0.25
    flow.delays = (0...100).map { Double($0 * (index + 1)) }
    flow.frameDelayP95 = 211
    flow.feedbackOverhead = 0.8
    flow.watermarkCrossings = 3
    run.flows.append(flow)
    run.series.append(
      Series(
        participant: "bottleneck.up", metric: "assay.receiveRate", subject: name, unit: "bps",
        start: 0, step: 0.2, values: (0..<50).map { Double($0) * 1e4 }))
  }
  var phase = LinkPhase(link: "bottleneck.up", start: 0, end: 10)
  phase.utilisation = 91
  run.phases = [phase]
  return run
}()

@Test func aRunOfFlowsShowsThem() throws {
  let page = HTMLReport.render(run)
  let xml = try StrictXML(page)
  #expect(page.contains("2 flows") && !page.contains("0 participants"))
  let titles = xml.named("h4").map(\.text)
  #expect(titles == ["Rate received", "One-way delay"])
  let cells = xml.named("td").map(\.text)
  for text in [
    "1.24 Mbps", "1.5 %", "0.25 %", "50 ms", "95 ms", "190 ms", "211 ms", "0.8 %", "91 %",
  ] {
    #expect(cells.contains(text), "\(text)")
  }
  // Half of s1's packets within 50 ms, of s2's within 100 ms, all of both within 200 ms.
  let data = xml.named("caption").map(\.text)
  #expect(data.contains("One-way delay in %"))
  #expect(TextSummary.render(run).contains("2 flows"))
}

@Test func flowsAreReadAsTheyWereWritten() throws {
  let back = try RunResult(parsing: run.json.text())
  #expect(back.flows == run.flows && back.phases == run.phases)
}

// Writes the synthetic pages where ASSAY_SAMPLE_PAGES says, to be looked at by a person.

import Foundation
import Report
import Results
import Testing

private let folder = ProcessInfo.processInfo.environment["ASSAY_SAMPLE_PAGES"]

@Test(.enabled(if: folder != nil, "set ASSAY_SAMPLE_PAGES to a folder to write sample pages"))
func samplePages() throws {
  let root = URL(fileURLWithPath: try #require(folder))
  try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
  func write(_ text: String, _ name: String) throws {
    try Data(text.utf8).write(to: root.appendingPathComponent(name))
  }
  var runs = [
    ("pass", SyntheticRun.train()), ("fail", SyntheticRun.train(.fail)),
    ("inconclusive", SyntheticRun.train(.inconclusive)), ("partial", SyntheticRun.partial),
    ("lecture", SyntheticRun.lecture()), ("lecture-pairs", SyntheticRun.lecture(pairs: true)),
  ]
  for index in runs.indices { runs[index].1.seed += UInt64(index) }
  for (name, run) in runs { try write(HTMLReport.render(run), "\(name).html") }
  let all = runs.map(\.1)
  let gate = GateResult(
    of: runs.map { (run: $0.1, result: "\($0.0)/result.json") })
  try write(GatePage.render(gate, all), "gate.html")
  try write(JUnitReport.render(all), "junit.xml")
  try write(MarkdownReport.render(all), "summary.md")
  try write(OpenMetrics.render(all), "metrics.txt")
  try write(
    all.map { TextSummary.render($0) }.joined(separator: "\n")
      + TextSummary.render(gate, all, colours: false), "summary.txt")
}

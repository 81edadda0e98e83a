// JUnit, Markdown, terminal, OpenMetrics and the gate's page.

import Foundation
import Report
import Results
import Testing

private let everyKind = [
  SyntheticRun.train(), SyntheticRun.train(.fail), SyntheticRun.train(.inconclusive),
  SyntheticRun.partial,
]

// MARK: JUnit

@Test func junitIsStrictAndCountsRight() throws {
  let text = JUnitReport.render(everyKind)
  #expect(JUnitReport.render(everyKind) == text)
  let xml = try StrictXML(text)
  expectJUnit(xml)
  let root = try #require(xml.elements.first)
  for (key, name) in [("tests", "testcase"), ("failures", "failure"), ("errors", "error")] {
    #expect(root.attributes[key] == "\(xml.named(name).count)")
  }
  #expect(xml.named("failure").count == 1)
  #expect(xml.named("error").count == 3)
  let failure = try #require(xml.named("failure").first)
  #expect(
    failure.text.contains(
      "p10 framesPerSecond of rider from teacher, student-1, student-2, 40–60 s > 20 fps"))
  #expect(failure.text.contains("repeat with: ./assay run"))
  let first = try #require(xml.named("testcase").first)
  #expect(first.attributes["classname"] == "train-uplink[links.train.down.delay=80ms] seed 42")
  for time in xml.elements.compactMap({ $0.attributes["time"] }) { #expect(Double(time) != nil) }
}

@Test func junitNamesAreUniqueWhateverTheyAre() throws {
  var run = SyntheticRun.train(.fail)
  let names = ["same", "same", "same (2)", "a\u{0}b", "a\u{1}b", "a\u{FFFD}b", "", "", "<&\">'"]
  run.assertions = names.map { name in
    var assertion = run.assertions[0]
    assertion.id = name
    assertion.verdict = .fail
    assertion.reason = "\u{1B}[31m\u{FFFF}\u{B}bad]]>"
    return assertion
  }
  let text = JUnitReport.render([run, run])
  let cases = try StrictXML(text).named("testcase")
  #expect(cases.count == 2 * (names.count + 1))
  let keys = cases.map { "\($0.attributes["classname"]!)\u{0}\($0.attributes["name"]!)" }
  #expect(Set(keys).count == keys.count)
  #expect(!text.unicodeScalars.contains { $0.value < 32 && $0 != "\n" })
}

@Test func junitOfNothingJudgedIsAnError() throws {
  var run = SyntheticRun.train()
  run.assertions = []
  let xml = try StrictXML(JUnitReport.render([run]))
  #expect(xml.named("testcase").count == 1 && xml.named("error").count == 1)
  #expect(try StrictXML(JUnitReport.render([])).elements.count == 1)
}

// MARK: Markdown

@Test func markdownSaysItAndStaysMarkdown() {
  var run = SyntheticRun.train(.fail)
  run.assertions[0].id = "a|b\n# c <img src=x> `d` *e* [f](g) @h"
  run.command = "assay run `x` ``y``"
  let text = MarkdownReport.render(run)
  #expect(text.contains("## ✗ train-uplink: fail"))
  #expect(text.contains("a\\|b \\# c &lt;img src=x&gt; \\`d\\` \\*e\\* \\[f\\](g) \\@h"))
  #expect(text.contains("``` assay run `x` ``y`` ```"))
  let rows = text.split(separator: "\n").filter { $0.hasPrefix("|") }
  let loud = run.assertions.filter { $0.origin == .expectation || $0.verdict == .fail }
  #expect(rows.count == 2 + loud.count)
  #expect(rows[2].contains("✗ fail"), "what needs attention comes first")
  #expect(MarkdownReport.render(run) == text)
}

@Test func markdownIsCutBeforeItsLimit() {
  var run = SyntheticRun.train(.fail)
  var assertion = run.assertions[1]
  assertion.worst = .init(participant: String(repeating: "é", count: 900), window: nil)
  run.assertions = Array(repeating: assertion, count: 900)
  let text = MarkdownReport.render(run)
  #expect(text.utf8.count < 1024 * 1024)
  #expect(text.contains("checks more of this run**"))
  let many = MarkdownReport.render(Array(repeating: SyntheticRun.train(), count: 200), limit: 9000)
  #expect(many.utf8.count <= 9000)
  #expect(many.contains("more"))
  #expect(MarkdownReport.render(run, limit: 0).utf8.count <= 4096)
}

// MARK: Terminal

@Test func theTerminalShowsChecksFirstAndHowToRepeat() {
  let text = TextSummary.render(SyntheticRun.train(.fail))
  let lines = text.split(separator: "\n")
  #expect(lines[0].hasPrefix("✗ FAIL  train-uplink"))
  #expect(lines[1].contains("✓ class-latency"))
  #expect(lines[2].contains("✗ rider-recovers"))
  #expect(lines[2].contains("11.8 fps  > 20 fps"))
  #expect(lines[3].contains("fail: worst rider from student-1 at 46–47 s"))
  #expect(text.contains("✓ 1 rule holds"))
  #expect(text.contains("repeat: ./assay run scenarios/train-uplink.yaml --seed 42"))
  #expect(text.contains("60 s simulated in 3.12 s (19.2×), 4 participants"))
  #expect(!text.contains("\u{1B}"))
}

@Test func aBrokenRuleIsOneSentence() {
  var run = SyntheticRun.train(.fail)
  run.assertions[1].origin = .rule
  run.assertions[1].reason = "Broken: it holds (RFC 1 §2)."
  run.assertions[1].perParticipant = ["ada", "bob"].map {
    .init(participant: $0, observed: 1, samples: 1, verdict: .fail)
  }
  #expect(TextSummary.render(run).contains("holds (RFC 1 §2); 2 of 2 failed: ada, bob\n"))
}

@Test func coloursAreOptionalAndNamesCannotBringTheirOwn() {
  var run = SyntheticRun.train(.inconclusive)
  run.scenario.name = "\u{1B}]0;owned\u{7}"
  run.assertions[1].reason = "\u{1B}[2J\n gone"
  #expect(!TextSummary.render(run).contains("\u{1B}"))
  let colourful = TextSummary.render(run, colours: true)
  #expect(colourful.contains("\u{1B}[1;33m? INCONCLUSIVE\u{1B}[0m"))
  #expect(!colourful.contains("\u{1B}]") && !colourful.contains("\u{1B}[2J"))
}

@Test func valuesThatDifferNeverReadAlike() {
  var run = SyntheticRun.train(.fail)
  run.assertions = [run.assertions[0]]
  run.assertions[0].observed = 100.0004
  run.assertions[0].verdict = .fail
  let text = TextSummary.render(run)
  #expect(text.contains("100.0004 ms  < 100 ms"))
}

@Test func theGateIsSummedUp() {
  let gate = GateResult(
    of: everyKind.enumerated().map { (run: $1, result: "run-\($0)/result.json") })
  let text = TextSummary.render(gate, everyKind)
  #expect(text.contains("✗ FAIL  1 of 4 runs passed"))
  #expect(text.contains("◐ train-uplink"))
  #expect(text.contains("✗ rider-recovers"))
  let page = GatePage.render(gate, everyKind)
  #expect(page.contains("href=\"./run-1/index.html\""))
  #expect(page.contains("1 of 4 runs passed, 1 failed, 2 could not be judged"))
  #expect(GatePage.render(gate, everyKind) == page)
  #expect(TextSummary.render(GateResult(of: []), []).contains("nothing was selected"))
}

// MARK: OpenMetrics

@Test func openMetricsKeepsItsGrammar() {
  var run = SyntheticRun.train(.fail)
  run.scenario.name = "a\"b\\c\nd"
  let text = OpenMetrics.render([run, SyntheticRun.train(.inconclusive), run])
  #expect(text.hasSuffix("# EOF\n"))
  #expect(text.contains("scenario=\"a\\\"b\\\\c\\nd\""))
  var families: [String] = []
  var samples: Set<String> = []
  for line in text.split(separator: "\n").dropLast() {
    if line.hasPrefix("# TYPE ") {
      families.append(String(line.split(separator: " ")[2]))
    } else if !line.hasPrefix("#") {
      #expect(families.contains { line.hasPrefix($0) && $0 == families.last })
      #expect(samples.insert(String(line.prefix { $0 != "}" })).inserted, "\(line)")
      #expect(Double(line.split(separator: " ").last ?? "") != nil)
    }
  }
  #expect(Set(families).count == families.count)
}

// MARK: Directory

@Test func aDirectoryReadsBackAsTheRunItIs() throws {
  let run = SyntheticRun.train(.fail)
  let files = RunDirectory.files(of: run)
  #expect(
    files.map(\.name) == ["result.json", "series.json", "index.html", "junit.xml", "summary.md"])
  let back = try RunResult(parsing: files[0].contents, series: files[1].contents)
  var rounded = run
  rounded.series = run.series.map(\.rounded)
  #expect(back == rounded)
  #expect(
    RunDirectory.files(of: back).map(\.contents) == RunDirectory.files(of: rounded).map(\.contents))
  let gate = GateResult(of: [(run: run, result: "a/result.json")])
  let gateFiles = RunDirectory.files(of: gate, runs: [run])
  #expect(try GateResult(parsing: gateFiles[0].contents) == gate)
}

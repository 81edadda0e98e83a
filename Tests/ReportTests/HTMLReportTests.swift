// The HTML pages: strict, complete, safe against hostile names, small, the same every time.

import Foundation
import Report
import Results
import Testing

private let hostile = "<script>alert(1)</script>\"'&\u{0}\u{1B}[31m\u{202E}]]>-->"

private let kinds: [(name: String, run: RunResult, word: String, tone: String)] = [
  ("pass", SyntheticRun.train(), "pass", "pass"),
  ("fail", SyntheticRun.train(.fail), "fail", "fail"),
  ("inconclusive", SyntheticRun.train(.inconclusive), "inconclusive", "unsure"),
  ("partial", SyntheticRun.partial, "partial", "partial"),
]

private func expectSound(_ page: String) throws {
  let xml = try StrictXML(page)
  let ids = xml.elements.compactMap { $0.attributes["id"] }
  #expect(Set(ids).count == ids.count, "an id comes twice")
  for element in xml.elements {
    for id in (element.attributes["aria-labelledby"] ?? "").split(separator: " ") {
      #expect(ids.contains(String(id)))
    }
    #expect(!element.attributes.keys.contains { $0.hasPrefix("on") })
    if let target = element.attributes["href"] {
      #expect(
        target.hasPrefix("#") ? ids.contains(String(target.dropFirst())) : target.hasPrefix("./"))
    }
  }
  #expect(["script", "link", "img", "iframe", "object"].allSatisfy { xml.named($0).isEmpty })
  #expect(!page.contains("://") && !page.contains("url(") && !page.contains("@import"))
  for head in xml.named("th") { #expect(head.attributes["scope"] != nil) }
  for chart in xml.named("svg") where chart.attributes["aria-hidden"] == nil {
    #expect(chart.attributes["role"] == "img" && chart.attributes["aria-labelledby"] != nil)
  }
  let levels = xml.elements.compactMap { $0.name.first == "h" ? Int($0.name.dropFirst()) : nil }
  #expect(levels.first == 1 && levels.filter { $0 == 1 }.count == 1)
  for (level, next) in zip(levels, levels.dropFirst()) { #expect(next <= level + 1) }
}

@Test(arguments: kinds.indices)
func everyVerdictLooksLikeWhatItIs(_ index: Int) throws {
  let kind = kinds[index]
  let page = HTMLReport.render(kind.run)
  try expectSound(page)
  let xml = try StrictXML(page)
  let banner = try #require(
    xml.elements.first { $0.attributes["class"]?.hasPrefix("banner") ?? false })
  #expect(banner.attributes["class"] == "banner \(kind.tone)")
  #expect(banner.text.contains(kind.word))
  #expect(page.contains(">PARTIAL<") == (kind.name == "partial"))
  #expect(HTMLReport.render(kind.run) == page)
}

@Test func everyVerdictOfAnAssertionHasItsOwnSymbolAndWord() throws {
  var run = SyntheticRun.train()
  run.assertions = Verdict.allCases.map { verdict in
    var assertion = run.assertions[0]
    assertion.id = verdict.rawValue
    assertion.verdict = verdict
    return assertion
  }
  let xml = try StrictXML(HTMLReport.render(run))
  let chips = xml.elements.filter { $0.attributes["class"]?.hasPrefix("chip") ?? false }
  #expect(Set(chips.map(\.text)).count == Verdict.allCases.count)
  for text in Set(chips.map(\.text)) {
    #expect(text.split(separator: " ", maxSplits: 1).map { !$0.isEmpty } == [true, true])
  }
}

@Test func aPageSaysInOrderWhatAReaderAsks() throws {
  let page = HTMLReport.render(SyntheticRun.train(.fail))
  let sections = try StrictXML(page).named("section").compactMap { $0.attributes["id"] }
  #expect(
    sections == [
      "assertions", "timeline", "topology", "charts", "participants", "links", "run", "repeat",
    ])
  for fact in [
    "8c1f03ab77e2d94c", "0.3.0 (4f1c2ab)", "1,284,031", "19.2× real time", "links.train.down",
    "scenarios/train-uplink.yaml", "--seed 42 --only", "000:43", "72.4 ms", "+27.6 ms", "10,721",
    "student-2 from teacher", "31–32 s", "student × 2", "Gilbert–Elliott", "queue 2,310",
    "left at 59.8 s", "capacity of train.down", "limit: p10 &gt; 20 fps, 40–60 s",
    "rate 250 kbps",
  ] {
    #expect(page.contains(fact), "\(fact)")
  }
}

@Test func anEmptyRunIsAPageToo() throws {
  let run = RunResult(
    scenario: .init(name: "", about: "", file: "", sha256: ""), seed: 0, build: "")
  let page = HTMLReport.render(run)
  try expectSound(page)
  #expect(page.contains("No data is never a pass"))
  try expectSound(GatePage.render(GateResult(of: []), []))
}

@Test func hostileTextStaysText() throws {
  var run = SyntheticRun.train(.fail)
  run.scenario = .init(name: hostile, about: hostile, file: hostile, sha256: hostile)
  run.build = hostile
  run.command = hostile
  run.traceHash = hostile
  run.variant = [(hostile, hostile)]
  run.partial = hostile
  for index in run.assertions.indices {
    run.assertions[index].id = hostile
    run.assertions[index].of = hostile
    run.assertions[index].metric = hostile
    run.assertions[index].stat = hostile
    run.assertions[index].unit = hostile
    run.assertions[index].reason = hostile
    run.assertions[index].criteria = [hostile]
    run.assertions[index].worst = .init(participant: hostile, window: 1...2)
  }
  for index in run.participants.indices {
    run.participants[index].identity = hostile + "\(index)"
    run.participants[index].group = hostile
    run.participants[index].left = hostile
    run.participants[index].inbound[0].values.append(.init(hostile, 1))
  }
  run.links = run.participants.map {
    Link(name: hostile, from: $0.identity, to: hostile, configuration: hostile)
  }
  run.marks.append(.init(kind: .event, at: 1, until: nil, label: hostile, subject: hostile))
  for index in run.series.indices {
    run.series[index].participant = run.participants[index % 4].identity
    run.series[index].metric = index % 2 == 0 ? hostile : run.series[index].metric
    run.series[index].subject = hostile + "\(index % 6)"
    run.series[index].unit = hostile
  }
  let page = HTMLReport.render(run)
  try expectSound(page)
  #expect(!page.contains("<script>") && page.contains("&lt;script&gt;"))
  #expect(!page.unicodeScalars.contains { $0.value < 32 && $0 != "\n" })
  let gate = GateResult(of: [(run: run, result: "../\(hostile)//x/result.json")])
  let gatePage = GatePage.render(gate, [run])
  try expectSound(gatePage)
  #expect(!gatePage.contains("<script>"))
}

@Test func numbersOutOfAllBoundsDoNotTrap() throws {
  let odd: [Double] = [
    .nan, .infinity, -.infinity, 1e308, -1e308, 1e-308, -1, 0, 9.2e18, .greatestFiniteMagnitude,
  ]
  for value in odd {
    var run = SyntheticRun.train(.fail)
    run.simulatedSeconds = value
    run.wallSeconds = value
    run.assertions[0].observed = value
    run.assertions[1].limit = value
    run.participants[0].connectMs = value
    run.links[0].maximumQueueMs = value
    run.marks[0].at = value
    run.marks[0].until = value
    run.marks[2].until = value
    for index in run.series.indices {
      run.series[index].values[index % 60] = value
      if index % 5 == 0 { run.series[index].start = value }
      if index % 7 == 0 { run.series[index].step = value }
    }
    _ = try StrictXML(HTMLReport.render(run))
    _ = try StrictXML(JUnitReport.render([run]))
    _ = MarkdownReport.render(run)
    _ = TextSummary.render(run)
    _ = OpenMetrics.render(run)
  }
}

@Test(arguments: [false, true])
func aHundredPeopleStayUnderFiveMegabytes(_ pairs: Bool) throws {
  let page = HTMLReport.render(SyntheticRun.lecture(pairs: pairs))
  #expect(page.utf8.count < 5_000_000)
  try expectSound(page)
  #expect(page.contains("student × 98") && page.contains("p10 to p90"))
}

@Test func aLongRunKeepsItsPeaksInSixHundredColumns() throws {
  var run = SyntheticRun.train()
  var values = [Double?](repeating: 10, count: 6000)
  values[4321] = 97.5
  values[100] = nil
  run.simulatedSeconds = 6000
  run.marks = []
  run.assertions = []
  run.series = [
    Series(
      participant: "rider", metric: "framesPerSecond", subject: "teacher", unit: "fps", start: 0,
      step: 1, values: values)
  ]
  let page = HTMLReport.render(run)
  let xml = try StrictXML(page)
  let line = try #require(xml.named("path").first { $0.attributes["class"] == "line s0" })
  let path = try #require(line.attributes["d"])
  #expect(path.filter { $0 == "L" || $0 == "M" }.count <= 600)
  let heights = path.split { "MLh".contains($0) }.compactMap {
    $0.split(separator: " ").last.flatMap { Double($0) }
  }
  #expect((heights.filter { $0 > 0 }.min() ?? 0) < 30)
  let table = try #require(xml.named("table").first { $0.attributes["class"] == "data" })
  #expect(table.text.contains("10 … 97.5"))
  let data = try #require(page.split(separator: "class=\"data\"").last)
  #expect(data.split(separator: "</table>")[0].split(separator: "<tr>").count <= 62)
}

@Test func aCapacityFarAboveTheDataIsSaidAndNotDrawn() throws {
  let run = SyntheticRun.train()
  let page = HTMLReport.render(run)
  #expect(page.contains("capacity of teacher.down, 100 Mbps, above the chart"))
  let xml = try StrictXML(page)
  #expect(xml.named("path").filter { $0.attributes["class"] == "line s4" }.count == 2)
}

@Test func everyColourCanBeReadOnItsGround() throws {
  let page = HTMLReport.render(SyntheticRun.train())
  let schemes = page.split(separator: ":root{").dropFirst()
  #expect(schemes.count == 2)
  for scheme in schemes {
    var colours: [String: Double] = [:]
    for entry in scheme.prefix(while: { $0 != "}" }).split(separator: ";") {
      let parts = entry.split(separator: ":")
      guard parts.count == 2, parts[0].hasPrefix("--") else { continue }
      colours[String(parts[0].dropFirst(2))] = luminance(String(parts[1]))
    }
    func contrast(_ a: String, _ b: String) throws -> Double {
      let (x, y) = (try #require(colours[a]), try #require(colours[b]))
      return (max(x, y) + 0.05) / (min(x, y) + 0.05)
    }
    for text in ["ink", "quiet", "link"] {
      for ground in ["page", "card"] { #expect(try contrast(text, ground) >= 4.5, "\(text)") }
    }
    for tone in ["pass", "fail", "unsure", "partial", "idle"] {
      for ground in ["card", "\(tone)-tint"] {
        #expect(try contrast(tone, ground) >= 4.5, "\(tone)")
      }
      #expect(try contrast("ink", "\(tone)-tint") >= 4.5)
    }
    for line in ["s0", "s1", "s2", "s3", "capacity", "limit", "impairment"] {
      #expect(try contrast(line, "card") >= 3, "\(line)")
    }
  }
}

/// Relative luminance of `#rrggbb` (WCAG 2.1).
private func luminance(_ colour: String) -> Double {
  let value = Int(colour.dropFirst(), radix: 16) ?? 0
  let parts = [value >> 16 & 255, value >> 8 & 255, value & 255].map { part in
    let share = Double(part) / 255
    return share <= 0.04045 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
  }
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
}

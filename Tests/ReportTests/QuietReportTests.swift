// What a report leaves unsaid: names among equals, charts of nothing, limits on something else.

import Foundation
import Report
import Results
import Testing

/// One viewer of two publishers, with one series and one expectation.
private func viewer(
  _ metric: String, subject: String, unit: String, _ values: [Double?], of peers: [String]
) -> RunResult {
  var run = RunResult(
    scenario: .init(name: "viewer", about: "", file: "", sha256: ""), seed: 1, build: "")
  run.simulatedSeconds = Double(values.count)
  var participant = Participant(identity: "ada", group: "ada", room: "main")
  participant.inbound = ["bea", "cleo"].map {
    TrackStatistics(peer: $0, source: "camera", kind: "video")
  }
  run.participants = [participant]
  run.series = [
    Series(
      participant: "ada", metric: metric, subject: subject, unit: unit, start: 0, step: 1,
      values: values)
  ]
  var assertion = Assertion(
    id: "check", verdict: .pass, of: "ada", metric: metric, stat: "p95", comparison: .under,
    observed: 7, limit: 77, unit: unit)
  assertion.worst = .init(participant: "ada<\(peers[0])", window: 3...4)
  assertion.perParticipant = peers.map {
    .init(participant: "ada<\($0)", observed: 7, samples: 5, verdict: .pass)
  }
  run.assertions = [assertion]
  run.verdict = .pass
  return run
}

private let delays: [Double?] = [nil, 50, 60, 500, 60]

@Test func nobodyIsTheWorstAmongEquals() {
  var run = viewer("assay.endToEndDelay", subject: "", unit: "ms", delays, of: ["bea", "cleo"])
  #expect(!HTMLReport.render(run).contains("3–4 s"))
  run.assertions[0].perParticipant[1].observed = 6
  #expect(HTMLReport.render(run).contains("ada from bea<small>3–4 s</small>"))
  #expect(MarkdownReport.render(run).contains("ada from bea at 3–4 s"))
}

@Test func whatNeverChangesIsAWordAndNoChart() throws {
  let values: [Double?] = [nil, 30, 30, 30]
  let still = viewer("framesPerSecond", subject: "bea", unit: "fps", values, of: ["bea"])
  let page = HTMLReport.render(still)
  #expect(page.contains("<li>Frame rate <b>30 fps</b></li>") && !page.contains("<figure"))
  for moving in [[30, nil, 30, 30], [30, 30, 30, 29]] as [[Double?]] {
    let run = viewer("framesPerSecond", subject: "bea", unit: "fps", moving, of: ["bea"])
    #expect(HTMLReport.render(run).contains("<figure"))
  }
  var missed = still
  missed.assertions[0].verdict = .fail
  #expect(HTMLReport.render(missed).contains("<figure"), "a missed limit has to be seen")
}

@Test func aLimitOnOnePublisherIsNotDrawnThroughAll() {
  let all = viewer("assay.endToEndDelay", subject: "", unit: "ms", delays, of: ["bea", "cleo"])
  #expect(HTMLReport.render(all).contains("limit: p95 &lt; 77 ms"))
  let one = viewer("assay.endToEndDelay", subject: "", unit: "ms", delays, of: ["bea"])
  #expect(!HTMLReport.render(one).contains("limit: p95"))
}

@Test func theWordOfQualityHoldsUntilTheNext() throws {
  let said: [Double?] = [nil, 3, nil, nil, 2, nil, nil, nil]
  let run = viewer("assay.connectionQuality", subject: "", unit: "1", said, of: ["bea"])
  let lines = try StrictXML(HTMLReport.render(run)).named("path")
  let line = try #require(lines.first { $0.attributes["class"] == "line s0" }?.attributes["d"])
  #expect(line.filter { $0 == "M" }.count == 1, "one line without a gap")
}

@Test func anImpairmentEndsWhereItsSuccessorBegins() {
  var run = viewer("framesPerSecond", subject: "bea", unit: "fps", [30, 20], of: ["bea"])
  func mark(_ at: Double, _ label: String) -> TimelineMark {
    TimelineMark(kind: .impairment, at: at, until: nil, label: label, subject: "ada")
  }
  run.marks = [mark(5, "ada: rate 1 Mbps"), mark(7, "ada: loss 1 %"), mark(9, "ada: rate 2 Mbps")]
  let rows = HTMLReport.render(run).split(separator: "<tr>").filter {
    $0.contains("key impairment")
  }
  #expect(rows.count == 3)
  #expect(rows[0].contains(">9 s<") && rows[1].contains(">end<") && rows[2].contains(">end<"))
  #expect(rows[0].contains("<td>rate 1 Mbps</td>"), "whom it struck has a column of its own")
}

@Test func aFaultThatComesBackOftenHasOneRowAndOneLetter() throws {
  var run = viewer("framesPerSecond", subject: "bea", unit: "fps", [30, 20], of: ["bea"])
  run.simulatedSeconds = 86_400
  run.marks = (0..<360).flatMap { round -> [TimelineMark] in
    let at = Double(240 * round)
    return [("bea", "blackout", 3.0), ("ada", "pause", 2)].map { subject, what, length in
      TimelineMark(
        kind: .impairment, at: at, until: at + length, label: "\(subject): \(what)",
        subject: subject)
    }
  }
  let page = HTMLReport.render(run)
  let rows = page.split(separator: "<tr>").filter { $0.contains("key impairment") }
  #expect(rows.count == 2)
  #expect(rows[0].contains("blackout, 360 times, 3 s each") && rows[0].contains(">A<"))
  let texts = try StrictXML(page).named("text").filter {
    $0.attributes["class"]?.hasPrefix("badge") == true
  }
  #expect(texts.count == page.components(separatedBy: "<svg class=\"chart\"").count - 1)
  #expect(!page.contains("</title><rect"), "too short to be shaded")
  // Below five each has its own.
  run.marks = Array(run.marks.prefix(8))
  let few = HTMLReport.render(run).split(separator: "<tr>").filter { $0.contains("key impairment") }
  #expect(few.count == 8)
}

@Test func reasonsReadAsWords() {
  var run = viewer("framesPerSecond", subject: "bea", unit: "fps", [30, 20], of: ["bea"])
  var link = Link(name: "home.up", from: "ada", to: "SFU", configuration: "")
  link.sentPackets = 10
  link.deliveredPackets = 5
  link.dropped = [.init(reason: "queueFull", packets: 3)]
  run.links = [link]
  let page = HTMLReport.render(run)
  #expect(page.contains("queue full 3<small>2 under way</small>"))
}

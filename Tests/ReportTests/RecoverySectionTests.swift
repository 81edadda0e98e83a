// The report of how people came back: attempts against the policy, and media on both sides.

import Report
import Results
import Testing

private let run: RunResult = {
  var run = SyntheticRun.train()
  var loss = ReconnectionSummary(
    participant: "rider", lost: 20.5, back: 23.75, outcome: .resumed)
  loss.attempts = [
    .init(waited: 0.25, allowed: 0...1, isViolation: false),
    .init(waited: 2.5, allowed: 0...2, isViolation: true),
    .init(waited: 0.125, allowed: nil, isViolation: false),
  ]
  var given = ReconnectionSummary(participant: "teacher", lost: 30, back: nil, outcome: .gaveUp)
  given.attempts = [.init(waited: 1, allowed: 1...1, isViolation: false)]
  run.reconnections = [loss, given]
  let people = ["teacher", "student-1", "student-2", "rider"]
  run.recoveries = [recovery("", .pair, 126)]
  for (index, name) in people.enumerated() {
    run.recoveries += [
      recovery(name, .subscriber, 80 + Double(index)), recovery(name, .publisher, 90),
    ]
  }
  return run
}()

private func recovery(
  _ name: String, _ side: MediaRecovery.Side, _ p95: Double
) -> MediaRecovery {
  MediaRecovery(
    participant: name, side: side, count: 3, fromHealP95: p95, fromHealMaximum: p95 + 10,
    fromLossMaximum: 10_100, gapMaximum: 10_050)
}

@Test func everyAttemptStandsBesideWhatThePolicyAllowed() throws {
  let xml = try StrictXML(HTMLReport.render(run))
  let cells = xml.named("td").map(\.text)
  #expect(cells.contains("0.25 s (0–1 s) · 2.5 s (0–2 s) ✗ · 0.125 s, asked by the SFU"))
  #expect(cells.contains("1 s (1 s)"))
  #expect(cells.contains("3.25 s") && cells.contains("resumed") && cells.contains("gave up"))
}

@Test func everybodyIsSeenOnBothSides() throws {
  let xml = try StrictXML(HTMLReport.render(run))
  let heads = xml.named("th").map(\.text)
  #expect(heads.contains("everybody"))
  let cells = xml.named("td").map(\.text)
  for text in ["126 ms", "136 ms", "83 ms", "90 ms", "10,050 ms"] { #expect(cells.contains(text)) }
  let quiet = try StrictXML(HTMLReport.render(SyntheticRun.train()))
  #expect(!quiet.named("h2").map(\.text).contains("Reconnections"))
}

@Test func inALargeRoomTheSlowestAreNamed() throws {
  var large = run
  large.recoveries = [recovery("", .pair, 126)]
  for index in 0..<100 {
    large.recoveries.append(recovery("p\(index)", .subscriber, Double(index)))
  }
  let heads = try StrictXML(HTMLReport.render(large)).named("th").map(\.text)
  #expect(heads.contains("p99") && heads.contains("p88") && !heads.contains("p87"))
}

@Test func recoveriesAreReadAsTheyWereWritten() throws {
  let back = try RunResult(parsing: run.json.text())
  #expect(back.reconnections == run.reconnections && back.recoveries == run.recoveries)
}

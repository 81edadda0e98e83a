// A step of a scenario that a served SFU has no handle for, and the expectations that rest on it.

import Basics
import Results
import Scenario

/// What a served SFU cannot be put through: from when on, and whom it would have concerned.
struct UnsupportedStep: Sendable, Equatable {
  /// `sfu: crashes`.
  var text: String
  var from = Instant.zero
  /// Identities of participants, or names of flows; nil for everybody.
  var whom: Set<String>?
  /// Whether it concerns data messages alone.
  var isOfData = false

  init(_ text: String, whom: Set<String>? = nil, isOfData: Bool = false) {
    self.text = text
    self.whom = whom
    self.isOfData = isOfData
  }

  init(_ event: Scenario.Event, _ scenario: Scenario) {
    self.init("\(event.target.text): \(event.action.text)")
    from = event.at
    switch (event.action, event.target) {
    case (.promote(let who, _), _), (.demote(let who, _), _), (.removeParticipant(let who), _),
      (.muteParticipant(let who, _), _):
      whom = Set(who)
    case (_, .participants(_, let identities)): whom = Set(identities)
    case (_, .room(let room)):
      whom = Set(scenario.members.filter { $0.room == room }.map(\.identity))
    case (_, .flows(_, let names)): whom = Set(names)
    case (_, .link), (_, .sfu): whom = nil
    }
  }

  /// Metrics of one participant's own connection, which no step that strikes others changes.
  private static let ownMetrics: Set<String> = [
    "assay.joined", "assay.connectTime", "roundTripTime", "assay.connectionQuality",
    "assay.resumed", "assay.reconnectAttempts", "assay.backoffViolations",
    "assay.illegalTransitions", "assay.unauthorisedTracks",
  ]

  /// Whether what an expectation judges would have been otherwise without this step: it comes before the end of
  /// the window, and strikes those judged or, but for metrics of their own connection, those in their room
  /// whom they see.
  func decides(_ expectation: Scenario.Expectation, of scenario: Scenario) -> Bool {
    let end = expectation.window?.end ?? .zero + scenario.duration
    guard from < end else { return false }
    let metric = expectation.metric
    if isOfData { return metric.name.hasPrefix("assay.data") }
    guard let whom else { return true }
    return expectation.subjects.contains { subject in
      guard subject.kind == .participant else {
        // Everybody's packets may be on a shared link.
        return subject.kind == .link || whom.contains(subject.identity)
      }
      if whom.contains(subject.identity) { return true }
      if UnsupportedStep.ownMetrics.contains(metric.name) { return false }
      let others = expectation.from.map { $0.map(\.identity) } ?? scenario.members.map(\.identity)
      let room = Set(scenario.members.filter { $0.room == subject.room }.map(\.identity))
      return others.contains { room.contains($0) && whom.contains($0) }
    }
  }
}

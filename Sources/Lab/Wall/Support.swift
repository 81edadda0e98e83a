// What a served SFU has no handle for, and what its kind has no notion of: UNSUPPORTED in the verdict.

import Results
import Scenario

extension ServedSFU {
  /// Steps and settings of the scenario that only the reference SFU in virtual time can be put through.
  func unsupportedSteps(of scenario: Scenario) -> [UnsupportedStep] {
    var found = scenario.events.filter { !isSupported($0) }.map { UnsupportedStep($0, scenario) }
    if scenario.sfu.mutant != nil { found.append(UnsupportedStep("sfu.mutant")) }
    if scenario.sfu.subscriberLimit != nil { found.append(UnsupportedStep("sfu.subscriberLimit")) }
    let rooms = Dictionary(grouping: scenario.members, by: \.room).values
    let full = rooms.filter { $0.count > scenario.sfu.maxParticipants }.flatMap(\.self)
    if !full.isEmpty {
      found.append(UnsupportedStep("sfu.maxParticipants", whom: Set(full.map(\.identity))))
    }
    if kind != .liveKit, scenario.usesData {
      found.append(UnsupportedStep("data messages", isOfData: true))
    }
    return found
      + crowdedViews(of: scenario).map { UnsupportedStep($0.text, whom: [$0.identity]) }
  }

  private func isSupported(_ event: Scenario.Event) -> Bool {
    switch event.action {
    // The links are ours, wherever they lead.
    case .setLink, .blackout, .pause: true
    case .loseSignalling: kind != .whip
    case .startScreenShare, .stopScreenShare, .subscribe, .unsubscribe, .view: kind != .whip
    case .promote, .demote, .removeParticipant, .muteParticipant: kind == .liveKit
    case .limitSubscriber: false
    default: event.target.identities != nil
    }
  }

  /// Whether the run can say anything about a rule, or why not.
  func unsupported(_ rule: Assertion, in scenario: Scenario) -> String? {
    guard rule.id == "rule/media-received", rule.verdict == .fail,
      let event = scenario.events.first(where: { $0.action.addsMedia && !isSupported($0) })
    else { return reason(rule.metric) }
    return "needs a control that this SFU does not have: \(event.target.text): "
      + event.action.text
  }

  private func reason(_ metric: String) -> String? {
    kind.unsupportedMetrics[metric].map { "\(kind.name) has no notion of it: \($0)" }
  }

  /// Why a run of this scenario can say nothing about an expectation; nil where it can.
  func unsupported(
    _ expectation: Scenario.Expectation, of scenario: Scenario, steps: [UnsupportedStep]
  ) -> String? {
    let missing = steps.filter { $0.decides(expectation, of: scenario) }
    if let step = missing.first {
      return "needs a control that this SFU does not have: \(step.text)"
        + (missing.count > 1 ? " and \(missing.count - 1) more" : "")
    }
    return reason(expectation.metric.name)
  }
}

extension ServedSFU {
  /// The SFUs that a rule can be judged on, as `list rules` has them.
  public static func judged(_ rule: Rule) -> String {
    switch rule.reach {
    case .referenceSFU: return "the reference SFU in virtual time"
    case .servedSFU: return "any SFU on real sockets"
    case .anySFU:
      let kinds = Kind.allCases.filter { kind in
        rule.metric.map { kind.unsupportedMetrics[$0] == nil } ?? true
      }
      return kinds.count == Kind.allCases.count
        ? "any SFU" : kinds.map(\.rawValue).joined(separator: ", ")
    }
  }
}

extension ServedSFU.Kind {
  var name: String {
    switch self {
    case .liveKit: "LiveKit's protocol"
    case .janus: "Janus's VideoRoom"
    case .whip: "WHIP"
    }
  }

  /// Metrics that need what this kind of SFU does not say, and what that is.
  var unsupportedMetrics: [String: String] {
    switch self {
    case .liveKit: [:]
    case .whip:
      Dictionary(
        uniqueKeysWithValues: [
          "assay.connectionQuality", "assay.muteDelay", "assay.packetsAfterMute",
          "assay.unauthorisedPackets", "assay.unauthorisedTracks", "assay.presence",
          "assay.unauthorisedMedia", "assay.unauthorisedMessages", "assay.mutesUntold",
          "assay.speakingAfterMute", "assay.staleStateDuration",
          "assay.presenceError", "assay.disconnectNotifyDelay", "assay.speakingIndicatorOnset",
          "assay.speakingIndicatorRecall", "assay.speakingIndicatorPrecision",
        ].map { ($0, "no signalling beside the two sessions") })
    case .janus:
      [
        "assay.disconnectNotifyDelay": "no word about connections",
        "assay.connectionQuality": "no word about connections",
        "assay.muteDelay": "nobody is told who is muted",
        "assay.mutesUntold": "nobody is told who is muted",
        "assay.speakingAfterMute": "nobody is told who is muted",
        "assay.staleStateDuration": "nobody is told who is muted",
        "assay.unauthorisedMedia": "no rights",
        "assay.unauthorisedMessages": "no rights",
        "assay.packetsAfterMute": "nobody is told who is muted",
        "assay.unauthorisedPackets": "no rights",
        "assay.unauthorisedTracks": "no rights",
      ]
    }
  }
}

extension Scenario.Event.Action {
  /// Whether media is due to somebody only because of it.
  fileprivate var addsMedia: Bool {
    switch self {
    case .promote, .subscribe, .view, .startScreenShare: true
    default: false
    }
  }
}

extension Assertion {
  /// The same question without an answer.
  func unsupported(_ reason: String) -> Assertion {
    var copy = self
    copy.verdict = .unsupported
    copy.reason = reason
    copy.observed = nil
    copy.worst = nil
    copy.perParticipant = []
    return copy
  }
}

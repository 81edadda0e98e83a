// Names of metrics, rules and mutants that changed, so that who writes an old one is told the new one.

public enum RenamedNames {
  /// The name that took the place of `old`; nil where there is none.
  public static func current(of old: String) -> String? {
    if let name = metrics[old] ?? rules[old] ?? mutants[old] { return name }
    guard old.hasPrefix("rule/") else { return nil }
    return rules[String(old.dropFirst("rule/".count))].map { "rule/\($0)" }
  }

  static let metrics = [
    "assay.absenceTold": "assay.disconnectNotifyDelay",
    "assay.dataDoubled": "assay.dataDuplicated",
    "assay.dataOverdue": "assay.dataLate",
    "assay.ghostTime": "assay.zombieDuration",
    "assay.joinsAtOnce": "assay.joinRequestsPer100ms",
    "assay.meanUtilisation": "assay.overallUtilisation",
    "assay.repeatedNumbers": "assay.duplicateSequenceNumbers",
    "assay.wrongState": "assay.staleStateDuration",
  ]

  static let rules = [
    "absence-told": "disconnect-notified",
    "everybody-back": "all-reconnected",
    "ghosts": "disconnected-removed",
    "nothing-left": "no-leaks",
    "numbers-once": "no-sequence-reuse",
    "quality-word": "connection-quality",
  ]

  static let mutants = [
    "blindEstimator": "ignoresDelay",
    "dropsInSilence": "dropsUncounted",
    "hoards": "delaysVideo",
    "neverForgets": "leaksParticipants",
    "numbersAgain": "reusesSequenceNumbers",
  ]
}

// The rules that strict receivers check as packets, reports and descriptions come.

import Results

extension Rules {
  /// Whether anybody found this fault in what the SFU sent.
  func protocolFaults(_ fault: ProtocolFault) -> Assertion {
    let rule = fault.rule
    var first: (who: String, count: ProtocolFaultCount)?
    let individuals = evidence.participants.compactMap { seat -> Assertion.Individual? in
      guard let count = seat.record.protocolFaults.first(where: { $0.fault == fault }),
        // What comes at intervals may all have been lost.
        !fault.needsSteadyLink || !evidence.wasCut(seat)
      else { return nil }
      if let at = count.first, first?.count.first.map({ at < $0 }) ?? true {
        first = (seat.member.identity, count)
      }
      return .init(
        participant: seat.member.identity, observed: Double(count.found), samples: count.checks,
        verdict: count.found == 0 ? .pass : .fail)
    }
    var result = assertion(
      rule.id, ProtocolFault.metric, .max, .atMost, limit: 0, individuals, rule.source)
    result.reason = sentence(result, rule.requirement, rule.source)
    if let (who, count) = first, let at = count.first {
      let seconds = (at.seconds * 1_000).rounded() / 1_000
      result.reason += " First at \(seconds) s at \(who): \(count.detail)."
    }
    return result
  }
}

extension ProtocolFault {
  fileprivate var needsSteadyLink: Bool {
    switch self {
    case .senderReports, .receiverReports, .lipSync: true
    default: false
    }
  }
}

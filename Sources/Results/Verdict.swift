// The verdict of an assertion and of a run, and the exit codes they become.

/// What a check says. Ordered by how much each one decides a run.
public enum Verdict: String, Sendable, CaseIterable {
  case pass
  case fail
  /// No samples, too few of them, or a harness that could not keep up.
  case inconclusive
  /// The system under test has no such notion.
  case unsupported
  case skipped
  /// A rule that the scenario leaves out, with its reason.
  case waived
  /// Failed, as the expectations file said it would.
  case expectedFailure
  /// Passed although the expectations file said it would fail.
  case unexpectedPass
}

/// The exit codes of every verb; stable.
public enum ExitCode: Int32, Sendable {
  case passed = 0
  case failed = 1
  case badInput = 2
  case inconclusive = 3
  case nothingSelected = 4
  case neverReady = 5
  case internalFault = 70
  case interrupted = 130
  case terminated = 143
}

extension Verdict {
  /// A run's verdict from its assertions': a failure decides, then an inconclusive one. A run in which
  /// nothing was judged proves nothing.
  public static func combined(_ verdicts: some Sequence<Verdict>) -> Verdict {
    var combined: Verdict?
    for verdict in verdicts {
      switch verdict {
      case .fail, .unexpectedPass: return .fail
      case .inconclusive: combined = .inconclusive
      case .pass, .expectedFailure: combined = combined ?? .pass
      case .unsupported, .skipped, .waived: break
      }
    }
    return combined ?? .inconclusive
  }

  public var exitCode: ExitCode {
    switch self {
    case .pass, .expectedFailure, .unsupported, .skipped, .waived: .passed
    case .fail, .unexpectedPass: .failed
    case .inconclusive: .inconclusive
    }
  }
}

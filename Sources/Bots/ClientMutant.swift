// Clients with a fault in how they come back, each of which a verdict must catch.

/// Deliberate faults of a client.
public enum ClientMutant: String, Sendable, CaseIterable {
  case noICERestart
  case noResume
  case constantDelay
  case unlimitedAttempts
  case skipsReconnecting
  case forgetsMute

  /// What it does wrong.
  public var meaning: String {
    switch self {
    case .noICERestart: "resumes the session and goes on checking over what failed"
    case .noResume: "joins anew whatever was lost"
    case .constantDelay: "waits the same time before every attempt"
    case .unlimitedAttempts: "tries on after the last attempt of its policy"
    case .skipsReconnecting: "joins anew without having said that it was out"
    case .forgetsMute: "comes back with its microphone open and the camera on, whatever they were"
    }
  }
}

// Clients with a fault in how they come back, each of which a verdict must catch.

/// Deliberate faults of a client.
public enum ClientMutant: String, Sendable, CaseIterable {
  /// Resumes the session and goes on checking over what failed.
  case noICERestart
  /// Joins anew whatever was lost.
  case noResume
  /// Waits the same time before every attempt.
  case constantDelay
  /// Tries on after the last attempt of its policy.
  case unlimitedAttempts
  /// Comes back with its microphone open and the camera on, whatever they were.
  case forgetsMute
}

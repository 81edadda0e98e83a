// When a client tries again after it lost the room, as data: how long it waits before each attempt,
// and how often it tries. The presets are those of the clients that the lab stands in for.

public struct ReconnectPolicy: Sendable, Equatable {
  public enum Jitter: Sendable, Equatable {
    case none
    /// Uniform over zero to the delay.
    case full
    /// Half the delay, and uniform over the other half.
    case equal
    /// Uniform over the initial delay to three times the last one.
    case decorrelated
    /// This much at most is added, from the `from`-th attempt on (counted from 0).
    case added(Duration, from: Int)
  }

  public enum Delays: Sendable, Equatable {
    case exponential(initial: Duration, factor: Double, ceiling: Duration)
    /// One for each attempt; the last one repeats.
    case table([Duration])
  }

  public var delays: Delays
  public var jitter: Jitter
  /// At least 1.
  public var attempts: Int
  /// Whether a client whose token is refused while it comes back gives up at once (client-sdk-js,
  /// `RTCEngine.resumeConnection`: the token might be expired) instead of trying on.
  public var endsAtRefusedToken: Bool

  public init(
    delays: Delays, jitter: Jitter, attempts: Int, endsAtRefusedToken: Bool = true
  ) {
    self.delays = delays
    self.jitter = jitter
    self.attempts = attempts
    self.endsAtRefusedToken = endsAtRefusedToken
  }

  /// The longest wait before any attempt.
  public var longestDelay: Duration {
    var longest = Duration.zero
    for attempt in 0..<attempts {
      longest = max(longest, bounds(attempt: attempt, last: longest).upperBound)
    }
    return longest
  }

  /// The delay before `attempt`, counted from 0.
  /// - Parameter last: the delay before the attempt before it; zero for the first.
  public func delay(
    attempt: Int, last: Duration, random: inout RandomStream
  ) -> Duration {
    let base = base(attempt)
    switch jitter {
    case .none: return base
    case .full: return base * random.uniform()
    case .equal: return base / 2 + base / 2 * random.uniform()
    case .decorrelated:
      guard case .exponential(let initial, _, let ceiling) = delays else { return base }
      let high = max(initial, last * 3)
      return min(ceiling, initial + (high - initial) * random.uniform())
    case .added(let most, let from):
      return attempt < from ? base : base + most * random.uniform()
    }
  }

  /// The least and the most that `delay` gives; between them it is uniform, but for what a ceiling
  /// cuts off a decorrelated one.
  public func bounds(attempt: Int, last: Duration) -> ClosedRange<Duration> {
    let base = base(attempt)
    switch jitter {
    case .none: return base...base
    case .full: return .zero...base
    case .equal: return base / 2...base
    case .decorrelated:
      guard case .exponential(let initial, _, let ceiling) = delays else { return base...base }
      return min(initial, ceiling)...min(ceiling, max(initial, last * 3))
    case .added(let most, let from): return base...(attempt < from ? base : base + most)
    }
  }

  private func base(_ attempt: Int) -> Duration {
    switch delays {
    case .exponential(let initial, let factor, let ceiling):
      var delay = initial
      for _ in 0..<attempt where delay < ceiling { delay = delay * factor }
      return min(delay, ceiling)
    case .table(let table): return table.isEmpty ? .zero : table[min(attempt, table.count - 1)]
    }
  }
}

extension ReconnectPolicy {
  /// After so long without an answer an attempt has failed (rust-sdks: signal connect and join response,
  /// 5 s each).
  public static let attemptTimeout = Duration.seconds(10)

  /// client-sdk-js `DefaultReconnectPolicy`: up to a second is added from the third attempt on.
  public static let liveKitJS = ReconnectPolicy(
    delays: .table([0, 300, 1_200, 2_700, 4_800, 7_000].map { Duration.milliseconds($0) }),
    jitter: .added(.seconds(1), from: 2), attempts: 10)

  /// The same table as JavaScript's.
  public static let liveKitFlutter = liveKitJS

  /// rust-sdks: full jitter over 300 ms doubled each time, 7 s at most.
  public static let liveKitRust = ReconnectPolicy(
    delays: .exponential(initial: .milliseconds(300), factor: 2, ceiling: .seconds(7)),
    jitter: .full, attempts: 10, endsAtRefusedToken: false)

  /// Definition D9: five attempts, 1 s doubled to at most 8 s, full jitter.
  public static let fiveAttempts = ReconnectPolicy(
    delays: .exponential(initial: .seconds(1), factor: 2, ceiling: .seconds(8)), jitter: .full,
    attempts: 5)

  /// By the name that scenarios use, and in a word.
  public static let named: [(name: String, policy: ReconnectPolicy, about: String)] = [
    (
      "livekit-js", liveKitJS,
      "0, 0.3, 1.2, 2.7, 4.8 s, then 7 s; up to 1 s more from the third on; ten attempts"
    ),
    ("livekit-flutter", liveKitFlutter, "as livekit-js"),
    (
      "livekit-rust", liveKitRust,
      "full jitter over 0.3 s doubled each time, 7 s at most; ten attempts"
    ),
    (
      "five-attempts", fiveAttempts,
      "full jitter over 1 s doubled each time, 8 s at most; five attempts"
    ),
  ]
}

// Whether a call succeeded (definition D2): joined in time, stayed, and saw what it wanted.

import Basics
import Bots
import Conformance

struct CallJudge {
  private let seat: World.Seat
  private let store: MetricStore
  private let end: Instant

  /// The product leaves these open; they are ours.
  private static let joinLimit = Duration.seconds(10)
  private static let window = 5
  private static let liveShare = 0.99

  init(_ seat: World.Seat, store: MetricStore, until end: Instant) {
    self.seat = seat
    self.store = store
    self.end = end
  }

  func hasSucceeded(_ session: BotObservations.Session) -> Bool {
    guard let connected = session.connected,
      connected - session.requested <= CallJudge.joinLimit, hasStayed
    else { return false }
    let identity = seat.member.identity
    return store.peers(of: identity, metric: "framesPerSecond", kind: .video).allSatisfy { peer in
      guard
        let samples = store.samples(
          participant: identity, metric: "framesPerSecond", peer: peer, kind: .video)
      else { return true }
      return isLive(samples)
    }
  }

  /// Still there, or gone of its own will.
  private var hasStayed: Bool {
    guard case .disconnected(let reason) = seat.bot.state else { return true }
    return reason == .left
  }

  /// A window is live when any of its seconds shows a frame.
  private func isLive(_ samples: MetricSamples) -> Bool {
    var windows: [Bool] = []
    for (index, value) in samples.values.enumerated() {
      if index % CallJudge.window == 0 { windows.append(false) }
      if value > 0 { windows[windows.count - 1] = true }
    }
    guard !windows.isEmpty else { return true }
    return Double(windows.count { $0 }) >= CallJudge.liveShare * Double(windows.count)
  }
}

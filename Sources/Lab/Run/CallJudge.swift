// Whether a call succeeded (definition D2): joined in time, stayed, and saw what it wanted.

import Basics
import Bots
import Conformance

struct CallJudge {
  private let seat: World.Seat
  private let store: MetricStore
  private let faults: [FaultWindow]

  /// The product leaves these open; they are ours.
  private static let joinLimit = Duration.seconds(10)
  private static let window = 5
  private static let liveShare = 0.99

  init(_ seat: World.Seat, store: MetricStore, faults: [FaultWindow]) {
    self.seat = seat
    self.store = store
    self.faults = faults
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
      let strikes = faults.filter { $0.strikes(identity) || $0.strikes(peer) }
      return isLive(samples, besides: strikes)
    }
  }

  /// Still there, or gone of its own will.
  private var hasStayed: Bool {
    guard case .disconnected(let reason) = seat.bot.state else { return true }
    return reason == .left
  }

  /// A window is live when any of its seconds shows a frame; those that a fault reaches into count
  /// only when they are.
  private func isLive(_ samples: MetricSamples, besides strikes: [FaultWindow]) -> Bool {
    var windows: [Bool] = []
    for start in stride(from: 0, to: samples.values.count, by: CallJudge.window) {
      let end = min(start + CallJudge.window, samples.values.count)
      let isLive = samples.values[start..<end].contains { $0 > 0 }
      // A sample tells of the second before it.
      let span = (
        Instant(nanoseconds: samples.times[start]) - .seconds(1),
        Instant(nanoseconds: samples.times[end - 1])
      )
      let isStruck = strikes.contains { $0.begin < span.1 && $0.heal > span.0 }
      if isLive || !isStruck { windows.append(isLive) }
    }
    guard !windows.isEmpty else { return true }
    return Double(windows.count { $0 }) >= CallJudge.liveShare * Double(windows.count)
  }
}

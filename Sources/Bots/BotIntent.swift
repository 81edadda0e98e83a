// What the person in front of a client wants, whatever session carries it: it outlives a rejoin.

import Basics
import Signal

struct BotIntent {
  /// Sources that are muted or switched off.
  private(set) var muted: [TrackSource] = []
  /// Nil for what the configuration says.
  var sharesScreen: Bool?
  /// Tracks that are wanted otherwise than subscribing by itself would have it.
  private(set) var exceptions: [String] = []

  mutating func setMuted(_ source: TrackSource, _ isMuted: Bool) {
    muted.removeAll { $0 == source }
    if isMuted { muted.append(source) }
  }

  mutating func setException(_ sids: [String], _ isException: Bool) {
    exceptions.removeAll { sids.contains($0) }
    if isException { exceptions += sids }
  }

  func publishesAtOnce(_ track: LocalTrackConfiguration) -> Bool {
    if track.source == .screenShare, let sharesScreen { return sharesScreen }
    return track.isPublishedAtOnce
  }
}

extension Bot {
  /// The tracks it is to be sent besides, or not, as the SFU wants to hear it.
  var exceptionsFromSubscribing: UpdateSubscription {
    UpdateSubscription {
      $0.trackSids = intent.exceptions
      $0.subscribe = !configuration.subscribesByItself
    }
  }

  /// What a session that begins anew must be told.
  func restoreSubscriptions(into outbox: inout Outbox) {
    guard !intent.exceptions.isEmpty else { return }
    send(.subscription(exceptionsFromSubscribing), into: &outbox)
  }
}

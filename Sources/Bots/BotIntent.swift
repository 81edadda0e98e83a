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
  /// Tracks about which there is a word already, a selection's or a person's.
  private var settled: Set<String> = []

  mutating func setMuted(_ source: TrackSource, _ isMuted: Bool) {
    muted.removeAll { $0 == source }
    if isMuted { muted.append(source) }
  }

  mutating func setException(_ sids: [String], _ isException: Bool) {
    settled.formUnion(sids)
    exceptions.removeAll { sids.contains($0) }
    if isException { exceptions += sids }
  }

  /// Takes what of these tracks is new for wanted.
  /// - Returns: those.
  mutating func select(_ sids: [String]) -> [String] {
    let new = sids.filter { !settled.contains($0) }
    setException(new, true)
    return new
  }

  func publishesAtOnce(_ track: LocalTrackConfiguration) -> Bool {
    if track.source == .screenShare, let sharesScreen { return sharesScreen }
    return track.isPublishedAtOnce
  }
}

extension Bot {
  /// Asks for tracks of the selection that were not there before, as client-sdk-js does where
  /// `autoSubscribe` is off and the application wants some.
  func subscribe(toSelected infos: [ParticipantInfo], into outbox: inout Outbox) {
    guard let selection = configuration.selection else { return }
    let sids = intent.select(infos.flatMap { selection.tracks(of: $0) })
    askFor(sids, subscribe: true, into: &outbox)
  }

  /// Asks to be sent these tracks, or no longer; for none it says nothing.
  func askFor(_ sids: [String], subscribe: Bool, into outbox: inout Outbox) {
    guard !sids.isEmpty else { return }
    send(
      .subscription(
        UpdateSubscription {
          $0.trackSids = sids
          $0.subscribe = subscribe
        }), into: &outbox)
  }

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

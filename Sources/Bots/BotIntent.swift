// What the person in front of a client wants, whatever session carries it: it outlives a rejoin.

import Basics
import Wire

struct BotIntent {
  /// Sources that are muted or switched off.
  private(set) var muted: [TrackSource] = []
  /// Nil for what the configuration says.
  var sharesScreen: Bool?
  /// Whether somebody's source is wanted, where a person said so; by name, as tracks come and go.
  private var choices: [Source: Bool] = [:]

  private struct Source: Hashable {
    var publisher: String
    var source: TrackSource
  }

  mutating func setMuted(_ source: TrackSource, _ isMuted: Bool) {
    muted.removeAll { $0 == source }
    if isMuted { muted.append(source) }
  }

  mutating func choose(_ source: TrackSource, of publisher: String, isWanted: Bool) {
    choices[Source(publisher: publisher, source: source)] = isWanted
  }

  func choice(_ source: TrackSource, of publisher: String) -> Bool? {
    choices[Source(publisher: publisher, source: source)]
  }

  func publishesAtOnce(_ track: LocalTrackConfiguration) -> Bool {
    if track.source == .screenShare, let sharesScreen { return sharesScreen }
    return track.isPublishedAtOnce
  }
}

extension Bot {
  /// Whether somebody's source is to be sent to this bot, as far as it goes by what it wants.
  func wants(_ source: TrackSource, of publisher: String) -> Bool {
    intent.choice(source, of: publisher)
      ?? (configuration.subscribesByItself
        || configuration.selection?.covers(source, of: publisher) ?? false)
  }

  /// Those of a participant's tracks that are wanted otherwise than subscribing by itself has it.
  private func exceptions(of info: SessionParticipant) -> [String] {
    info.tracks.filter {
      wants($0.source, of: info.identity) != configuration.subscribesByItself
    }.map(\.sid)
  }

  /// Asks for tracks that were not there before to be sent, or not to be, as client-sdk-js does where
  /// an application has `autoSubscribe` off and wants some, or on and does not want all.
  func correctSubscriptions(
    _ infos: [SessionParticipant], at now: Instant, into outbox: inout Outbox
  ) {
    let sids = infos.filter { $0.sid != sid }.flatMap(exceptions)
      .filter { toldExceptions.insert($0).inserted }
    askFor(sids, subscribe: !configuration.subscribesByItself, at: now, into: &outbox)
  }

  /// Asks to be sent these tracks, or no longer; for none it says nothing.
  func askFor(
    _ sids: [String], subscribe: Bool, at now: Instant, into outbox: inout Outbox
  ) {
    guard !sids.isEmpty else { return }
    send(
      .updateSubscription(SubscriptionUpdate(tracks: sids, subscribe: subscribe)), at: now,
      into: &outbox)
  }

  /// The tracks it is to be sent besides, or not, as the SFU wants to hear it after a resume.
  var exceptionsFromSubscribing: SubscriptionUpdate {
    SubscriptionUpdate(
      tracks: roster.participants.flatMap(exceptions),
      subscribe: !configuration.subscribesByItself)
  }
}

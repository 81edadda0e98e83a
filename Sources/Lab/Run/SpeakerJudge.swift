// The speaking indicator against the talk schedule of the scenario (criterion 000:52).

import Basics
import Bots
import Signal

/// How right one participant's indicators were about everybody else.
struct SpeakerJudge {
  /// The moment and delay of each indicator that went on for a spell of talk.
  private(set) var onsets: [(at: Instant, delay: Duration)] = []
  /// Share of indicated time in which the schedule says talk, with the decay of definition 000:52.
  private(set) var precision: Double?
  /// Share of scheduled talk during which the indicator was on.
  private(set) var recall: Double?

  /// An indicator may stay on this long after the last word.
  private static let decay = Duration.seconds(1.5)
  /// Talk that begins this close to the end, or to the participant's arrival, is not judged.
  private static let margin = Duration.seconds(1)

  init(world: World, seat: World.Seat) {
    guard let session = seat.bot.observations.sessions.first, let from = session.connected else {
      return
    }
    let end = session.ended ?? (.zero + world.scenario.duration)
    var indicated = Duration.zero
    var right = Duration.zero
    var talked = Duration.zero
    var heard = Duration.zero
    for other in world.seats
    where other.member.room == seat.member.room && other.member.identity != seat.member.identity {
      guard other.group.publish.contains(.microphone), other.group.hasDevices else { continue }
      let talk = talk(of: other, world, from: from, until: end)
      let shown = indications(of: other.member.identity, seat.bot, until: end)
      for spell in shown {
        indicated += spell.end - spell.start
        right += overlap(
          spell, talk.map { TalkInterval(start: $0.start, end: $0.end + SpeakerJudge.decay) })
      }
      for spell in talk {
        talked += spell.end - spell.start
        heard += overlap(spell, shown)
        guard spell.start > from, end - spell.start > SpeakerJudge.margin else { continue }
        let first = shown.first { $0.end > spell.start }
        if let first, first.start < spell.end {
          onsets.append(
            (max(first.start, spell.start), max(.zero, first.start - spell.start)))
        }
      }
    }
    onsets.sort { $0.at < $1.at }
    if indicated > .zero { precision = right / indicated }
    if talked > .zero { recall = heard / talked }
  }

  private func talk(
    of other: World.Seat, _ world: World, from: Instant, until end: Instant
  ) -> [TalkInterval] {
    let schedule = other.group.talkSchedule(of: other.member, until: world.scenario.duration)
    let spells: [TalkInterval]
    switch schedule {
    case .always: spells = [TalkInterval(start: .zero, end: end)]
    case .never: spells = []
    case .intervals(let intervals): spells = intervals
    }
    guard let session = other.bot.observations.sessions.first, let there = session.connected else {
      return []
    }
    let earliest = max(from, there)
    let latest = min(end, session.ended ?? end)
    return spells.compactMap { spell in
      let start = max(spell.start, earliest)
      let stop = min(spell.end, latest)
      return start < stop ? TalkInterval(start: start, end: stop) : nil
    }
  }

  private func indications(
    of identity: String, _ bot: Bot, until end: Instant
  ) -> [TalkInterval] {
    var result: [TalkInterval] = []
    var since: Instant?
    for note in bot.observations.speakers where note.identity == identity {
      if note.isSpeaking {
        since = since ?? note.at
      } else if let start = since {
        if note.at > start { result.append(TalkInterval(start: start, end: note.at)) }
        since = nil
      }
    }
    if let since, since < end { result.append(TalkInterval(start: since, end: end)) }
    return result
  }

  private func overlap(_ spell: TalkInterval, _ others: [TalkInterval]) -> Duration {
    others.reduce(.zero) { sum, other in
      sum + max(.zero, min(spell.end, other.end) - max(spell.start, other.start))
    }
  }
}

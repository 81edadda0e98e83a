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
    let end = Instant.zero + world.scenario.duration
    let there = SpeakerJudge.presence(of: seat, until: end)
    var indicated = Duration.zero
    var right = Duration.zero
    var talked = Duration.zero
    var heard = Duration.zero
    for other in world.seats
    where other.member.room == seat.member.room && other.member.identity != seat.member.identity {
      guard other.group.publish.contains(.microphone), other.group.hasDevices else { continue }
      let talk = SpeakerJudge.intersection(
        SpeakerJudge.intersection(
          spells(of: other, world), SpeakerJudge.presence(of: other, until: end)), there)
      let shown = SpeakerJudge.intersection(
        seat.bot.observations.indications(of: other.member.identity, until: end), there)
      for spell in shown {
        indicated += spell.end - spell.start
        right += overlap(
          spell, talk.map { Spell(start: $0.start, end: $0.end + SpeakerJudge.decay) })
      }
      for spell in talk {
        talked += spell.end - spell.start
        heard += overlap(spell, shown)
        // Talk that was going on when this participant came in has no onset for it.
        guard !there.contains(where: { $0.start == spell.start }),
          end - spell.start > SpeakerJudge.margin
        else { continue }
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

  /// When the schedule lets `other` talk.
  private func spells(of other: World.Seat, _ world: World) -> [Spell] {
    let end = Instant.zero + world.scenario.duration
    switch other.group.talkSchedule(of: other.member, until: world.scenario.duration) {
    case .always: return [Spell(start: .zero, end: end)]
    case .never: return []
    case .intervals(let intervals): return intervals
    }
  }

  /// When a participant was in the room, up and running.
  private static func presence(of seat: World.Seat, until end: Instant) -> [Spell] {
    seat.bot.observations.sessions.compactMap { session in
      guard let start = session.connected else { return nil }
      let stop = session.ended ?? end
      return start < stop ? Spell(start: start, end: stop) : nil
    }
  }

  private static func intersection(
    _ a: [Spell], _ b: [Spell]
  ) -> [Spell] {
    a.flatMap { first in
      b.compactMap { second in
        let start = max(first.start, second.start)
        let end = min(first.end, second.end)
        return start < end ? Spell(start: start, end: end) : nil
      }
    }
  }

  private func overlap(_ spell: Spell, _ others: [Spell]) -> Duration {
    others.reduce(.zero) { sum, other in
      sum + max(.zero, min(spell.end, other.end) - max(spell.start, other.start))
    }
  }
}

// The speaking indicator against the talk schedule of the scenario (criterion 000:52).

import Basics
import Results
import Scenario

/// How right one participant's indicators were about everybody else.
struct SpeakerJudge {
  /// The moment and delay of each indicator that went on for a spell of talk.
  private(set) var onsets: [(at: Instant, delay: Duration)] = []
  /// The spells of talk that were to be indicated, each with whether it never was.
  private(set) var spells: [(at: Instant, isMissing: Bool)] = []
  /// Share of indicated time in which the schedule says talk, with the decay of definition 000:52.
  private(set) var precision: Double?
  /// Share of scheduled talk during which the indicator was on.
  private(set) var recall: Double?

  /// An indicator may stay on this long after the last word.
  private static let decay = Duration.seconds(1.5)
  /// Talk that begins this close to the end, or to the participant's arrival, is not judged.
  private static let margin = Duration.seconds(1)

  init(_ evidence: Evidence, _ seat: Evidence.Participant, _ plan: MediaPlan) {
    let end = Instant.zero + evidence.scenario.duration
    let there = seat.record.presence(until: end)
    var indicated = Duration.zero
    var right = Duration.zero
    var talked = Duration.zero
    var heard = Duration.zero
    for other in evidence.participants
    where other.member.room == seat.member.room && other.member.identity != seat.member.identity {
      guard other.group.publish.contains(.microphone), other.group.hasDevices else { continue }
      let talk = talk(of: other, evidence).subtracting(evidence.muted(other.member.identity))
        .intersection(other.record.presence(until: end)).intersection(there)
      let shown = seat.record.speaking.of(other.member.identity).intersection(there)
      for spell in shown {
        indicated += spell.end - spell.start
        // Intervals that decay makes overlap each count, as ever.
        right += talk.map { Interval(start: $0.start, end: $0.end + SpeakerJudge.decay) }
          .overlap(with: spell)
      }
      let sent = plan.sends(other.member.identity, .microphone)
      for spell in talk {
        talked += spell.end - spell.start
        heard += shown.overlap(with: spell)
        // Talk that was going on when this participant came in has no onset for it.
        guard !there.contains(where: { $0.start == spell.start }),
          end - spell.start > SpeakerJudge.margin
        else { continue }
        let first = shown.first { $0.end > spell.start }
        let length = spell.duration
        if length > SpeakerJudge.margin, sent.overlap(with: spell) == length {
          spells.append((spell.start, first.map { $0.start >= spell.end } ?? true))
        }
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
  private func talk(of other: Evidence.Participant, _ evidence: Evidence) -> [Interval] {
    let end = Instant.zero + evidence.scenario.duration
    return switch other.group.talkSchedule(of: other.member, until: evidence.scenario.duration) {
    case .always: [Interval(start: .zero, end: end)]
    case .never: []
    case .intervals(let intervals): intervals
    }
  }
}

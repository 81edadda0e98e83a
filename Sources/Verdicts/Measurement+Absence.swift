// Who was told, and when, that somebody's connection was lost or found again (criterion 003:466).

import Basics
import Results
import Scenario

extension Measurement {
  /// Silence at the SFU is read off the last link before it; who hears of it is whoever nothing struck.
  mutating func measureAbsences() {
    guard evidence.record.server != nil else { return }
    let viewers = evidence.participants.filter { evidence.isClean($0) }
    // Of a hidden participant nobody hears.
    for seat in evidence.participants where !wasRebound(seat) && !seat.group.grants.hidden {
      let identity = seat.member.identity
      let stays = stays(of: seat)
      let silences = HeardSpans(seat.record.datagramsAtServer).silences
      for viewer in viewers
      where viewer.member.room == seat.member.room && viewer.member.identity != identity {
        let told = viewer.record.lostConnections.of(identity)
        for silence in silences {
          let lost = toldLost(silence, of: seat, stays, to: viewer, told)
          let found = toldFound(silence, to: viewer, told)
          for (wait, moment) in [lost, found].compactMap({ $0 }) {
            add(
              wait.milliseconds, "assay.disconnectNotifyDelay", viewer.member.identity,
              peer: identity,
              at: moment)
          }
        }
      }
    }
  }

  private typealias Silence = (begin: Instant, end: Instant?)

  /// From the last datagram to the word, or to the end of what should have brought it; nil where that
  /// is too short to tell.
  private func toldLost(
    _ silence: Silence, of seat: Evidence.Participant, _ stays: [ServerRecord.Stay],
    to viewer: Evidence.Participant,
    _ told: [Interval]
  ) -> (Duration, Instant)? {
    let due = silence.begin + Rules.tellingLimit
    let stay = stays.first { $0.joinedAt <= silence.begin && ($0.leftAt ?? end) > silence.begin }
    guard let stay, isSettled(seat, at: silence.begin), isIn(viewer, silence.begin...due) else {
      return nil
    }
    let over = min(silence.end ?? end, stay.leftAt ?? end)
    if let spell = told.first(where: { $0.end > silence.begin && $0.start <= over }) {
      return (max(.zero, spell.start - silence.begin), spell.start)
    }
    return over > due ? (over - silence.begin, over) : nil
  }

  /// From the next datagram to the word, where somebody was told of the loss.
  private func toldFound(
    _ silence: Silence, to viewer: Evidence.Participant, _ told: [Interval]
  ) -> (Duration, Instant)? {
    guard let heard = silence.end, isIn(viewer, heard...(heard + Rules.tellingLimit)) else {
      return nil
    }
    return told.first { $0.start <= heard && $0.end > heard }.map { ($0.end - heard, $0.end) }
  }

  /// Whether its connection was up before, with a second to let the SFU know.
  private func isSettled(_ seat: Evidence.Participant, at moment: Instant) -> Bool {
    isIn(seat, (moment - .seconds(1))...moment)
  }

  func isIn(_ seat: Evidence.Participant, _ span: ClosedRange<Instant>) -> Bool {
    span.upperBound <= end
      && seat.record.sessions.contains { session in
        session.connected.map { $0 <= span.lowerBound } ?? false
          && (session.ended ?? end) >= span.upperBound
      }
  }
}

// Mutes in the judgement of speaking indicators: who is muted does not talk.

import Basics
import Results
import Scenario

extension Evidence {
  /// The spans in which a participant's microphone was asked to be muted.
  func muted(_ identity: String) -> [Interval] {
    var spans: [Interval] = []
    var start: Instant?
    for request in record.muteRequests
    where request.identity == identity && request.source == .microphone {
      if request.isMuted {
        start = start ?? request.at
      } else if let from = start {
        if let span = Interval(from, request.at) { spans.append(span) }
        start = nil
      }
    }
    if let start, let span = Interval(start, .zero + scenario.duration) { spans.append(span) }
    return spans
  }
}

extension [Interval] {
  /// What of these lies outside of `others`, which are in order and do not overlap.
  func subtracting(_ others: [Interval]) -> [Interval] {
    flatMap { own -> [Interval] in
      var rest: [Interval] = []
      var start = own.start
      for other in others where other.end > own.start && other.start < own.end {
        if let piece = Interval(start, Swift.min(other.start, own.end)) { rest.append(piece) }
        start = Swift.max(start, other.end)
      }
      if let piece = Interval(start, own.end) { rest.append(piece) }
      return rest
    }
  }
}

extension Measurement {
  /// The longest time for which somebody muted was indicated as speaking, of those whose connections nothing
  /// struck; nothing where nobody was muted.
  mutating func measureMutedSpeakers(_ seat: Evidence.Participant) {
    guard !evidence.record.muteRequests.isEmpty, evidence.hearsInTime(seat) else { return }
    let there = seat.record.presence(until: end)
    var longest: Duration?
    for other in evidence.participants
    where other.member.room == seat.member.room && other.member.identity != seat.member.identity {
      guard evidence.hearsInTime(other) else { continue }
      let muted = evidence.muted(other.member.identity)
        .intersection(other.record.presence(until: end)).intersection(there)
      guard !muted.isEmpty else { continue }
      let wrong = seat.record.speaking.of(other.member.identity).intersection(muted)
      longest = max(longest ?? .zero, wrong.map(\.duration).max() ?? .zero)
    }
    if let longest {
      add(longest.seconds, "assay.speakingAfterMute", seat.member.identity, at: end)
    }
  }
}

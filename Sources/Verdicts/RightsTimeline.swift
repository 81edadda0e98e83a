// What a participant may publish, over time: the rights of its token, and what was given or taken since.

import Basics
import Results
import Scenario

struct RightsTimeline {
  /// Rights from a moment on.
  private var points: [(from: Instant, grants: Scenario.Grants)]
  private let end: Instant

  init(of seat: Evidence.Participant, in evidence: Evidence) {
    end = evidence.end
    points = [(.zero, seat.group.grants)]
    // A new session has the rights of the token that opens it.
    let rejoins = seat.record.reconnections.filter { !$0.wasResumed }.compactMap {
      $0.attempts.last ?? $0.back
    }
    var resets = (seat.record.sessions.map(\.requested).filter { $0 > .zero } + rejoins).sorted()
    for change in evidence.rightsChanges(of: seat.member.identity) {
      while let reset = resets.first, reset <= change.at {
        points.append((reset, seat.group.grants))
        resets.removeFirst()
      }
      var fields = Scenario.GrantFields()
      fields.canPublish = change.canPublish
      fields.canPublishData = change.canPublishData
      fields.canPublishSources = change.canPublishSources
      points.append((change.at, points.last!.grants.overridden(by: fields)))
    }
    points += resets.map { ($0, seat.group.grants) }
  }

  /// The spans in which a right is not held.
  func lacking(_ isHeld: (Scenario.Grants) -> Bool) -> [Interval] {
    var spans: [Interval] = []
    var start: Instant?
    for point in points {
      if !isHeld(point.grants) {
        start = start ?? point.from
      } else if let from = start {
        if let span = Interval(from, point.from) { spans.append(span) }
        start = nil
      }
    }
    if let start, let span = Interval(start, end) { spans.append(span) }
    return spans
  }
}

extension Scenario.Grants {
  func allows(_ source: MediaSource) -> Bool {
    canPublish && canPublishSources?.contains(source) ?? true
  }
}

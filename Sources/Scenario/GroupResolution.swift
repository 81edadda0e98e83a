// When participants talk, and how they come back: what a scenario says, resolved for one participant.

import Basics
import Results

extension Scenario.Group {
  /// When a participant talks.
  /// - Parameter duration: of the run.
  public func talkSchedule(
    of member: Scenario.Member, until duration: Duration
  ) -> TalkSchedule {
    switch talk {
    case .always: return .always
    case .never: return .never
    case .spells(let spells):
      return .intervals(
        spells.map { Interval(start: $0.at, end: $0.at + $0.duration) }
          .sorted { $0.start < $1.start })
    case .turns(let each, let gap, let from):
      let count = max(1, members.count)
      let position = members.firstIndex(of: member) ?? 0
      var intervals: [Interval] = []
      var start = from + (each + gap) * position
      while start < .zero + duration, each > .zero {
        intervals.append(Interval(start: start, end: start + each))
        start += (each + gap) * count
      }
      return .intervals(intervals)
    }
  }

  /// The reconnection policy of its clients.
  public var policy: ReconnectPolicy {
    let named = ReconnectPolicy.named.first { $0.name == reconnect }?.policy
    return reconnectPolicy ?? named ?? .liveKitRust
  }

  /// Whether its tracks are expected to be received at all.
  public var mayEverPublish: Bool { grants.canPublish && hasDevices && !publish.isEmpty }

  /// What it publishes from the start and may publish.
  public var allowedSources: [MediaSource] {
    guard mayEverPublish else { return [] }
    return publish.filter { grants.canPublishSources?.contains($0) ?? true }
  }
}

// Who publishes and plays what where the SFU speaks WHIP and WHEP, which name nobody: the scenario knows.

import Basics
import Bots
import Scenario
import Signal

extension World {
  func endpoints(of seat: Seat, at served: ServedSFU) -> WHIPEndpoints {
    let member = seat.member
    let others = seats.filter { other in
      other.member.room == member.room && other.member.identity != member.identity
        && other.bot.configuration.tracks.contains(where: \.isPublishedAtOnce)
    }
    let watched = others.first.map { other in
      WatchedPublisher(
        identity: other.member.identity,
        tracks: other.bot.configuration.tracks.filter(\.isPublishedAtOnce).map { .init($0) })
    }
    // A LiveKit server takes two sessions of one identity for a participant who came again.
    var player = member
    player.identity += "-plays"
    return WHIPEndpoints(
      publish: .init(
        target: served.filled(served.target, room: member.room, identity: member.identity),
        token: token(of: member, at: served)),
      play: served.playTarget.map { target in
        .init(
          target: served.filled(target, room: member.room, identity: watched?.identity ?? ""),
          token: token(of: player, for: member, at: served))
      },
      watched: watched)
  }

  private func token(
    of member: Scenario.Member, for owner: Scenario.Member? = nil, at served: ServedSFU
  ) -> String? {
    let identity = (owner ?? member).identity
    guard !served.apiKey.isEmpty,
      let group = scenario.participants.first(where: {
        $0.members.contains { $0.identity == identity }
      })
    else { return nil }
    return access.token(of: member, group, lifetime: scenario.sfu.tokenTTL)
  }
}

extension ServedSFU {
  fileprivate func filled(_ target: String, room: String, identity: String) -> String {
    target.replacing("{room}", with: RequestTarget.encoded(room))
      .replacing("{identity}", with: RequestTarget.encoded(identity))
  }

  /// What a session of one player cannot show: more than one other publisher.
  func crowdedViews(of scenario: Scenario) -> [(identity: String, text: String)] {
    guard kind == .whip else { return [] }
    return scenario.participants.filter { $0.subscribe == .all }.flatMap { group in
      group.members.compactMap { member in
        let watched = scenario.participants.flatMap { other in
          other.publish.isEmpty
            ? []
            : other.members.filter { $0.room == member.room && $0.identity != member.identity }
        }
        guard watched.count > 1 else { return nil }
        return (
          member.identity,
          "\(member.identity) would watch \(watched.count) people, a WHEP session plays one"
        )
      }
    }
  }
}

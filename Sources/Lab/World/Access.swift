// How the bots are let in: the key their tokens are signed with, and the time of day.

import Basics
import Foundation
import Scenario
import Signal

struct Access {
  let keys: APIKeys
  let apiKey: String
  /// Unix time at the run's start.
  let epochSeconds: Int64

  /// To the reference SFU of a world: a key of its own, at an hour of its own.
  init(random: RandomStream) {
    var random = random
    apiKey = "lab"
    keys = APIKeys([apiKey: random.string(32, from: "0123456789abcdef")])
    epochSeconds = 1_767_225_600
  }

  /// To a served SFU, now.
  init(to served: ServedSFU) {
    keys = served.keys
    apiKey = served.apiKey
    epochSeconds = Int64(Date().timeIntervalSince1970)
  }

  /// For requests that administer a room.
  func token(for grant: VideoGrant, at now: Instant, lifetime: Basics.Duration) -> String {
    AccessToken(
      apiKey: apiKey, identity: "", video: grant, now: seconds(at: now),
      lifetime: Int64(lifetime.seconds)
    ).signed(with: keys) ?? ""
  }

  /// - Parameter now: when it is issued.
  func token(
    of member: Scenario.Member, _ group: Scenario.Group, at now: Instant = .zero,
    lifetime: Basics.Duration
  ) -> String {
    var token = AccessToken(
      apiKey: apiKey, identity: member.identity, video: group.grants.video(in: member.room),
      now: seconds(at: now), lifetime: Int64(lifetime.seconds))
    token.name = member.identity
    return token.signed(with: keys) ?? ""
  }

  private func seconds(at now: Instant) -> Int64 { epochSeconds + Int64(now.seconds) }
}

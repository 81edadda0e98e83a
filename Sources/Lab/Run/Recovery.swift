// Liveness: once all faults have healed, everybody who should be in the room is, and sees whom it should.

import Basics
import Bots
import Conformance

extension Rules {
  /// Ours: the longest wait between two attempts of LiveKit's clients (7 s and up to 1 s of jitter), a
  /// join, and the wait for a keyframe.
  static let recoveryBound = Duration.seconds(11)
  /// Without a frame for so long a picture stands still (W3C webrtc-stats speaks of a freeze long before).
  private static let stillness = Duration.seconds(4)

  /// Who is there at the end, and whether pictures move. Over a path that delays or loses packets an
  /// estimate may be low for long, or grows by no more than 8 % a second (draft-ietf-rmcat-gcc-02 §5.5,
  /// §6), so that there a picture that the SFU says it holds back is as good as one that moves.
  func everybodyBack() -> Assertion {
    let calm = world.scenario.calmFrom
    let end = Instant.zero + world.scenario.duration
    var individuals: [Assertion.Individual] = []
    if end - calm >= Rules.recoveryBound, world.simulator.now >= end {
      let there = world.seats.filter { world.scenario.shouldBeThere($0.member, $0.group) }
      for seat in there {
        let isBack = seat.bot.state == .connected
        individuals.append(
          .init(
            participant: seat.member.identity, observed: isBack ? 1 : 0, samples: 1,
            verdict: isBack ? .pass : .fail))
        guard isBack else { continue }
        for other in there where shouldSee(seat, other) {
          let moves =
            movesAtTheEnd(seat.member.identity, other.member.identity)
            || !world.isClean(seat)
              && seat.bot.wasPaused(
                other.member.identity, since: end - Rules.stillness)
          individuals.append(
            .init(
              participant: "\(seat.member.identity)<\(other.member.identity)",
              observed: moves ? 1 : 0, samples: 1, verdict: moves ? .pass : .fail))
        }
      }
    }
    var result = assertion(
      "rule/everybody-back", "assay.joined", .last, .atLeast, limit: 1, individuals,
      "Assay liveness")
    result.reason = sentence(
      result, "once faults have healed, all are in the room and see each other", "Assay liveness")
    return result
  }

  private func shouldSee(_ seat: World.Seat, _ other: World.Seat) -> Bool {
    seat.member.identity != other.member.identity && other.bot.state == .connected
      && world.scenario.sees(seat, other)
  }

  private func movesAtTheEnd(_ identity: String, _ publisher: String) -> Bool {
    let end = Instant.zero + world.scenario.duration
    let frames = world.seat(identity)?.bot.shown(
      of: publisher, .video, after: end - Rules.stillness, upTo: end)
    return frames?.isEmpty == false
  }
}

extension Scenario {
  /// When the last thing has happened, and the last fault has healed.
  var calmFrom: Instant {
    var last = Instant.zero
    for event in events { last = max(last, event.at + (event.duration ?? .zero)) }
    for group in participants {
      last = max(last, group.joinAt + group.joinOver)
      if let leaveAt = group.leaveAt { last = max(last, leaveAt) }
    }
    return last
  }

  /// When the last fault has healed.
  var healedFrom: Instant {
    events.filter(\.action.isImpairment).map { $0.at + ($0.duration ?? .zero) }.max() ?? .zero
  }

  /// Whether one has the other's camera before it whenever both are there.
  func sees(_ seat: World.Seat, _ other: World.Seat) -> Bool {
    seat.member.room == other.member.room && sendsSteadily(other.group)
      && watchesEverything(seat.group)
  }

  /// Whether one has the other's camera before it from the joins to the end.
  func certainlySees(_ seat: World.Seat, _ other: World.Seat) -> Bool {
    let both = [seat, other]
    guard sees(seat, other), both.allSatisfy({ shouldBeThere($0.member, $0.group) }) else {
      return false
    }
    return !events.contains { event in
      guard case .leave = event.action else { return false }
      return both.contains { event.target.identities?.contains($0.member.identity) == true }
    }
  }

  /// Whether the scenario wants this participant in the room at the end. Who was sent away is not
  /// spoken of, nor who may have found the room full.
  fileprivate func shouldBeThere(_ member: Member, _ group: Group) -> Bool {
    guard group.leaveAt == nil,
      members.count(where: { $0.room == member.room }) <= sfu.maxParticipants,
      sfu.tokenTTL > duration
    else { return false }
    var isThere = true
    for event in events {
      if case .removeParticipant(let who) = event.action, who.contains(member.identity) {
        return false
      }
      guard event.target.identities?.contains(member.identity) == true else { continue }
      switch event.action {
      case .join: isThere = true
      case .leave: isThere = false
      default: break
      }
    }
    return isThere
  }

  /// Whether this one's camera runs, at the end, without any doubt.
  fileprivate func sendsSteadily(_ group: Group) -> Bool {
    guard group.publish.contains(.camera), group.grants.canPublish, !group.grants.hidden,
      group.grants.canPublishSources?.contains(.camera) ?? true, group.hasDevices
    else { return false }
    let own = group.members.map(\.identity)
    return !events.contains { event in
      switch event.action {
      case .promote(let who, _), .demote(let who, _), .muteParticipant(let who, _):
        who.contains(where: own.contains)
      case .cameraOff, .cameraOn: event.target.identities?.contains(where: own.contains) == true
      default: false
      }
    }
  }

  /// Whether this one wants and may have everybody's camera, and nobody limits what it gets.
  fileprivate func watchesEverything(_ group: Group) -> Bool {
    guard group.grants.canSubscribe, group.subscribe == .all, group.view == View(),
      sfu.subscriberLimit == nil
    else { return false }
    let own = group.members.map(\.identity)
    return !events.contains { event in
      switch event.action {
      case .promote(let who, _), .demote(let who, _): who.contains(where: own.contains)
      case .subscribe, .unsubscribe, .view, .limitSubscriber:
        event.target.identities?.contains(where: own.contains) ?? true
      default: false
      }
    }
  }
}

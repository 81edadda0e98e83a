// Liveness: once all faults have healed, everybody who should be in the room is, and sees whom it should.

import Basics
import Results
import Scenario

extension Rules {
  /// Ours: a join and the wait for a keyframe; the longest wait between two attempts comes on top.
  private static let recoverySlack = Duration.seconds(3)
  /// Without a frame for so long a picture stands still (W3C webrtc-stats speaks of a freeze long before).
  private static let stillness = PictureRecord.stillness

  /// Who is there at the end, and whether pictures move. Over a path that delays or loses packets an
  /// estimate may be low for long, or grows by no more than 8 % a second (draft-ietf-rmcat-gcc-02 §5.5,
  /// §6), so that there a picture that the SFU says it holds back is as good as one that moves.
  func everybodyBack() -> Assertion {
    let calm = evidence.scenario.calmFrom
    let end = Instant.zero + evidence.scenario.duration
    var individuals: [Assertion.Individual] = []
    let bound = Rules.recoverySlack + Rules.longestWait(of: evidence.participants)
    if end - calm >= bound, evidence.end >= end {
      let there = evidence.participants.filter {
        evidence.scenario.shouldBeThere($0.member, $0.group) && letsThrough($0) && !gaveUpInTime($0)
          && !waitsStill($0)
      }
      for seat in there {
        let isBack = seat.record.state == .connected
        individuals.append(
          .init(
            participant: seat.member.identity, observed: isBack ? 1 : 0, samples: 1,
            verdict: isBack ? .pass : .fail))
        guard isBack else { continue }
        for other in there where shouldSee(seat, other) {
          let moves =
            movesAtTheEnd(seat.member.identity, other.member.identity)
            || !evidence.isClean(seat)
              && seat.record.pictures.contains {
                $0.publisher == other.member.identity && $0.wasPausedAtEnd
              }
          individuals.append(
            .init(
              participant: "\(seat.member.identity)<\(other.member.identity)",
              observed: moves ? 1 : 0, samples: 1, verdict: moves ? .pass : .fail))
        }
      }
    }
    var result = assertion(
      "rule/all-reconnected", "assay.joined", .last, .atLeast, limit: 1, individuals,
      "Assay liveness")
    result.reason = sentence(
      result, "once faults have healed, all are in the room and see each other", "Assay liveness")
    return result
  }

  /// Whether its own links did not happen to lose more than they carried: then TCP waits longer than the
  /// run takes (RFC 6298 §5.5), whoever is at the other end.
  func letsThrough(_ seat: Evidence.Participant) -> Bool {
    [seat.record.uplink, seat.record.downlink].allSatisfy { name in
      guard let link = evidence.link(name) else { return true }
      return link.dropped("loss") * 2 <= link.entered
    }
  }

  /// Whether it tried as often as its policy has it before there was anything to come back to.
  private func gaveUpInTime(_ seat: Evidence.Participant) -> Bool {
    guard case .disconnected(.gaveUp) = seat.record.state else { return false }
    return (seat.record.stateChanges.last?.at ?? .zero) <= evidence.scenario.healedFrom
  }

  /// Whether the attempt that was under way at the last healing, or the wait after it, may go on still:
  /// what was sent before it is sent again after ever longer waits (RFC 6298 §5.5).
  private func waitsStill(_ seat: Evidence.Participant) -> Bool {
    let healed = evidence.scenario.healedFrom
    let begun: [Instant]
    switch seat.record.state {
    case .connecting:
      guard let session = seat.record.sessions.last else { return false }
      begun = [session.requested] + session.waits.compactMap(\.until)
    case .reconnecting:
      guard let loss = seat.record.reconnections.last else { return false }
      begun = loss.attempts
    default: return false
    }
    let patience =
      ReconnectPolicy.attemptTimeout + seat.group.policy.longestDelay + Rules.recoverySlack
    return begun.allSatisfy { $0 <= healed } && evidence.end - healed < patience
  }

  private func shouldSee(_ seat: Evidence.Participant, _ other: Evidence.Participant) -> Bool {
    seat.member.identity != other.member.identity && other.record.state == .connected
      && evidence.scenario.sees(seat, other)
  }

  private func movesAtTheEnd(_ identity: String, _ publisher: String) -> Bool {
    let end = Instant.zero + evidence.scenario.duration
    let pictures = evidence.participant(identity)?.record.pictures ?? []
    return pictures.contains {
      $0.publisher == publisher && $0.lastShown.map { $0 > end - Rules.stillness } ?? false
    }
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

  /// Whether somebody did something in this time that changes whether, and how, one has the other's
  /// tracks of a kind before it.
  func changesView(
    of publisher: String, by viewer: String, _ kind: MediaKind, in span: ClosedRange<Instant>
  ) -> Bool {
    events.contains { event in
      guard span.contains(event.at) else { return false }
      let actors = event.target.identities ?? []
      switch event.action {
      case .promote(let who, _), .demote(let who, _), .removeParticipant(let who):
        return who.contains(publisher) || who.contains(viewer)
      case .muteParticipant(let who, let source):
        return who.contains(publisher) && source.kind == kind
      case .join, .leave: return actors.contains(publisher) || actors.contains(viewer)
      case .cameraOff, .cameraOn, .stopScreenShare:
        return kind == .video && actors.contains(publisher)
      case .mute, .unmute: return kind == .audio && actors.contains(publisher)
      case .subscribe, .unsubscribe: return actors.contains(viewer)
      case .view: return kind == .video && actors.contains(viewer)
      case .limitSubscriber:
        return kind == .video && event.target.identities?.contains(viewer) ?? true
      default: return false
      }
    }
  }

  /// When the last fault has healed.
  var healedFrom: Instant {
    events.filter(\.action.isImpairment).map { $0.at + ($0.duration ?? .zero) }.max() ?? .zero
  }

  /// Whether one has the other's camera before it whenever both are there.
  func sees(_ seat: Evidence.Participant, _ other: Evidence.Participant) -> Bool {
    seat.member.room == other.member.room && sendsSteadily(other.group)
      && watchesEverything(seat.group)
  }

  /// Whether one has the other's camera before it from the joins to the end.
  func certainlySees(_ seat: Evidence.Participant, _ other: Evidence.Participant) -> Bool {
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

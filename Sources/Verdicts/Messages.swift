// Data messages: what was lost, repeated, late or out of order between a sender and a receiver.

import Basics
import Results
import Scenario

/// What became of one sender's messages at one receiver.
struct MessageFate: Equatable {
  var lost = 0
  var doubled = 0
  var outOfOrder = 0
  /// Milliseconds from sending to arrival, of each that arrived.
  var delays: [(at: Instant, milliseconds: Double)] = []

  /// - Parameters:
  ///   - expected: by number, when each was sent that must arrive.
  ///   - sent: by number, when each was sent.
  ///   - arrivals: in their order.
  init(
    expected: [UInt32], sent: [UInt32: Instant], arrivals: [(number: UInt32, at: Instant)]
  ) {
    var seen: Set<UInt32> = []
    var highest: UInt32?
    for arrival in arrivals {
      guard seen.insert(arrival.number).inserted else {
        doubled += 1
        continue
      }
      if let highest, arrival.number < highest { outOfOrder += 1 }
      highest = max(highest ?? 0, arrival.number)
      if let at = sent[arrival.number] {
        delays.append((arrival.at, (arrival.at - at).milliseconds))
      }
    }
    lost = expected.count { !seen.contains($0) }
  }

  static func == (a: MessageFate, b: MessageFate) -> Bool {
    (a.lost, a.doubled, a.outOfOrder) == (b.lost, b.doubled, b.outOfOrder)
  }
}

/// Until when the reliable messages of one person must have come to another.
struct DueMessages {
  private let sessions: [[SessionRecord]]
  /// When either was out of the room without taking its session up again: what was under way is gone.
  private let breaks: [ClosedRange<Instant>]
  private let faults: [FaultWindow]
  private let maySend: Bool
  private let end: Instant

  /// TCP's and SCTP's longest waits between two tries, twice.
  private static let patience = Duration.seconds(10)

  init(_ evidence: Evidence, from sender: Evidence.Participant, to receiver: Evidence.Participant) {
    end = evidence.end
    let both = [sender, receiver]
    sessions = both.map(\.record.sessions)
    let end = end
    breaks = both.flatMap { seat in
      seat.record.reconnections.filter { !$0.wasResumed }.map { loss in
        // It was gone for a while before it knew.
        (loss.lost - DueMessages.patience * 2)...((loss.back ?? end) + .seconds(1))
      }
    }
    faults = FaultWindow.impairments(of: evidence.scenario).filter { fault in
      both.contains { fault.strikes($0.member.identity) }
    }.sorted { $0.begin < $1.begin }
    let rights = evidence.scenario.events.contains { event in
      switch event.action {
      case .promote(let who, _), .demote(let who, _): who.contains(sender.member.identity)
      default: false
      }
    }
    maySend = sender.group.grants.canPublishData && !rights
  }

  /// When those of `sent` were due that had not come by then.
  func overdue(_ sent: [SentMessage], _ arrivals: [(number: UInt32, at: Instant)]) -> [Instant] {
    guard maySend else { return [] }
    var came: [UInt32: Instant] = [:]
    for arrival in arrivals where came[arrival.number] == nil { came[arrival.number] = arrival.at }
    return sent.compactMap { message in
      guard message.isReliable, let due = due(message.at) else { return nil }
      return came[message.number].map { $0 > due } ?? true ? due : nil
    }
  }

  /// Nil for a message that may get lost, and where the run ends too early.
  private func due(_ moment: Instant) -> Instant? {
    var due = moment + DueMessages.patience
    for fault in faults where fault.begin <= due && fault.heal + DueMessages.patience > moment {
      due = max(due, fault.heal + DueMessages.patience)
    }
    let staysInRoom = sessions.allSatisfy { sessions in
      sessions.contains { session in
        session.connected.map { $0 + .seconds(1) <= moment } ?? false
          && session.ended.map { $0 >= due } ?? true
      }
    }
    guard due <= end, staysInRoom, !breaks.contains(where: { $0.contains(moment) }) else {
      return nil
    }
    return due
  }
}

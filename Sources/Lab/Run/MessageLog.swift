// The data messages of a run: each has its sender's number, so that the receiver's log tells what was
// lost, doubled or out of order.

import Basics
import Bots
import Scenario

struct MessageLog {
  struct Sent {
    var sender: String
    var number: UInt32
    var at: Instant
    var isReliable: Bool
  }

  private(set) var sent: [Sent] = []

  /// Sends a message, unless its sender is not in the room and does not mean to come back.
  mutating func send(_ number: UInt32, from identity: String, in world: World) {
    guard let seat = world.seat(identity), let data = seat.group.data else { return }
    switch seat.bot.state {
    case .connected: break
    case .reconnecting where data.isReliable: break
    default: return
    }
    let bytes = MessageLog.bytes(number, size: data.size)
    world.command(identity) { bot, now, outbox in
      bot.sendData(bytes, reliable: data.isReliable, at: now, into: &outbox)
    }
    sent.append(
      Sent(
        sender: identity, number: number, at: world.simulator.now, isReliable: data.isReliable))
  }

  private static func bytes(_ number: UInt32, size: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: size)
    for index in 0..<4 { bytes[index] = UInt8(truncatingIfNeeded: number >> (8 * (3 - index))) }
    return bytes
  }

  static func number(of bytes: [UInt8]) -> UInt32? {
    bytes.count < 4 ? nil : bytes[..<4].reduce(0) { $0 << 8 | UInt32($1) }
  }
}

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
  private let sessions: [[BotObservations.Session]]
  /// When either was out of the room without taking its session up again: what was under way is gone.
  private let breaks: [ClosedRange<Instant>]
  private let faults: [FaultWindow]
  private let maySend: Bool
  private let end: Instant

  /// TCP's and SCTP's longest waits between two tries, twice.
  private static let patience = Duration.seconds(10)

  init(_ world: World, from sender: World.Seat, to receiver: World.Seat) {
    end = world.simulator.now
    let both = [sender, receiver]
    sessions = both.map(\.bot.observations.sessions)
    let end = end
    breaks = both.flatMap { seat in
      seat.bot.observations.reconnections.filter { !$0.wasResumed }.map { loss in
        // It was gone for a while before it knew.
        (loss.lost - DueMessages.patience * 2)...((loss.back ?? end) + .seconds(1))
      }
    }
    faults = FaultWindow.impairments(of: world.scenario).filter { fault in
      both.contains { fault.strikes($0.member.identity) }
    }.sorted { $0.begin < $1.begin }
    let rights = world.scenario.events.contains { event in
      switch event.action {
      case .promote(let who, _), .demote(let who, _): who.contains(sender.member.identity)
      default: false
      }
    }
    maySend = sender.group.grants.canPublishData && !rights
  }

  /// How many of `sent` had not come when they were due.
  func overdue(_ sent: [MessageLog.Sent], _ arrivals: [(number: UInt32, at: Instant)]) -> Int {
    guard maySend else { return 0 }
    var came: [UInt32: Instant] = [:]
    for arrival in arrivals where came[arrival.number] == nil { came[arrival.number] = arrival.at }
    return sent.count { message in
      guard message.isReliable, let due = due(message.at) else { return false }
      return came[message.number].map { $0 > due } ?? true
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

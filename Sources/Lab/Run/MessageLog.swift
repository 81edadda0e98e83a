// The data messages of a run: each has its sender's number, so that the receiver's log tells what was
// lost, doubled or out of order.

import Basics
import Bots

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

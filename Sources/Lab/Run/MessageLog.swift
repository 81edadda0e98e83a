// The data messages of a run: each has its sender's number, so that the receiver's log tells what was
// lost, doubled or out of order.

import Basics
import Bots
import Results
import Scenario

struct MessageLog {
  private(set) var sent: [SentMessage] = []

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
      SentMessage(
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
